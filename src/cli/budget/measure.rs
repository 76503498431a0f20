//! Measures one operation: heap bytes, bytes charged to the allocator port, resident memory.

use super::resident::Resident;
use crate::cache::{QueryError, RebuildError};
use crate::cli::failure::Failure;
use crate::cli::live;
use crate::context::operation;
use crate::context::{ArenaTotals, Memory, Toggles};
use crate::git;
use crate::journal::WalkError;
use crate::memory::{
    Alloc, ErrorKind, Interval, MemoryError, Op, ProcessAllocator, Profile, Reconciliation,
    TooManyOperations,
};
use crate::units::Bytes;
use std::time::{Duration, Instant};

/// The measurement of an operation.
#[derive(Clone, Debug)]
pub(super) struct Measured {
    pub(super) op: Op,
    /// The budget that it ran under.
    pub(super) cap: Bytes,
    pub(super) accounts: Reconciliation,
    /// Growth of the process's resident memory; `None` where the kernel does not report it.
    pub(super) resident: Option<Bytes>,
    pub(super) failures_total: u64,
    pub(super) allocations_total: u64,
    /// Bytes outstanding at the port after the end of the operation.
    pub(super) leaked: Bytes,
    pub(super) arena: ArenaTotals,
    /// Bytes that a rebuild spilled to disk.
    pub(super) spilled: Bytes,
    pub(super) duration: Duration,
    pub(super) intervals: Vec<Interval>,
    /// The allocation failure that ended the operation.
    pub(super) failure: Option<MemoryError>,
    /// The report of tracing, when it found a leak.
    pub(super) trace_report: Option<String>,
    pub(super) histogram: Option<String>,
    /// Who held the heap, when that was requested.
    pub(super) profile: Option<Profile>,
}

impl Measured {
    /// A measurement of an operation that allocated nothing.
    pub(super) fn nothing(op: Op, cap: Bytes) -> Self {
        Self {
            op,
            cap,
            accounts: Reconciliation::default(),
            resident: None,
            failures_total: 0,
            allocations_total: 0,
            leaked: Bytes::ZERO,
            arena: ArenaTotals::default(),
            spilled: Bytes::ZERO,
            duration: Duration::ZERO,
            intervals: Vec::new(),
            failure: None,
            trace_report: None,
            histogram: None,
            profile: None,
        }
    }

    /// Whether the operation failed because it exceeded its cap.
    pub(super) fn has_exceeded_cap(&self) -> bool {
        let kind = self.failure.map(|error| error.kind());
        matches!(kind, Some(ErrorKind::OverBudget | ErrorKind::OverCap))
    }
}

/// Why an operation gave no result.
#[derive(Debug, thiserror::Error)]
pub(super) enum OpError {
    #[error(transparent)]
    Rebuild(#[from] RebuildError),
    #[error(transparent)]
    Walk(#[from] WalkError),
    #[error(transparent)]
    Query(#[from] QueryError),
    #[error(transparent)]
    Git(#[from] git::Error),
    #[error(transparent)]
    Memory(#[from] MemoryError),
    #[error(transparent)]
    Operations(#[from] TooManyOperations),
}

impl OpError {
    /// The allocation failure that caused the error, if one did.
    const fn memory(&self) -> Option<MemoryError> {
        match self {
            Self::Memory(error) | Self::Git(git::Error::Memory(error)) => Some(*error),
            Self::Rebuild(error) => error.memory(),
            Self::Walk(error) => error.memory(),
            Self::Query(error) => error.memory(),
            Self::Git(_) | Self::Operations(_) => None,
        }
    }
}

/// The settings and the counters of measurements.
#[derive(Clone, Copy)]
pub(super) struct Instruments<'a> {
    pub(super) toggles: &'a Toggles,
    pub(super) allocator: &'static ProcessAllocator,
    /// The budget of a rebuild, when `--cap` sets it.
    pub(super) rebuild_cap: Option<Bytes>,
    /// Threads beside the one that measures.
    pub(super) workers: usize,
    /// Whether to keep what each call stack holds.
    pub(super) is_profiled: bool,
}

impl Instruments<'_> {
    fn cap_of(&self, op: Op) -> Bytes {
        match (op, self.rebuild_cap) {
            (operation::CACHE_REBUILD, Some(cap)) => cap,
            _ => self.toggles.budget_of(op),
        }
    }
}

/// Runs `work` as `op` under its budget. There is no result when an allocation failed.
///
/// # Errors
/// When `work` failed for another reason.
pub(super) fn measure<T>(
    op: Op,
    instruments: Instruments<'_>,
    work: impl FnOnce(&Memory, Alloc<'_>) -> Result<T, OpError>,
) -> Result<(Measured, Option<T>), Failure> {
    let Instruments { toggles, allocator, is_profiled, .. } = instruments;
    let cap = instruments.cap_of(op);
    let memory = Memory::reconciled(toggles, cap, allocator);
    // The thread that answers signals starts before the heap is counted and ends after.
    let (outcome, duration, resident) = live::printed(&memory, || {
        let resident = Resident::begin();
        if is_profiled {
            allocator.start_profiling();
        } else {
            allocator.start_reconciling();
        }
        let started = Instant::now();
        let outcome = run(op, &memory, work);
        let duration = started.elapsed();
        allocator.stop_counting();
        (outcome, duration, resident.end())
    });
    let (diagnostics, arena) = (memory.diagnostics(), memory.arena_totals(op));
    let failures_total = diagnostics.failures_total + arena.failures_total;
    let (result, failure) = match outcome {
        Ok(result) => (Some(result), None),
        Err(error) => match error.memory() {
            None if failures_total == 0 => return Err(Failure::new(error)),
            failure => (None, failure),
        },
    };
    let histogram = memory.histogram();
    let measured = Measured {
        accounts: allocator.reconciliation(),
        resident,
        failures_total,
        allocations_total: allocator.diagnostics().allocations_total,
        leaked: diagnostics.bytes_outstanding,
        arena,
        duration,
        intervals: allocator.intervals().collect(),
        failure,
        trace_report: memory.finish().err().map(|report| report.to_string()),
        histogram,
        profile: is_profiled.then(|| allocator.profile()),
        ..Measured::nothing(op, cap)
    };
    Ok((measured, result))
}

fn run<T>(
    op: Op,
    memory: &Memory,
    work: impl FnOnce(&Memory, Alloc<'_>) -> Result<T, OpError>,
) -> Result<T, OpError> {
    let scope = memory.begin(op)?;
    let _entered = scope.enter();
    work(memory, scope.tag(memory.alloc()))
}
