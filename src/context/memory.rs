//! The memory of a context: the stack of allocators that the variables select.

use super::operation;
use std::sync::{Arc, OnceLock};

use super::op_arena::{ArenaGrowth, OpArena};
use super::toggles::{ArenaSize, Toggles};
use crate::memory::{
    Alloc, Arena, BudgetObserver, BudgetWarning, Budgeted, Diagnostics, Faulty, InternTable, Op,
    OpReading, Pooling, Port, ProcessAllocator, Reconciled, Registry, Schedule, Scope, Slab,
    System, TooManyOperations, Trace, TraceReport, Traced, Zeroing,
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
    /// and allocated bytes can be compared.
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
        Self::with(stack, warning, toggles, hard_limit)
    }

    fn with(stack: Stack, warning: Arc<Latch>, toggles: &Toggles, hard_limit: Bytes) -> Self {
        let limit = (!toggles.disable_custom_allocators).then_some(hard_limit);
        let registry = Registry::new();
        let pooling = if toggles.disable_custom_allocators { Pooling::Off } else { Pooling::On };
        let zeroing = if toggles.zeroize { Zeroing::On } else { Zeroing::Off };
        let Toggles { cache_rebuild, attr_query, .. } = *toggles;
        let growth = ArenaGrowth::new();
        Self {
            stack,
            limit,
            registry,
            warning,
            pooling,
            zeroing,
            cache_rebuild,
            attr_query,
            growth,
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
    /// has its own hint and cap; all other operations have those of a query. When the arena is
    /// dropped, the bytes of its blocks are added to [`Memory::arena_grow_bytes`].
    pub fn arena<'s>(&'s self, alloc: Alloc<'s>) -> OpArena<'s> {
        let ArenaSize { hint, cap } = match alloc.op().op() {
            Some(operation::CACHE_REBUILD) => self.cache_rebuild,
            _ => self.attr_query,
        };
        let arena = Arena::with(alloc, hint, cap, self.pooling, self.zeroing);
        self.growth.of(alloc.op().op(), arena)
    }

    /// The metric `arena.grow.bytes`: bytes of blocks that the dropped arenas of `op` allocated.
    pub fn arena_grow_bytes(&self, op: Op) -> Bytes {
        self.growth.read(op)
    }

    /// A slab on `alloc`, pooled and zeroing as the toggles say.
    pub fn slab<'s>(&self, alloc: Alloc<'s>) -> Slab<'s> {
        Slab::with(alloc, self.pooling, self.zeroing)
    }

    /// An intern table on `alloc`, pooled and zeroing as the toggles say.
    pub fn intern_table<'s>(&self, alloc: Alloc<'s>) -> InternTable<'s> {
        InternTable::new(alloc, self.pooling, self.zeroing)
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

    /// Peak bytes and allocation failures of the runs of `op`; `None` when there was no run.
    /// Without tracing there are no accounts by operation, so these are the totals of all
    /// operations.
    pub fn usage_of(&self, op: Op) -> Option<(Bytes, u64)> {
        let totals = self.registry.totals(op);
        let all = self.diagnostics();
        match self.stack {
            _ if totals.runs == 0 => None,
            Stack::Traced(_) => Some((totals.peak_bytes, totals.failures_total)),
            Stack::Untraced(_) => Some((all.peak_bytes, all.failures_total)),
        }
    }

    /// The counters of the whole stack.
    pub fn diagnostics(&self) -> Diagnostics {
        self.alloc().port().diagnostics()
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

    /// Doubles a vector until an allocation fails or it holds 4 MiB.
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
        assert_eq!(
            (error.kind(), error.op()),
            (ErrorKind::OverBudget, Some(operation::CACHE_REBUILD))
        );
        assert!(memory.warning().is_some(), "the last block that fitted passed the soft limit");
        assert_eq!(memory.finish().expect("nothing leaks").bytes_outstanding, Bytes::ZERO);
    }

    #[test]
    fn tracing_counts_allocations_that_exceed_the_budget() {
        let memory = memory([("GM_ALLOC_TRACE", "1")]);
        work(&memory).expect_err("the budget is 1 MiB");
        let totals = memory.registry().totals(operation::CACHE_REBUILD);
        assert_eq!((totals.failures_total, totals.leaked_bytes), (1, Bytes::ZERO));
        assert!(totals.peak_bytes >= Bytes::new(512 << 10), "{totals:?}");
        assert_eq!(memory.histogram(), None);
    }

    #[cfg(feature = "histogram")]
    #[test]
    fn a_histogram_counts_successful_allocations() {
        let memory = memory([("GM_ALLOC_HISTO", "1")]);
        work(&memory).expect_err("the budget is 1 MiB");
        assert!(memory.histogram().is_some_and(|text| text.contains("p99")));
    }

    #[test]
    fn a_running_operation_has_its_bytes_or_those_of_all_which_it_says() {
        let line = |mut live: OpReading| {
            live.elapsed = std::time::Duration::ZERO;
            live.to_string()
        };
        let live = |variables: [(&str, &str); 1]| {
            let memory = memory(variables);
            let scope = memory.begin(operation::JOURNAL_READ).expect("few run");
            let other = memory.begin(operation::CACHE_QUERY).expect("few run");
            let _of_it = scope.tag(memory.alloc()).try_box([0_u8; 3 << 10]).expect("it fits");
            let _of_the_other =
                other.tag(memory.alloc()).try_box([0_u8; 1 << 10]).expect("it fits");
            std::thread::scope(|threads| {
                let lines = || memory.live().map(line).collect::<std::vec::Vec<_>>();
                threads.spawn(lines).join().expect("no panic in it")
            })
        };
        let of =
            |numbers: &str| [format!("journal.read: {numbers}"), format!("cache.query: {numbers}")];
        let all = "4.0 KiB of 1.0 MiB, peak 4.0 KiB, 0 failed, 0.0 s (bytes of all operations)";
        assert_eq!(live([("GM_ALLOC_ZEROIZE", "0")]), of(all));
        let [read, query] = live([("GM_ALLOC_TRACE", "1")]).try_into().expect("two run");
        assert_eq!(read, "journal.read: 3.0 KiB of 1.0 MiB, peak 3.0 KiB, 0 failed, 0.0 s");
        assert_eq!(query, "cache.query: 1.0 KiB of 1.0 MiB, peak 1.0 KiB, 0 failed, 0.0 s");
        let killed = live([("GM_DISABLE_CUSTOM_ALLOCATORS", "1")]);
        assert_eq!(killed, of(&all.replace(" of 1.0 MiB", "")));
    }

    #[test]
    fn the_nth_allocation_fails_when_the_toggle_says_so() {
        let memory = memory([("GM_TEST_OOM_N", "2")]);
        assert_eq!(work(&memory).map_err(|error| error.kind()), Err(ErrorKind::Injected));
        assert_eq!(memory.diagnostics().failures_total, 1);
    }

    #[test]
    fn bytes_of_arenas_are_summed_by_operation() {
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
    fn arena_slab_and_table_pool_and_an_arena_has_the_cap_of_its_operation() {
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
        assert_eq!((error.kind(), error.limit()), (ErrorKind::OverCap, Bytes::new(64 << 10)));
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
