//! The memory of a context: the stack of allocators that the variables select.

use super::operation;
use std::sync::{Arc, OnceLock};

use super::op_arena::{ArenaTotals, OpArena, OpArenas};
use super::toggles::{ArenaSize, Toggles};
#[cfg(feature = "histogram")]
use crate::memory::Percentiles;
use crate::memory::{
    Alloc, Arena, BudgetObserver, BudgetWarning, Budgeted, Diagnostics, Faulty, InternTable, Op,
    OpReading, Pooling, Port, ProcessAllocator, Profile, Reconciled, Registry, Schedule, Scope,
    Slab, System, TooManyOperations, Trace, TraceReport, Traced, Zeroing,
};
use crate::units::Bytes;

/// The allocators of a context, their counters, and the operations that allocate from them.
///
/// By default it is a budget over the system allocator. Tracing is above the budget, so that it
/// sees the allocations that exceed it. With the kill switch it is the system allocator alone,
/// whatever else is set.
#[derive(Debug)]
pub struct Memory {
    stack: Stack,
    /// The budget; the kill switch leaves none.
    limit: Option<Bytes>,
    registry: Registry,
    warning: Arc<Latch>,
    pooling: Pooling,
    zeroing: Zeroing,
    cache_rebuild: ArenaSize,
    other_cap: Bytes,
    arenas: OpArenas,
    /// The seed of the hashes of intern tables; a random one when there is none.
    hash_seed: Option<u64>,
}

enum Stack {
    Untraced(Box<dyn Port>),
    Traced(Box<dyn TracedPort>),
}

/// A traced port over any other, so that a request is one dynamic call for the whole stack.
trait TracedPort: Port {
    fn profile(&self) -> Option<Profile>;
    #[cfg(feature = "histogram")]
    fn percentiles(&self) -> Option<Percentiles>;
    fn teardown(&mut self) -> Result<Diagnostics, Box<TraceReport>>;
}

impl<P: Port> TracedPort for Traced<P> {
    fn profile(&self) -> Option<Profile> {
        self.profile()
    }

    #[cfg(feature = "histogram")]
    fn percentiles(&self) -> Option<Percentiles> {
        self.percentiles()
    }

    fn teardown(&mut self) -> Result<Diagnostics, Box<TraceReport>> {
        self.teardown()
    }
}

impl std::fmt::Debug for Stack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Untraced(port) => port.diagnostics().fmt(f),
            Self::Traced(traced) => traced.diagnostics().fmt(f),
        }
    }
}

/// Keeps the one warning of a budget until it is read.
#[derive(Debug, Default)]
struct Latch(OnceLock<BudgetWarning>);

impl BudgetObserver for Latch {
    fn soft_limit_passed(&self, warning: BudgetWarning) {
        // A budget warns once, so the latch is still empty.
        let _ = self.0.set(warning);
    }
}

impl Memory {
    /// The stack that `toggles` select, with a budget of `hard_limit`.
    pub fn new(toggles: &Toggles, hard_limit: Bytes) -> Self {
        let warning = Arc::new(Latch::default());
        let stack = if toggles.disable_custom_allocators {
            Stack::Untraced(Box::new(System::new()))
        } else {
            stack(System::uncounted(), toggles, hard_limit, Arc::clone(&warning))
        };
        Self::with(stack, warning, toggles, hard_limit)
    }

    /// The same stack, which also reports every byte that it charges to `process`, so that charged
    /// and allocated bytes can be compared. It is for measurements, so intern tables place strings
    /// in the same way in each run.
    pub fn reconciled(
        toggles: &Toggles,
        hard_limit: Bytes,
        process: &'static ProcessAllocator,
    ) -> Self {
        let warning = Arc::new(Latch::default());
        let stack = if toggles.disable_custom_allocators {
            Stack::Untraced(Box::new(Reconciled::new(System::new(), process)))
        } else {
            let bottom = Reconciled::new(System::uncounted(), process);
            stack(bottom, toggles, hard_limit, Arc::clone(&warning))
        };
        Self { hash_seed: Some(0), ..Self::with(stack, warning, toggles, hard_limit) }
    }

    fn with(stack: Stack, warning: Arc<Latch>, toggles: &Toggles, hard_limit: Bytes) -> Self {
        let limit = (!toggles.disable_custom_allocators).then_some(hard_limit);
        let registry = Registry::new();
        let pooling = if toggles.disable_custom_allocators { Pooling::Off } else { Pooling::On };
        let zeroing = if toggles.zeroize { Zeroing::On } else { Zeroing::Off };
        let Toggles { cache_rebuild, attr_query_cap: other_cap, .. } = *toggles;
        let arenas = OpArenas::new();
        Self {
            stack,
            limit,
            registry,
            warning,
            pooling,
            zeroing,
            cache_rebuild,
            other_cap,
            arenas,
            hash_seed: None,
        }
    }

    /// A handle that is charged to no operation (untagged).
    pub fn alloc(&self) -> Alloc<'_> {
        match &self.stack {
            Stack::Untraced(port) => Alloc::new(&**port),
            Stack::Traced(traced) => Alloc::new(&**traced),
        }
    }

    /// An arena on `alloc`. With the kill switch each object is an allocation of its own. A rebuild
    /// has a hint and a cap of its own; all other operations have the cap of a query. When the
    /// arena is dropped, its counters are added to [`Memory::arena_totals`].
    pub fn arena<'s>(&'s self, alloc: Alloc<'s>) -> OpArena<'s> {
        let ArenaSize { hint, cap } = match alloc.op().op() {
            Some(operation::CACHE_REBUILD) => self.cache_rebuild,
            _ => ArenaSize { hint: Bytes::ZERO, cap: self.other_cap },
        };
        let arena = Arena::with(alloc, hint, cap, self.pooling, self.zeroing);
        let arena = arena.with_large_objects_in_blocks();
        self.arenas.of(alloc.op().op(), arena)
    }

    /// What the dropped arenas of `op` have counted.
    pub fn arena_totals(&self, op: Op) -> ArenaTotals {
        self.arenas.read(op)
    }

    /// A slab on `alloc`, pooled and zeroing as the toggles say.
    pub fn slab<'s>(&self, alloc: Alloc<'s>) -> Slab<'s> {
        Slab::with(alloc, self.pooling, self.zeroing)
    }

    /// An intern table on `alloc`, pooled and zeroing as the toggles say.
    pub fn intern_table<'s>(&self, alloc: Alloc<'s>) -> InternTable<'s> {
        let (pooling, zeroing) = (self.pooling, self.zeroing);
        match self.hash_seed {
            Some(seed) => InternTable::seeded(alloc, pooling, zeroing, seed),
            None => InternTable::new(alloc, pooling, zeroing),
        }
    }

    /// Begins a run of `op`.
    ///
    /// # Errors
    /// When the maximum number of operations is running.
    pub fn begin(&self, op: Op) -> Result<Scope<'_>, TooManyOperations> {
        self.registry.begin(op)
    }

    /// The running operations, and the totals of those that have ended.
    pub const fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The operations that run now, to be asked on any thread. Without tracing there are no
    /// accounts by operation, so their bytes and failures are those of all operations.
    ///
    /// ```
    /// use gitmind::context::{Memory, Toggles, operation};
    /// use gitmind::env::FixedEnvironment;
    /// use gitmind::units::Bytes;
    /// let toggles = Toggles::read(&FixedEnvironment::from([("GM_ALLOC_TRACE", "1")]))?;
    /// let memory = Memory::new(&toggles, Bytes::from_mib(256));
    /// let scope = memory.begin(operation::JOURNAL_READ)?;
    /// let kept = scope.tag(memory.alloc()).try_box([0_u8; 2048])?;
    /// let live = memory.live().next().expect("one runs").to_string();
    /// let expected = "journal.read: 2.0 KiB of 256.0 MiB, peak 2.0 KiB, 0 failed, ";
    /// assert!(live.starts_with(expected), "{live}");
    /// drop(kept);
    /// drop(scope);
    /// assert_eq!(memory.live().count(), 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn live(&self) -> impl Iterator<Item = OpReading> {
        self.registry.running().map(|mut live| {
            live.limit = self.limit;
            live.is_of_all = matches!(self.stack, Stack::Untraced(_));
            if live.is_of_all {
                live.diagnostics = self.diagnostics();
            }
            live
        })
    }

    /// Peak bytes and allocation failures of the runs of `op`, those of dropped arenas included;
    /// `None` when there was no run. Slabs and intern tables fail when the port does, which counts
    /// that. Without tracing there are no accounts by operation, so these are the totals of all
    /// operations.
    pub fn usage_of(&self, op: Op) -> Option<(Bytes, u64)> {
        let totals = self.registry.totals(op);
        let all = self.diagnostics();
        let (peak, failures) = match self.stack {
            _ if totals.runs == 0 => return None,
            Stack::Traced(_) => (totals.peak_bytes, totals.failures_total),
            Stack::Untraced(_) => (all.peak_bytes, all.failures_total),
        };
        Some((peak, failures + self.arena_totals(op).failures_total))
    }

    /// The counters of the whole stack.
    pub fn diagnostics(&self) -> Diagnostics {
        self.alloc().port().diagnostics()
    }

    /// Who holds the memory now and held it at the peak, by call stack, on any thread and while
    /// others allocate; `None` unless memory is traced with call sites.
    pub fn profile(&self) -> Option<Profile> {
        match &self.stack {
            Stack::Traced(traced) => traced.profile(),
            Stack::Untraced(_) => None,
        }
    }

    /// The warning of the budget, once its soft limit has been exceeded.
    pub fn warning(&self) -> Option<BudgetWarning> {
        self.warning.0.get().copied()
    }

    /// The percentiles of allocation sizes as text; `None` when no histogram is kept.
    pub fn histogram(&self) -> Option<String> {
        #[cfg(feature = "histogram")]
        if let Stack::Traced(traced) = &self.stack {
            return traced.percentiles().map(|percentiles| percentiles.to_string());
        }
        None
    }

    /// Ends the work, when every block must have been freed.
    ///
    /// # Errors
    /// The report of the blocks that leaked, when memory is traced.
    pub fn finish(self) -> Result<Diagnostics, Box<TraceReport>> {
        match self.stack {
            Stack::Untraced(port) => Ok(port.diagnostics()),
            Stack::Traced(mut traced) => traced.teardown(),
        }
    }
}

/// The stack without the kill switch.
fn stack(
    bottom: impl Port + 'static,
    toggles: &Toggles,
    hard_limit: Bytes,
    observer: Arc<Latch>,
) -> Stack {
    // The top of the stack counts; the system allocator at the bottom does not count again.
    let budget = Budgeted::with_observer(bottom, hard_limit, observer);
    match toggles.oom {
        Schedule::NEVER => observed(budget, toggles),
        schedule => observed(Faulty::new(budget, schedule), toggles),
    }
}

/// The top of the stack, which traces or does not.
fn observed(port: impl Port + 'static, toggles: &Toggles) -> Stack {
    let implied = toggles.histogram || toggles.zeroize;
    match toggles.trace.or(implied.then(Trace::stamped)) {
        None => Stack::Untraced(Box::new(port)),
        Some(trace) => {
            let trace = trace.zeroizing(toggles.zeroize);
            #[cfg(feature = "histogram")]
            let trace = trace.histogram(toggles.histogram);
            Stack::Traced(Box::new(Traced::new(port, trace)))
        }
    }
}

#[cfg(test)]
mod tests;
