//! Merges into a journal while others append to it.

use crate::appends::{assert_all, link, sessions};
use gitmind_test_support::checkout::{Checkout, append, length};
use gitmind_test_support::concurrent::at_once;
use gitmind_test_support::record;

const WRITERS: usize = 4;

#[test]
fn merges_while_others_append_lose_no_edge_and_none_fails() {
    let each = length(6, 100);
    let checkout = Checkout::new();
    // Each merge brings a journal of one edge that no other journal has.
    let others: Vec<String> = (0..each as u64)
        .map(|number| {
            let name = format!("other-{number}");
            append(&checkout.open(), &name, number..number + 1).expect("no fault");
            name
        })
        .collect();
    at_once(WRITERS + 1, |writer| {
        for (number, other) in others.iter().enumerate() {
            if writer == WRITERS {
                checkout.mind(&["merge", other, "--branch", "main"]);
            } else {
                link(&checkout, &format!("{writer}-{number}"));
            }
        }
    });
    let (merged, own): (Vec<_>, Vec<_>) =
        sessions(&checkout).into_iter().partition(|session| session.is_empty());
    assert_eq!(merged.len(), each);
    assert_all(&own, WRITERS, each);
    checkout.mind(&["cache-rebuild"]);
    checkout.assert_sound();
    checkout.assert_cache_is_current("main");
    record("4 processes append at once", "merge", "every edge once, in its writer's order");
}
