//! The allocator port: the source of every byte of a service.
//!
//! It is object-safe, so that adapters can be stacked at run time, and every allocation can fail.
//! It differs from `GlobalAlloc` in three ways: errors have a reason, each request names its
//! operation, and [`Port::charge`] admits memory from another source (an arena's block, a mapping).

use std::alloc::Layout;
use std::fmt;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU64, Ordering};

use super::counters::Diagnostics;
use super::error::MemoryError;
use super::op::OpTag;
use crate::units::Bytes;

/// A source of memory.
///
/// A *block* is the last result of `allocate`, `grow` or `shrink` for its memory; it *fits* the
/// layout of that call. It has exactly the requested size. A size of zero is allowed everywhere,
/// costs nothing and never fails for lack of memory.
///
/// # Safety
///
/// An implementation guarantees that
/// - a block is aligned, disjoint from every other live block, and readable and writable until it
///   is passed back or the port is dropped, also when the port is moved;
/// - a failed `grow` or `shrink` leaves the old block unchanged;
/// - no method unwinds, except where a test port documents it.
pub unsafe trait Port: Send + Sync {
    /// Allocates an uninitialised block for `layout`.
    ///
    /// # Errors
    /// Every [`ErrorKind`](super::ErrorKind) except `Foreign`; nothing has changed then.
    ///
    /// # Ownership
    /// The block belongs to the caller until [`Port::deallocate`] frees it.
    fn allocate(&self, layout: Layout, op: OpTag<'_>) -> Result<NonNull<u8>, MemoryError>;

    /// Allocates a block for `layout` in which every byte is zero.
    ///
    /// # Errors
    /// As [`Port::allocate`].
    ///
    /// # Ownership
    /// As [`Port::allocate`].
    fn allocate_zeroed(&self, layout: Layout, op: OpTag<'_>) -> Result<NonNull<u8>, MemoryError> {
        let block = self.allocate(layout, op)?;
        // SAFETY: `allocate` returned a writable block of `layout.size()` bytes.
        unsafe { block.write_bytes(0, layout.size()) };
        Ok(block)
    }

    /// Frees a block.
    ///
    /// # Safety
    /// - `ptr` denotes a live block of this port, and `layout` fits it.
    /// - `op` is the tag with which it was allocated.
    unsafe fn deallocate(&self, ptr: NonNull<u8>, layout: Layout, op: OpTag<'_>);

    /// Makes a block larger, moving it when needed; the old contents are kept.
    ///
    /// # Errors
    /// As [`Port::allocate`], and `Foreign` when an adapter that checks does not know the block.
    ///
    /// # Ownership
    /// The new block replaces the old one: [`Port::deallocate`] frees it. After a failure the old
    /// one still belongs to the caller.
    ///
    /// # Safety
    /// - `ptr` denotes a live block of this port, and `old` fits it.
    /// - `new.size() >= old.size()`.
    /// - `op` is the tag with which it was allocated.
    unsafe fn grow(
        &self,
        ptr: NonNull<u8>,
        old: Layout,
        new: Layout,
        op: OpTag<'_>,
    ) -> Result<NonNull<u8>, MemoryError>;

    /// Makes a block smaller, moving it when needed; the contents that fit are kept.
    ///
    /// # Errors
    /// As [`Port::grow`].
    ///
    /// # Ownership
    /// As [`Port::grow`].
    ///
    /// # Safety
    /// - `ptr` denotes a live block of this port, and `old` fits it.
    /// - `new.size() <= old.size()`.
    /// - `op` is the tag with which it was allocated.
    unsafe fn shrink(
        &self,
        ptr: NonNull<u8>,
        old: Layout,
        new: Layout,
        op: OpTag<'_>,
    ) -> Result<NonNull<u8>, MemoryError>;

    /// Admits `bytes` of memory that the caller has from another source.
    ///
    /// # Errors
    /// `OverBudget` when a budget below would be exceeded, `Exhausted` when the sum of charges is
    /// too large to be counted, `Injected` when a test injects it. A failed charge has changed
    /// nothing.
    fn charge(&self, bytes: Bytes, op: OpTag<'_>) -> Result<(), MemoryError>;

    /// Ends a charge of `bytes` that was made with the same tag.
    ///
    /// Refunding more than is charged is misuse: all charges are refunded, the ports of this crate
    /// count a failure, and blocks stay counted.
    fn refund(&self, bytes: Bytes, op: OpTag<'_>);

    /// The identity of this port; a decorator has its own.
    fn id(&self) -> PortId;

    /// The counters of this port.
    fn diagnostics(&self) -> Diagnostics;
}

/// Which port a block came from. No two ports of a process share one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PortId(u64);

impl PortId {
    /// An id that no other port has.
    pub fn unique() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }

    /// The number behind the id.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for PortId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "allocator #{}", self.0)
    }
}

/// Resizes a block of `port` by moving it to a new one, as [`Port::grow`] or [`Port::shrink`] may.
///
/// # Errors
/// As [`Port::allocate`]; the block is then as before.
///
/// # Safety
/// As [`Port::grow`] and [`Port::shrink`], whichever the sizes say.
#[cold]
pub(crate) unsafe fn resize_by_moving(
    port: &impl Port,
    ptr: NonNull<u8>,
    old: Layout,
    new: Layout,
    op: OpTag<'_>,
) -> Result<NonNull<u8>, MemoryError> {
    let block = port.allocate(new, op)?;
    let kept = old.size().min(new.size());
    // SAFETY: both blocks are live and hold `kept` bytes; a new block overlaps no live one.
    unsafe { ptr::copy_nonoverlapping(ptr.as_ptr(), block.as_ptr(), kept) };
    // SAFETY: the caller promises a live block that `old` fits.
    unsafe { port.deallocate(ptr, old, op) };
    Ok(block)
}

/// Forwards every method to the port behind a pointer, so that a decorator can borrow its inner
/// port as well as own it.
macro_rules! forward {
    ($pointer:ty) => {
        // SAFETY: every method is the inner port's own, which upholds the contract.
        unsafe impl<P: Port + ?Sized> Port for $pointer {
            #[inline]
            fn allocate(&self, layout: Layout, op: OpTag<'_>) -> Result<NonNull<u8>, MemoryError> {
                (**self).allocate(layout, op)
            }
            #[inline]
            fn allocate_zeroed(
                &self,
                layout: Layout,
                op: OpTag<'_>,
            ) -> Result<NonNull<u8>, MemoryError> {
                (**self).allocate_zeroed(layout, op)
            }
            #[inline]
            unsafe fn deallocate(&self, ptr: NonNull<u8>, layout: Layout, op: OpTag<'_>) {
                // SAFETY: the caller's promises about this port are about the inner one.
                unsafe { (**self).deallocate(ptr, layout, op) }
            }
            #[inline]
            unsafe fn grow(
                &self,
                ptr: NonNull<u8>,
                old: Layout,
                new: Layout,
                op: OpTag<'_>,
            ) -> Result<NonNull<u8>, MemoryError> {
                // SAFETY: the caller's promises about this port are about the inner one.
                unsafe { (**self).grow(ptr, old, new, op) }
            }
            #[inline]
            unsafe fn shrink(
                &self,
                ptr: NonNull<u8>,
                old: Layout,
                new: Layout,
                op: OpTag<'_>,
            ) -> Result<NonNull<u8>, MemoryError> {
                // SAFETY: the caller's promises about this port are about the inner one.
                unsafe { (**self).shrink(ptr, old, new, op) }
            }
            #[inline]
            fn charge(&self, bytes: Bytes, op: OpTag<'_>) -> Result<(), MemoryError> {
                (**self).charge(bytes, op)
            }
            #[inline]
            fn refund(&self, bytes: Bytes, op: OpTag<'_>) {
                (**self).refund(bytes, op);
            }
            fn id(&self) -> PortId {
                (**self).id()
            }
            fn diagnostics(&self) -> Diagnostics {
                (**self).diagnostics()
            }
        }
    };
}

forward!(&P);
forward!(Box<P>);
forward!(std::sync::Arc<P>);
