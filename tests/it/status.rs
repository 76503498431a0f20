//! `status`: what it counts is what `list --json --all` and git say.

use gitmind_test_support::checkout::{Checkout, FULL, UPDATE, append, rebuild};
use gitmind_test_support::{TempRepository, git};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

fn status(directory: &Path) -> Value {
    gitmind_test_support::mind(directory, &["status", "--json"]).json()
}

/// What a status should count, from the edges of a list.
fn model(directory: &Path) -> Value {
    let list = gitmind_test_support::mind(directory, &["list", "--json", "--all"]).json();
    let edges = list["edges"].as_array().expect("edges");
    let with = |standing| edges.iter().filter(move |edge| edge["standing"] == standing);
    let text = |edge: &Value, name: &str| edge[name].as_str().expect("text").to_owned();
    let keys: BTreeSet<_> = with("live")
        .map(|edge| {
            let type_number = edge["type_number"].as_u64();
            (text(edge, "source_oid"), text(edge, "target_oid"), type_number)
        })
        .collect();
    let authors: BTreeSet<_> =
        with("live").map(|edge| text(&edge["attribution"], "author")).collect();
    let all = ["cat-file", "--batch-all-objects", "--batch-check=%(objectname)"];
    let objects = git(directory, &all);
    let objects: BTreeSet<_> = objects.lines().collect();
    let is_gone = |edge: &&Value| {
        ["source_oid", "target_oid"].iter().any(|end| !objects.contains(&*text(edge, end)))
    };
    let live = with("live").count();
    serde_json::json!({
        "edges": live,
        "edges_taken_back": with("taken_back").count(),
        "tombstones": with("tombstone").count(),
        "duplicates": live - keys.len(),
        "authors": authors.len(),
        "edges_without_objects": with("live").filter(is_gone).count(),
    })
}

fn assert_is_model(directory: &Path) -> Value {
    let (status, model) = (status(directory), model(directory));
    for (name, expected) in model.as_object().expect("an object") {
        assert_eq!(&status[name], expected, "{name}");
    }
    status
}

#[test]
fn counts_are_those_of_the_list() {
    let checkout = Checkout::new();
    let here = checkout.path();
    let empty = status(here);
    assert_eq!(empty["journal_tip"], Value::Null);
    assert_eq!((&empty["edges"], &empty["cache"]["state"]), (&0.into(), &"missing".into()));
    for args in [
        &["link", "a", "b"][..],
        &["link", "b", "a"],
        &["link", "a", "b"],
        &["link", "a", "b", "--type", "implements"],
        &["unlink", "b", "a"],
    ] {
        checkout.mind(args);
    }
    let after = assert_is_model(here);
    assert_eq!((&after["duplicates"], &after["edges_taken_back"]), (&1.into(), &1.into()));
    assert_eq!(after["edges_without_objects"], 0);
    // Their objects do not exist.
    append(&checkout.open(), "main", 0..5).expect("it is appended");
    assert_eq!(assert_is_model(here)["edges_without_objects"], 5);
    checkout.git(&["repack", "-adq"]);
    assert_is_model(here);
    let text = gitmind_test_support::mind(here, &["status"]).ok();
    for line in
        ["dangling    5, whose", "duplicates  3, equal", "edges       8 by 2 authors, 1 taken"]
    {
        assert!(text.contains(line), "{line}: {text}");
    }
}

#[test]
fn the_cache_is_current_behind_or_something_else() {
    let checkout = Checkout::new();
    let repository = checkout.open();
    let cache = || {
        let status = status(checkout.path());
        let cache = &status["cache"];
        (cache["state"].as_str().expect("a state").to_owned(), cache["commits_behind"].as_u64())
    };
    append(&repository, "main", 0..1).expect("it is appended");
    assert_eq!(cache(), ("missing".into(), None));
    rebuild(&repository, "main", UPDATE, 0).expect("a journal");
    assert_eq!(cache(), ("current".into(), Some(0)));
    for number in 1..4 {
        append(&repository, "main", number..number + 1).expect("it is appended");
        assert_eq!(cache(), ("stale".into(), Some(number)));
    }
    rebuild(&repository, "main", FULL, 0).expect("a journal");
    checkout.git(&["update-ref", "refs/gitmind/edges/main", "refs/gitmind/edges/main~2"]);
    assert_eq!(cache(), ("other-history".into(), None));
    let cache_with = |meta: Option<&str>| {
        checkout.git(&["read-tree", "refs/gitmind/cache/main"]);
        match meta {
            None => checkout.git(&["rm", "-q", "--cached", "meta"]),
            Some(meta) => {
                std::fs::write(checkout.path().join(".git/meta"), meta).expect("writable");
                let id = checkout.git(&["hash-object", "-w", ".git/meta"]);
                checkout.git(&["update-index", "--cacheinfo", &format!("100644,{id},meta")])
            }
        };
        let tree = checkout.git(&["write-tree"]);
        let commit = checkout.git(&["commit-tree", "-m", "x", &tree]);
        checkout.git(&["update-ref", "refs/gitmind/cache/main", &commit]);
    };
    let meta = checkout.git(&["show", "refs/gitmind/cache/main:meta"]);
    cache_with(Some(&meta.replace("git-mind-cache 5", "git-mind-cache 4")));
    assert_eq!(cache(), ("other-version".into(), None));
    cache_with(Some("no metadata"));
    assert_eq!(cache().1, None);
    cache_with(None);
    assert_eq!(cache(), ("other-tool".into(), None));
}

#[test]
fn journals_of_others_that_are_not_merged_are_counted_as_git_counts_them() {
    let repository = TempRepository::fixture("small");
    let ours = "refs/gitmind/edges/main";
    let behind = repository.git(&["rev-parse", &format!("{ours}~4")]);
    let tip = repository.git(&["rev-parse", ours]);
    let mut theirs = behind.clone();
    for number in 0..3 {
        theirs = repository.commit(&[&theirs], format!("theirs {number}").as_bytes());
    }
    let joined = repository.commit(&[&theirs, &tip], b"both");
    for (remote, tip) in [("ann", &behind), ("ben", &theirs), ("team/c", &joined)] {
        repository.git(&["update-ref", &format!("refs/gitmind/remotes/{remote}/edges/main"), tip]);
    }
    repository.git(&["update-ref", "refs/gitmind/remotes/ann/edges/other", &joined]);
    let status = status(repository.path());
    let tracking = status["tracking"].as_array().expect("a list");
    let mut counts = vec![];
    for row in tracking {
        let name = row["name"].as_str().expect("a ref");
        let of_git = repository.git(&["rev-list", "--count", name, &format!("^{ours}")]);
        assert_eq!(row["commits_missing"].to_string(), of_git, "{name}");
        counts.push((row["remote"].as_str().expect("text").to_owned(), of_git));
    }
    let expected = [("ann", "0"), ("ben", "3"), ("team/c", "4")];
    assert_eq!(counts, expected.map(|(name, count)| (name.to_owned(), count.to_owned())));
    let text = repository.mind(&["status"]).ok();
    assert!(text.contains("ben         3 commits are not merged; `git mind merge`\n"), "{text}");
}
