//! One operation under the counters: the heap's, the ports' and the kernel's.

use super::resident::Resident;
use crate::cache::{QueryError, RebuildError};
use crate::cli::failure::Failure;
use crate::context::operation;
use crate::context::{Memory, Toggles};
use crate::git;
use crate::journal::WalkError;
use crate::memory::{
    Alloc, ErrorKind, Interval, MemoryError, Op, ProcessAllocator, Reconciliation,
    TooManyOperations,
};
use crate::units::Bytes;
use std::time::{Duration, Instant};

/// What an operation took.
#[derive(Clone, Debug)]
pub(super) struct Measured {
    pub(super) op: Op,
    /// The budget that it ran under.
    pub(super) cap: Bytes,
    pub(super) accounts: Reconciliation,
    /// By how much the process's resident memory rose, where the kernel says.
    pub(super) resident: Option<Bytes>,
    pub(super) failures_total: u64,
    pub(super) allocations_total: u64,
    /// What the port had not got back when the operation had ended.
    pub(super) leaked: Bytes,
    pub(super) arena_grow: Bytes,
    /// What a rebuild moved to the disk.
    pub(super) spilled: Bytes,
    pub(super) duration: Duration,
    pub(super) intervals: Vec<Interval>,
    /// The refusal that ended it.
    pub(super) refusal: Option<MemoryError>,
    /// What tracing has to complain about.
    pub(super) trace_report: Option<String>,
    pub(super) histogram: Option<String>,
}

impl Measured {
    /// Nothing was taken.
    pub(super) fn nothing(op: Op, cap: Bytes) -> Self {
        Self {
            op,
            cap,
            accounts: Reconciliation::default(),
            resident: None,
            failures_total: 0,
            allocations_total: 0,
            leaked: Bytes::ZERO,
            arena_grow: Bytes::ZERO,
            spilled: Bytes::ZERO,
            duration: Duration::ZERO,
            intervals: Vec::new(),
            refusal: None,
            trace_report: None,
            histogram: None,
        }
    }

    /// Whether it was a cap that ended it.
    pub(super) fn is_refused_by_cap(&self) -> bool {
        let kind = self.refusal.map(|error| error.kind);
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
    /// The allocation failure behind it, when it was one.
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

/// What operations are measured with.
#[derive(Clone, Copy)]
pub(super) struct Instruments<'a> {
    pub(super) toggles: &'a Toggles,
    pub(super) allocator: &'static ProcessAllocator,
    /// The budget of a rebuild, when it is another one than usual.
    pub(super) rebuild_cap: Option<Bytes>,
}

impl Instruments<'_> {
    fn cap_of(&self, op: Op) -> Bytes {
        match (op, self.rebuild_cap) {
            (operation::CACHE_REBUILD, Some(cap)) => cap,
            _ => self.toggles.budget_of(op),
        }
    }
}

/// Runs `work` as `op` under its budget. There is no result when memory was refused.
///
/// # Errors
/// When it failed for another reason.
pub(super) fn measure<T>(
    op: Op,
    instruments: Instruments<'_>,
    work: impl FnOnce(&Memory, Alloc<'_>) -> Result<T, OpError>,
) -> Result<(Measured, Option<T>), Failure> {
    let (Instruments { toggles, allocator, .. }, cap) = (instruments, instruments.cap_of(op));
    let memory = Memory::reconciled(toggles, cap, allocator);
    let resident = Resident::begin();
    allocator.start_reconciling();
    let started = Instant::now();
    let outcome = run(op, &memory, work);
    let duration = started.elapsed();
    allocator.stop_counting();
    let resident = resident.end();
    let diagnostics = memory.diagnostics();
    let (result, refusal) = match outcome {
        Ok(result) => (Some(result), None),
        Err(error) => match error.memory() {
            None if diagnostics.failures_total == 0 => return Err(Failure::new(error)),
            refusal => (None, refusal),
        },
    };
    let (arena_grow, histogram) = (memory.arena_grow_bytes(op), memory.histogram());
    let measured = Measured {
        accounts: allocator.reconciliation(),
        resident,
        failures_total: diagnostics.failures_total,
        allocations_total: allocator.diagnostics().allocations_total,
        leaked: diagnostics.bytes_outstanding,
        arena_grow,
        duration,
        intervals: allocator.intervals().collect(),
        refusal,
        trace_report: memory.finish().err().map(|report| report.to_string()),
        histogram,
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
