//! Every allocation failure is an error, nothing leaks, and a day fits its budget.

use std::cell::Cell;
use std::collections::TryReserveError;

use gitmind_memory::testing::{
    Sweep, TestAllocator, contract, profile, profile_heap, sweep, with_budget,
};
use gitmind_memory::units::Bytes;
use gitmind_memory::{Alloc, Budgeted, ErrorKind, MemoryError, System};
use sensor_log::{ReadError, Recorder, median};

/// Only for tests of code that takes no handle, which observe the heap.
#[global_allocator]
static HEAP: TestAllocator = TestAllocator;

fn a_day(alloc: Alloc<'_>) -> Result<Option<f64>, MemoryError> {
    let mut recorder = Recorder::new(alloc);
    for hour in 0..24 {
        recorder.record(hour % 3, f64::from(hour))?;
    }
    Ok(recorder.mean(0))
}

#[gitmind_memory::test(peak = "1 KiB", leaks = 0, sweep)]
fn a_day_fits_a_kibibyte_and_survives_every_failure(alloc: Alloc<'_>) -> Result<(), MemoryError> {
    assert_eq!(a_day(alloc)?, Some(10.5));
    Ok(())
}

#[gitmind_memory::test(peak = "1 KiB", sweep)]
async fn a_day_may_be_awaited(alloc: Alloc<'_>) -> Result<(), MemoryError> {
    let mean = async { a_day(alloc) }.await?;
    assert_eq!(mean, Some(10.5));
    Ok(())
}

#[gitmind_memory::test(peak = "24 B", leaks = 0, sweep)]
fn a_median_takes_one_copy_and_survives_its_failure() -> Result<(), TryReserveError> {
    assert_eq!(median(&[3.0, 1.0, 2.0])?, Some(2.0));
    Ok(())
}

#[test]
fn the_report_of_a_sweep_has_the_call_sites() {
    let report = sweep(a_day);
    report.assert_propagated();
    assert!(report.call_sites() >= 2, "the map and its lists: {report}");
}

#[test]
fn a_failed_record_leaves_the_other_readings() {
    let mean = Cell::new(None);
    let report = Sweep::new()
        .invariant(|| match mean.take() {
            None | Some(1.0) => Ok(()),
            Some(other) => Err(format!("the mean became {other}")),
        })
        .run(|alloc| {
            let mut recorder = Recorder::new(alloc);
            recorder.record(1, 1.0)?;
            let refused = recorder.record(2, 5.0);
            mean.set(recorder.mean(1));
            refused
        });
    report.assert_propagated();
}

fn is_memory(error: &ReadError) -> bool {
    matches!(error, ReadError::Memory(_))
}

#[gitmind_memory::test(sweep, is_memory_error = is_memory)]
fn an_allocation_failure_is_not_reported_as_a_bad_line(alloc: Alloc<'_>) -> Result<(), ReadError> {
    Recorder::read(alloc, "7 20.5\n7 21.5\n8 3.0").map(drop)
}

#[gitmind_memory::test]
fn a_bad_line_is_an_error_of_its_own(alloc: Alloc<'_>) {
    let bad = Recorder::read(alloc, "7 warm");
    assert_eq!(bad.map(|_| ()), Err(ReadError::Line));
}

#[test]
fn a_day_does_not_fit_a_hundred_bytes() {
    let (refused, peak) = with_budget(Bytes::new(100), a_day);
    assert_eq!(refused.map_err(|error| error.kind()), Err(ErrorKind::OverBudget));
    assert!(peak <= Bytes::new(100), "{peak}");
}

#[test]
fn the_readings_of_a_day_are_all_that_it_holds_at_its_peak() {
    let profile = profile(|alloc| a_day(alloc).map(drop));
    assert_eq!(profile.peak_of("sensor_log::Recorder::record"), profile.peak.bytes, "{profile}");
    assert_eq!(profile.end.bytes, Bytes::ZERO, "{profile}");
}

#[test]
fn a_median_holds_one_copy_of_the_heap() {
    let profile = profile_heap(|| median(&[3.0, 1.0, 2.0]).map(drop));
    assert_eq!(profile.peak_of("sensor_log::median").get(), 24, "{profile}");
}

#[test]
fn a_port_keeps_the_contract() {
    // With a port of yours in place of this one.
    contract::check(|| Budgeted::new(System::new(), Bytes::from_mib(64)));
}
