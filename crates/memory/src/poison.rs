//! Tells AddressSanitizer which bytes of a pool are nobody's.
//!
//! A pool's memory is one live block to the sanitizer, so an access to a freed part of it would
//! pass. The check that builds for the sanitizer sets `--cfg gm_asan`; every other build compiles
//! these functions to nothing.

use std::ptr::NonNull;

/// Makes every access to `size` bytes at `start` an error.
///
/// Whole granules of 8 bytes only: a partial one at the end stays as it was.
///
/// # Safety
/// - The bytes are part of one live block, which stays live until they are [`release`]d.
/// - `start` is a multiple of 8.
#[inline]
pub(super) unsafe fn poison(start: NonNull<u8>, size: usize) {
    debug_assert!(start.addr().get().is_multiple_of(8), "a granule is 8 bytes");
    #[cfg(gm_asan)]
    // SAFETY: the caller promises bytes of a live block, which have shadow memory.
    unsafe {
        sanitizer::__asan_poison_memory_region(start.as_ptr().cast(), size);
    }
    let _ = size;
}

/// Allows access to `size` bytes at `start` again.
///
/// What follows them in their last granule of 8 bytes becomes, or stays, an error to access.
///
/// # Safety
/// As [`poison`], and the caller may hand the bytes out.
#[inline]
pub(super) unsafe fn release(start: NonNull<u8>, size: usize) {
    debug_assert!(start.addr().get().is_multiple_of(8), "a granule is 8 bytes");
    #[cfg(gm_asan)]
    // SAFETY: the caller promises bytes of a live block, which have shadow memory.
    unsafe {
        sanitizer::__asan_unpoison_memory_region(start.as_ptr().cast(), size);
    }
    let _ = size;
}

/// Whether an access to the byte at `address` would be an error.
#[cfg(all(test, gm_asan))]
pub(super) fn is_poisoned(address: usize) -> bool {
    let address = std::ptr::without_provenance(address);
    // SAFETY: it reads shadow memory, which every address has, and not the address.
    unsafe { sanitizer::__asan_address_is_poisoned(address) != 0 }
}

/// The sanitizer's interface (`sanitizer/asan_interface.h` of compiler-rt).
#[cfg(gm_asan)]
mod sanitizer {
    use std::ffi::c_void;

    unsafe extern "C" {
        pub(super) fn __asan_poison_memory_region(start: *const c_void, size: usize);
        pub(super) fn __asan_unpoison_memory_region(start: *const c_void, size: usize);
        #[cfg(test)]
        pub(super) fn __asan_address_is_poisoned(address: *const c_void) -> i32;
    }
}
