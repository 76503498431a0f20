//! The arena, the slab and the intern table under the test kit: each call site fails.

use std::alloc::Layout;
use std::ptr::NonNull;

use allocator_api2::alloc::Allocator as _;
use allocator_api2::vec::Vec as RawVec;
use gitmind_memory::testing::{Case, Outcome, Sweep, assert_no_leaks, sweep};
use gitmind_memory::units::Bytes;
use gitmind_memory::{
    Alloc, Arena, DEDICATED_BYTES_MIN, InternTable, MemoryError, Pooling, Slab, Zeroing,
};

use super::intern::{MODES, path, text};

/// A function for each call of the port that an arena makes, so that a report names it.
mod calls {
    use super::*;

    const LAYOUT: Layout = Layout::new::<[u8; DEDICATED_BYTES_MIN]>();
    const LARGER: Layout = Layout::new::<[u8; 2 * DEDICATED_BYTES_MIN]>();

    #[inline(never)]
    pub(super) fn first_block(arena: &Arena<'_>) -> Result<usize, MemoryError> {
        Ok(*arena.try_alloc(1)?)
    }

    #[inline(never)]
    pub(super) fn further_blocks(arena: &Arena<'_>) -> Result<usize, MemoryError> {
        (0..100).map(|_| Ok(arena.try_alloc([1_u8; 100])?.len())).sum()
    }

    #[inline(never)]
    pub(super) fn dedicated(arena: &Arena<'_>) -> Result<usize, MemoryError> {
        Ok(arena.try_alloc_zeroed(DEDICATED_BYTES_MIN, 4096)?.len())
    }

    #[inline(never)]
    pub(super) fn pages_of_records(arena: &Arena<'_>) -> Result<usize, MemoryError> {
        (0..40).map(|_| Ok(arena.try_alloc_zeroed(DEDICATED_BYTES_MIN, 1)?.len())).sum()
    }

    #[inline(never)]
    pub(super) fn growing(arena: &Arena<'_>) -> Result<NonNull<u8>, MemoryError> {
        let object = arena.allocate(LAYOUT)?.cast();
        // SAFETY: the object was taken in the line above; the new size is larger.
        Ok(unsafe { arena.grow(object, LAYOUT, LARGER) }?.cast())
    }

    #[inline(never)]
    pub(super) fn shrinking(arena: &Arena<'_>, object: NonNull<u8>) -> Result<usize, MemoryError> {
        // SAFETY: `growing` has returned the object; the new size is smaller.
        Ok(unsafe { arena.shrink(object, LARGER, LAYOUT) }?.len())
    }
}

fn in_an_arena(alloc: Alloc<'_>, pooling: Pooling) -> Result<usize, MemoryError> {
    let (hint, cap) = (Bytes::new(4096), Bytes::from_mib(1));
    let mut arena = Arena::with(alloc, hint, cap, pooling, Zeroing::Off);
    let mut sum = 0;
    for _ in 0..2 {
        sum += calls::first_block(&arena)? + calls::further_blocks(&arena)?;
        sum += calls::dedicated(&arena)? + calls::pages_of_records(&arena)?;
        let object = calls::growing(&arena)?;
        sum += calls::shrinking(&arena, object)?;
        arena.reset();
    }
    Ok(sum)
}

#[test]
fn every_call_site_of_an_arena_survives_failure_once_and_persistently() {
    for pooling in [Pooling::On, Pooling::Off] {
        let report = sweep(|alloc| in_an_arena(alloc, pooling));
        report.assert_propagated();
        let places = [
            "first_block",
            "further_blocks",
            "dedicated",
            "pages_of_records",
            "growing",
            "shrinking",
        ];
        for place in places {
            let is_there = |case: &Case| case.site.function.contains(&format!("calls::{place}"));
            assert!(report.cases.iter().any(is_there), "{place} did not fail: {report}");
        }
    }
}

#[test]
fn after_a_failure_the_arena_is_usable_and_nothing_was_lost() {
    for pooling in [Pooling::On, Pooling::Off] {
        let report = Sweep::new().run(|alloc: Alloc<'_>| {
            let cap = Bytes::from_mib(1);
            let arena = Arena::with(alloc, Bytes::new(600), cap, pooling, Zeroing::Off);
            let before = arena.try_alloc(1_u64)?;
            let failed = (0..100).find_map(|_| arena.try_alloc([2_u8; 500]).err());
            let failed = failed.or_else(|| arena.try_alloc([3_u8; 5000]).err());
            assert_eq!(*before, 1);
            assert_eq!(arena.stats().failures_total, u64::from(failed.is_some()));
            // Returned, not retried: the port may fail persistently.
            failed.map_or(Ok(()), Err::<(), MemoryError>)
        });
        report.assert_propagated();
    }
}

/// Containers and boxes on a slab, in every bin and beyond; blocks of the port as well.
fn on_a_slab(alloc: Alloc<'_>) -> Result<usize, MemoryError> {
    let slab = Slab::new(alloc);
    let mut kept = gitmind_memory::Vec::new(alloc);
    let mut text: RawVec<u8, _> = RawVec::new_in(&slab);
    for size in 1..600 {
        text.try_reserve(size - text.len())?;
        text.resize(size, 7);
        kept.try_push(slab.try_box([size; 6])?)?;
    }
    text.truncate(20);
    text.shrink_to_fit();
    Ok(kept.iter().map(|value| value[5]).sum::<usize>() + text.len())
}

#[test]
fn every_call_site_of_a_slab_survives_failure() {
    let report = sweep(on_a_slab);
    report.assert_propagated();
    assert!(report.call_stacks() >= 4, "{report}");
    assert!(report.cases.iter().all(|case| case.outcome == Outcome::Propagated));
    assert_eq!(assert_no_leaks(on_a_slab), Ok(599 * 600 / 2 + 20));
}

#[test]
fn every_call_site_of_an_intern_table_surfaces_and_leaves_the_table_intact() {
    for (pooling, zeroing) in MODES {
        let report = sweep(|alloc| {
            // Else a site that is reached only when many strings meet in a shard comes and goes.
            let table = InternTable::seeded(alloc, pooling, zeroing, 1);
            let mut held = Vec::new();
            let filled = (0..600).try_for_each(|n| {
                held.push((n, table.acquire(&path(n))?));
                Ok::<_, MemoryError>(())
            });
            let trimmed = filled.and_then(|()| table.trim());
            assert_eq!(table.len(), held.len());
            for (n, symbol) in held {
                assert_eq!(text(&table, symbol), Ok(path(n)));
                table.release(symbol).expect("it is held");
            }
            trimmed
        });
        report.assert_propagated();
        assert!(report.call_stacks() >= 4, "{report}");
    }
}
