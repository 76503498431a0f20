//! Sweeps and leak checks of code that takes no handle.

use std::cell::RefCell;
use std::collections::{HashMap, TryReserveError};
use std::mem::ManuallyDrop;

use gitmind_memory::testing::{
    MemoryTest, Outcome, Repeat, Sweep, SweepReport, assert_no_heap_leaks, sweep_heap,
};
use proptest::prelude::*;

fn outcomes(report: &SweepReport) -> Vec<&Outcome> {
    report.cases.iter().map(|case| &case.outcome).collect()
}

/// A table of rows as existing code would read it.
fn read(rows: u64) -> Result<HashMap<u64, Vec<u64>>, TryReserveError> {
    let mut table = HashMap::new();
    for row in 0..rows {
        let mut columns = Vec::new();
        columns.try_reserve(8)?;
        columns.extend(0..8);
        table.try_reserve(1)?;
        table.insert(row, columns);
    }
    Ok(table)
}

#[test]
fn every_request_of_std_that_can_fail_does_and_comes_back() {
    let report = sweep_heap(|| read(40));
    report.assert_propagated();
    assert_eq!(report.requests, 40 + 5, "a vector a row, and the table five times: {report}");
    assert!(report.requests_tried >= 45 && report.call_sites() == 2, "{report}");
}

#[test]
fn what_is_swallowed_at_the_third_request_or_leaks_at_the_second_is_found() {
    let swallowed = sweep_heap(|| {
        let mut rows = Vec::<Vec<u64>>::new();
        rows.try_reserve_exact(9)?;
        for row in 0..9 {
            let mut columns = Vec::<u64>::new();
            match columns.try_reserve(8) {
                Err(_) if row == 2 => break,
                reserved => reserved?,
            }
            rows.push(columns);
        }
        Ok::<_, TryReserveError>(rows)
    });
    let found: Vec<_> = swallowed.unexpected().map(|case| (case.request, case.repeat)).collect();
    assert_eq!(found, [(3, Repeat::Once), (3, Repeat::Forever)], "{swallowed}");

    let leaked = sweep_heap(|| {
        let mut first = ManuallyDrop::new(Vec::<u8>::new());
        first.try_reserve(10)?;
        let mut second = Vec::<u8>::new();
        second.try_reserve(20)?;
        ManuallyDrop::into_inner(first);
        Ok::<_, TryReserveError>(())
    });
    let found: Vec<_> = leaked.unexpected().map(|case| case.site.place.clone()).collect();
    assert_eq!(found.len(), 2, "once and for good: {leaked}");
    assert!(leaked.to_string().contains("1 x 10 bytes, allocated by heap::sweeps::"), "{leaked}");
}

/// Cannot fail, but aborts.
fn ones() -> Vec<u8> {
    let mut ones = vec![1_u8; 100];
    ones.push(1);
    ones
}

#[test]
fn what_cannot_report_a_failure_is_named_and_not_tried() {
    let report = sweep_heap(|| Ok::<_, TryReserveError>(ones().len()));
    assert_eq!(outcomes(&report), [&Outcome::NotTried; 2], "{report}");
    assert_eq!(report.to_string().matches("  heap::sweeps::ones (").count(), 2, "{report}");
    let report = Sweep::new()
        .benign("heap::sweeps::ones")
        .run_heap(|| Ok::<_, TryReserveError>((ones().len(), read(3)?)));
    report.assert_propagated();
    assert!(report.benign() >= 1, "{report}");
}

#[test]
#[expect(clippy::unnecessary_fallible_conversions, reason = "its name is what misleads")]
fn a_conversion_that_can_fail_aborts_without_memory_all_the_same() {
    let report = sweep_heap(|| <&[u8] as TryInto<Vec<u8>>>::try_into(&[1, 2]));
    assert_eq!(outcomes(&report), [&Outcome::NotTried], "{report}");
}

#[test]
fn code_that_tries_again_without_end_is_ended() {
    let report = sweep_heap(|| {
        let mut bytes = Vec::<u8>::new();
        while bytes.try_reserve(100).is_err() {}
        Ok::<_, TryReserveError>(bytes)
    });
    assert!(outcomes(&report).iter().all(|end| matches!(end, Outcome::Retried(_))), "{report}");
}

#[test]
fn a_panic_after_a_failure_is_its_outcome() {
    let report = sweep_heap(|| {
        let mut bytes = Vec::<u8>::new();
        bytes.try_reserve(100).expect("there is always memory");
        Ok::<_, TryReserveError>(bytes)
    });
    assert!(outcomes(&report).iter().all(|end| matches!(end, Outcome::Panicked(_))), "{report}");
}

#[test]
fn blocks_from_before_and_of_other_threads_are_not_the_bodys() {
    let before = RefCell::new(vec![1_u8; 5000]);
    assert_no_heap_leaks(|| {
        drop(before.take());
        let one = Box::new(7);
        std::thread::scope(|scope| {
            scope.spawn(|| Vec::<u8>::with_capacity(99).leak()).join().is_ok()
        });
        *one
    });
}

#[test]
#[should_panic(
    expected = "1 x 64 bytes, allocated by heap::sweeps::what_stays_is_named_by_who_took_it::fill ("
)]
fn what_stays_is_named_by_who_took_it() {
    let kept = RefCell::new(Vec::new());
    fn fill(kept: &RefCell<Vec<u64>>) {
        kept.borrow_mut().extend(0..8);
    }
    assert_no_heap_leaks(|| fill(&kept));
}

#[test]
fn a_result_and_an_error_on_the_heap_are_no_leaks() {
    assert_no_heap_leaks(|| vec![String::from("a result")]);
    let mut fails = false;
    let report = Sweep::new().run_heap(|| -> Result<Vec<u8>, Box<dyn std::error::Error>> {
        let mut bytes = Vec::new();
        fails = !fails;
        bytes.try_reserve(100).map_err(|error| error.to_string())?;
        Ok(bytes)
    });
    // The text of the error is taken by `to_string`, which only a failure leads to.
    assert!(report.cases.iter().any(|case| case.outcome == Outcome::Propagated), "{report}");
}

#[gitmind_memory::test(peak = "800 B", leaks = 0, sweep)]
fn code_without_a_handle_is_tested_on_its_heap() -> Result<(), TryReserveError> {
    let mut numbers = Vec::<u64>::new();
    numbers.try_reserve_exact(100)?;
    numbers.extend(0..100);
    Ok(())
}

#[gitmind_memory::test(peak = "10 B", sweep)]
async fn a_test_that_waits_is_tested_on_its_heap_alone() -> Result<(), TryReserveError> {
    let mut bytes = Vec::<u8>::new();
    bytes.try_reserve_exact(10)
}

#[gitmind_memory::test(leaks = 0)]
#[should_panic(expected = "1 x 800 bytes, allocated by heap::sweeps::a_leak_of_the_heap_fails")]
fn a_leak_of_the_heap_fails() {
    let _ = ManuallyDrop::new(Vec::<u64>::with_capacity(100));
}

proptest! {
    /// The model: sizes that are live, added up.
    #[test]
    fn the_peak_of_the_heap_is_the_highest_sum_of_what_is_live(
        steps in proptest::collection::vec((0_usize..6, 1_usize..5000), 1..60),
    ) {
        let mut live = [0_usize; 6];
        let mut highest = 0;
        for &(slot, size) in &steps {
            live[slot] = if live[slot] == size { 0 } else { size };
            highest = highest.max(live.iter().sum::<usize>());
        }
        let run = || {
            let mut live: [Vec<u8>; 6] = Default::default();
            for &(slot, size) in &steps {
                if live[slot].capacity() == size {
                    live[slot] = Vec::new();
                } else {
                    live[slot].truncate(size);
                    live[slot].shrink_to_fit();
                    let more = size.saturating_sub(live[slot].len());
                    live[slot].reserve_exact(more);
                    live[slot].resize(size, 1);
                }
            }
        };
        let peak = MemoryTest::<std::convert::Infallible>::new().run_heap(run);
        prop_assert_eq!(peak.get(), highest as u64);
    }
}
