//! The registry of operations that are running.
//!
//! An operation begins, takes memory on its account through tagged handles, and ends; the registry
//! knows all that run now and keeps totals of those that ended. Its accounts are made with it, so
//! an operation begins without taking memory, on any thread and in a destructor of a thread-local.
//! A key is the number of a run, so the key of an operation that ended never finds another one.
//!
//! One lock guards the list for the time of a search; no request for memory takes it. The accounts
//! are in the process's heap, outside of what budgets count and what sweeps let fail.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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
pub struct Registry(Mutex<State>);

/// What the lock guards.
struct State {
    accounts: Box<[Account]>,
    /// The number of the next run, from 1.
    serial: u64,
    totals: [OpTotals; Op::COUNT_MAX],
}

/// The account of a run, or of one that ended, to be used again.
struct Account {
    is_running: bool,
    stats: Arc<OpStats>,
}

impl State {
    fn find(&mut self, serial: u64) -> Option<&mut Account> {
        self.accounts.iter_mut().find(|one| one.is_running && one.stats.serial() == serial)
    }
}

/// What all ended runs of an operation have taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
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
pub struct OpKey(u64);

/// A running operation, as the registry reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
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
#[non_exhaustive]
pub struct TooManyOperations;

impl fmt::Display for TooManyOperations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{OPERATIONS_MAX} operations are running, which is the most there can be")
    }
}

impl std::error::Error for TooManyOperations {}

impl Registry {
    /// An empty registry with the accounts of [`OPERATIONS_MAX`] operations.
    pub fn new() -> Self {
        let account =
            |_| Account { is_running: false, stats: Arc::new(OpStats::new(Op::new(0, ""), 0)) };
        let accounts = (0..OPERATIONS_MAX).map(account).collect();
        Self(Mutex::new(State { accounts, serial: 1, totals: Default::default() }))
    }

    /// Begins a run of `op`, which ends when the scope is dropped.
    ///
    /// # Errors
    /// When [`OPERATIONS_MAX`] operations run.
    pub fn begin(&self, op: Op) -> Result<Scope<'_>, TooManyOperations> {
        let mut state = self.lock();
        let State { accounts, serial, .. } = &mut *state;
        for account in accounts.iter_mut().filter(|one| !one.is_running) {
            // A scope that ends on another thread may still hold its account for a moment.
            if let Some(stats) = Arc::get_mut(&mut account.stats) {
                *stats = OpStats::new(op, *serial);
                *serial += 1;
                account.is_running = true;
                return Ok(Scope { registry: self, stats: Arc::clone(&account.stats) });
            }
        }
        Err(TooManyOperations)
    }

    /// Looks a run up; `None` when it has ended.
    pub fn get(&self, key: OpKey) -> Option<OpReading> {
        self.lock().find(key.0).map(|account| reading(account))
    }

    /// The operations that run now, in no order.
    pub fn running(&self) -> impl Iterator<Item = OpReading> {
        (0..OPERATIONS_MAX).filter_map(|index| {
            let state = self.lock();
            let account = &state.accounts[index];
            account.is_running.then(|| reading(account))
        })
    }

    /// What all ended runs of `op` have taken.
    pub fn totals(&self, op: Op) -> OpTotals {
        self.lock().totals[op.index()]
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is right between any two statements, also after a panic of another holder.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn reading(account: &Account) -> OpReading {
    let stats = &account.stats;
    let (key, op, serial) = (OpKey(stats.serial()), stats.op(), stats.serial());
    OpReading { key, op, serial, diagnostics: stats.diagnostics() }
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
    stats: Arc<OpStats>,
}

impl Scope<'_> {
    /// The key of the run, for those who cannot borrow the scope.
    pub fn key(&self) -> OpKey {
        OpKey(self.stats.serial())
    }

    /// The account of the run.
    pub fn stats(&self) -> &OpStats {
        &self.stats
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
        let mut state = self.registry.lock();
        let totals = &mut state.totals[self.stats.op().index()];
        totals.runs += 1;
        totals.peak_bytes = totals.peak_bytes.max(peak_bytes);
        totals.failures_total += failures_total;
        totals.allocations_total += allocations_total;
        totals.leaked_bytes =
            Bytes::new(totals.leaked_bytes.get().saturating_add(bytes_outstanding.get()));
        if let Some(account) = state.find(self.stats.serial()) {
            account.is_running = false;
        }
    }
}

impl fmt::Debug for Scope<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.stats().fmt(f)
    }
}
