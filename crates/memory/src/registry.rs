//! The registry of operations that are running.
//!
//! A run of an operation begins, allocates through tagged handles, which count for it, and ends.
//! The registry lists the runs that have not ended and keeps totals of those that have. It
//! allocates counters for every possible run when it is made, so beginning one allocates nothing,
//! and works on any thread and in a destructor of a thread-local. A key is the serial number of a
//! run, so a key never finds another run once its own has ended.
//!
//! One lock protects the list while it is searched; no allocation takes it. The counters are
//! in the process's heap: no budget includes them, and no sweep fails them.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::alloc::Alloc;
use super::counters::Diagnostics;
use super::op::{Op, OpStats};
use super::process::{self, Entered};
use crate::units::Bytes;

/// Operations that can run at the same time.
pub const OPERATIONS_MAX: usize = 64;

/// The operations that run now, and totals of those that ended.
///
/// ```
/// use gitmind_memory::{self as memory, Alloc, Op, Registry, System, Trace, Traced};
/// use gitmind_memory::units::Bytes;
/// const READ: Op = Op::new(0, "read");
/// let (registry, port) = (Registry::new(), Traced::new(System::new(), Trace::stamped()));
/// let scope = registry.begin(READ)?;
/// let alloc = scope.tag(Alloc::new(&port));
/// drop(memory::Vec::<u8>::try_with_capacity(100, alloc)?);
/// drop(scope);
/// let totals = registry.totals(READ);
/// assert_eq!((totals.runs, totals.leaked_bytes), (1, Bytes::ZERO));
/// assert!(totals.peak_bytes >= Bytes::new(100));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Registry(Mutex<State>);

/// What the lock protects.
struct State {
    slots: Box<[Slot]>,
    /// The number of the next run, from 1.
    serial: u64,
    totals: [OpTotals; Op::COUNT_MAX],
}

/// The counters of a run; those of one that has ended are reused.
struct Slot {
    is_running: bool,
    began: Instant,
    stats: Arc<OpStats>,
}

impl State {
    fn find(&mut self, serial: u64) -> Option<&mut Slot> {
        self.slots.iter_mut().find(|one| one.is_running && one.stats.serial() == serial)
    }
}

/// What all ended runs of an operation have allocated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct OpTotals {
    /// Runs that ended.
    pub runs: u64,
    /// The highest peak of a run.
    pub peak_bytes: Bytes,
    /// Requests that failed.
    pub failures_total: u64,
    /// Blocks allocated.
    pub allocations_total: u64,
    /// Bytes that runs had not freed when they ended.
    pub leaked_bytes: Bytes,
}

/// The key of a run; finds nothing once the run has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OpKey(u64);

/// A running operation, as the registry reports it; it prints itself as one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OpReading {
    /// Its key.
    pub key: OpKey,
    /// The operation.
    pub op: Op,
    /// The number of the run.
    pub serial: u64,
    /// What it has allocated so far, as far as the port counts it by operation.
    pub diagnostics: Diagnostics,
    /// Whether `diagnostics` are those of all operations, because the port counts none apart; a
    /// registry says `false`.
    pub is_of_all: bool,
    /// The hard limit; `None` from a registry, which does not know the budget.
    pub limit: Option<Bytes>,
    /// How long it has run.
    pub elapsed: Duration,
}

impl fmt::Display for OpReading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Diagnostics { bytes_outstanding, peak_bytes, failures_total, .. } = self.diagnostics;
        write!(f, "{}: {bytes_outstanding}", self.op)?;
        if let Some(limit) = self.limit {
            write!(f, " of {limit}")?;
        }
        let seconds = self.elapsed.as_secs_f64();
        write!(f, ", peak {peak_bytes}, {failures_total} failed, {seconds:.1} s")?;
        f.write_str(if self.is_of_all { " (bytes of all operations)" } else { "" })
    }
}

/// The registry has no counters for another operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TooManyOperations;

impl fmt::Display for TooManyOperations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{OPERATIONS_MAX} operations are running, which is the most there can be")
    }
}

impl std::error::Error for TooManyOperations {}

impl Registry {
    /// A registry of no run, with counters for [`OPERATIONS_MAX`] of them.
    pub fn new() -> Self {
        let began = Instant::now();
        let stats = || Arc::new(OpStats::new(Op::new(0, ""), 0));
        let slot = |_| Slot { is_running: false, began, stats: stats() };
        let slots = (0..OPERATIONS_MAX).map(slot).collect();
        Self(Mutex::new(State { slots, serial: 1, totals: Default::default() }))
    }

    /// Begins a run of `op`, which ends when the scope is dropped.
    ///
    /// # Errors
    /// When [`OPERATIONS_MAX`] operations run.
    pub fn begin(&self, op: Op) -> Result<Scope<'_>, TooManyOperations> {
        let mut state = self.lock();
        let State { slots, serial, .. } = &mut *state;
        for slot in slots.iter_mut().filter(|one| !one.is_running) {
            // A scope that ends on another thread may still hold its counters for a moment.
            if let Some(stats) = Arc::get_mut(&mut slot.stats) {
                *stats = OpStats::new(op, *serial);
                *serial += 1;
                (slot.is_running, slot.began) = (true, Instant::now());
                return Ok(Scope { registry: self, stats: Arc::clone(&slot.stats) });
            }
        }
        Err(TooManyOperations)
    }

    /// Looks a run up; `None` when it has ended.
    pub fn get(&self, key: OpKey) -> Option<OpReading> {
        self.lock().find(key.0).map(|slot| reading(slot))
    }

    /// The operations that run now, in no order.
    pub fn running(&self) -> impl Iterator<Item = OpReading> {
        (0..OPERATIONS_MAX).filter_map(|index| {
            let state = self.lock();
            let slot = &state.slots[index];
            slot.is_running.then(|| reading(slot))
        })
    }

    /// What all ended runs of `op` have allocated.
    pub fn totals(&self, op: Op) -> OpTotals {
        self.lock().totals[op.index()]
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is right between any two statements, also after a panic of another holder.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn reading(slot: &Slot) -> OpReading {
    let stats = &slot.stats;
    let (key, op, serial) = (OpKey(stats.serial()), stats.op(), stats.serial());
    let (diagnostics, elapsed) = (stats.diagnostics(), slot.began.elapsed());
    OpReading { key, op, serial, diagnostics, is_of_all: false, limit: None, elapsed }
}

impl Default for Registry {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.running()).finish()
    }
}

/// A running operation. It ends when this is dropped; the handles that count for it end before.
pub struct Scope<'r> {
    registry: &'r Registry,
    stats: Arc<OpStats>,
}

impl Scope<'_> {
    /// The key of the run, for callers that cannot borrow the scope.
    pub fn key(&self) -> OpKey {
        OpKey(self.stats.serial())
    }

    /// The counters of the run.
    pub fn stats(&self) -> &OpStats {
        &self.stats
    }

    /// `alloc`, whose allocations are counted for this run; for any thread.
    pub fn tag<'s>(&'s self, alloc: Alloc<'s>) -> Alloc<'s> {
        alloc.on_account_of(self.stats())
    }

    /// Counts what this thread allocates from the process's own heap on this operation as well,
    /// until the guard is dropped. A worker thread enters by itself.
    pub fn enter(&self) -> Entered {
        process::enter(self.stats().op())
    }
}

impl Drop for Scope<'_> {
    fn drop(&mut self) {
        let Diagnostics {
            bytes_outstanding, peak_bytes, failures_total, allocations_total, ..
        } = self.stats().diagnostics();
        let mut state = self.registry.lock();
        let totals = &mut state.totals[self.stats.op().index()];
        totals.runs += 1;
        totals.peak_bytes = totals.peak_bytes.max(peak_bytes);
        totals.failures_total += failures_total;
        totals.allocations_total += allocations_total;
        totals.leaked_bytes =
            Bytes::new(totals.leaked_bytes.get().saturating_add(bytes_outstanding.get()));
        if let Some(slot) = state.find(self.stats.serial()) {
            slot.is_running = false;
        }
    }
}

impl fmt::Debug for Scope<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.stats().fmt(f)
    }
}
