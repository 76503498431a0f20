//! `fixture make`: the same arguments, the same bytes; a journal that git and the C tool accept.

use gitmind_test_support::{git, mind, temp_folder};
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::Path;

fn make(folder: &Path, name: &str, args: &[&str]) -> serde_json::Value {
    mind(folder, &[&["fixture", "make", "--json"], args, &[name]].concat()).json()
}

/// Every file below `folder`, by path.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).expect("a folder") {
            let path = entry.expect("readable").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).expect("below").to_str().expect("UTF-8");
                files.insert(name.into(), std::fs::read(&path).expect("readable"));
            }
        }
    }
    files
}

#[test]
fn the_same_arguments_give_the_same_bytes_and_another_seed_does_not() {
    let folder = temp_folder();
    let recipe = ["--edges", "1000", "--seed", "7"];
    let first = make(folder.path(), "a", &recipe);
    assert_eq!(make(folder.path(), "b", &recipe), first);
    assert!(files(&folder.path().join("a")) == files(&folder.path().join("b")));
    let other = make(folder.path(), "c", &["--edges", "1000", "--seed", "8"]);
    assert_ne!(other["journal_tip"], first["journal_tip"]);
}

#[test]
fn the_bytes_of_a_recipe_are_pinned() {
    let folder = temp_folder();
    let made = make(folder.path(), "a", &["--edges", "100", "--seed", "1"]);
    assert_eq!(made["journal_tip"], "3fa8bc4c0b56517cdcafc902a4f8108f31cefec6");
}

#[test]
fn a_made_journal_is_sound_and_has_the_edges_asked_for() {
    for (edges, batch, commits) in [(1, 1, 1), (300, 1, 300), (301, 100, 4), (250, 250, 1)] {
        let folder = temp_folder();
        let (edges_text, batch_text) = (edges.to_string(), batch.to_string());
        let recipe = ["--edges", &edges_text, "--seed", "3", "--batch", &batch_text];
        let made = make(folder.path(), "j", &recipe);
        assert_eq!(made["commits"], commits, "{recipe:?}");
        let journal = folder.path().join("j");
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
    let folder = temp_folder();
    make(folder.path(), "j", &["--edges", "5000", "--seed", "1", "--batch", "50"]);
    let list = mind(&folder.path().join("j"), &["list", "--json"]).json();
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
fn a_folder_in_use_is_left_alone() {
    let folder = temp_folder();
    std::fs::create_dir(folder.path().join("used")).expect("writable");
    std::fs::write(folder.path().join("used/file"), "mine").expect("writable");
    let recipe = ["fixture", "make", "--edges", "1", "--seed", "1", "used"];
    let error = mind(folder.path(), &recipe).error(1);
    assert!(error.contains("used exists and is not an empty folder"), "{error}");
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1, "nothing is left");
    let inside = ["fixture", "make", "--edges", "1", "--seed", "1", "none/such"];
    let error = mind(folder.path(), &inside).error(1);
    assert!(error.contains("none"), "{error}");
}
