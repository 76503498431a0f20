//! The registry of operations that are running.
//!
//! An operation begins, takes memory on its account through tagged handles, and ends; the registry
//! knows all that run now and keeps totals of those that ended. It stands on sharded-slab: lookups
//! are lock-free, and a key carries a generation, so the key of an operation that ended never
//! finds another one.
//!
//! sharded-slab takes its pages from the process's heap, keeps them, and aborts when there is none
//! left. So the capacity is bounded, the pages are those of the threads that begin operations, and
//! nothing here goes through a port: it is outside what budgets count and what sweeps let fail.

use std::fmt;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use sharded_slab::{Config, Entry, Slab};

use super::alloc::Alloc;
use super::counters::Diagnostics;
use super::op::{Op, OpStats};
use super::process::{self, Entered};
use crate::units::Bytes;

/// Operations that can run at the same time.
pub const OPERATIONS_MAX: usize = 64;

/// The shape of the slab: one page per thread that begins operations.
struct Shape;

impl Config for Shape {
    const MAX_THREADS: usize = 128;
    const MAX_PAGES: usize = 1;
    const INITIAL_PAGE_SIZE: usize = 32;
}

/// The operations that run now, and totals of those that ended.
///
/// ```
/// use gitmind_memory::{Alloc, Op, Registry, System, Trace, Traced, Vec};
/// use gitmind_memory::units::Bytes;
/// const READ: Op = Op::new(0, "read");
/// let (registry, port) = (Registry::new(), Traced::new(System::new(), Trace::stamped()));
/// let scope = registry.begin(READ)?;
/// let alloc = scope.tag(Alloc::new(&port));
/// drop(Vec::<u8>::try_with_capacity(100, alloc)?);
/// drop(scope);
/// let totals = registry.totals(READ);
/// assert_eq!((totals.runs, totals.leaked_bytes), (1, Bytes::ZERO));
/// assert!(totals.peak_bytes >= Bytes::new(100));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Registry {
    slab: Slab<OpStats, Shape>,
    /// The keys of running operations plus one, or zero; sharded-slab has no list of its own.
    running: [AtomicUsize; OPERATIONS_MAX],
    serial: AtomicU64,
    totals: Mutex<[OpTotals; Op::COUNT_MAX]>,
}

/// What all ended runs of an operation have taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OpTotals {
    /// Runs that ended.
    pub runs: u64,
    /// The highest peak of a run.
    pub peak_bytes: Bytes,
    /// Requests that failed.
    pub failures_total: u64,
    /// Blocks taken.
    pub allocations_total: u64,
    /// Bytes that runs had not given back when they ended.
    pub leaked_bytes: Bytes,
}

/// The key of a run; finds nothing once the run has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OpKey(usize);

/// A running operation, as the registry reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpReading {
    /// Its key.
    pub key: OpKey,
    /// What is being run.
    pub op: Op,
    /// The number of the run.
    pub serial: u64,
    /// What it has taken so far.
    pub diagnostics: Diagnostics,
}

/// As many operations run as the registry can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyOperations;

impl fmt::Display for TooManyOperations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{OPERATIONS_MAX} operations are running, which is the most there can be")
    }
}

impl std::error::Error for TooManyOperations {}

impl Registry {
    /// An empty registry whose first page is in place.
    pub fn new() -> Self {
        let registry = Self {
            slab: Slab::new_with_config(),
            running: [const { AtomicUsize::new(0) }; OPERATIONS_MAX],
            serial: AtomicU64::new(1),
            totals: Mutex::default(),
        };
        if let Some(first) = registry.slab.insert(OpStats::new(Op::new(0, ""), 0)) {
            registry.slab.remove(first);
        }
        registry
    }

    /// Begins a run of `op`, which ends when the scope is dropped.
    ///
    /// # Errors
    /// When [`OPERATIONS_MAX`] operations run, or half as many that this thread began.
    pub fn begin(&self, op: Op) -> Result<Scope<'_>, TooManyOperations> {
        let serial = self.serial.fetch_add(1, Ordering::Relaxed);
        let key = self.slab.insert(OpStats::new(op, serial)).ok_or(TooManyOperations)?;
        let claim = |place: &AtomicUsize| {
            place.compare_exchange(0, key + 1, Ordering::AcqRel, Ordering::Relaxed).is_ok()
        };
        let place = self.running.iter().position(claim);
        match (self.slab.get(key), place) {
            (Some(entry), Some(place)) => Ok(Scope { registry: self, entry, key, place }),
            _ => {
                self.slab.remove(key);
                Err(TooManyOperations)
            }
        }
    }

    /// Looks a run up; `None` when it has ended.
    pub fn get(&self, key: OpKey) -> Option<OpReading> {
        let stats = self.slab.get(key.0)?;
        let (op, serial, diagnostics) = (stats.op(), stats.serial(), stats.diagnostics());
        Some(OpReading { key, op, serial, diagnostics })
    }

    /// The operations that run now, in no order.
    pub fn running(&self) -> impl Iterator<Item = OpReading> {
        let keys = self.running.iter().map(|place| place.load(Ordering::Acquire));
        keys.filter_map(|key| self.get(OpKey(key.checked_sub(1)?)))
    }

    /// What all ended runs of `op` have taken.
    pub fn totals(&self, op: Op) -> OpTotals {
        self.lock()[op.index()]
    }

    fn lock(&self) -> MutexGuard<'_, [OpTotals; Op::COUNT_MAX]> {
        // Totals are right between any two statements, also after a panic of another holder.
        self.totals.lock().unwrap_or_else(PoisonError::into_inner)
    }
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

/// A running operation. It ends when this is dropped; handles on its account end before.
pub struct Scope<'r> {
    registry: &'r Registry,
    entry: Entry<'r, OpStats, Shape>,
    key: usize,
    place: usize,
}

impl Scope<'_> {
    /// The key of the run, for those who cannot borrow the scope.
    pub const fn key(&self) -> OpKey {
        OpKey(self.key)
    }

    /// The account of the run.
    pub fn stats(&self) -> &OpStats {
        &self.entry
    }

    /// `alloc` on the account of this run, for any thread.
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
        {
            let totals = &mut self.registry.lock()[self.stats().op().index()];
            totals.runs += 1;
            totals.peak_bytes = totals.peak_bytes.max(peak_bytes);
            totals.failures_total += failures_total;
            totals.allocations_total += allocations_total;
            totals.leaked_bytes =
                Bytes::new(totals.leaked_bytes.get().saturating_add(bytes_outstanding.get()));
        }
        self.registry.running[self.place].store(0, Ordering::Release);
        // The slot is freed once the entry of this scope is dropped as well.
        self.registry.slab.remove(self.key);
    }
}

impl fmt::Debug for Scope<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.stats().fmt(f)
    }
}
