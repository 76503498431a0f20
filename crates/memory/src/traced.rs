//! A decorator that knows what is outstanding, and whose it is.
//!
//! Two ways to know a block, chosen by [`Trace`]:
//! - **stamped** (the default, for production): eight bytes behind each block hold a hash of this
//!   port's id, the address and the size. They are checked when the block comes back. No lock, no
//!   table; what leaked is known by operation, not by place.
//! - **sites** (for tests and diagnosis): a table of live blocks with size, operation and call
//!   stack. A pointer that is not in the table is foreign, whatever it points to.
//!
//! A foreign pointer is reported and **not** freed: its owner still has it. In stamped mode the
//! check reads behind the block, so a pointer that no traced port handed out is only found by
//! good fortune; blocks of other traced ports, wrong sizes, double frees and writes past the end
//! are always found.
//!
//! When a traced port is dropped with anything outstanding or reported, it panics with a report of
//! operation, size, count and place; [`Traced::teardown`] returns the report instead.

mod live;
mod report;
mod stamp;
mod usual;
mod watched;

use std::alloc::Layout;
use std::ptr::NonNull;
use std::sync::Mutex;

use self::live::{LiveBlocks, Taker};
pub use self::report::{Leak, Misuse, TraceReport, Violation};
use self::stamp::Stamper;
use super::callsite::CallStack;
use super::counters::{Counters, Diagnostics};
use super::error::{ErrorKind, MemoryError};
#[cfg(feature = "histogram")]
use super::histogram::{Histogram, Percentiles};
use super::op::{Op, OpTag};
use super::port::{Port, PortId};
use super::profile::Profile;
use super::thread;
use super::undo::Undo;
use crate::units::Bytes;

/// Violations kept for the report; later ones are only counted.
const VIOLATIONS_MAX: usize = 16;

/// What a [`Traced`] keeps beyond its counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    sites: bool,
    zeroize: bool,
    /// Never with a build that keeps none.
    histogram: bool,
}

impl Trace {
    /// Counters and stamps.
    #[must_use]
    pub fn stamped() -> Self {
        Self::default()
    }

    /// Counters and a table of live blocks with their call sites.
    #[must_use]
    pub fn sites() -> Self {
        Self { sites: true, ..Self::default() }
    }

    /// Overwrites each block with zeros before it is freed.
    #[must_use]
    pub const fn zeroizing(self, zeroize: bool) -> Self {
        Self { zeroize, ..self }
    }

    /// Keeps a histogram of sizes.
    #[cfg(feature = "histogram")]
    #[must_use]
    pub const fn histogram(self, histogram: bool) -> Self {
        Self { histogram, ..self }
    }
}

/// A port that traces what the one below allocates.
///
/// It also keeps the accounts of operations, so a stack has one traced port; a second one below
/// would count its own stamps and the same blocks again.
///
/// ```
/// use gitmind_memory::{Alloc, System, Trace, Traced};
/// let mut traced = Traced::new(System::new(), Trace::sites());
/// let kept = Alloc::new(&traced).try_box(7_u64)?;
/// let live = traced.report().leaks.expect("sites are kept");
/// assert_eq!(live.len(), 1, "what is live now would be a leak at the end");
/// drop(kept);
/// assert!(traced.teardown().is_ok());
/// # Ok::<(), gitmind_memory::MemoryError>(())
/// ```
#[derive(Debug)]
#[repr(C)]
pub struct Traced<P> {
    // First, because what a request changes is found from the start of the port.
    counters: Counters,
    inner: P,
    id: PortId,
    /// Zero when blocks are stamped and counted, and nothing else is done to them, which is what a
    /// program in production does; else what sends a free the long way.
    long_way: usize,
    zeroize: bool,
    stamper: Stamper,
    live: Option<LiveBlocks>,
    violations: Mutex<(u64, Vec<Violation>)>,
    reported: bool,
    #[cfg(feature = "histogram")]
    histogram: Option<Histogram>,
}

impl<P> Traced<P> {
    /// Traces `inner` as `trace` says.
    pub fn new(inner: P, trace: Trace) -> Self {
        let id = PortId::unique();
        Self {
            counters: Counters::new(),
            inner,
            id,
            long_way: if trace == Trace::stamped() { 0 } else { thread::NO_SLOT },
            zeroize: trace.zeroize,
            stamper: Stamper::new(id, trace == Trace::stamped()),
            live: trace.sites.then(LiveBlocks::new),
            violations: Mutex::default(),
            reported: false,
            #[cfg(feature = "histogram")]
            histogram: trace.histogram.then(Histogram::new),
        }
    }

    /// The port below.
    pub const fn inner(&self) -> &P {
        &self.inner
    }

    /// What is outstanding and what was misused, at this moment.
    pub fn report(&self) -> TraceReport {
        let violations = lock(&self.violations);
        TraceReport {
            id: self.id,
            diagnostics: self.counters.read(),
            leaks: self.live.as_ref().map(LiveBlocks::leaks),
            violations_total: violations.0,
            violations: violations.1.clone(),
        }
    }

    /// Ends the tracing: everything must have been freed.
    ///
    /// # Errors
    /// The report, when something is outstanding or a foreign block was passed in.
    pub fn teardown(&mut self) -> Result<Diagnostics, Box<TraceReport>> {
        self.reported = true;
        let report = self.report();
        if report.is_clean() { Ok(report.diagnostics) } else { Err(Box::new(report)) }
    }

    /// Who holds the memory at this moment and held it at the peak; `None` without
    /// [`Trace::sites`]. It can be read on any thread while others allocate.
    pub fn profile(&self) -> Option<Profile> {
        self.live.as_ref().map(|live| live.profile(None))
    }

    /// The same of what was taken for `op`, by all of its runs, at the peak of their sum.
    pub fn profile_of(&self, op: Op) -> Option<Profile> {
        self.live.as_ref().map(|live| live.profile(Some(op)))
    }

    /// Percentiles of the sizes asked for, when the histogram is on.
    #[cfg(feature = "histogram")]
    pub fn percentiles(&self) -> Option<Percentiles> {
        self.histogram.as_ref().map(Histogram::percentiles)
    }

    #[inline]
    fn count(&self, op: OpTag<'_>, event: impl Fn(&Counters)) {
        event(&self.counters);
        if let Some(stats) = op.stats() {
            event(&stats.counters);
        }
    }

    #[inline]
    fn measure(&self, size: usize) {
        #[cfg(feature = "histogram")]
        if let Some(histogram) = &self.histogram {
            histogram.record(size as u64);
        }
        #[cfg(not(feature = "histogram"))]
        let _ = size;
    }

    /// Counts a request for `size` bytes that failed; returns why.
    #[cold]
    fn failed(&self, error: MemoryError, size: impl Into<Bytes>, op: OpTag<'_>) -> MemoryError {
        self.count(op, Counters::failed);
        if let Some(live) = &self.live {
            live.refuse(size.into(), op);
        }
        error
    }

    #[cold]
    #[inline(never)]
    fn foreign(&self, misuse: Misuse, layout: Layout, op: OpTag<'_>) -> MemoryError {
        self.count(op, Counters::failed);
        let mut violations = lock(&self.violations);
        violations.0 += 1;
        if violations.1.len() < VIOLATIONS_MAX {
            let (op, stack) = (op.op(), CallStack::capture());
            violations.1.push(Violation { misuse, size: layout.size().into(), op, stack });
        }
        MemoryError::new(ErrorKind::Foreign, op.op(), layout.size().into())
    }
}

impl<P: Port> Traced<P> {
    /// Charges the port below, the counters and the table, or none of them.
    fn enter(&self, bytes: Bytes, op: OpTag<'_>) -> Result<(), MemoryError> {
        self.inner.charge(bytes, op)?;
        let below = Undo::new(|| self.inner.refund(bytes, op));
        let count = |counters: &Counters| {
            let failed = MemoryError::new(ErrorKind::Exhausted, op.op(), bytes);
            counters.charge(bytes).then_some(()).ok_or(failed)
        };
        count(&self.counters)?;
        let refund = |counters: &Counters| {
            counters.refund(bytes);
        };
        let of_all = Undo::new(|| refund(&self.counters));
        let of_op = op.stats().map(|stats| &stats.counters);
        of_op.map_or(Ok(()), count)?;
        let of_op = Undo::new(|| of_op.into_iter().for_each(refund));
        self.live.as_ref().map_or(Ok(()), |live| live.charge(bytes, &Taker::new(op)))?;
        of_op.disarm();
        of_all.disarm();
        below.disarm();
        Ok(())
    }
}

// SAFETY: blocks are the inner port's, less the stamp behind them; a failure happens before it is
// asked or leaves its block as it was. No method unwinds: a poisoned lock is entered all the same.
unsafe impl<P: Port> Port for Traced<P> {
    #[inline]
    fn allocate(&self, layout: Layout, op: OpTag<'_>) -> Result<NonNull<u8>, MemoryError> {
        match self.stamper.extend(layout) {
            Some(outer) => self.take(outer, op, || self.inner.allocate(outer, op)),
            None => self.take_watched(layout, op, false),
        }
    }

    #[inline]
    fn allocate_zeroed(&self, layout: Layout, op: OpTag<'_>) -> Result<NonNull<u8>, MemoryError> {
        match self.stamper.extend(layout) {
            Some(outer) => self.take(outer, op, || self.inner.allocate_zeroed(outer, op)),
            None => self.take_watched(layout, op, true),
        }
    }

    #[inline]
    unsafe fn deallocate(&self, ptr: NonNull<u8>, layout: Layout, op: OpTag<'_>) {
        // SAFETY: the caller's promises are passed on unchanged.
        unsafe { self.give_back(ptr, layout, op) };
    }

    #[inline]
    unsafe fn grow(
        &self,
        ptr: NonNull<u8>,
        old: Layout,
        new: Layout,
        op: OpTag<'_>,
    ) -> Result<NonNull<u8>, MemoryError> {
        if self.zeroize {
            // SAFETY: the caller's promises are passed on unchanged.
            return unsafe { self.replace(ptr, old, new, op, Misuse::Grow) };
        }
        let request = |old, new| {
            // SAFETY: the block is known to be ours; the sizes keep the caller's order.
            unsafe { self.inner.grow(ptr, old, new, op) }
        };
        // SAFETY: the caller's promises are passed on unchanged.
        unsafe { self.resize(ptr, (old, new), op, Misuse::Grow, request) }
    }

    #[inline]
    unsafe fn shrink(
        &self,
        ptr: NonNull<u8>,
        old: Layout,
        new: Layout,
        op: OpTag<'_>,
    ) -> Result<NonNull<u8>, MemoryError> {
        if self.zeroize {
            // SAFETY: the caller's promises are passed on unchanged.
            return unsafe { self.replace(ptr, old, new, op, Misuse::Shrink) };
        }
        let request = |old, new| {
            // SAFETY: the block is known to be ours; the sizes keep the caller's order.
            unsafe { self.inner.shrink(ptr, old, new, op) }
        };
        // SAFETY: the caller's promises are passed on unchanged.
        unsafe { self.resize(ptr, (old, new), op, Misuse::Shrink, request) }
    }

    fn charge(&self, bytes: Bytes, op: OpTag<'_>) -> Result<(), MemoryError> {
        self.enter(bytes, op).map_err(|error| self.failed(error, bytes, op))
    }

    fn refund(&self, bytes: Bytes, op: OpTag<'_>) {
        if let Some(stats) = op.stats() {
            stats.counters.refund(bytes);
        }
        let taken = self.counters.refund(bytes);
        if let Some(live) = &self.live {
            live.refund(taken, op);
        }
        self.inner.refund(taken, op);
    }

    fn id(&self) -> PortId {
        self.id
    }

    fn diagnostics(&self) -> Diagnostics {
        self.counters.read()
    }
}

impl<P> Drop for Traced<P> {
    fn drop(&mut self) {
        if self.reported || std::thread::panicking() {
            return;
        }
        let report = self.report();
        assert!(report.is_clean(), "{report}");
    }
}

/// Locks, also after a panic of another holder: what the locks here guard is consistent between
/// any two statements.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
