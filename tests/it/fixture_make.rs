//! `fixture make`: the same arguments, the same bytes; a journal that git and the C tool accept.

use gitmind_test_support::{git, mind, temp_directory};
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::Path;

fn make(directory: &Path, name: &str, args: &[&str]) -> serde_json::Value {
    mind(directory, &[&["fixture", "make", "--json"], args, &[name]].concat()).json()
}

/// Every file below `directory`, by path.
fn files(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut directories = vec![directory.to_owned()];
    while let Some(next) = directories.pop() {
        for entry in std::fs::read_dir(next).expect("a directory") {
            let path = entry.expect("readable").path();
            if path.is_dir() {
                directories.push(path);
            } else {
                let name = path.strip_prefix(directory).expect("below").to_str().expect("UTF-8");
                files.insert(name.into(), std::fs::read(&path).expect("readable"));
            }
        }
    }
    files
}

#[test]
fn the_same_arguments_give_the_same_bytes_and_another_seed_does_not() {
    let directory = temp_directory();
    let recipe = ["--edges", "1000", "--seed", "7"];
    let first = make(directory.path(), "a", &recipe);
    assert_eq!(make(directory.path(), "b", &recipe), first);
    assert!(files(&directory.path().join("a")) == files(&directory.path().join("b")));
    let other = make(directory.path(), "c", &["--edges", "1000", "--seed", "8"]);
    assert_ne!(other["journal_tip"], first["journal_tip"]);
}

#[test]
fn the_bytes_of_a_recipe_are_pinned() {
    let directory = temp_directory();
    let made = make(directory.path(), "a", &["--edges", "100", "--seed", "1"]);
    assert_eq!(made["journal_tip"], "3fa8bc4c0b56517cdcafc902a4f8108f31cefec6");
}

#[test]
fn a_made_journal_is_sound_and_has_the_edges_asked_for() {
    for (edges, batch, commits) in [(1, 1, 1), (300, 1, 300), (301, 100, 4), (250, 250, 1)] {
        let directory = temp_directory();
        let (edges_text, batch_text) = (edges.to_string(), batch.to_string());
        let recipe = ["--edges", &edges_text, "--seed", "3", "--batch", &batch_text];
        let made = make(directory.path(), "j", &recipe);
        assert_eq!(made["commits"], commits, "{recipe:?}");
        let journal = directory.path().join("j");
        assert_eq!(git(&journal, &["fsck", "--strict", "--full"]), "");
        assert_eq!(git(&journal, &["symbolic-ref", "HEAD"]), "refs/heads/main");
        assert!(git(&journal, &["count-objects", "-v"]).contains("count: 0\n"), "all packed");
        let report = mind(&journal, &["cache-rebuild", "--strict", "--json"]).json();
        assert_eq!((&report["edges"], &report["commits"]), (&edges.into(), &commits.into()));
        assert_eq!(report["journal_tip"], made["journal_tip"]);
    }
}

#[test]
fn about_a_fifth_as_many_objects_as_edges_and_a_few_are_popular() {
    let directory = temp_directory();
    make(directory.path(), "j", &["--edges", "5000", "--seed", "1", "--batch", "50"]);
    let list = mind(&directory.path().join("j"), &["list", "--json"]).json();
    let mut uses: BTreeMap<String, u32> = BTreeMap::new();
    let mut ulids = BTreeSet::new();
    for edge in list["edges"].as_array().expect("edges") {
        for side in ["source_oid", "target_oid"] {
            *uses.entry(edge[side].as_str().expect("an id").into()).or_default() += 1;
        }
        ulids.insert(edge["ulid"].as_str().expect("a ULID").to_owned());
    }
    assert!((900..=1000).contains(&uses.len()), "{} objects", uses.len());
    assert_eq!(ulids.len(), 5000, "every edge has its own ULID");
    let most = uses.values().max().copied().unwrap_or(0);
    assert!(most > 300, "the most popular object has only {most} uses");
}

#[test]
fn a_directory_that_is_not_empty_is_left_unchanged() {
    let directory = temp_directory();
    std::fs::create_dir(directory.path().join("used")).expect("writable");
    std::fs::write(directory.path().join("used/file"), "mine").expect("writable");
    let recipe = ["fixture", "make", "--edges", "1", "--seed", "1", "used"];
    let error = mind(directory.path(), &recipe).error(1);
    assert!(error.contains("used exists and is not an empty directory"), "{error}");
    assert_eq!(
        std::fs::read_dir(directory.path()).expect("a directory").count(),
        1,
        "nothing is left"
    );
    let inside = ["fixture", "make", "--edges", "1", "--seed", "1", "none/such"];
    let error = mind(directory.path(), &inside).error(1);
    assert!(error.contains("none"), "{error}");
}
