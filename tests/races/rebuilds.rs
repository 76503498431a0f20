//! Concurrent rebuilds, of one branch or of several, and during appends.

use crate::appends::{assert_all, link, sessions};
use gitmind_test_support::checkout::{Checkout, append, length};
use gitmind_test_support::concurrent::{at_once, meanwhile};
use gitmind_test_support::record;

const REBUILDS: usize = 4;

/// A checkout whose branches have journals of so many edges, each edge in a commit of its own.
fn journals(branches: &[&str], edges: u64) -> Checkout {
    let checkout = Checkout::new();
    let repository = checkout.open();
    for branch in branches {
        for number in 0..edges {
            append(&repository, branch, number..number + 1).expect("no other process writes");
        }
    }
    checkout.git(&["pack-refs", "--all"]);
    checkout.git(&["repack", "-adq"]);
    checkout
}

#[test]
fn rebuilds_of_different_branches_do_not_conflict() {
    let branches = ["main", "feature/x", "feature/y", "other"];
    let before = journals(&branches, 70);
    for _ in 0..length(2, 50) {
        let checkout = before.copy();
        at_once(REBUILDS, |number| {
            checkout.mind(&["cache-rebuild", "--branch", branches[number]]);
        });
        branches.iter().for_each(|branch| checkout.assert_cache_is_current(branch));
        checkout.assert_sound();
    }
    record("4 rebuilds of different branches at once", "rebuild", "done, each cache current");
}

#[test]
fn rebuilds_of_one_branch_all_succeed() {
    // Regression: a rebuild that lost its race three times failed with exit code 1, even when the
    // winner had written the same cache.
    let before = journals(&["main"], 70);
    for force in [&[][..], &["--force"]] {
        for _ in 0..length(3, 100) {
            let checkout = before.copy();
            at_once(REBUILDS, |_| drop(checkout.mind(&[&["cache-rebuild"], force].concat())));
            checkout.assert_cache_is_current("main");
            checkout.assert_sound();
        }
    }
    record("4 rebuilds of one branch at once", "rebuild", "done, the cache current");
}

#[test]
fn appends_and_rebuilds_run_concurrently() {
    let (writers, each) = (4, length(6, 200));
    let checkout = Checkout::new();
    link(&checkout, "first");
    meanwhile(
        || at_once(2, |_| drop(checkout.mind(&["cache-rebuild"]))),
        || {
            at_once(writers, |writer| {
                (0..each).for_each(|number| link(&checkout, &format!("{writer}-{number}")));
            });
        },
    );
    assert_all(&sessions(&checkout)[1..], writers, each);
    checkout.mind(&["cache-rebuild"]);
    checkout.assert_cache_is_current("main");
    checkout.assert_sound();
    for operation in ["link", "rebuild"] {
        record("4 processes append during rebuilds", operation, "done, no edge lost");
    }
}
