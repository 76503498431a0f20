//! A decorator that enters what it admits in a ledger, beside what the process's heap hands out.
//!
//! It belongs right above the bottom of a stack, so that it sees what the decorators add, such as
//! stamps. Without the reconciliation of [`ProcessAllocator::start_reconciling`] it enters nothing.

use std::alloc::Layout;
use std::ptr::NonNull;

use super::counters::Diagnostics;
use super::error::MemoryError;
use super::op::OpTag;
use super::port::{Port, PortId};
use super::process::ProcessAllocator;
use crate::units::Bytes;

/// A port whose bytes are set against those of the heap.
#[derive(Debug)]
pub struct Reconciled<P> {
    inner: P,
    process: &'static ProcessAllocator,
    id: PortId,
}

impl<P: Port> Reconciled<P> {
    /// Enters what `inner` admits in the ledger of `process`.
    pub fn new(inner: P, process: &'static ProcessAllocator) -> Self {
        Self { inner, process, id: PortId::unique() }
    }

    /// Runs `request` with `bytes` entered, which stay there only when it succeeds.
    #[inline]
    fn entered<T>(
        &self,
        bytes: i64,
        request: impl FnOnce() -> Result<T, MemoryError>,
    ) -> Result<T, MemoryError> {
        self.process.enter_port(bytes);
        request().inspect_err(|_| self.process.enter_port(bytes.saturating_neg()))
    }
}

/// The size of a block or a charge, as a change.
fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

fn size(layout: Layout) -> i64 {
    signed(layout.size() as u64)
}

// SAFETY: blocks are the inner port's; this one only enters their sizes, and never unwinds.
unsafe impl<P: Port> Port for Reconciled<P> {
    #[inline]
    fn allocate(&self, layout: Layout, op: OpTag<'_>) -> Result<NonNull<u8>, MemoryError> {
        self.entered(size(layout), || self.inner.allocate(layout, op))
    }

    #[inline]
    fn allocate_zeroed(&self, layout: Layout, op: OpTag<'_>) -> Result<NonNull<u8>, MemoryError> {
        self.entered(size(layout), || self.inner.allocate_zeroed(layout, op))
    }

    #[inline]
    unsafe fn deallocate(&self, ptr: NonNull<u8>, layout: Layout, op: OpTag<'_>) {
        // SAFETY: the block is the inner port's, because blocks are passed through unchanged.
        unsafe { self.inner.deallocate(ptr, layout, op) };
        self.process.enter_port(-size(layout));
    }

    #[inline]
    unsafe fn grow(
        &self,
        ptr: NonNull<u8>,
        old: Layout,
        new: Layout,
        op: OpTag<'_>,
    ) -> Result<NonNull<u8>, MemoryError> {
        self.entered(size(new) - size(old), || {
            // SAFETY: as in `deallocate`; sizes are the caller's, which promises their order.
            unsafe { self.inner.grow(ptr, old, new, op) }
        })
    }

    #[inline]
    unsafe fn shrink(
        &self,
        ptr: NonNull<u8>,
        old: Layout,
        new: Layout,
        op: OpTag<'_>,
    ) -> Result<NonNull<u8>, MemoryError> {
        // SAFETY: as in `deallocate`; sizes are the caller's, which promises their order.
        let block = unsafe { self.inner.shrink(ptr, old, new, op) }?;
        self.process.enter_port(size(new) - size(old));
        Ok(block)
    }

    fn charge(&self, bytes: Bytes, op: OpTag<'_>) -> Result<(), MemoryError> {
        self.entered(signed(bytes.get()), || self.inner.charge(bytes, op))
    }

    fn refund(&self, bytes: Bytes, op: OpTag<'_>) {
        self.inner.refund(bytes, op);
        self.process.enter_port(-signed(bytes.get()));
    }

    fn id(&self) -> PortId {
        self.id
    }

    fn diagnostics(&self) -> Diagnostics {
        self.inner.diagnostics()
    }
}
