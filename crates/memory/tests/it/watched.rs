//! A port of a user's own: it passes requests on to the one below, and shows them to a test.

use std::alloc::Layout;
use std::ptr::NonNull;

use gitmind_memory::units::Bytes;
use gitmind_memory::{Diagnostics, MemoryError, OpTag, Port, PortId};

/// A request, before the port below is asked.
#[derive(Clone, Copy, Debug)]
pub(super) enum Request {
    Allocate,
    Deallocate,
    Grow,
    Shrink,
    Charge,
    Refund,
}

/// What sees the requests of a [`Watched`].
pub(super) trait Watch: Send + Sync {
    /// Whether it looks at the bytes of freed blocks. All are written then before they are handed
    /// out, and a block that is resized is freed for another one.
    const LOOKS: bool;

    fn request(&self, _: Request) {}

    /// A block comes back.
    fn freed(&self, _: &[u8]) {}
}

/// A port that shows what is asked of it.
#[derive(Debug, Default)]
pub(super) struct Watched<P, W> {
    pub(super) inner: P,
    pub(super) watch: W,
}

impl<P: Port, W: Watch> Watched<P, W> {
    /// # Safety
    /// As `Port::grow` or `Port::shrink`, whichever `request` names.
    unsafe fn resize(
        &self,
        request: Request,
        block: NonNull<u8>,
        old: Layout,
        new: Layout,
        op: OpTag<'_>,
    ) -> Result<NonNull<u8>, MemoryError> {
        let is_grow = matches!(request, Request::Grow);
        self.watch.request(request);
        if !W::LOOKS {
            return if is_grow {
                // SAFETY: the caller's promises are passed on.
                unsafe { self.inner.grow(block, old, new, op) }
            } else {
                // SAFETY: the caller's promises are passed on.
                unsafe { self.inner.shrink(block, old, new, op) }
            };
        }
        let other = self.allocate(new, op)?;
        let kept = old.size().min(new.size());
        // SAFETY: both are live and have as many bytes.
        unsafe { other.copy_from_nonoverlapping(block, kept) };
        // SAFETY: the old block is given up for the new one.
        unsafe { self.deallocate(block, old, op) };
        Ok(other)
    }
}

// SAFETY: blocks are the inner port's; the bytes that come back are only read.
unsafe impl<P: Port, W: Watch> Port for Watched<P, W> {
    fn allocate(&self, layout: Layout, op: OpTag<'_>) -> Result<NonNull<u8>, MemoryError> {
        self.watch.request(Request::Allocate);
        let block = self.inner.allocate(layout, op)?;
        if W::LOOKS {
            // SAFETY: a fresh block of this size.
            unsafe { block.write_bytes(0xA5, layout.size()) };
        }
        Ok(block)
    }

    unsafe fn deallocate(&self, block: NonNull<u8>, layout: Layout, op: OpTag<'_>) {
        self.watch.request(Request::Deallocate);
        if W::LOOKS {
            let bytes = NonNull::slice_from_raw_parts(block, layout.size());
            // SAFETY: the block is live, and every byte was written in `allocate`.
            self.watch.freed(unsafe { bytes.as_ref() });
        }
        // SAFETY: the caller's promises are passed on.
        unsafe { self.inner.deallocate(block, layout, op) };
    }

    unsafe fn grow(
        &self,
        block: NonNull<u8>,
        old: Layout,
        new: Layout,
        op: OpTag<'_>,
    ) -> Result<NonNull<u8>, MemoryError> {
        // SAFETY: the caller's promises are passed on.
        unsafe { self.resize(Request::Grow, block, old, new, op) }
    }

    unsafe fn shrink(
        &self,
        block: NonNull<u8>,
        old: Layout,
        new: Layout,
        op: OpTag<'_>,
    ) -> Result<NonNull<u8>, MemoryError> {
        // SAFETY: the caller's promises are passed on.
        unsafe { self.resize(Request::Shrink, block, old, new, op) }
    }

    fn charge(&self, bytes: Bytes, op: OpTag<'_>) -> Result<(), MemoryError> {
        self.watch.request(Request::Charge);
        self.inner.charge(bytes, op)
    }

    fn refund(&self, bytes: Bytes, op: OpTag<'_>) {
        self.watch.request(Request::Refund);
        self.inner.refund(bytes, op);
    }

    fn id(&self) -> PortId {
        self.inner.id()
    }

    fn diagnostics(&self) -> Diagnostics {
        self.inner.diagnostics()
    }
}
