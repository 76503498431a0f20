//! A decorator that refuses requests on a schedule.
//!
//! Errors on the out-of-memory path are the ones nobody sees; this makes the Nth one happen. It
//! counts requests, not bytes, and never refuses to take memory back. The schedule is the four
//! numbers of SQLite's test allocator: a countdown, a repeat count, what was refused, and what was
//! granted after the first refusal.

use std::alloc::Layout;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::counters::Diagnostics;
use super::error::{ErrorKind, MemoryError};
use super::op::OpTag;
use super::port::{Port, PortId};
use crate::units::Bytes;

/// Which requests are refused, by their number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    first: u64,
    count: u64,
}

impl Schedule {
    /// No request.
    pub const NEVER: Self = Self { first: u64::MAX, count: 0 };

    /// Request number `nth`, counted from 1, alone. Number 0 does not exist and never fails.
    pub const fn once(nth: u64) -> Self {
        Self::times(nth, 1)
    }

    /// Request number `nth` and every later one.
    pub const fn forever(nth: u64) -> Self {
        Self::times(nth, u64::MAX)
    }

    /// Request number `nth` and those after it, `count` in all.
    pub const fn times(nth: u64, count: u64) -> Self {
        if nth == 0 { Self::NEVER } else { Self { first: nth, count } }
    }

    /// Whether request number `nth` is refused.
    const fn refuses(self, nth: u64) -> bool {
        nth >= self.first && nth - self.first < self.count
    }
}

/// What a [`Faulty`] has seen since it was made or reset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Requests that could have been refused.
    pub requests: u64,
    /// Requests that were.
    pub refused: u64,
    /// Requests granted after the first refusal: what the caller tried next.
    pub granted_after: u64,
}

/// A port that refuses what its schedule names, over the one below.
///
/// ```
/// use gitmind::memory::{Alloc, ErrorKind, Faulty, Schedule, System};
/// let faulty = Faulty::new(System::new(), Schedule::once(2));
/// let alloc = Alloc::new(&faulty);
/// let asked = [(); 3].map(|()| alloc.try_box(1_u8).map(drop).map_err(|error| error.kind));
/// assert_eq!(asked, [Ok(()), Err(ErrorKind::Injected), Ok(())]);
/// assert_eq!(faulty.faults().granted_after, 1);
/// ```
#[derive(Debug)]
pub struct Faulty<P> {
    inner: P,
    id: PortId,
    first: AtomicU64,
    count: AtomicU64,
    requests: AtomicU64,
    refused: AtomicU64,
}

impl<P: Port> Faulty<P> {
    /// `inner` under `schedule`.
    pub fn new(inner: P, schedule: Schedule) -> Self {
        Self {
            inner,
            id: PortId::unique(),
            first: AtomicU64::new(schedule.first),
            count: AtomicU64::new(schedule.count),
            requests: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        }
    }

    /// Starts again with `schedule`, as if nothing had been requested yet.
    ///
    /// No other thread may be inside a request; numbers would be skipped or repeated then.
    pub fn reset(&self, schedule: Schedule) {
        self.first.store(schedule.first, Relaxed);
        self.count.store(schedule.count, Relaxed);
        self.requests.store(0, Relaxed);
        self.refused.store(0, Relaxed);
    }

    /// What has happened since the last reset.
    pub fn faults(&self) -> Faults {
        let (requests, refused) = (self.requests.load(Relaxed), self.refused.load(Relaxed));
        let since_first = (requests + 1).saturating_sub(self.first.load(Relaxed));
        Faults { requests, refused, granted_after: since_first.saturating_sub(refused) }
    }

    /// The port below.
    pub const fn inner(&self) -> &P {
        &self.inner
    }

    #[inline]
    fn admit(&self, requested: u64, op: OpTag<'_>) -> Result<(), MemoryError> {
        let nth = self.requests.fetch_add(1, Relaxed) + 1;
        let schedule =
            Schedule { first: self.first.load(Relaxed), count: self.count.load(Relaxed) };
        if schedule.refuses(nth) { Err(self.refuse(requested, op)) } else { Ok(()) }
    }

    /// The one place to stop a debugger at, when a test fails under a schedule.
    #[cold]
    #[inline(never)]
    fn refuse(&self, requested: u64, op: OpTag<'_>) -> MemoryError {
        self.refused.fetch_add(1, Relaxed);
        MemoryError::new(ErrorKind::Injected, op.op(), Bytes::new(requested))
    }
}

// SAFETY: blocks are the inner port's; a refusal happens before it is asked, so the old block of a
// refused `grow` or `shrink` is untouched. No method unwinds.
unsafe impl<P: Port> Port for Faulty<P> {
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
        let failures_total = inner.failures_total + self.refused.load(Relaxed);
        Diagnostics { failures_total, ..inner }
    }
}
