//! The sweep finds every way to mishandle a failure, and nothing in code that handles it.

use std::cell::Cell;

use super::leak::leak;
use gitmind_memory::testing::{
    Outcome, Repeat, Sweep, SweepReport, assert_no_leaks, sweep, sweep_heap,
};
use gitmind_memory::{Alloc, Map, MemoryError, Vec};

/// The two outcomes of the only call site.
fn outcomes(report: &SweepReport) -> [&Outcome; 2] {
    let [once, forever] = &report.cases[..] else { panic!("one call site: {report}") };
    assert_eq!((once.repeat, forever.repeat), (Repeat::Once, Repeat::Forever));
    [&once.outcome, &forever.outcome]
}

fn take(alloc: Alloc<'_>) -> Result<Vec<'_, u8>, MemoryError> {
    Vec::try_with_capacity(10, alloc)
}

/// Containers in containers, on two threads.
fn workload(alloc: Alloc<'_>) -> Result<usize, MemoryError> {
    let mut index = Map::new(alloc);
    let lengths = std::thread::scope(|scope| {
        let work = |rows: u32| {
            let mut table = Vec::new(alloc);
            for row in 0..rows {
                let mut cells = Vec::try_with_capacity(2, alloc)?;
                cells.try_extend(0..row)?;
                table.try_push(alloc.try_box(cells)?)?;
            }
            Ok::<usize, MemoryError>(table.iter().map(|row| row.len()).sum())
        };
        let other = scope.spawn(move || work(8));
        let mine = work(5);
        let theirs = other.join().expect("the thread has no panic");
        Ok::<_, MemoryError>([mine?, theirs?])
    })?;
    for (key, length) in lengths.into_iter().enumerate() {
        index.try_insert(key, length)?;
    }
    Ok(index.iter().map(|(_, length)| length).sum())
}

#[test]
fn code_that_handles_failure_propagates_every_failure() {
    let report = sweep(workload);
    report.assert_propagated();
    assert!(report.call_sites() >= 3, "{report}");
    assert!(report.call_stacks() >= report.call_sites());
    assert!(report.cases.iter().any(|case| case.site.function.contains("workload")), "{report}");
}

#[test]
fn a_second_sweep_tries_the_same_and_finds_the_same() {
    let both = [sweep(workload), sweep(workload)].map(|report| {
        let mut cases: std::vec::Vec<_> = report
            .cases
            .iter()
            .map(|case| (case.site.clone(), case.stack.id(), format!("{:?}", case.outcome)))
            .collect();
        cases.sort();
        cases
    });
    assert_eq!(both[0], both[1]);
}

#[test]
fn a_dropped_error_is_swallowed() {
    let report = sweep(|alloc| {
        drop(take(alloc));
        Ok::<_, MemoryError>(())
    });
    assert_eq!(outcomes(&report), [&Outcome::Swallowed, &Outcome::Swallowed]);
    let panic = std::panic::catch_unwind(|| report.assert_propagated()).expect_err("it is found");
    let message = panic.downcast::<String>().expect("the message is formatted");
    assert!(message.contains("a_dropped_error_is_swallowed"), "it names the place: {message}");
}

#[test]
fn a_second_try_is_retried() {
    let report = sweep(|alloc| {
        let try_twice = |times| (0..times).find_map(|_| take(alloc).ok());
        try_twice(std::hint::black_box(2)).map(drop).ok_or("no memory")
    });
    assert_eq!(outcomes(&report), [&Outcome::Retried(1), &Outcome::Retried(1)]);
}

#[test]
fn a_retry_without_end_ends() {
    let report = sweep(|alloc| {
        let tries = std::hint::black_box(u64::MAX);
        (0..tries).find_map(|_| take(alloc).ok()).map(drop).ok_or("no memory")
    });
    let [once, forever] = outcomes(&report);
    assert_eq!(once, &Outcome::Retried(1));
    assert!(matches!(forever, Outcome::Retried(9_999)), "{forever}");
}

#[test]
fn an_outcome_that_changes_is_nondeterministic() {
    let calls = Cell::new(0_u32);
    let report = sweep(|alloc| {
        calls.set(calls.get() + 1);
        let taken = take(alloc);
        if calls.get().is_multiple_of(2) { taken.map(drop) } else { Ok(()) }
    });
    for outcome in outcomes(&report) {
        assert!(matches!(outcome, Outcome::Nondeterministic(_)), "{outcome}");
    }
}

#[test]
fn a_call_site_that_is_not_reached_again_is_nondeterministic() {
    let calls = Cell::new(0_u32);
    let report = sweep(|alloc| {
        calls.set(calls.get() + 1);
        if calls.get() == 1 { take(alloc).map(drop) } else { Ok(()) }
    });
    for outcome in outcomes(&report) {
        assert!(matches!(outcome, Outcome::Nondeterministic(_)), "{outcome}");
    }
}

#[test]
fn a_panic_is_reported_with_its_message() {
    let report = sweep(|alloc| {
        drop(take(alloc).expect("there is always memory"));
        Ok::<_, MemoryError>(())
    });
    for outcome in outcomes(&report) {
        let is_ours = |text: &str| text.starts_with("there is always memory");
        assert!(matches!(outcome, Outcome::Panicked(text) if is_ours(text)), "{outcome}");
    }
}

#[test]
fn what_a_failure_leaks_is_named() {
    let report = sweep(|alloc| {
        let first = take(alloc)?;
        take(alloc).map(drop).inspect_err(|_| leak(first))
    });
    let leaked: std::vec::Vec<_> = report.unexpected().map(|case| &case.outcome).collect();
    let [Outcome::Leaked(once), Outcome::Leaked(_)] = leaked[..] else { panic!("{report}") };
    assert!(once.contains("1 x 10 bytes, allocated by "), "{once}");
    assert!(once.contains("what_a_failure_leaks_is_named"), "{once}");
}

#[test]
fn a_broken_invariant_is_reported() {
    let (left, right) = (Cell::new(0), Cell::new(0));
    let report = Sweep::new()
        .invariant(|| {
            let balanced = left.get() == right.get();
            if balanced { Ok(()) } else { Err(format!("{} is not {}", left.get(), right.get())) }
        })
        .run(|alloc| {
            right.set(left.get());
            left.set(left.get() + 1);
            let taken = take(alloc)?;
            right.set(right.get() + 1);
            drop(taken);
            Ok::<_, MemoryError>(())
        });
    for outcome in outcomes(&report) {
        assert!(matches!(outcome, Outcome::InvariantBroken(_)), "{outcome}");
    }
}

#[test]
fn an_error_about_something_else_is_misreported() {
    let report = Sweep::new()
        .is_memory_error(|error: &&str| *error == "no memory")
        .run(|alloc| take(alloc).map(drop).map_err(|_| "the journal is corrupt"));
    let expected = Outcome::Misreported("the journal is corrupt".into());
    assert_eq!(outcomes(&report), [&expected, &expected]);
}

#[test]
fn what_only_a_failure_leads_to_fails_too() {
    #[inline(never)]
    fn fall_back(alloc: Alloc<'_>) -> Result<(), MemoryError> {
        let smaller = Vec::<u8>::try_with_capacity(1, alloc);
        std::hint::black_box(smaller.is_ok());
        smaller.map(drop)
    }
    let report = sweep(|alloc| match take(alloc) {
        Ok(_) => Ok(()),
        Err(_) => fall_back(alloc),
    });
    let chained: std::vec::Vec<_> =
        report.cases.iter().filter(|case| case.failed_before == 1).collect();
    assert_eq!(chained.len(), 2, "{report}");
    assert!(chained.iter().all(|case| case.outcome == Outcome::Propagated), "{report}");
    assert_eq!(report.cases[0].outcome, Outcome::Swallowed, "the fallback worked");
}

#[test]
fn a_limit_on_stacks_is_said_and_fails_the_assertion() {
    let report = Sweep::new().stacks_max(2).run(workload);
    assert!(report.truncated);
    assert_eq!(report.call_stacks(), 2);
    std::panic::catch_unwind(|| report.assert_propagated()).expect_err("it is not complete");
}

#[test]
fn nothing_swept_is_no_success() {
    let report = sweep(|_| Ok::<_, MemoryError>(()));
    std::panic::catch_unwind(|| report.assert_propagated()).expect_err("nothing was tried");
}

#[test]
fn a_kept_block_fails_the_assertion_of_no_leaks() {
    let keep = || assert_no_leaks(|alloc| take(alloc).map(leak).is_ok());
    let panic = std::panic::catch_unwind(keep).expect_err("it is found");
    let message = panic.downcast::<String>().expect("the message is formatted");
    assert!(message.contains("1 x 10 bytes"), "{message}");
}

/// Asks once for each row at one call site; `ends` says what becomes of the failure of a row.
fn rows<'a>(
    alloc: Alloc<'a>,
    count: usize,
    ends: impl Fn(usize, MemoryError, Vec<'a, u8>) -> Result<(), MemoryError>,
) -> Result<(), MemoryError> {
    for row in 0..count {
        let mut held = Vec::<u8>::new(alloc);
        if let Err(error) = held.try_reserve(8) {
            let first = Vec::new(alloc);
            return ends(row, error, first);
        }
    }
    Ok(())
}

#[test]
fn every_row_that_can_swallow_its_failure_is_found() {
    for faulty in 0..6 {
        let report = sweep(|alloc| {
            rows(alloc, 6, |row, error, _| if row == faulty { Ok(()) } else { Err(error) })
        });
        let found: std::vec::Vec<_> =
            report.unexpected().map(|case| (case.request, case.requests, &case.outcome)).collect();
        let row = faulty as u64 + 1;
        assert_eq!(found.len(), 2, "{report}");
        assert!(found.iter().all(|(_, _, outcome)| **outcome == Outcome::Swallowed), "{report}");
        assert_eq!((report.requests, report.requests_tried), (6, 6));
        if !cfg!(debug_assertions) {
            continue; // An optimizer makes several call sites of a loop.
        }
        assert!(found.iter().all(|(request, of, _)| (*request, *of) == (row, 6)), "{report}");
        assert!(
            report.to_string().contains(&format!("request {row} of 6, failed once")),
            "{report}"
        );
    }
}

#[test]
fn a_block_that_only_a_later_failure_leaks_is_found() {
    let report = sweep(|alloc| {
        let mut kept = std::vec::Vec::new();
        for row in 0..3 {
            match take(alloc) {
                Ok(block) => kept.push(block),
                Err(error) if row < 2 => return Err(error),
                Err(error) => {
                    kept.into_iter().for_each(leak);
                    return Err(error);
                }
            }
        }
        Ok(())
    });
    assert_eq!(report.unexpected().count(), 2, "{report}");
    // An optimizer makes several call sites of a loop.
    if cfg!(debug_assertions) {
        assert!(report.unexpected().all(|case| case.request == 3), "{report}");
    }
}

#[test]
fn of_many_requests_the_first_the_last_and_some_others_fail_unless_all_are_asked_for() {
    let body = |alloc: Alloc<'_>| rows(alloc, 1000, |_, error, _| Err(error));
    let report = sweep(body);
    report.assert_propagated();
    let tried = |report: &SweepReport| {
        report.cases.iter().map(|case| case.request).collect::<std::collections::BTreeSet<_>>()
    };
    assert!(tried(&report).contains(&1) && tried(&report).contains(&1000), "{report}");
    assert_eq!((report.requests, report.requests_tried), (1000, 4));
    assert!(report.to_string().contains("4 of 1000 requests failed"), "{report}");
    let report = Sweep::new().later_requests_max(u64::MAX).run(body);
    assert_eq!(tried(&report), (1..=1000).collect());
    // Each plan runs once, but the first of the call site, and the clean ones.
    assert_eq!(report.runs, 2 * 1000 + 2 + 2);
}

#[test]
fn shards_try_everything_once_between_them() {
    let whole = sweep(workload);
    let mut stacks = std::vec::Vec::new();
    for index in 0..3 {
        let part = Sweep::new().shard(index, 3).run(workload);
        part.assert_propagated();
        stacks.extend(part.cases.iter().map(|case| case.stack.id()));
    }
    stacks.sort();
    stacks.dedup();
    assert_eq!(stacks.len(), whole.call_stacks());
}

#[test]
fn a_failure_that_code_may_go_on_after_is_counted_apart() {
    #[inline(never)]
    fn fills_a_cache(alloc: Alloc<'_>) {
        let cache = take(alloc);
        drop(std::hint::black_box(cache));
    }
    let body = |alloc: Alloc<'_>| {
        fills_a_cache(alloc);
        Ok::<_, MemoryError>(())
    };
    assert_eq!(sweep(body).unexpected().count(), 2);
    let report = Sweep::new().benign("fills_a_cache").run(body);
    report.assert_propagated();
    assert_eq!(report.benign(), 2);
    assert!(report.to_string().contains("2 benign"), "{report}");
}

#[test]
fn threads_of_one_function_are_no_retries() {
    let report = sweep(|alloc| {
        std::thread::scope(|scope| {
            let threads: std::vec::Vec<_> =
                (0..4).map(|_| scope.spawn(move || take(alloc).map(drop))).collect();
            let ends = threads.into_iter().map(|thread| thread.join().expect("it has no panic"));
            ends.collect::<std::vec::Vec<_>>().into_iter().collect::<Result<(), _>>()
        })
    });
    report.assert_propagated();
    assert_eq!((report.requests, report.requests_tried), (4, 4));
}

#[test]
fn a_clean_run_that_fails_is_shown_with_its_error() {
    let panic = std::panic::catch_unwind(|| sweep(|_| Err::<(), _>("the file is missing")));
    let message = panic.expect_err("there is nothing to sweep").downcast::<String>();
    let message = message.expect("the message is formatted");
    assert!(message.contains("the file is missing"), "{message}");
}

trait Encode {
    fn encode(&self, out: &mut Vec<'_, u8>) -> Result<(), MemoryError>;
}

impl Encode for Option<u64> {
    #[inline(never)]
    fn encode(&self, out: &mut Vec<'_, u8>) -> Result<(), MemoryError> {
        out.try_extend_from_slice(&self.unwrap_or(0).to_le_bytes())
    }
}

impl<T: Copy + Into<u64>> Encode for [T] {
    #[inline(never)]
    fn encode(&self, out: &mut Vec<'_, u8>) -> Result<(), MemoryError> {
        self.iter().try_for_each(|value| out.try_extend_from_slice(&(*value).into().to_le_bytes()))
    }
}

#[test]
fn a_call_site_in_a_trait_of_the_program_for_a_type_of_core_is_named() {
    let option = sweep(|alloc| Some(1).encode(&mut Vec::new(alloc)));
    let slice = sweep(|alloc| [1_u32, 2][..].encode(&mut Vec::new(alloc)));
    for case in option.cases.iter().chain(&slice.cases) {
        assert!(case.site.function.contains("Encode>::encode"), "{case}");
    }
}

#[test]
#[should_panic(expected = "the heap is not observed: `TestAllocator` is not the global allocator")]
fn a_heap_that_is_not_observed_passes_nothing() {
    let _ = sweep_heap(|| Ok::<_, MemoryError>(()));
}

#[test]
fn two_lines_of_a_report_are_told_apart_by_their_depth() {
    fn descend(levels: u32, alloc: Alloc<'_>) -> usize {
        let taken = take(alloc).map_or(0, |numbers| numbers.len());
        if levels == 0 { taken } else { taken + descend(levels - 1, alloc) }
    }
    let report = sweep(|alloc| Ok::<_, MemoryError>(descend(5, alloc))).to_string();
    let lines: std::vec::Vec<&str> = report.lines().filter(|line| line.contains("once")).collect();
    let distinct: std::collections::BTreeSet<_> = lines.iter().collect();
    assert_eq!((lines.len(), distinct.len()), (6, 6), "{report}");
}
