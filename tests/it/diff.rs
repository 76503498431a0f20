//! `diff`: what it prints is the difference of two lists.

use gitmind_test_support::{TempRepository, encoded_message};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// An edge of this type between two objects, as a payload; a tombstone if it is rejected.
fn payload(source: u8, target: u8, relation: u8, is_rejected: bool) -> Vec<u8> {
    let mut payload = vec![if is_rejected { 0xa6 } else { 0xa5 }, 2, relation];
    payload.extend([5, 0x61, b'a' + source, 6, 0x61, b'a' + target, 8, 0x54]);
    payload.extend([source + 1; 20]);
    payload.extend([9, 0x54]);
    payload.extend([target + 1; 20]);
    if is_rejected {
        payload.extend([13, 4]);
    }
    payload
}

/// A journal of `commits` commits with up to three edges each, some of which take others back. Its
/// history has a merge.
fn journal(commits: u32) -> (TempRepository, Vec<String>) {
    let repository = TempRepository::empty();
    let mut ids: Vec<String> = vec![];
    let mut state = 7_u32;
    let mut next = |below: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        u8::try_from((state >> 16) % below).expect("it is small")
    };
    for number in 0..commits {
        let edges = (0..next(4)).map(|_| payload(next(3), next(3), 1 + next(2), next(3) == 0));
        let message = encoded_message(&edges.collect::<Vec<_>>().concat());
        let parents: Vec<&str> = match number {
            0 => vec![],
            6 => vec![&ids[5], &ids[4]],
            5 => vec![&ids[2]],
            _ => vec![&ids[ids.len() - 1]],
        };
        ids.push(repository.commit(&parents, &message));
    }
    repository.git(&["update-ref", "refs/gitmind/edges/main", &ids[ids.len() - 1]]);
    (repository, ids)
}

type Key = (String, String, u64);

fn key(edge: &Value) -> Key {
    let text = |name: &str| edge[name].as_str().expect("an id").to_owned();
    (text("source_oid"), text("target_oid"), edge["type_number"].as_u64().expect("a number"))
}

/// The newest live edge of each key at this moment, and the keys in the order of `list`.
fn live(repository: &TempRepository, at: &str) -> (Vec<Key>, BTreeMap<Key, Value>) {
    let edges = repository.mind(&["list", "--json", "--at", at]).json();
    let (mut order, mut newest) = (vec![], BTreeMap::new());
    for edge in edges["edges"].as_array().expect("edges") {
        newest.entry(key(edge)).or_insert_with(|| {
            order.push(key(edge));
            edge.clone()
        });
    }
    (order, newest)
}

#[test]
fn a_diff_is_the_difference_of_the_lists_of_both_moments() {
    let (repository, ids) = journal(14);
    let mut differences = BTreeSet::new();
    for (index, before) in ids.iter().enumerate() {
        for after in [&ids[0], &ids[6], &ids[(index * 5 + 3) % ids.len()], &ids[ids.len() - 1]] {
            let diff = repository.mind(&["diff", &format!("{before}..{after}"), "--json"]).json();
            let (old, new) = (live(&repository, before), live(&repository, after));
            let missing = |these: &(Vec<_>, BTreeMap<_, Value>), those: &(_, BTreeMap<_, _>)| {
                let keys = these.0.iter().filter(|key| !those.1.contains_key(*key));
                keys.map(|key| these.1[key].clone()).collect::<Vec<_>>()
            };
            let (added, revoked) = (missing(&new, &old), missing(&old, &new));
            assert_eq!(diff["added"], Value::from(added.clone()), "{before}..{after}");
            assert_eq!(diff["revoked"], Value::from(revoked.clone()), "{before}..{after}");
            assert_eq!(diff["added_total"], added.len());
            assert_eq!(diff["journal_before"], **before);
            differences.insert((added.len(), revoked.len()));
        }
    }
    assert!(differences.len() > 5, "{differences:?}");
}

#[test]
fn a_side_that_is_left_out_is_the_tip_and_text_has_signs() {
    let (repository, ids) = journal(14);
    let (first, last) = (&ids[0], &ids[13]);
    let text = |range: &str| repository.mind(&["diff", range]).ok();
    let whole = text(&format!("{first}..{last}"));
    assert_eq!(text(&format!("{first}..")), whole);
    assert_eq!(text(first), whole);
    let back = text(&format!("..{first}"));
    let signs = |text: &str, sign: &str| text.lines().filter(|line| line.starts_with(sign)).count();
    let (added, revoked) = (signs(&whole, "+ "), signs(&whole, "- "));
    assert!(added > 0);
    assert_eq!((signs(&back, "- "), signs(&back, "+ ")), (added, revoked));
    assert!(whole.ends_with(&format!("{added} added, {revoked} revoked\n")), "{whole}");
    assert_eq!(text(".."), "0 added, 0 revoked\n");
    let all = text("1970-01-01..");
    assert_eq!(signs(&all, "- "), 0, "the journal was empty then");
    let error = repository.mind(&["diff", &format!("{first}...{last}")]).error(2);
    assert!(error.contains("three dots") && error.contains("A..B"), "{error}");
}
