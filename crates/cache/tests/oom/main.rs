//! Fails every allocation call site of every operation, once and then persistently, in memory and
//! on disk.
//!
//! After each failure: the error is returned and reports the failure once, nothing leaks, the refs
//! are unchanged, and the next call succeeds. Prints a line for each operation, and writes the
//! outcome of each call site to the file `GITMIND_OOM_REPORT`. The first request of each call site
//! fails, and as many later ones as `GITMIND_OOM_LATER_REQUESTS` says, which is none by default.
#![allow(clippy::disallowed_methods, reason = "tests are on std")]
#![expect(clippy::print_stdout, reason = "the report is what people run it for")]

mod code;
mod misbehaviour;
mod operations;
mod reach;
mod report;
mod sandbox;

use crate::misbehaviour::MISBEHAVIOURS;
use crate::operations::{OPERATIONS, Operation, Start, prepare};
use crate::reach::unreached;
use crate::report::{Swept, print, write};
use crate::sandbox::Sandbox;
use gitmind_memory::testing::Sweep;
use gitmind_memory::{Alloc, System};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The message of an injected allocation failure, which an error must contain once.
const INJECTED_FAILURE: &str = "failed as a test asked";

/// Limit of the number of lines of the services that may allocate and that no injected failure
/// reaches, most of them because the capacity was reserved before. More lines than this mean that a
/// new operation, or a new path of one, is not swept.
const UNREACHED_MAX: usize = 97;

/// How many later requests of each call site fail.
fn later_requests() -> u64 {
    let count = std::env::var("GITMIND_OOM_LATER_REQUESTS").unwrap_or_else(|_| "0".into());
    count.parse().expect("GITMIND_OOM_LATER_REQUESTS is a number")
}

/// Sweeps `operation` on a new sandbox of the kind `name`.
fn sweep(operation: &Operation, name: &'static str) -> Swept {
    let sandbox = prepare(name, operation.starts_with);
    let before = sandbox.state();
    let run = |alloc: Alloc<'_>| (operation.run)(&sandbox, alloc);
    let expected = run(Alloc::new(&System::new())).expect("no failure is injected");
    sandbox.restore(&before);
    // The sweep runs the plans of first requests twice. While there are no others, the next call is
    // checked after the first run, and after the second only if that check failed, to halve the
    // time; lasting damage shows in both.
    let later = later_requests();
    let (mut runs, mut has_failed) = (0_u64, false);
    let holds = || {
        runs += 1;
        if let Some(moved) = sandbox.restore(&before) {
            return Err(format!("{moved} moved"));
        }
        let is_second = later == 0 && runs > 1 && !runs.is_multiple_of(2);
        if is_second && !has_failed {
            return Ok(());
        }
        let next = run(Alloc::new(&System::new()));
        sandbox.restore(&before);
        has_failed = next.as_ref() != Ok(&expected);
        if has_failed {
            return Err(format!("the next call gives {next:?}, not {expected}"));
        }
        Ok(())
    };
    let report = Sweep::new()
        .later_requests_max(later)
        .is_memory_error(|error: &String| error.matches(INJECTED_FAILURE).count() == 1)
        .invariant(holds)
        .run(|alloc| {
            let done = run(alloc);
            if done.is_ok() {
                sandbox.restore(&before);
            }
            done
        });
    Swept { operation: operation.name, sandbox: name, report }
}

#[test]
fn every_allocation_failure_in_every_operation_is_returned_once_and_changes_nothing() {
    let work: std::vec::Vec<_> = OPERATIONS
        .iter()
        .flat_map(|operation| Sandbox::NAMES.map(|name| (operation, name)))
        .collect();
    let (next, swept) = (AtomicUsize::new(0), Mutex::new(vec![]));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some((operation, name)) = work.get(next.fetch_add(1, Relaxed)) {
                    let done = sweep(operation, name);
                    swept.lock().expect("no thread panics with the lock").push(done);
                }
            });
        }
    });
    let mut swept = swept.into_inner().expect("no thread panics with the lock");
    swept.sort_by_key(|swept| {
        work.iter().position(|(operation, name)| {
            (operation.name, *name) == (swept.operation, swept.sandbox)
        })
    });
    let unreached = unreached(&swept);
    print(&swept, &unreached);
    if let Some(file) = std::env::var_os("GITMIND_OOM_REPORT") {
        write(&swept, &unreached, file.as_ref()).expect("the report's file is writable");
    }
    assert_eq!(swept.len(), OPERATIONS.len() * 2);
    for Swept { operation, sandbox, report } in &swept {
        assert!(report.call_sites() >= 2, "{operation} in {sandbox}: {report}");
        report.assert_propagated();
    }
    let count = unreached.len();
    assert!(count <= UNREACHED_MAX, "no failure reaches {count} lines: {unreached:#?}");
}

#[test]
fn the_sweep_reports_each_kind_of_misbehaviour() {
    for (misbehaviour, wanted) in MISBEHAVIOURS {
        for sandbox in Sandbox::NAMES {
            let operation =
                Operation { name: "planted", run: misbehaviour, starts_with: Start::Journal };
            let swept = sweep(&operation, sandbox);
            let outcomes = swept.report.cases.iter().map(|case| case.outcome.to_string());
            let found = outcomes.filter(|outcome| outcome.starts_with(wanted)).count();
            assert!(found > 0, "{wanted} in {sandbox}: {}", swept.report);
            let counted: usize = swept.counts().iter().map(|(_, count)| count).sum();
            assert_eq!(counted, swept.report.cases.len());
            assert!(swept.report.unexpected().next().is_some());
        }
    }
}
