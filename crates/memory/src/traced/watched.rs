//! The long way of a block: in the table, or with its size in the histogram, or overwritten when it
//! is given back; and how a block is resized.

use std::alloc::Layout;
use std::ptr::NonNull;

use super::live::{LiveBlocks, Taker};
use super::{Misuse, Traced, stamp};
use crate::error::MemoryError;
use crate::op::OpTag;
use crate::port::{self, Port};

impl<P: Port> Traced<P> {
    /// As [`Traced::take`], for a port that is not plain and for a request that is too large.
    #[cold]
    #[inline(never)]
    pub(super) fn take_watched(
        &self,
        layout: Layout,
        op: OpTag<'_>,
        is_zeroed: bool,
    ) -> Result<NonNull<u8>, MemoryError> {
        let request = |outer| match is_zeroed {
            true => self.inner.allocate_zeroed(outer, op),
            false => self.inner.allocate(outer, op),
        };
        let start = match &self.live {
            None => stamp::extend(layout).and_then(request),
            Some(live) => self.take_listed(live, layout, op, request),
        };
        let start = start.map_err(|error| self.failed(error, layout.size(), op))?;
        if self.live.is_none() {
            // SAFETY: the port below handed out the layout extended by a stamp.
            unsafe { self.stamper.write(start, stamp::extended(layout).size()) };
        }
        self.measure(layout.size());
        Ok(self.counted_slowly(start, layout.size(), op, false))
    }

    /// A block of the port below that is entered in the table.
    fn take_listed(
        &self,
        live: &LiveBlocks,
        layout: Layout,
        op: OpTag<'_>,
        request: impl FnOnce(Layout) -> Result<NonNull<u8>, MemoryError>,
    ) -> Result<NonNull<u8>, MemoryError> {
        let block = request(layout)?;
        live.insert(block, layout.size(), &Taker::new(op)).inspect_err(|_| {
            // SAFETY: the block was just handed out for this layout and tag.
            unsafe { self.inner.deallocate(block, layout, op) };
        })?;
        Ok(block)
    }

    /// As [`Port::deallocate`], for a port that is not plain and for a block that is not ours.
    ///
    /// # Safety
    /// As there.
    #[cold]
    #[inline(never)]
    pub(super) unsafe fn give_back_watched(&self, ptr: NonNull<u8>, layout: Layout, op: OpTag<'_>) {
        // SAFETY: the caller's promises are passed on unchanged.
        if !unsafe { self.unregister(ptr, layout) } {
            self.foreign(Misuse::Free, layout, op);
            return;
        }
        if self.zeroize {
            // SAFETY: the block is live, ours, and holds `layout.size()` writable bytes.
            unsafe { zeroize(ptr, layout.size()) };
        }
        let outer = if self.live.is_some() { layout } else { stamp::extended(layout) };
        // SAFETY: the block is the inner port's with the layout that `take` asked for.
        unsafe { self.inner.deallocate(ptr, outer, op) };
        self.count(op, |counters| counters.freed(layout.size()));
    }

    /// Takes a block out of what is known; `false` when it is foreign.
    ///
    /// # Safety
    /// As `Port::deallocate`, except that in sites mode `ptr` may be any pointer.
    #[inline]
    unsafe fn unregister(&self, ptr: NonNull<u8>, layout: Layout) -> bool {
        match &self.live {
            // SAFETY: the caller promises a live block that `layout` fits; ours end in a stamp.
            None => unsafe { self.stamper.take(ptr, stamp::extended(layout).size()) },
            Some(live) => live.remove(ptr, layout.size()),
        }
    }

    /// Resizes by way of a new block, so that the bytes that are given back can be overwritten.
    ///
    /// # Safety
    /// As `Port::grow` and `Port::shrink`, whichever the sizes say.
    #[cold]
    pub(super) unsafe fn replace(
        &self,
        ptr: NonNull<u8>,
        old: Layout,
        new: Layout,
        op: OpTag<'_>,
        misuse: Misuse,
    ) -> Result<NonNull<u8>, MemoryError> {
        let known = match &self.live {
            // SAFETY: the caller promises a live block that `old` fits; ours end in a stamp.
            None => unsafe { self.stamper.check(ptr, stamp::extended(old).size()) },
            Some(live) => live.contains(ptr, old.size()),
        };
        if !known {
            return Err(self.foreign(misuse, old, op));
        }
        // SAFETY: the caller's promises are passed on unchanged.
        unsafe { port::resize_by_moving(self, ptr, old, new, op) }
    }

    /// # Safety
    /// As `Port::grow` and `Port::shrink`, whichever the sizes say; `request` is that method of
    /// the port below on the layouts it is given.
    #[inline]
    pub(super) unsafe fn resize(
        &self,
        ptr: NonNull<u8>,
        layouts: (Layout, Layout),
        op: OpTag<'_>,
        misuse: Misuse,
        request: impl FnOnce(Layout, Layout) -> Result<NonNull<u8>, MemoryError>,
    ) -> Result<NonNull<u8>, MemoryError> {
        let (old, new) = layouts;
        let resized = match &self.live {
            Some(live) => {
                let sizes = (old.size(), new.size());
                let resized = live.replace(ptr, sizes, &Taker::new(op), || request(old, new));
                resized.ok_or_else(|| self.foreign(misuse, old, op))?
            }
            None => {
                // SAFETY: the caller promises a live block that `old` fits; ours end in a stamp.
                if !unsafe { self.stamper.check(ptr, stamp::extended(old).size()) } {
                    return Err(self.foreign(misuse, old, op));
                }
                stamp::extend(new).and_then(|new| request(stamp::extend(old)?, new))
            }
        };
        let block = resized.map_err(|error| self.failed(error, new.size(), op))?;
        if self.live.is_none() {
            // SAFETY: the port below handed out the layout extended by a stamp.
            unsafe { self.stamper.write(block, stamp::extended(new).size()) };
        }
        self.count(op, |counters| counters.resized(old.size(), new.size()));
        self.measure(new.size());
        Ok(block)
    }
}

/// Overwrites `size` bytes in a way that the optimiser keeps although nothing reads them.
///
/// # Safety
/// The bytes are writable.
unsafe fn zeroize(start: NonNull<u8>, size: usize) {
    // SAFETY: the caller promises that the bytes are writable.
    unsafe { start.write_bytes(0, size) };
    // The address escapes, so the zeros may be read for all that the optimiser knows.
    std::hint::black_box(start.as_ptr());
}
