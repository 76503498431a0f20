//! Overwriting bytes that are about to be freed.

use std::ptr::NonNull;

use crate::poison;
use crate::pooling::Zeroing;

/// Makes `size` bytes at `start` zero, when `zeroing` says so.
///
/// # Safety
/// The bytes are writable, and nothing uses them any more.
pub(super) unsafe fn wipe(start: NonNull<u8>, size: usize, zeroing: Zeroing) {
    if zeroing == Zeroing::On {
        // SAFETY: the caller promises that the bytes are writable.
        unsafe { start.write_bytes(0, size) };
        // The address escapes, so the zeros may be read for all that the optimiser knows.
        std::hint::black_box(start.as_ptr());
    } else {
        // SAFETY: the caller gives the bytes up.
        unsafe { poison::undefine(start, size) };
    }
}
