//! Tells a sanitizer what it cannot know of a pool: which bytes are free, which have no value.
//!
//! A pool's memory is one live block to AddressSanitizer, so an access to a freed part of it would
//! pass; to MemorySanitizer, a slot that is allocated again has the value of its last owner. The
//! build script sets a cfg for the target of a sanitizer; other builds compile these functions
//! to nothing.

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

/// Makes it an error to depend on the value of `size` bytes at `start` before they are written.
///
/// # Safety
/// The bytes are part of one live block, and no code depends on their value.
#[inline]
pub(super) unsafe fn undefine(start: NonNull<u8>, size: usize) {
    #[cfg(gm_msan)]
    // SAFETY: the caller promises bytes of a live block, which have shadow memory.
    unsafe {
        sanitizer::__msan_poison(start.as_ptr().cast(), size);
    }
    let _ = (start, size);
}

/// Whether the heap of a sanitizer has no block of `bytes`, and would print a page about it.
#[inline]
pub(super) const fn is_beyond_heap(bytes: usize) -> bool {
    cfg!(any(gm_asan, gm_msan, gm_tsan)) && bytes as u64 > MOST_BYTES
}

/// The largest block of a sanitizer's heap on x86-64 (`kMaxAllowedMallocSize` of compiler-rt), less
/// what it adds to each block.
const MOST_BYTES: u64 = (1 << 40) - (1 << 16);

/// Whether an access to the byte at `address` would be an error.
#[cfg(all(test, gm_asan))]
pub(super) fn is_poisoned(address: usize) -> bool {
    let address = std::ptr::without_provenance(address);
    // SAFETY: it reads shadow memory, which every address has, and not the address.
    unsafe { sanitizer::__asan_address_is_poisoned(address) != 0 }
}

/// The sanitizers' interface (`sanitizer/{asan,msan}_interface.h` of compiler-rt).
#[cfg(any(gm_asan, gm_msan))]
mod sanitizer {
    use std::ffi::c_void;

    unsafe extern "C" {
        #[cfg(gm_asan)]
        pub(super) fn __asan_poison_memory_region(start: *const c_void, size: usize);
        #[cfg(gm_asan)]
        pub(super) fn __asan_unpoison_memory_region(start: *const c_void, size: usize);
        #[cfg(all(test, gm_asan))]
        pub(super) fn __asan_address_is_poisoned(address: *const c_void) -> i32;
        #[cfg(gm_msan)]
        pub(super) fn __msan_poison(start: *const c_void, size: usize);
    }
}
