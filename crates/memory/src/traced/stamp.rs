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
    error::layout(layout.size() + SIZE, layout.align())
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
    /// [`SIZE`] when the port does nothing to blocks but stamp and count them; else the smallest
    /// negative number, so that one comparison sends its requests the long way.
    extension: usize,
}

impl Stamper {
    /// The stamps of port `id`, which does nothing else to blocks when it is plain.
    pub(super) fn new(id: PortId, is_plain: bool) -> Self {
        // Odd multiples of a large odd constant differ in their high bits and are never zero.
        let secret = (2 * id.get() + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Self { secret, extension: if is_plain { SIZE } else { isize::MIN.cast_unsigned() } }
    }

    /// As [`extend`]; `None` when the port is not plain as well.
    #[inline]
    pub(super) fn extend(&self, layout: Layout) -> Option<Layout> {
        let size = layout.size().wrapping_add(self.extension);
        isize::try_from(size.wrapping_add(layout.align() - 1)).ok()?;
        debug_assert!(error::layout(size, layout.align()).is_ok(), "the port is plain");
        // SAFETY: a layout has at most `isize::MAX` bytes with its padding. So the sum is not
        // negative when the port is plain and only then, and a layout asks for nothing else.
        Some(unsafe { Layout::from_size_align_unchecked(size, layout.align()) })
    }

    /// Two blocks of one port that end at the same place have another stamp when their sizes
    /// differ: the size counts twice, and moves the end once.
    #[inline]
    fn stamp(&self, start: NonNull<u8>, size: usize) -> u64 {
        self.secret ^ (start.addr().get() as u64).wrapping_add(2 * size as u64)
    }

    #[inline]
    fn place(start: NonNull<u8>, size: usize) -> *mut u64 {
        start.as_ptr().wrapping_add(size - SIZE).cast()
    }

    /// Stamps a block of `size` bytes, those of the stamp among them.
    ///
    /// # Safety
    /// `size` bytes from `start` are writable, and no fewer than [`SIZE`].
    #[inline]
    pub(super) unsafe fn write(&self, start: NonNull<u8>, size: usize) {
        // SAFETY: the caller promises that the bytes behind the block are writable.
        unsafe { Self::place(start, size).write_unaligned(self.stamp(start, size)) };
    }

    /// Whether a block carries this port's stamp for its address and `size`.
    ///
    /// # Safety
    /// `size` bytes from `start` are readable, and no fewer than [`SIZE`].
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_fits_no_other_size_address_or_port() {
        let (own, other) =
            (Stamper::new(PortId::unique(), true), Stamper::new(PortId::unique(), true));
        let mut memory = [0_u8; 256];
        let start = NonNull::from(&mut memory).cast::<u8>();
        // Two blocks that end where the other's size would have them end.
        for (at, size) in [(0, 64), (8, 56), (32, 32), (0, 100), (100, 0)] {
            // SAFETY: the offset is inside the array.
            let block = unsafe { start.add(at) };
            // SAFETY: the block and its stamp are inside the array.
            unsafe { own.write(block, size + SIZE) };
            for (other_at, other_size) in (0..120).flat_map(|at| (0..120).map(move |s| (at, s))) {
                // SAFETY: the offset is inside the array.
                let place = unsafe { start.add(other_at) };
                // SAFETY: the block and its stamp are inside the array.
                let is_own = unsafe { own.check(place, other_size + SIZE) };
                assert_eq!(is_own, (other_at, other_size) == (at, size), "{at}, {size}");
                // SAFETY: as above.
                assert!(!unsafe { other.check(place, other_size + SIZE) }, "{at}, {size}");
            }
            // SAFETY: the block is the one that was stamped.
            assert!(unsafe { own.take(block, size + SIZE) });
            // SAFETY: as above.
            assert!(!unsafe { own.take(block, size + SIZE) }, "the stamp was taken off");
        }
    }

    #[test]
    fn a_layout_has_room_for_a_stamp_or_is_refused() {
        for align in [1, 8, 4096] {
            let largest = isize::MAX.unsigned_abs() - (align - 1);
            for less in 0..20 {
                let layout = Layout::from_size_align(largest - less, align).expect("it fits");
                let extended = Layout::from_size_align(layout.size() + SIZE, align).ok();
                assert_eq!(extend(layout).ok(), extended, "{layout:?}");
            }
        }
    }
}
