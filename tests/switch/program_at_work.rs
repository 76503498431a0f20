//! With the kill switch a running program has no budget, no injected failure, no trace, no arena
//! blocks, and each object is an allocation of the system.

use crate::support::{Place, SWITCH, fixtures};
use serde_json::Value;

const ON: (&str, &str) = (SWITCH, "1");
const OFF: (&str, &str) = (SWITCH, "0");

#[test]
fn no_budget_is_enforced() {
    let place = Place::fixture("small");
    place.mind(&["cache-rebuild", "--json"], &[]).json();
    let limit = ("GM_ARENA_CAP_ATTR_QUERY", "1KiB");
    for args in [&["list", "--type", "implements"][..], &["query", "--from", "Makefile"]] {
        let refused = place.mind(args, &[OFF, limit]);
        assert_eq!(refused.code, Some(1), "{args:?}: {refused:?}");
        assert!(refused.stderr.contains("of 1.0 KiB"), "{args:?}: {refused:?}");
        assert_eq!(place.mind(args, &[ON, limit]), place.mind(args, &[]), "{args:?}");
    }
}

#[cfg(debug_assertions)]
#[test]
fn allocations_do_not_fail_by_their_number() {
    let place = Place::fixture("small");
    let failures = ("GM_TEST_OOM_N", "1+");
    for args in [&["list"][..], &["query", "--from", "Makefile"], &["cache-rebuild", "--json"]] {
        let refused = place.mind(args, &[OFF, failures]);
        assert_eq!(refused.code, Some(1), "{args:?}: {refused:?}");
        let granted = place.mind(args, &[ON, failures]);
        assert_eq!(granted.code, Some(0), "{args:?}: {granted:?}");
    }
}

#[test]
fn nothing_is_traced() {
    let place = Place::fixture("small");
    let traced = ("GM_ALLOC_TRACE", "sites");
    for args in [&["list"][..], &["cache-rebuild", "--force"]] {
        let said = place.mind(args, &[OFF, traced]).stderr;
        assert!(said.contains("note: process: peak "), "{args:?}: {said}");
        assert!(said.contains(": 1 runs, peak "), "{args:?}: {said}");
        assert_eq!(place.mind(args, &[ON, traced]).stderr, "", "{args:?}");
    }
}

/// The rows that `budget` prints for the small fixture, with this first block of a rebuild's arena.
fn measured(switch: (&str, &str), hint: &str) -> Vec<Value> {
    let fixtures = fixtures();
    let directory = fixtures.to_str().expect("UTF-8");
    let args = ["budget", "--fixture", "small", "--json", "--fixtures-dir", directory];
    let hint = ("GM_ARENA_HINT_CACHE_REBUILD", hint);
    let document = Place::fixture("small").mind(&args, &[switch, hint]).json();
    document["operations"].as_array().expect("a list").clone()
}

fn number(row: &Value, member: &str) -> u64 {
    row[member].as_u64().unwrap_or_else(|| panic!("no {member} in {row}"))
}

#[test]
fn no_arena_has_blocks_and_each_object_is_an_allocation() {
    let grown = |rows: &[Value]| number(&rows[0], "arena_grow_bytes");
    let (pooled, apart) = (measured(OFF, "4MiB"), measured(ON, "4MiB"));
    // Blocks are pages less what the heap has for its header.
    assert!(grown(&pooled) > 0 && (grown(&pooled) + 16).is_multiple_of(16), "{pooled:?}");
    assert!((1..grown(&pooled)).contains(&grown(&apart)), "{apart:?}");
    assert_eq!(grown(&measured(ON, "64KiB")), grown(&apart), "its first block has no size");
    let requests = |rows: &[Value]| {
        rows.iter().map(|row| number(row, "allocations_total")).collect::<Vec<_>>()
    };
    let (pooled, apart) = (requests(&pooled), requests(&apart));
    // Only a rebuild has an arena, and a read pools nothing.
    assert!(apart[0] > pooled[0] && pooled[0] > 0, "{pooled:?} {apart:?}");
    assert!(
        apart.iter().zip(&pooled).all(|(apart, pooled)| apart >= pooled),
        "{pooled:?} {apart:?}"
    );
}

#[test]
fn the_metrics_of_a_rebuild_report_no_arena_blocks() {
    let grown = |switch| {
        let place = Place::fixture("small");
        let debug = ("GITMIND_LOG_LEVEL", "DEBUG");
        let hint = ("GM_ARENA_HINT_CACHE_REBUILD", "4MiB");
        let said = place.mind(&["cache-rebuild", "--force"], &[switch, debug, hint]).stderr;
        let (_, rest) = said.split_once("name=arena.grow.bytes kind=counter value=").expect("said");
        let digits = rest.split(' ').next().expect("a number");
        digits.parse::<u64>().expect("a number")
    };
    assert!((1..grown(OFF)).contains(&grown(ON)), "{} {}", grown(ON), grown(OFF));
}

#[test]
fn the_switch_is_listed_by_env() {
    let place = Place::fixture("small");
    let listed = |switch| {
        let document = place.mind(&["env", "--json"], &[switch]).json();
        let toggles = document["toggles"].as_array().expect("a list").clone();
        let row = toggles.into_iter().find(|row| row["name"] == SWITCH).expect("it is listed");
        (row["value"].clone(), row["origin"].clone())
    };
    assert_eq!(listed(ON), ("1".into(), "environment".into()));
    assert_eq!(listed(OFF), ("0".into(), "environment".into()));
    for value in ["2", "maybe", "-"] {
        for args in [&["list"][..], &["cache-rebuild"], &["env"]] {
            let refused = place.mind(args, &[(SWITCH, value)]);
            assert_eq!(refused.code, Some(2), "{SWITCH}={value}: {refused:?}");
            assert!(refused.stderr.contains("it accepts 0 or 1, true or false"), "{refused:?}");
        }
    }
}
