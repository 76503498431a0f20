//! git collects garbage and packs anew, again and again, while everything else goes on.

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
        append(&repository, "main", number..number + 1).expect("nobody else is here");
    });
    drop(repository);
    let first = usize::try_from(first).expect("few");
    let collected = AtomicU32::new(0);
    // git may find a ref locked, and says so; it tries again.
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
    // Nobody is in its way now.
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
fn nothing_is_lost_and_nothing_fails_while_garbage_is_collected() {
    everything_during(&["gc", "-q", "--prune=now"]);
}

#[test]
fn nothing_is_lost_and_nothing_fails_while_packs_are_replaced() {
    everything_during(&["repack", "-adq"]);
}
