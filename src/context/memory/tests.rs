//! The stack that the variables select, and what it counts.

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
    assert_eq!((error.kind(), error.op()), (ErrorKind::OverBudget, Some(operation::CACHE_REBUILD)));
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
    assert!(expected >= 2 * 9000, "{expected}");
    let totals = |op| memory.arena_totals(op);
    assert_eq!(totals(operation::CACHE_REBUILD).grow_bytes, Bytes::new(expected));
    assert_eq!(totals(operation::ATTR_QUERY), ArenaTotals::default());
}

#[test]
fn a_failure_of_arena_slab_or_table_is_counted_once_unless_a_spill_absorbs_it() {
    for trace in ["0", "1"] {
        let cap = ("GM_ARENA_CAP_CACHE_REBUILD", "4MiB");
        let memory = memory([("GM_ALLOC_TRACE", trace), cap]);
        let scope = memory.begin(operation::CACHE_REBUILD).expect("it is the only one");
        let alloc = scope.tag(memory.alloc());
        let arena = memory.arena(alloc);
        arena.try_alloc_zeroed(5 << 20, 1).expect_err("it is over the cap");
        arena.note_spill();
        arena.try_alloc_zeroed(6 << 20, 1).expect_err("it is over the cap");
        arena.try_alloc_zeroed(2 << 20, 1).expect_err("it is over the budget");
        drop(arena);
        let rest = memory.alloc().charge(Bytes::from_mib(1)).expect("the budget is as large");
        memory.slab(alloc).try_box(7_u8).map(drop).expect_err("the budget is used up");
        memory.intern_table(alloc).acquire(b"text").expect_err("the budget is used up");
        drop((rest, scope));
        let (_, failures) = memory.usage_of(operation::CACHE_REBUILD).expect("it ran");
        assert_eq!(failures, 4, "two of the arena, one of the slab, one of the table");
        assert_eq!(memory.arena_totals(operation::CACHE_REBUILD).spills_total, 1);
    }
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
        let _of_the_other = other.tag(memory.alloc()).try_box([0_u8; 1 << 10]).expect("it fits");
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
