//! The sweep finds every way to mishandle a failure, and nothing in code that handles it.

use std::cell::Cell;

use super::leak::leak;
use gitmind_memory::testing::{Outcome, Repeat, Sweep, SweepReport, assert_no_leaks, sweep};
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
    assert!(once.contains("1 x 10 bytes, taken by "), "{once}");
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
    assert_eq!(report.cases.len(), 4);
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
