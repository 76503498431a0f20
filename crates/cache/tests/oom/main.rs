//! Every call site of every operation refused, once and for ever, in memory and on a disk.
//!
//! After each failure: the error comes back once, nothing is leaked, the refs are where they were,
//! and the next call works. What became of each call site is written to the file that
//! `GITMIND_OOM_REPORT` names, and a line for each operation is printed.
#![allow(clippy::disallowed_methods, reason = "tests are on std")]
#![expect(clippy::print_stdout, reason = "the report is what people run it for")]

mod misbehaviour;
mod operations;
mod place;
mod reach;
mod report;

use crate::misbehaviour::MISBEHAVIOURS;
use crate::operations::{OPERATIONS, Operation, Start, prepare};
use crate::place::Place;
use crate::reach::unreached;
use crate::report::{Swept, print, write};
use gitmind_memory::testing::Sweep;
use gitmind_memory::{Alloc, System};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// What the error of a refusal says, and says once.
const REFUSAL: &str = "failed as a test asked";

/// Lines of the services that no refusal reaches: of most, because room was made before. More of
/// them than this is a new operation, or a new path of one, that is not swept.
const UNREACHED_MAX: usize = 65;

/// Sweeps `operation` on a place of that name.
fn sweep(operation: &Operation, name: &'static str) -> Swept {
    let place = prepare(name, operation.starts_with);
    let before = place.state();
    let run = |alloc: Alloc<'_>| (operation.run)(&place, alloc);
    let expected = run(Alloc::new(&System::new())).expect("nothing is refused");
    place.restore(&before);
    // After a clean run each plan runs twice in the same way. The next call follows the first run
    // of a plan, and the second when it failed: what damage stays is met, at half of the price.
    let (mut runs, mut has_failed) = (0_u64, false);
    let holds = || {
        runs += 1;
        if let Some(moved) = place.restore(&before) {
            return Err(format!("{moved} moved"));
        }
        let is_second = runs > 1 && !runs.is_multiple_of(2);
        if is_second && !has_failed {
            return Ok(());
        }
        let next = run(Alloc::new(&System::new()));
        place.restore(&before);
        has_failed = next.as_ref() != Ok(&expected);
        if has_failed {
            return Err(format!("the next call gives {next:?}, not {expected}"));
        }
        Ok(())
    };
    let report = Sweep::new()
        .is_memory_error(|error: &String| error.matches(REFUSAL).count() == 1)
        .invariant(holds)
        .run(|alloc| {
            let done = run(alloc);
            if done.is_ok() {
                place.restore(&before);
            }
            done
        });
    Swept { operation: operation.name, place: name, report }
}

#[test]
fn every_refusal_in_every_operation_surfaces_once_and_changes_nothing() {
    let work: std::vec::Vec<_> = OPERATIONS
        .iter()
        .flat_map(|operation| Place::NAMES.map(|name| (operation, name)))
        .collect();
    let (next, swept) = (AtomicUsize::new(0), Mutex::new(vec![]));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some((operation, name)) = work.get(next.fetch_add(1, Relaxed)) {
                    let done = sweep(operation, name);
                    swept.lock().expect("nobody panics with it").push(done);
                }
            });
        }
    });
    let mut swept = swept.into_inner().expect("nobody panics with it");
    swept.sort_by_key(|swept| {
        work.iter()
            .position(|(operation, name)| (operation.name, *name) == (swept.operation, swept.place))
    });
    let unreached = unreached(&swept);
    print(&swept, &unreached);
    if let Some(file) = std::env::var_os("GITMIND_OOM_REPORT") {
        write(&swept, &unreached, file.as_ref()).expect("the report's file is writable");
    }
    assert_eq!(swept.len(), OPERATIONS.len() * 2);
    for Swept { operation, place, report } in &swept {
        assert!(report.call_sites() >= 2, "{operation} in {place}: {report}");
        report.assert_propagated();
    }
    let count = unreached.len();
    assert!(count <= UNREACHED_MAX, "no refusal reaches {count} lines: {unreached:#?}");
}

#[test]
fn an_operation_that_misbehaves_is_told_by_what_it_did() {
    for (misbehaviour, wanted) in MISBEHAVIOURS {
        for place in Place::NAMES {
            let operation =
                Operation { name: "planted", run: misbehaviour, starts_with: Start::Journal };
            let swept = sweep(&operation, place);
            let told = swept.report.cases.iter().map(|case| case.outcome.to_string());
            let told: std::vec::Vec<_> = told.filter(|told| told.starts_with(wanted)).collect();
            assert!(!told.is_empty(), "{wanted} in {place}: {}", swept.report);
            let counted: usize = swept.counts().iter().map(|(_, count)| count).sum();
            assert_eq!(counted, swept.report.cases.len());
            assert!(swept.report.unexpected().next().is_some());
        }
    }
}
