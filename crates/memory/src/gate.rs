//! A decorator that admits or fails each request before it reaches the port below.
//!
//! A gate decides: a budget, a schedule of failures, a ledger that admits everything.

use std::alloc::Layout;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;

use super::charges::Charges;
use super::counters::Diagnostics;
use super::error::{ErrorKind, MemoryError};
use super::op::OpTag;
use super::port::{Port, PortId};
use super::undo::Undo;
use crate::units::Bytes;

/// Decides for each request to a [`Gated`] whether it reaches the port below.
///
/// A gate may panic. The request then unwinds and has changed nothing; a block that was to be freed
/// is freed all the same. A panic of [`Gate::release`] in a shrink is caught, because the caller
/// must get the block.
///
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
/// use gitmind_memory::units::Bytes;
/// use gitmind_memory::{
///     Alloc, ErrorKind, Gate, Gated, MemoryError, OpTag, Port, System,
/// };
///
/// /// Nothing above 64 bytes.
/// #[derive(Default)]
/// struct Small(AtomicU64);
///
/// impl Gate for Small {
///     fn admit(&self, size: Bytes, op: OpTag<'_>) -> Result<(), MemoryError> {
///         if size <= Bytes::new(64) {
///             return Ok(());
///         }
///         self.0.fetch_add(1, Relaxed);
///         Err(MemoryError::new(ErrorKind::Injected, op.op(), size))
///     }
///
///     fn refused(&self) -> u64 {
///         self.0.load(Relaxed)
///     }
/// }
///
/// let port = Gated::with_gate(System::new(), Small::default());
/// assert!(Alloc::new(&port).try_box([0_u8; 64]).is_ok());
/// assert!(Alloc::new(&port).try_box([0_u8; 65]).is_err());
/// assert_eq!(port.diagnostics().failures_total, 1);
/// let (system, _) = port.into_parts();
/// assert_eq!(system.diagnostics().failures_total, 0);
/// ```
pub trait Gate: Send + Sync {
    /// Admits a request for a block or a charge of `size`, or fails it.
    ///
    /// # Errors
    /// The error of the request; the port below is not called.
    fn admit(&self, size: Bytes, op: OpTag<'_>) -> Result<(), MemoryError>;

    /// The number of requests that it has failed; 0 when it does not count them.
    fn refused(&self) -> u64 {
        0
    }

    /// As [`Gate::admit`], for a request that increases the outstanding bytes by `more`. A budget
    /// implements this one.
    ///
    /// # Errors
    /// As [`Gate::admit`].
    #[inline]
    fn admit_growth(&self, size: Bytes, more: Bytes, op: OpTag<'_>) -> Result<(), MemoryError> {
        let _ = more;
        self.admit(size, op)
    }

    /// The outstanding bytes decrease by `less`: they were freed, or were admitted for a request
    /// that the port below has failed.
    #[inline]
    fn release(&self, less: Bytes) {
        let _ = less;
    }

    /// The diagnostics of the [`Gated`], from those of the port below.
    fn diagnostics(&self, below: Diagnostics) -> Diagnostics {
        let failures_total = below.failures_total.saturating_add(self.refused());
        Diagnostics { failures_total, ..below }
    }
}

/// A port whose requests a gate admits first. No gate can prevent a free.
#[derive(Debug)]
pub struct Gated<P, G> {
    inner: P,
    gate: G,
    id: PortId,
    charges: Charges,
}

impl<P: Port, G: Gate> Gated<P, G> {
    /// `inner` behind `gate`.
    pub fn with_gate(inner: P, gate: G) -> Self {
        Self { inner, gate, id: PortId::unique(), charges: Charges::new() }
    }

    /// The port below.
    pub const fn inner(&self) -> &P {
        &self.inner
    }

    /// The gate.
    pub const fn gate(&self) -> &G {
        &self.gate
    }

    /// The port below and the gate.
    pub fn into_parts(self) -> (P, G) {
        (self.inner, self.gate)
    }

    /// Has the gate admit `request`, then runs it. When it fails or unwinds, the admitted bytes are
    /// released again.
    #[inline]
    fn admitted<T>(
        &self,
        size: Bytes,
        more: Bytes,
        op: OpTag<'_>,
        request: impl FnOnce() -> Result<T, MemoryError>,
    ) -> Result<T, MemoryError> {
        self.gate.admit_growth(size, more, op)?;
        let release = Undo::new(|| self.gate.release(more));
        let admitted = request()?;
        release.disarm();
        Ok(admitted)
    }
}

/// The bytes by which `new` exceeds `old`.
#[inline]
fn excess(new: Layout, old: Layout) -> usize {
    debug_assert!(new.size() >= old.size(), "the caller promises the order of sizes");
    new.size() - old.size()
}

// SAFETY: blocks are the inner port's. The gate runs before it, so the old block of a `grow` or
// `shrink` that is not admitted is untouched, and nothing has changed when a gate unwinds.
unsafe impl<P: Port, G: Gate> Port for Gated<P, G> {
    #[inline]
    fn allocate(&self, layout: Layout, op: OpTag<'_>) -> Result<NonNull<u8>, MemoryError> {
        self.admitted(layout.size().into(), layout.size().into(), op, || {
            self.inner.allocate(layout, op)
        })
    }

    #[inline]
    fn allocate_zeroed(&self, layout: Layout, op: OpTag<'_>) -> Result<NonNull<u8>, MemoryError> {
        self.admitted(layout.size().into(), layout.size().into(), op, || {
            self.inner.allocate_zeroed(layout, op)
        })
    }

    #[inline]
    unsafe fn deallocate(&self, ptr: NonNull<u8>, layout: Layout, op: OpTag<'_>) {
        // SAFETY: the block is the inner port's, because blocks are passed through unchanged.
        unsafe { self.inner.deallocate(ptr, layout, op) };
        // SAFETY: no `Layout` is larger. A gate has nothing to check then.
        unsafe { std::hint::assert_unchecked(isize::try_from(layout.size()).is_ok()) };
        self.gate.release(layout.size().into());
    }

    #[inline]
    unsafe fn grow(
        &self,
        ptr: NonNull<u8>,
        old: Layout,
        new: Layout,
        op: OpTag<'_>,
    ) -> Result<NonNull<u8>, MemoryError> {
        self.admitted(new.size().into(), excess(new, old).into(), op, || {
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
        self.gate.admit_growth(new.size().into(), Bytes::ZERO, op)?;
        // SAFETY: as in `deallocate`; sizes are the caller's, which promises their order.
        let block = unsafe { self.inner.shrink(ptr, old, new, op) }?;
        // The caller must learn of the block, so a gate does not unwind out of here. What it
        // unwound with is kept, because its destructor may unwind.
        let release = || self.gate.release(excess(old, new).into());
        let _ = catch_unwind(AssertUnwindSafe(release)).map_err(ManuallyDrop::new);
        Ok(block)
    }

    fn charge(&self, bytes: Bytes, op: OpTag<'_>) -> Result<(), MemoryError> {
        self.admitted(bytes, bytes, op, || {
            if !self.charges.add(bytes) {
                return Err(MemoryError::new(ErrorKind::Exhausted, op.op(), bytes));
            }
            let take = Undo::new(|| {
                self.charges.take(bytes);
            });
            self.inner.charge(bytes, op)?;
            take.disarm();
            Ok(())
        })
    }

    fn refund(&self, bytes: Bytes, op: OpTag<'_>) {
        let bytes = self.charges.take(bytes);
        self.inner.refund(bytes, op);
        self.gate.release(bytes);
    }

    fn id(&self) -> PortId {
        self.id
    }

    fn diagnostics(&self) -> Diagnostics {
        let diagnostics = self.gate.diagnostics(self.inner.diagnostics());
        let failures_total = diagnostics.failures_total + self.charges.misuses();
        Diagnostics { failures_total, ..diagnostics }
    }
}
