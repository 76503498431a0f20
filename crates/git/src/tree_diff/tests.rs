//! The differences of trees against a comparison of all their paths.

use super::*;
use crate::TreeDraft;
use crate::fake::FakeRepository;
use gitmind_memory::System;
use gitmind_memory::testing::sweep;
use std::collections::BTreeMap;
use std::string::String;
use std::vec::Vec;

/// Kind and content at each path of a tree, directories included.
type Paths = BTreeMap<String, (EntryMode, Oid)>;

/// Stores the tree with these files, given by path, kind and content.
fn store(repository: &FakeRepository, files: &BTreeMap<String, (EntryMode, String)>) -> Oid {
    let system = System::new();
    let mut directories: BTreeMap<&str, BTreeMap<String, (EntryMode, String)>> = BTreeMap::new();
    let mut entries = Vec::new();
    for (path, file) in files {
        match path.split_once('/') {
            Some((name, rest)) => {
                directories.entry(name).or_default().insert(rest.into(), file.clone());
            }
            None => {
                let id = repository.insert(ObjectKind::Blob, file.1.as_bytes());
                entries.push((path.clone(), file.0, path.as_str(), id));
            }
        }
    }
    for (name, below) in &directories {
        entries.push((format!("{name}/"), EntryMode::Tree, name, store(repository, below)));
    }
    entries.sort_by(|a, b| a.0.cmp(&b.0));
    let mut tree = TreeDraft::new(Alloc::new(&system));
    for (_, mode, name, id) in entries {
        tree.try_push(mode, name.as_bytes(), id).expect("there is memory");
    }
    repository.insert(ObjectKind::Tree, tree.as_bytes())
}

/// Every path of a tree, for the model.
fn paths_of(repository: &FakeRepository, tree: Oid, above: &str, paths: &mut Paths) {
    let bytes = repository.contents()[&tree].1.clone();
    for entry in entries(&bytes) {
        let entry = entry.expect("a whole tree");
        let name = str::from_utf8(entry.name).expect("UTF-8");
        let path = if above.is_empty() { name.into() } else { format!("{above}/{name}") };
        if entry.mode == EntryMode::Tree {
            paths_of(repository, entry.id, &path, paths);
        }
        if entry.mode != EntryMode::Submodule {
            paths.insert(path, (entry.mode, entry.id));
        }
    }
}

type Changes = Vec<(String, Option<(EntryMode, Oid)>, Option<(EntryMode, Oid)>)>;

fn found(repository: &FakeRepository, old: Option<Oid>, new: Option<Oid>, limit: usize) -> Changes {
    let system = System::new();
    let mut changes = Changes::new();
    let outcome = diff_trees(repository, Alloc::new(&system), old, new, &mut |change| {
        let path = String::from_utf8(change.path.to_vec()).expect("UTF-8");
        let side = |found: Option<Found>| found.map(|found| (found.mode, found.id));
        changes.push((path, side(change.old), side(change.new)));
        let is_enough = changes.len() == limit;
        Ok(if is_enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    });
    outcome.expect("whole trees");
    changes
}

fn expected(repository: &FakeRepository, old: Option<Oid>, new: Option<Oid>) -> Changes {
    let side = |tree: Option<Oid>| {
        let mut paths = Paths::new();
        if let Some(tree) = tree {
            paths_of(repository, tree, "", &mut paths);
        }
        paths
    };
    let (old, new) = (side(old), side(new));
    let mut changes = Changes::new();
    for path in old.keys().chain(new.keys()) {
        let (old, new) = (old.get(path).copied(), new.get(path).copied());
        if old.map(|found| found.1) == new.map(|found| found.1) {
            continue;
        }
        let is_directory = |side: Option<(EntryMode, Oid)>| side.map(|s| s.0 == EntryMode::Tree);
        match (is_directory(old), is_directory(new)) {
            (Some(a), Some(b)) if a != b => {
                changes.push((path.clone(), old, None));
                changes.push((path.clone(), None, new));
            }
            _ => changes.push((path.clone(), old, new)),
        }
    }
    changes.sort_by_key(|change| format!("{change:?}"));
    changes.dedup();
    changes
}

proptest::proptest! {
    #[test]
    fn trees_differ_where_a_comparison_of_all_paths_says_so(
        trees in proptest::collection::vec(proptest::collection::btree_map(
            "[ab](/[ab.-]{1,2}(/[ab])?)?",
            (proptest::sample::select(
                vec![EntryMode::File, EntryMode::File, EntryMode::Submodule]), "[xy]"),
            0..9,
        ), 2),
    ) {
        let repository = FakeRepository::default();
        let trees: Vec<_> = trees.into_iter().map(|mut files| {
            // A path below a file cannot be.
            let paths: Vec<String> = files.keys().cloned().collect();
            files.retain(|path, _| !paths.iter().any(|other| {
                path.strip_prefix(other.as_str()).is_some_and(|rest| rest.starts_with('/'))
            }));
            store(&repository, &files)
        }).collect();
        for (old, new) in [(Some(trees[0]), Some(trees[1])), (None, Some(trees[1])),
            (Some(trees[0]), None), (Some(trees[0]), Some(trees[0]))]
        {
            let mut changes = found(&repository, old, new, 9999);
            changes.sort_by_key(|change| format!("{change:?}"));
            proptest::prop_assert_eq!(changes, expected(&repository, old, new));
        }
    }
}

fn files(files: &[(&str, &str)]) -> BTreeMap<String, (EntryMode, String)> {
    let file = |(path, content): &(&str, &str)| {
        (String::from(*path), (EntryMode::File, String::from(*content)))
    };
    files.iter().map(file).collect()
}

#[test]
fn directories_with_the_same_id_are_not_read_and_a_break_ends_the_walk() {
    let repository = FakeRepository::default();
    let old = store(&repository, &files(&[("same/x", "0"), ("b/x", "1"), ("c", "1")]));
    let new = store(&repository, &files(&[("same/x", "0"), ("b/x", "2"), ("c", "2")]));
    repository.remove(store(&repository, &files(&[("x", "0")])));
    for limit in 1..=3 {
        let changes = found(&repository, Some(old), Some(new), limit);
        let paths: Vec<_> = changes.iter().map(|(path, ..)| path.as_str()).collect();
        assert_eq!(paths, ["b", "b/x", "c"][..limit]);
    }
}

#[test]
fn each_allocation_failure_is_reported() {
    let repository = FakeRepository::default();
    let old = store(&repository, &files(&[("a/b/c", "1"), ("d", "1")]));
    let new = store(&repository, &files(&[("a/b/c", "2"), ("e", "1")]));
    sweep(|alloc| {
        diff_trees(&repository, alloc, Some(old), Some(new), &mut |_| Ok(ControlFlow::Continue(())))
    })
    .assert_propagated();
}

#[test]
fn trees_of_others_neither_exhaust_the_stack_nor_end_the_walk() {
    let (repository, system) = (FakeRepository::default(), System::new());
    let tree = |mode, name: &[u8], id| {
        let mut tree = TreeDraft::new(Alloc::new(&system));
        tree.try_push(mode, name, id).expect("there is memory");
        repository.insert(ObjectKind::Tree, tree.as_bytes())
    };
    let blob = repository.insert(ObjectKind::Blob, b"x");
    let mut deep = tree(EntryMode::File, b"x", blob);
    for _ in 0..3000 {
        deep = tree(EntryMode::Tree, b"d", deep);
    }
    assert_eq!(found(&repository, None, Some(deep), 9999).len(), DEPTH_MAX + 1);
    let nameless = tree(EntryMode::Tree, b"", deep);
    let malformed = repository.insert(ObjectKind::Tree, b"100644 x\0short");
    for (damaged, other) in [(nameless, None), (malformed, Some(deep)), (malformed, None)] {
        for (old, new) in [(Some(damaged), other), (other, Some(damaged))] {
            let outcome = diff_trees(&repository, Alloc::new(&system), old, new, &mut |_| {
                Ok(ControlFlow::Continue(()))
            });
            assert!(matches!(outcome, Err(Error::Corrupt { id, .. }) if id == damaged));
        }
    }
}
