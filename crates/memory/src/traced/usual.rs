//! The usual way of a block: stamped, counted, and nothing else.
//!
//! It is what a program in production does for every request, so it is written to be short: what is
//! rare leaves it by a call of a function that is not part of it.

use std::alloc::Layout;
use std::ptr::NonNull;

use super::{Traced, stamp};
use crate::counters::Shard;
use crate::error::MemoryError;
use crate::op::OpTag;
use crate::port::Port;

impl<P: Port> Traced<P> {
    /// Asks the port below by `request` for a block of `outer`, which has room for a stamp; stamps
    /// and counts it.
    #[inline]
    pub(super) fn take(
        &self,
        outer: Layout,
        op: OpTag<'_>,
        request: impl FnOnce() -> Result<NonNull<u8>, MemoryError>,
    ) -> Result<NonNull<u8>, MemoryError> {
        // Straight through, because moving results between closures costs more than the work.
        // SAFETY: there is room for a stamp. So the port below need not ask.
        unsafe { std::hint::assert_unchecked(outer.size() > 0) };
        let start = match request() {
            Ok(start) => start,
            Err(error) => return Err(self.failed(error, outer.size() - stamp::SIZE, op)),
        };
        // From the size that was asked for below, so that one of the two is kept meanwhile.
        // SAFETY: `outer` is a layout with room for a stamp, and so is what is left.
        let size = unsafe { known(outer.size() - stamp::SIZE) };
        // SAFETY: the port below handed out the layout extended by a stamp.
        unsafe { self.stamper.write(start, outer.size()) };
        let event = |shard: &Shard| shard.allocated(size);
        let is_counted = self.counters.own_shard(0).is_some_and(event);
        if is_counted && is_counted_on(op, event) {
            return Ok(start);
        }
        Ok(self.counted_slowly(start, size, op, is_counted))
    }

    /// Counts a new block on the account of `op`, and before that for the port unless it is counted
    /// there; returns its start.
    #[cold]
    #[inline(never)]
    pub(super) fn counted_slowly(
        &self,
        start: NonNull<u8>,
        size: usize,
        op: OpTag<'_>,
        is_counted: bool,
    ) -> NonNull<u8> {
        if !is_counted {
            self.counters.allocated(size);
        }
        if let Some(stats) = op.stats() {
            stats.counters.allocated(size);
        }
        start
    }

    /// As [`Port::deallocate`], which it is.
    ///
    /// # Safety
    /// As there.
    #[inline]
    pub(super) unsafe fn give_back(&self, ptr: NonNull<u8>, layout: Layout, op: OpTag<'_>) {
        // Every way out of here is a jump, so that the usual one needs no frame.
        let Some(shard) = self.counters.own_shard(self.long_way) else {
            // SAFETY: the caller's promises are passed on unchanged.
            return unsafe { self.give_back_watched(ptr, layout, op) };
        };
        let outer = stamp::extended(layout);
        // SAFETY: the caller promises a live block that `layout` fits; ours end in a stamp.
        if !unsafe { self.stamper.take(ptr, outer.size()) } {
            // SAFETY: the caller's promises are passed on; the block is live still.
            return unsafe { self.give_back_watched(ptr, layout, op) };
        }
        // SAFETY: the size is that of a layout.
        let size = unsafe { known(layout.size()) };
        let is_counted = shard.freed(size);
        if !is_counted || !is_counted_on(op, |shard| shard.freed(size)) {
            // SAFETY: the block is known to be ours, and lost its stamp.
            return unsafe { self.give_back_slowly(ptr, layout, op, is_counted) };
        }
        // SAFETY: there is room for a stamp. So the port below need not ask.
        unsafe { std::hint::assert_unchecked(outer.size() > 0) };
        // SAFETY: the block is the inner port's with the layout that `take` asked for.
        unsafe { self.inner.deallocate(ptr, outer, op) };
    }

    /// Gives a block back that had its stamp: counts its end on the account of `op`, and before
    /// that for the port unless it is counted there.
    ///
    /// # Safety
    /// As [`Port::deallocate`], and the block is ours.
    #[cold]
    #[inline(never)]
    unsafe fn give_back_slowly(
        &self,
        ptr: NonNull<u8>,
        layout: Layout,
        op: OpTag<'_>,
        is_counted: bool,
    ) {
        if !is_counted {
            self.counters.freed(layout.size());
        }
        if let Some(stats) = op.stats() {
            stats.counters.freed(layout.size());
        }
        // SAFETY: the block is the inner port's with the layout that `take` asked for.
        unsafe { self.inner.deallocate(ptr, stamp::extended(layout), op) };
    }
}

/// Whether `event` is counted on the account of `op`, if there is one.
#[inline]
fn is_counted_on(op: OpTag<'_>, event: impl FnOnce(&Shard) -> bool) -> bool {
    op.stats().is_none_or(|stats| stats.counters.own_shard(0).is_some_and(event))
}

/// A size, which the optimiser learns is that of a layout.
///
/// # Safety
/// It is.
#[inline]
unsafe fn known(size: usize) -> usize {
    debug_assert!(isize::try_from(size).is_ok(), "no layout is larger");
    // SAFETY: the caller promises the size of a layout, and none is larger.
    unsafe { std::hint::assert_unchecked(isize::try_from(size).is_ok()) };
    size
}
