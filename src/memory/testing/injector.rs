//! A port that refuses requests by call site.

use std::alloc::Layout;
use std::ptr::NonNull;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::memory::callsite::{CallSiteId, CallStack};
use crate::memory::counters::Diagnostics;
use crate::memory::error::{ErrorKind, MemoryError};
use crate::memory::op::OpTag;
use crate::memory::port::{Port, PortId};
use crate::units::Bytes;

/// Refusals of one run after which its code is taken to retry for ever.
pub(super) const REFUSALS_MAX: u64 = 10_000;

/// What the panic of a run says that would retry for ever.
pub(super) const RETRIES_FOREVER: &str = "a refused request was repeated without end";

/// Which requests of a run are refused: the first of each call site in turn, and after the last of
/// them every later request too when `forever`.
#[derive(Clone, Debug, Default)]
pub(super) struct Plan {
    pub(super) sites: Vec<CallSiteId>,
    pub(super) forever: bool,
}

/// What an [`Injector`] has seen.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// The first request of each call site, in order, and how many were refused before it.
    pub(super) sites: Vec<(CallStack, u64)>,
    /// Requests refused.
    pub(super) refused: u64,
    /// How often the last site of the plan asked again after it was refused.
    pub(super) asked_again: u64,
    known: hashbrown::HashSet<CallSiteId, foldhash::fast::FixedState>,
}

/// A port that carries out a [`Plan`] over the one below.
#[derive(Debug)]
pub(super) struct Injector<P> {
    inner: P,
    id: PortId,
    plan: Plan,
    seen: Mutex<Seen>,
}

impl<P: Port> Injector<P> {
    pub(super) fn new(inner: P, plan: Plan) -> Self {
        Self { inner, id: PortId::unique(), plan, seen: Mutex::default() }
    }

    /// The port below and what was seen.
    pub(super) fn finish(self) -> (P, Seen) {
        (self.inner, self.seen.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        // A run that retries for ever is ended by a panic, after which the list is still right.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[inline(never)]
    fn admit(&self, requested: u64, op: OpTag<'_>) -> Result<(), MemoryError> {
        let stack = CallStack::capture();
        let site = stack.id();
        let mut seen = self.seen();
        let before = seen.refused;
        if seen.known.insert(site) {
            seen.sites.push((stack, before));
        }
        let done = usize::try_from(before).unwrap_or(usize::MAX);
        let is_next = self.plan.sites.get(done) == Some(&site);
        let is_over = done >= self.plan.sites.len();
        if is_over && self.plan.sites.last() == Some(&site) {
            seen.asked_again += 1;
        }
        if !(is_next || is_over && self.plan.forever && !self.plan.sites.is_empty()) {
            return Ok(());
        }
        seen.refused += 1;
        assert!(seen.refused < REFUSALS_MAX, "{RETRIES_FOREVER}");
        Err(MemoryError::new(ErrorKind::Injected, op.op(), Bytes::new(requested)))
    }
}

// SAFETY: blocks are the inner port's; a refusal happens before it is asked. It unwinds only out
// of a request that would be refused for the 10 000th time, which has not changed anything.
unsafe impl<P: Port> Port for Injector<P> {
    fn allocate(&self, layout: Layout, op: OpTag<'_>) -> Result<NonNull<u8>, MemoryError> {
        self.admit(layout.size() as u64, op)?;
        self.inner.allocate(layout, op)
    }

    fn allocate_zeroed(&self, layout: Layout, op: OpTag<'_>) -> Result<NonNull<u8>, MemoryError> {
        self.admit(layout.size() as u64, op)?;
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
        self.admit(new.size() as u64, op)?;
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
        self.admit(new.size() as u64, op)?;
        // SAFETY: as in `deallocate`; sizes are the caller's, which promises their order.
        unsafe { self.inner.shrink(ptr, old, new, op) }
    }

    fn charge(&self, bytes: Bytes, op: OpTag<'_>) -> Result<(), MemoryError> {
        self.admit(bytes.get(), op)?;
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
        Diagnostics { failures_total: inner.failures_total + self.seen().refused, ..inner }
    }
}
