//! Walks against a model of all paths of all commits, and the number of objects that a walk reads.

mod model;

use self::model::{CONTENTS, History, PATHS, history};
use super::PathHistory;
use crate::oid::Oid;
use crate::{Error, ObjectKind};
use gitmind_memory::testing::sweep;
use gitmind_memory::units::Bytes;
use gitmind_memory::{self as memory, Alloc, Budgeted, System};
use proptest::prelude::*;

fn begin<'a>(history: &'a History, system: &'a System, head: Oid, path: &str) -> PathHistory<'a> {
    PathHistory::new(&history.repository, Alloc::new(system), head, path.as_bytes())
        .expect("there is memory")
}

/// Edits and name of a content.
fn found(walk: &mut PathHistory<'_>, content: Oid) -> Option<(u32, String)> {
    let version = walk.find(content).expect("every object is there");
    version.map(|found| (found.edits, String::from_utf8_lossy(found.path).into_owned()))
}

fn stored(walk: &PathHistory<'_>, system: &System) -> Option<Vec<u8>> {
    let mut bytes = memory::Vec::new(Alloc::new(system));
    walk.store(&mut bytes).expect("there is memory").then(|| bytes.to_vec())
}

/// Asserts that a walk gives what the model does, for these contents in their order.
fn assert_agrees(
    history: &History,
    walk: &mut PathHistory<'_>,
    (head, path): (Oid, &str),
    contents: &[u8],
) {
    let expected = history.versions(head, path);
    for content in contents {
        let found = found(walk, history.blob(*content));
        match expected.get(content) {
            None => assert_eq!(found, None, "content {content} of {path} at {head}"),
            Some((edits, names)) => {
                let (actual, name) = found.unwrap_or_default();
                assert_eq!(actual, *edits, "content {content} of {path} at {head}");
                assert!(names.contains(&name), "{name} is none of {names:?}");
            }
        }
    }
}

fn contents() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(0..=CONTENTS, 0..8)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn walks_find_what_a_model_of_all_paths_does(
        history in history(),
        contents in contents(),
        path in prop::sample::select(&PATHS[..]),
    ) {
        let system = System::new();
        for &head in history.order.iter().rev().take(4) {
            let mut walk = begin(&history, &system, head, path);
            assert_agrees(&history, &mut walk, (head, path), &contents);
        }
    }

    #[test]
    fn a_walk_that_goes_on_from_a_stored_one_finds_the_same(
        history in history(),
        first in contents(),
        second in contents(),
        ages in prop::collection::vec(0..8_usize, 1..5),
        path in prop::sample::select(&PATHS[..]),
    ) {
        let system = System::new();
        let mut bytes = None;
        let newest = history.order.len() - 1;
        for age in ages {
            let head = history.order[newest.saturating_sub(age)];
            let mut walk = begin(&history, &system, head, path);
            for contents in [&first, &second] {
                assert_agrees(&history, &mut walk, (head, path), contents);
                bytes = stored(&walk, &system).or(bytes);
                walk = begin(&history, &system, head, path);
                if let Some(bytes) = &bytes {
                    prop_assert!(walk.restore(bytes).expect("there is memory"));
                }
            }
            assert_agrees(&history, &mut walk, (head, path), &second);
        }
    }
}

/// A line of edits: content 1 as `d/a`, renamed to `f/a`, edited to 2, removed, and one more.
fn line() -> (History, Oid) {
    let mut history = History::default();
    let first = history.with(&[("b", 9), ("d/a", 1)], &[]);
    let moved = history.with(&[("b", 9), ("f/a", 1)], &[first]);
    let edited = history.with(&[("b", 9), ("f/a", 2)], &[moved]);
    let other = history.with(&[("b", 8), ("f/a", 2)], &[edited]);
    let removed = history.with(&[("b", 8)], &[other]);
    let head = history.with(&[("b", 7)], &[removed]);
    (history, head)
}

#[test]
fn a_removed_path_begins_at_the_newest_commit_that_has_it() {
    let ((history, head), system) = (line(), System::new());
    let mut walk = begin(&history, &system, head, "f/a");
    assert_eq!(found(&mut walk, history.blob(2)), Some((0, "f/a".into())));
    assert_eq!(found(&mut walk, history.blob(1)), Some((1, "f/a".into())));
    assert_eq!(found(&mut walk, history.blob(9)), None);
}

#[test]
fn a_directory_has_a_history_too() {
    let (mut history, system) = (History::default(), System::new());
    let first = history.with(&[("d/a", 1), ("d/b", 1)], &[]);
    let edited = history.with(&[("d/a", 1), ("d/b", 2)], &[first]);
    let head = history.with(&[("f/a", 1), ("f/b", 2)], &[edited]);
    let tree = |commit| {
        let mut walk = begin(&history, &system, commit, "d");
        walk.find(Oid::ZERO).expect("every object is there");
        walk.here.chain[1]
    };
    let old = tree(first);
    let mut walk = begin(&history, &system, head, "f");
    assert_eq!(found(&mut walk, old), Some((1, "d".into())));
}

#[test]
fn a_content_with_a_new_name_and_one_that_was_edited_have_the_former_name() {
    let (mut history, system) = (History::default(), System::new());
    let first = history.with(&[("d/a", 1)], &[]);
    let second = history.with(&[("d/a", 2)], &[first]);
    let edited = history.with(&[("f/a", 3)], &[second]);
    let head = history.with(&[("b", 3), ("f/a", 9)], &[edited]);
    let mut walk = begin(&history, &system, head, "b");
    assert_eq!(found(&mut walk, history.blob(3)), Some((0, "b".into())));
    assert_eq!(found(&mut walk, history.blob(2)), Some((1, "d/a".into())));
    assert_eq!(found(&mut walk, history.blob(1)), Some((2, "d/a".into())));
}

#[test]
fn a_path_was_renamed_from_the_likeliest_one_or_was_created() {
    let system = System::new();
    let source = |before: &[(&str, u8)], after: &[(&str, u8)], content| {
        let mut history = History::default();
        let first = history.with(before, &[]);
        let head = history.with(after, &[first]);
        let mut walk = begin(&history, &system, head, "d/a");
        walk.find(Oid::ZERO).expect("every object is there");
        let name = walk.names.get(1).map(|name| String::from_utf8_lossy(name).into_owned());
        name.inspect(|_| assert!(walk.versions.contains_key(&history.blob(content))))
    };
    let now = &[("d/a", 1)][..];
    assert_eq!(source(&[("b", 1), ("d/e/a", 1)], now, 1).as_deref(), Some("d/e/a"), "its name");
    let changed = &[("d/a", 1), ("d/e/a", 2)];
    assert_eq!(source(&[("b", 1), ("d/e/a", 1)], changed, 1).as_deref(), Some("b"), "removed");
    assert_eq!(source(&[("d/e/a", 1)], changed, 1).as_deref(), Some("d/e/a"), "moved away");
    assert_eq!(source(&[("b", 1), ("d/b", 1)], now, 1).as_deref(), Some("d/b"), "its directory");
    assert_eq!(source(&[("d/c", 1), ("d/b", 1)], now, 1).as_deref(), Some("d/b"), "the first");
    assert_eq!(source(&[("a", 2), ("b", 2)], now, 2).as_deref(), Some("a"), "edited too");
    let nearer = source(&[("a", 3), ("d/e/a", 2)], now, 2);
    assert_eq!(nearer.as_deref(), Some("d/e/a"), "more in common");
    let shorter = source(&[("d/e/a", 2), ("d/e/f/a", 3)], now, 2);
    assert_eq!(shorter.as_deref(), Some("d/e/a"), "fewer others");
    assert_eq!(source(&[("d/b/a", 2), ("d/e/a", 2)], now, 2), None, "one of two");
    assert_eq!(source(&[("a/b", 2)], now, 2), None, "a directory is no file");
    assert_eq!(source(&[("d/b", 1)], &[("d/a", 1), ("d/b", 1)], 1), None, "a copy");
}

#[test]
fn a_former_name_is_found_without_reading_what_is_before() {
    let ((history, _), system) = (line(), System::new());
    let head = history.order[3];
    let name = |path| {
        let mut walk = begin(&history, &system, head, path);
        walk.former_name().expect("every object is there").map(<[u8]>::to_vec)
    };
    assert_eq!(name("f/a"), Some(b"d/a".to_vec()));
    assert_eq!(name("b"), None, "it was always so");
    assert_eq!(name("none"), None);
    let mut walk = begin(&history, &system, head, "f/a");
    walk.former_name().expect("every object is there").expect("it has one");
    assert_eq!(walk.frontier.last().map(|node| node.commit), Some(history.order[0]));
}

#[test]
fn a_history_ends_where_objects_are_missing_and_goes_on_when_they_are_there() {
    let ((history, head), system) = (line(), System::new());
    let first = history.order[1];
    let contents = history.repository.contents();
    history.repository.remove(first);
    let mut walk = begin(&history, &system, head, "f/a");
    assert_eq!(found(&mut walk, history.blob(2)), Some((0, "f/a".into())));
    assert_eq!(found(&mut walk, history.blob(1)), None);
    let bytes = stored(&walk, &system).expect("it has found something");
    history.repository.insert(ObjectKind::Commit, &contents[&first].1);
    let mut walk = begin(&history, &system, head, "f/a");
    assert!(walk.restore(&bytes).expect("there is memory"));
    assert_eq!(found(&mut walk, history.blob(1)), Some((1, "f/a".into())));
}

/// Looks a content up and stores the walk.
fn looked_up(history: &History, alloc: Alloc<'_>, head: Oid, stored: &[u8]) -> Result<(), Error> {
    let mut walk = PathHistory::new(&history.repository, alloc, head, b"f/a")?;
    walk.restore(stored)?;
    walk.find(history.blob(5))?;
    let mut bytes = memory::Vec::new(alloc);
    walk.store(&mut bytes)?;
    Ok(())
}

#[test]
fn each_allocation_failure_is_reported() {
    let ((mut history, head), system) = (line(), System::new());
    let mut walk = begin(&history, &system, history.order[3], "f/a");
    assert_eq!(found(&mut walk, history.blob(5)), None);
    let bytes = stored(&walk, &system).expect("it has found something");
    drop(walk);
    sweep(|alloc| looked_up(&history, alloc, head, b"")).assert_propagated();
    sweep(|alloc| looked_up(&history, alloc, head, &bytes)).assert_propagated();
    let again = history.with(&[("f/a", 4)], &[history.order[3]]);
    sweep(|alloc| looked_up(&history, alloc, again, &bytes)).assert_propagated();
}

#[test]
fn a_walk_goes_on_after_each_failed_read() {
    let ((history, head), system) = (line(), System::new());
    for call in 0.. {
        let mut walk = begin(&history, &system, head, "f/a");
        history.repository.fail_call(call);
        let outcome = walk.find(history.blob(1)).map(|found| found.map(|found| found.edits));
        if !history.repository.has_failed() {
            assert_eq!(outcome.ok(), Some(Some(1)));
            assert!(call > 8, "only {call} reads");
            break;
        }
        assert!(matches!(outcome, Err(Error::Io { .. })), "read {call}");
        assert_eq!(found(&mut walk, history.blob(1)), Some((1, "f/a".into())), "read {call}");
        assert_eq!(found(&mut walk, history.blob(5)), None, "read {call}");
    }
}

/// The number of objects that are read to find a content.
fn reads(history: &History, walk: &dyn Fn() -> u64) -> u64 {
    (0..)
        .find(|call| {
            history.repository.fail_call(*call);
            walk();
            !history.repository.has_failed()
        })
        .expect("it ends")
}

#[test]
fn of_a_commit_without_a_change_near_the_path_two_objects_are_read_at_most() {
    let (mut history, system) = (History::default(), System::new());
    let mut head = history.with(&[("b", 0), ("d/e/a", 1)], &[]);
    for content in 1..=100 {
        // Half of the commits change the root tree, and the others nothing.
        head = history.with(&[("b", content / 2), ("d/e/a", 1)], &[head]);
    }
    let total = reads(&history, &|| {
        let mut walk = begin(&history, &system, head, "d/e/a");
        walk.find(Oid::ZERO).map_or(0, |_| 0)
    });
    // The head's commit and its three trees, then a commit each, and half of the root trees.
    assert_eq!(total, 4 + 100 + 50);
}

#[test]
fn a_restored_walk_of_the_same_head_reads_nothing() {
    let ((history, head), system) = (line(), System::new());
    let mut walk = begin(&history, &system, head, "f/a");
    assert_eq!(found(&mut walk, history.blob(5)), None);
    let bytes = stored(&walk, &system).expect("it has found something");
    history.repository.fail_call(0);
    let mut walk = begin(&history, &system, head, "f/a");
    assert!(walk.restore(&bytes).expect("there is memory"));
    assert_eq!(found(&mut walk, history.blob(1)), Some((1, "f/a".into())));
    assert_eq!(found(&mut walk, history.blob(5)), None);
    assert!(!history.repository.has_failed(), "nothing is read");
    assert_eq!(stored(&walk, &system), None, "there is nothing new to store");
}

#[test]
fn damaged_bytes_and_those_of_other_paths_are_not_restored() {
    let ((history, head), system) = (line(), System::new());
    let mut walk = begin(&history, &system, head, "f/a");
    assert_eq!(found(&mut walk, history.blob(1)), Some((1, "f/a".into())));
    let bytes = stored(&walk, &system).expect("it has found something");
    // A claim of many names, versions or commits allocates nothing.
    let budget = Budgeted::new(System::new(), Bytes::new(64 << 10));
    let restored = |path: &[u8], bytes: &[u8]| {
        let walk = PathHistory::new(&history.repository, Alloc::new(&budget), head, path);
        walk.and_then(|mut walk| walk.restore(bytes)).expect("there is memory")
    };
    assert!(restored(b"f/a", &bytes));
    assert!(!restored(b"d/a", &bytes), "of another path");
    for cut in 0..bytes.len() {
        assert!(!restored(b"f/a", &bytes[..cut]), "cut at {cut}");
    }
    let hashed = |body: &[u8]| {
        let hash = super::stored::hash(body).expect("no SHA-1 collision");
        [body, hash.as_bytes()].concat()
    };
    let body = &bytes[..bytes.len() - Oid::LEN];
    assert_eq!(hashed(body), bytes);
    for index in 0..body.len() {
        let mut changed = body.to_vec();
        changed[index] = 0xff;
        // Some changes make another walk, as of the head.
        restored(b"f/a", &hashed(&changed));
        changed.extend_from_slice(&bytes[body.len()..]);
        assert!(changed == bytes || !restored(b"f/a", &changed), "byte {index}");
    }
    assert!(!restored(b"f/a", &hashed(&[body, b"x"].concat())), "longer");
    assert!(!restored(b"f/a", &hashed(&body[..body.len() - 1])), "shorter");
}

#[test]
fn a_walk_is_not_stored_in_place_of_one_that_knows_more() {
    let ((mut history, _), system) = (line(), System::new());
    let old = history.order[3];
    let mut walk = begin(&history, &system, old, "f/a");
    assert_eq!(found(&mut walk, history.blob(5)), None);
    let bytes = stored(&walk, &system).expect("it has found something");
    drop(walk);
    let next = history.with(&[("f/a", 4)], &[old]);
    let head = history.with(&[("f/a", 5)], &[next]);
    let mut walk = begin(&history, &system, head, "f/a");
    assert!(walk.restore(&bytes).expect("there is memory"));
    assert_eq!(found(&mut walk, history.blob(5)), Some((0, "f/a".into())));
    assert_eq!(stored(&walk, &system), None, "it has one version, the stored walk two");
    assert_eq!(found(&mut walk, history.blob(1)), Some((3, "f/a".into())));
    let bytes = stored(&walk, &system).expect("it knows all");
    history.repository.fail_call(0);
    let mut walk = begin(&history, &system, head, "f/a");
    assert!(walk.restore(&bytes).expect("there is memory"));
    assert_eq!(found(&mut walk, history.blob(1)), Some((3, "f/a".into())));
    assert!(!history.repository.has_failed(), "nothing is read");
}
