//! Concurrent appends, rebuilds and reads, for the sanitizers: each thread opens the repository
//! itself, and has worker threads that decode and encode.
#![allow(clippy::disallowed_methods, reason = "tests are on std")]

use gitmind_git::Repository;
use gitmind_journal::{JournalItem, WalkError, read_newest};
use gitmind_memory::{Alloc, System};
use gitmind_test_support::checkout::{Checkout, FULL, JOURNAL, UPDATE, append, length, rebuild};
use gitmind_test_support::concurrent::{at_once, meanwhile};
use gitmind_test_support::record;
use std::collections::BTreeSet;
use std::ops::ControlFlow;

/// The timestamps of all edges of the journal, which identify them.
fn numbers(repository: &dyn Repository) -> Vec<u64> {
    let tip = repository.resolve(JOURNAL).expect("readable").expect("a journal");
    let (system, mut numbers) = (System::new(), Vec::new());
    let read = read_newest(repository, Alloc::new(&system), tip, |item| {
        let JournalItem::Edge(_, edge) = item else { panic!("a malformed commit") };
        numbers.push(edge.timestamp_ms);
        Ok::<_, WalkError>(ControlFlow::Continue(()))
    });
    read.expect("a whole journal");
    numbers
}

#[test]
fn threads_that_append_rebuild_and_read_lose_nothing() {
    // Enough commits that the pack is read as a stream, and shards are encoded in several groups.
    const FIRST: u64 = 300;
    let rounds = length(5, 100) as u64;
    let checkout = Checkout::new();
    let repository = checkout.open();
    (0..FIRST).for_each(|number| {
        append(&repository, "main", number..number + 1).expect("no other process writes");
    });
    drop(repository);
    checkout.git(&["repack", "-adq"]);
    let collect = || {
        checkout.try_git(&["gc", "-q", "--prune=now"]);
    };
    meanwhile(collect, || {
        at_once(6, |thread| {
            for round in 0..rounds {
                let repository = checkout.open().with_workers(2);
                match thread {
                    0 => drop(rebuild(&repository, "main", FULL, 3).expect("no fault")),
                    1 => drop(rebuild(&repository, "main", UPDATE, 3).expect("no fault")),
                    2 => assert!(numbers(&repository).len() as u64 >= FIRST),
                    _ => {
                        let start = (thread as u64 * 1000 + round) * 1000;
                        let count = if round % 2 == 0 { 1 } else { 600 };
                        append(&repository, "main", start..start + count).expect("no fault");
                    }
                }
            }
        });
    });
    let repository = checkout.open();
    let found = numbers(&repository);
    let singles = rounds.div_ceil(2);
    let expected = FIRST + 3 * (singles + (rounds - singles) * 600);
    assert_eq!(found.len() as u64, expected);
    assert_eq!(found.iter().collect::<BTreeSet<_>>().len(), found.len(), "an edge is there twice");
    let report = rebuild(&repository, "main", UPDATE, 2).expect("no other process writes");
    assert_eq!(u64::from(report.meta.edges), expected);
    let full = rebuild(&repository, "main", FULL, 2).expect("no other process writes");
    assert_eq!(report.root_tree, full.root_tree, "the cache was not current");
    drop(repository);
    checkout.assert_sound();
    for operation in ["append", "rebuild", "update", "read"] {
        let fault = "6 threads at once, while git collects garbage";
        record(fault, operation, "done, no edge lost");
    }
}
