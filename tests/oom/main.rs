//! Every call site of every operation refused, once and for ever, in memory and on a disk.
//!
//! After each failure: the error comes back once, nothing is leaked, the refs are where they were,
//! and the next call works. What became of each call site is written to the file that
//! `GITMIND_OOM_REPORT` names, and a line for each operation is printed.

#![expect(clippy::print_stdout, reason = "the report is what people run it for")]

mod operations;
mod place;
mod report;

use crate::operations::{OPERATIONS, Operation, REFS, Start, prepare};
use crate::place::Place;
use crate::report::{Swept, print, write};
use gitmind::memory::testing::{Outcome, Sweep};
use gitmind::memory::{Alloc, System, Vec};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Sweeps `operation` on a place of that name.
fn sweep(operation: &Operation, name: &'static str) -> Swept {
    let place = prepare(name, operation.starts_with);
    let before = REFS.map(|name| place.resolve(name));
    let put_back = || REFS.iter().zip(before).for_each(|(name, id)| place.put(name, id));
    let run = |alloc: Alloc<'_>| (operation.run)(&place, alloc);
    let expected = run(Alloc::new(&System::new())).expect("nothing is refused");
    put_back();
    let holds = || {
        if let Some(moved) = REFS.iter().zip(before).find(|(name, id)| place.resolve(name) != *id) {
            put_back();
            return Err(format!("{} moved", moved.0));
        }
        let next = run(Alloc::new(&System::new()));
        put_back();
        match next {
            Ok(next) if next == expected => Ok(()),
            next => Err(format!("the next call gives {next:?}, not {expected}")),
        }
    };
    let report = Sweep::new()
        .is_memory_error(|error: &String| error.contains("failed as a test asked"))
        .invariant(holds)
        .run(|alloc| {
            let done = run(alloc);
            if done.is_ok() {
                put_back();
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
    print(&swept);
    if let Some(file) = std::env::var_os("GITMIND_OOM_REPORT") {
        write(&swept, file.as_ref()).expect("the report's file is writable");
    }
    assert_eq!(swept.len(), OPERATIONS.len() * 2);
    for Swept { operation, place, report } in &swept {
        assert!(report.call_sites() >= 2, "{operation} in {place}: {report}");
        report.assert_propagated();
    }
}

/// What an operation does wrong: how each kind of fault is told.
#[test]
fn an_operation_that_misbehaves_is_told_by_what_it_did() {
    type Run = fn(&Place, Alloc<'_>) -> Result<String, String>;
    fn take(alloc: Alloc<'_>) -> Result<Vec<'_, u8>, String> {
        Vec::try_with_capacity(64, alloc).map_err(|error| error.to_string())
    }
    let swallows: Run = |_, alloc| Ok(take(alloc).map_or("done".into(), |_| "done".into()));
    let panics: Run = |_, alloc| {
        match take(alloc) {
            Ok(_) => Ok("done".into()),
            // A panic that prints nothing.
            Err(_) => std::panic::resume_unwind(Box::new("planted")),
        }
    };
    let misreports: Run = |_, alloc| match take(alloc) {
        Ok(_) => Ok("done".into()),
        Err(_) => Err("the journal is missing".into()),
    };
    #[expect(clippy::mem_forget, reason = "the leak that is planted")]
    fn leaks(_: &Place, alloc: Alloc<'_>) -> Result<String, String> {
        let first = take(alloc)?;
        take(alloc).inspect_err(|_| std::mem::forget(first)).map(|_| "done".into())
    }
    let moves: Run = |place, alloc| {
        let tip = place.resolve(REFS[0]);
        place.put(REFS[1], tip);
        take(alloc).map(|_| "done".into())
    };
    for (run, wanted) in [
        (swallows, "swallowed"),
        (panics, "panicked"),
        (misreports, "misreported"),
        (leaks, "leaked"),
        (moves, "invariant broken: refs/gitmind/cache/main moved"),
    ] {
        let operation = Operation { name: "planted", run, starts_with: Start::Journal };
        let swept = sweep(&operation, "memory");
        let told = swept.report.cases.iter().map(|case| case.outcome.to_string());
        let told: std::vec::Vec<_> = told.filter(|outcome| outcome.starts_with(wanted)).collect();
        assert!(!told.is_empty(), "{wanted}: {}", swept.report);
        let counts = swept.counts();
        assert_eq!(counts.iter().map(|(_, count)| count).sum::<usize>(), swept.report.cases.len());
        assert!(swept.report.cases.iter().any(|case| case.outcome != Outcome::Propagated));
    }
}
