//! The stamp behind a block: whose it is and how large, in eight bytes.
//!
//! Behind rather than in front, because it keeps the block's own address and so its alignment,
//! costs eight bytes at any alignment, and is damaged by a write past the end.

use std::alloc::Layout;
use std::ptr::NonNull;

use crate::error::{self, MemoryError};
use crate::port::PortId;

/// Bytes that a stamp takes.
pub(super) const SIZE: usize = size_of::<u64>();

/// `layout` with room for a stamp behind it.
///
/// # Errors
/// `Overflow` when the sum does not fit the address space.
#[inline]
pub(super) fn extend(layout: Layout) -> Result<Layout, MemoryError> {
    error::layout(layout.size().wrapping_add(SIZE), layout.align())
}

/// The layout that [`extend`] gave for a block that was allocated.
#[inline]
pub(super) fn extended(layout: Layout) -> Layout {
    let size = layout.size() + SIZE;
    debug_assert!(error::layout(size, layout.align()).is_ok(), "the block was handed out");
    // SAFETY: a block of this layout was allocated and stamped, so `extend` accepted the sum.
    unsafe { Layout::from_size_align_unchecked(size, layout.align()) }
}

/// Writes and checks the stamps of one port.
#[derive(Debug)]
pub(super) struct Stamper {
    secret: u64,
}

impl Stamper {
    pub(super) fn new(id: PortId) -> Self {
        // Odd multiples of a large odd constant differ in their high bits and are never zero.
        Self { secret: (2 * id.get() + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) }
    }

    #[inline]
    fn stamp(&self, start: NonNull<u8>, size: usize) -> u64 {
        self.secret ^ start.addr().get() as u64 ^ (size as u64).rotate_left(40)
    }

    #[inline]
    fn place(start: NonNull<u8>, size: usize) -> *mut u64 {
        start.as_ptr().wrapping_add(size).cast()
    }

    /// Stamps a block of `size` bytes.
    ///
    /// # Safety
    /// `size` plus [`SIZE`] bytes from `start` are writable.
    #[inline]
    pub(super) unsafe fn write(&self, start: NonNull<u8>, size: usize) {
        // SAFETY: the caller promises that the bytes behind the block are writable.
        unsafe { Self::place(start, size).write_unaligned(self.stamp(start, size)) };
    }

    /// Whether a block carries this port's stamp for its address and `size`.
    ///
    /// # Safety
    /// `size` plus [`SIZE`] bytes from `start` are readable.
    #[inline]
    pub(super) unsafe fn check(&self, start: NonNull<u8>, size: usize) -> bool {
        // SAFETY: the caller promises that the bytes behind the block are readable.
        let found = unsafe { Self::place(start, size).read_unaligned() };
        found == self.stamp(start, size)
    }

    /// Checks the stamp and takes it off, so that a second free is noticed.
    ///
    /// # Safety
    /// As [`Stamper::check`], and the stamp is writable when it is this port's.
    #[inline]
    pub(super) unsafe fn take(&self, start: NonNull<u8>, size: usize) -> bool {
        // SAFETY: the caller's promise is passed on.
        let ours = unsafe { self.check(start, size) };
        if ours {
            // SAFETY: the stamp is ours, so `write` put it there.
            unsafe { Self::place(start, size).write_unaligned(0) };
        }
        ours
    }
}
