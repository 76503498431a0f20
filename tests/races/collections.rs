//! `git gc` and `git repack` run repeatedly while other commands run.

use crate::appends::{assert_all, link, sessions};
use gitmind_test_support::checkout::{Checkout, append, length};
use gitmind_test_support::concurrent::{at_once, meanwhile};
use gitmind_test_support::record;
use std::sync::atomic::{AtomicU32, Ordering};

/// Runs appends, rebuilds, lists and queries while git runs with `args`.
fn everything_during(args: &[&str]) {
    let (writers, each, first) = (3, length(4, 100), 100);
    let checkout = Checkout::new();
    let repository = checkout.open();
    (0..first).for_each(|number| {
        append(&repository, "main", number..number + 1).expect("no other process writes");
    });
    drop(repository);
    let first = usize::try_from(first).expect("few");
    let collected = AtomicU32::new(0);
    // git fails when it finds a ref locked; it is run again.
    let collect = || {
        collected.fetch_add(u32::from(checkout.try_git(args)), Ordering::Relaxed);
    };
    meanwhile(collect, || {
        at_once(writers + 3, |number| match number {
            0 => (0..each).for_each(|_| drop(checkout.mind(&["cache-rebuild", "--force"]))),
            1 => (0..each).for_each(|_| drop(checkout.mind(&["cache-rebuild"]))),
            2 => (0..each).for_each(|_| {
                assert!(checkout.edges("main").len() >= first);
                let found = checkout.mind(&["query", "--from", "a", "--json"]);
                assert!(found.contains("\"edges_shown\""), "{found}");
            }),
            writer => {
                (0..each).for_each(|number| link(&checkout, &format!("{}-{number}", writer - 3)));
            }
        });
    });
    // No other process is running now, so git must succeed.
    collect();
    assert!(collected.into_inner() > 0, "git {args:?} never succeeded");
    assert_all(&sessions(&checkout)[first..], writers, each);
    checkout.mind(&["cache-rebuild"]);
    checkout.assert_cache_is_current("main");
    checkout.assert_sound();
    for operation in ["full rebuild", "rebuild", "link", "list", "query"] {
        let fault = format!("`git {}` again and again", args.join(" "));
        record(&fault, operation, "done, no edge lost");
    }
}

#[test]
fn concurrent_gc_loses_nothing_and_fails_nothing() {
    everything_during(&["gc", "-q", "--prune=now"]);
}

#[test]
fn concurrent_repack_loses_nothing_and_fails_nothing() {
    everything_during(&["repack", "-adq"]);
}
