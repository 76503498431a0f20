//! A decorator that asks before each request whether it may go on; the rule is the gate's.

use std::alloc::Layout;
use std::ptr::NonNull;

use super::counters::Diagnostics;
use super::error::MemoryError;
use super::op::OpTag;
use super::port::{Port, PortId};
use crate::units::Bytes;

/// Says of each request whether the port below a [`Gated`] is asked at all.
///
/// A gate may unwind out of a request, which has not changed anything then.
///
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
/// use gitmind_memory::{Alloc, ErrorKind, Gate, Gated, MemoryError, OpTag, Port, System};
/// use gitmind_memory::units::Bytes;
///
/// /// Nothing above 64 bytes.
/// #[derive(Default)]
/// struct Small(AtomicU64);
///
/// impl Gate for Small {
///     fn admit(&self, requested: Bytes, op: OpTag<'_>) -> Result<(), MemoryError> {
///         if requested <= Bytes::new(64) {
///             return Ok(());
///         }
///         self.0.fetch_add(1, Relaxed);
///         Err(MemoryError::new(ErrorKind::Injected, op.op(), requested))
///     }
///
///     fn failures(&self) -> u64 {
///         self.0.load(Relaxed)
///     }
/// }
///
/// let port = Gated::with_gate(System::new(), Small::default());
/// assert!(Alloc::new(&port).try_box([0_u8; 64]).is_ok());
/// assert!(Alloc::new(&port).try_box([0_u8; 65]).is_err());
/// assert_eq!(port.diagnostics().failures_total, 1);
/// let (system, small) = port.into_parts();
/// assert_eq!((system.diagnostics().failures_total, small.failures()), (0, 1));
/// ```
pub trait Gate: Send + Sync {
    /// Lets a request of so many bytes pass, or says why not.
    ///
    /// # Errors
    /// What the caller gets instead of memory.
    fn admit(&self, requested: Bytes, op: OpTag<'_>) -> Result<(), MemoryError>;

    /// Requests that did not pass, for [`Diagnostics::failures_total`].
    fn failures(&self) -> u64;
}

/// A port whose requests pass a gate first. Freeing is never asked about.
#[derive(Debug)]
pub struct Gated<P, G> {
    inner: P,
    gate: G,
    id: PortId,
}

impl<P: Port, G: Gate> Gated<P, G> {
    /// `inner` behind `gate`.
    pub fn with_gate(inner: P, gate: G) -> Self {
        Self { inner, gate, id: PortId::unique() }
    }

    /// The port below.
    pub const fn inner(&self) -> &P {
        &self.inner
    }

    /// What decides.
    pub const fn gate(&self) -> &G {
        &self.gate
    }

    /// The port below and what decided.
    pub fn into_parts(self) -> (P, G) {
        (self.inner, self.gate)
    }

    #[inline]
    fn admit(&self, layout: Layout, op: OpTag<'_>) -> Result<(), MemoryError> {
        self.gate.admit(Bytes::new(layout.size() as u64), op)
    }
}

// SAFETY: blocks are the inner port's; a failure happens before it is asked, so the old block of a
// failed `grow` or `shrink` is untouched, and so is everything when a gate unwinds.
unsafe impl<P: Port, G: Gate> Port for Gated<P, G> {
    fn allocate(&self, layout: Layout, op: OpTag<'_>) -> Result<NonNull<u8>, MemoryError> {
        self.admit(layout, op)?;
        self.inner.allocate(layout, op)
    }

    fn allocate_zeroed(&self, layout: Layout, op: OpTag<'_>) -> Result<NonNull<u8>, MemoryError> {
        self.admit(layout, op)?;
        self.inner.allocate_zeroed(layout, op)
    }

    unsafe fn deallocate(&self, ptr: NonNull<u8>, layout: Layout, op: OpTag<'_>) {
        // SAFETY: the block is the inner port's, because blocks are passed through unchanged.
        unsafe { self.inner.deallocate(ptr, layout, op) };
    }

    unsafe fn grow(
        &self,
        ptr: NonNull<u8>,
        old: Layout,
        new: Layout,
        op: OpTag<'_>,
    ) -> Result<NonNull<u8>, MemoryError> {
        self.admit(new, op)?;
        // SAFETY: as in `deallocate`; sizes are the caller's, which promises their order.
        unsafe { self.inner.grow(ptr, old, new, op) }
    }

    unsafe fn shrink(
        &self,
        ptr: NonNull<u8>,
        old: Layout,
        new: Layout,
        op: OpTag<'_>,
    ) -> Result<NonNull<u8>, MemoryError> {
        self.admit(new, op)?;
        // SAFETY: as in `deallocate`; sizes are the caller's, which promises their order.
        unsafe { self.inner.shrink(ptr, old, new, op) }
    }

    fn charge(&self, bytes: Bytes, op: OpTag<'_>) -> Result<(), MemoryError> {
        self.gate.admit(bytes, op)?;
        self.inner.charge(bytes, op)
    }

    fn refund(&self, bytes: Bytes, op: OpTag<'_>) {
        self.inner.refund(bytes, op);
    }

    fn id(&self) -> PortId {
        self.id
    }

    fn diagnostics(&self) -> Diagnostics {
        let inner = self.inner.diagnostics();
        let failures_total = inner.failures_total + self.gate.failures();
        Diagnostics { failures_total, ..inner }
    }
}
