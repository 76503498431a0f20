//! The memory of a context: the stack of ports that the toggles ask for.

use super::operation;
use std::sync::{Arc, OnceLock};

use super::op_arena::{ArenaGrowth, OpArena};
use super::toggles::{ArenaSize, Toggles};
use crate::memory::{
    Alloc, Arena, BudgetObserver, BudgetWarning, Budgeted, Diagnostics, Faulty, InternTable, Op,
    Pooling, Port, ProcessAllocator, Reconciled, Registry, Schedule, Scope, Slab, System,
    TooManyOperations, Trace, TraceReport, Traced, Zeroing,
};
use crate::units::Bytes;

/// Where a context's memory comes from, who counts it, and which operations take it.
///
/// With every toggle off it is a budget over the system. Tracing goes on top, so that it sees what
/// the budget refuses. The kill switch leaves the system alone, whatever else is set.
#[derive(Debug)]
pub struct Memory {
    stack: Stack,
    registry: Registry,
    warning: Arc<Latch>,
    pooling: Pooling,
    zeroing: Zeroing,
    cache_rebuild: ArenaSize,
    attr_query: ArenaSize,
    growth: ArenaGrowth,
}

enum Stack {
    Untraced(Box<dyn Port>),
    Traced(Box<Traced<Box<dyn Port>>>),
}

impl std::fmt::Debug for Stack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Untraced(port) => port.diagnostics().fmt(f),
            Self::Traced(traced) => traced.diagnostics().fmt(f),
        }
    }
}

/// Keeps the one warning of a budget until somebody asks.
#[derive(Debug, Default)]
struct Latch(OnceLock<BudgetWarning>);

impl BudgetObserver for Latch {
    fn soft_limit_passed(&self, warning: BudgetWarning) {
        // A budget warns once, so there is nothing to be replaced.
        let _ = self.0.set(warning);
    }
}

impl Memory {
    /// Stacks the ports that `toggles` ask for under a budget of `hard_limit`.
    pub fn new(toggles: &Toggles, hard_limit: Bytes) -> Self {
        let warning = Arc::new(Latch::default());
        let stack = if toggles.disable_custom_allocators {
            Stack::Untraced(Box::new(System::new()))
        } else {
            stack(System::uncounted(), toggles, hard_limit, Arc::clone(&warning))
        };
        Self::with(stack, warning, toggles)
    }

    /// The same, with every byte that is admitted in the books of `process` beside the heap's.
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
        Self::with(stack, warning, toggles)
    }

    fn with(stack: Stack, warning: Arc<Latch>, toggles: &Toggles) -> Self {
        let registry = Registry::new();
        let pooling = if toggles.disable_custom_allocators { Pooling::Off } else { Pooling::On };
        let zeroing = if toggles.zeroize { Zeroing::On } else { Zeroing::Off };
        let Toggles { cache_rebuild, attr_query, .. } = *toggles;
        let growth = ArenaGrowth::new();
        Self { stack, registry, warning, pooling, zeroing, cache_rebuild, attr_query, growth }
    }

    /// A handle on nobody's account.
    pub fn alloc(&self) -> Alloc<'_> {
        match &self.stack {
            Stack::Untraced(port) => Alloc::new(&**port),
            Stack::Traced(traced) => Alloc::new(&**traced),
        }
    }

    /// An arena on `alloc` as the toggles want it: with the kill switch each object is by itself. A
    /// rebuild's has its own hint and cap, everyone else that of a query. What it took is added to
    /// [`Memory::arena_grow_bytes`] when it ends.
    pub fn arena<'s>(&'s self, alloc: Alloc<'s>) -> OpArena<'s> {
        let ArenaSize { hint, cap } = match alloc.op().op() {
            Some(operation::CACHE_REBUILD) => self.cache_rebuild,
            _ => self.attr_query,
        };
        let arena = Arena::with(alloc, hint, cap, self.pooling, self.zeroing);
        self.growth.of(alloc.op().op(), arena)
    }

    /// The metric `arena.grow.bytes`: what arenas of `op` that have ended took in all.
    pub fn arena_grow_bytes(&self, op: Op) -> Bytes {
        self.growth.read(op)
    }

    /// A slab on `alloc` as the toggles want it.
    pub fn slab<'s>(&self, alloc: Alloc<'s>) -> Slab<'s> {
        Slab::with(alloc, self.pooling, self.zeroing)
    }

    /// An intern table on `alloc` as the toggles want it.
    pub fn intern_table<'s>(&self, alloc: Alloc<'s>) -> InternTable<'s> {
        InternTable::new(alloc, self.pooling, self.zeroing)
    }

    /// Begins a run of `op`.
    ///
    /// # Errors
    /// When too many operations run.
    pub fn begin(&self, op: Op) -> Result<Scope<'_>, TooManyOperations> {
        self.registry.begin(op)
    }

    /// The operations that run and the totals of those that ended.
    pub const fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The peak and the refusals of the runs of `op`; `None` when there were none. Only tracing
    /// keeps an account of each operation: without it, they are those of everything taken.
    pub fn taken_by(&self, op: Op) -> Option<(Bytes, u64)> {
        let totals = self.registry.totals(op);
        let all = self.diagnostics();
        match self.stack {
            _ if totals.runs == 0 => None,
            Stack::Traced(_) => Some((totals.peak_bytes, totals.failures_total)),
            Stack::Untraced(_) => Some((all.peak_bytes, all.failures_total)),
        }
    }

    /// What has been taken.
    pub fn diagnostics(&self) -> Diagnostics {
        self.alloc().port().diagnostics()
    }

    /// The warning of the budget, once its soft limit has been passed.
    pub fn warning(&self) -> Option<BudgetWarning> {
        self.warning.0.get().copied()
    }

    /// The percentiles of sizes, for people; `None` when no histogram is kept.
    pub fn histogram(&self) -> Option<String> {
        #[cfg(feature = "histogram")]
        if let Stack::Traced(traced) = &self.stack {
            return traced.percentiles().map(|percentiles| percentiles.to_string());
        }
        None
    }

    /// Ends the work: everything must have been given back.
    ///
    /// # Errors
    /// The report of what was not, when memory is traced.
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
    // Whoever is on top counts; the system at the bottom does not count again.
    let budget = Budgeted::with_observer(bottom, hard_limit, observer);
    let port: Box<dyn Port> = match toggles.oom {
        Schedule::NEVER => Box::new(budget),
        schedule => Box::new(Faulty::new(budget, schedule)),
    };
    let implied = toggles.histogram || toggles.zeroize;
    match toggles.trace.or(implied.then(Trace::stamped)) {
        None => Stack::Untraced(port),
        Some(trace) => {
            let trace = trace.zeroizing(toggles.zeroize);
            #[cfg(feature = "histogram")]
            let trace = trace.histogram(toggles.histogram);
            Stack::Traced(Box::new(Traced::new(port, trace)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::FixedEnvironment;
    use crate::memory::{ErrorKind, MemoryError, Vec};
    use std::sync::atomic::{AtomicPtr, Ordering::Relaxed};

    fn memory<const N: usize>(variables: [(&str, &str); N]) -> Memory {
        let toggles = Toggles::read(&FixedEnvironment::from(variables)).expect("they are valid");
        Memory::new(&toggles, Bytes::from_mib(1))
    }

    /// Doubles a vector until it is refused or holds 4 MiB.
    fn work(memory: &Memory) -> Result<usize, MemoryError> {
        let scope = memory.begin(operation::CACHE_REBUILD).expect("it is the only one");
        let mut bytes: Vec<'_, u8> = Vec::new(scope.tag(memory.alloc()));
        while bytes.len() < 4 << 20 {
            bytes.try_resize(bytes.len().max(8) * 2, 1)?;
        }
        Ok(bytes.len())
    }

    #[test]
    fn the_budget_holds_and_warns_without_any_toggle() {
        let memory = memory([]);
        let error = work(&memory).expect_err("the budget is 1 MiB");
        assert_eq!((error.kind, error.op), (ErrorKind::OverBudget, Some(operation::CACHE_REBUILD)));
        assert!(memory.warning().is_some(), "the last block that fitted passed the soft limit");
        assert_eq!(memory.finish().expect("nothing leaks").bytes_outstanding, Bytes::ZERO);
    }

    #[test]
    fn tracing_sees_what_the_budget_refuses() {
        let memory = memory([("GM_ALLOC_TRACE", "1")]);
        work(&memory).expect_err("the budget is 1 MiB");
        let totals = memory.registry().totals(operation::CACHE_REBUILD);
        assert_eq!((totals.failures_total, totals.leaked_bytes), (1, Bytes::ZERO));
        assert!(totals.peak_bytes >= Bytes::new(512 << 10), "{totals:?}");
        assert_eq!(memory.histogram(), None);
    }

    #[cfg(feature = "histogram")]
    #[test]
    fn a_histogram_counts_what_is_granted() {
        let memory = memory([("GM_ALLOC_HISTO", "1")]);
        work(&memory).expect_err("the budget is 1 MiB");
        assert!(memory.histogram().is_some_and(|text| text.contains("p99")));
    }

    #[test]
    fn the_nth_request_is_refused_as_asked() {
        let memory = memory([("GM_TEST_OOM_N", "2")]);
        assert_eq!(work(&memory).map_err(|error| error.kind), Err(ErrorKind::Injected));
        assert_eq!(memory.diagnostics().failures_total, 1);
    }

    #[test]
    fn what_arenas_took_is_added_up_by_operation() {
        let (memory, mut expected) = (memory([("GM_ARENA_HINT_CACHE_REBUILD", "4KiB")]), 0);
        let scope = memory.begin(operation::CACHE_REBUILD).expect("it is the only one");
        for _ in 0..2 {
            let mut arena = memory.arena(scope.tag(memory.alloc()));
            arena.try_alloc([0_u8; 9000]).expect("there is room");
            arena.reset();
            arena.try_alloc([0_u8; 9000]).expect("there is room");
            expected += arena.stats().grow_bytes.get();
        }
        drop(memory.arena(memory.alloc()));
        assert!(expected >= 4 * 9000, "{expected}");
        assert_eq!(memory.arena_grow_bytes(operation::CACHE_REBUILD), Bytes::new(expected));
        assert_eq!(memory.arena_grow_bytes(operation::ATTR_QUERY), Bytes::ZERO);
    }

    #[test]
    fn the_utilities_pool_and_an_arena_has_the_cap_of_its_operation() {
        let memory = memory([
            ("GM_ALLOC_ZEROIZE", "1"),
            ("GM_ARENA_CAP_CACHE_REBUILD", "64KiB"),
            ("GM_ARENA_HINT_CACHE_REBUILD", "4KiB"),
        ]);
        let scope = memory.begin(operation::CACHE_REBUILD).expect("it is the only one");
        let alloc = scope.tag(memory.alloc());
        let (arena, slab) = (memory.arena(alloc), memory.slab(alloc));
        let table = memory.intern_table(alloc);
        let _blocks = (arena.try_alloc([7_u8; 100]), slab.try_box(7_u8), table.intern(b"a"));
        assert_eq!((arena.stats().blocks, slab.stats().superblocks), (1, 1));
        let error = arena.try_alloc([0_u8; 64 << 10]).expect_err("the cap is that of a rebuild");
        assert_eq!((error.kind, error.limit), (ErrorKind::OverCap, Bytes::new(64 << 10)));
        let other = memory.arena(memory.alloc());
        assert!(other.try_alloc([0_u8; 64 << 10]).is_ok(), "the cap is that of a query");
    }

    #[test]
    fn a_leak_is_reported_at_the_end() {
        let memory = memory([("GM_ALLOC_TRACE", "sites")]);
        let kept = memory.alloc().try_box([0_u64; 4]).expect("it is granted");
        // Reachable, so that LeakSanitizer does not find it too.
        static REACHABLE: AtomicPtr<[u64; 4]> = AtomicPtr::new(std::ptr::null_mut());
        let mut kept = std::mem::ManuallyDrop::new(kept);
        REACHABLE.store(&raw mut **kept, Relaxed);
        let report = memory.finish().expect_err("a block is outstanding").to_string();
        assert!(report.contains("1 x 32 bytes"), "{report}");
    }
}
