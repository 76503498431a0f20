//! `git mind merge`: two people's journals become one.

use crate::sharing_support::{JOURNAL, Person, Server, counts};
use gitmind_test_support::TempRepository;

const THEIRS: &str = "refs/gitmind/remotes/origin/edges/main";

/// Two clones with journals of these numbers of edges, the second of which has fetched the first's.
fn two(ann: usize, ben: usize) -> (Server, Person, Person) {
    let server = Server::new();
    let people = (server.clone_as("ann"), server.clone_as("ben"));
    people.0.link(ann);
    people.1.link(ben);
    people.0.git(&["push", "-q", "origin", &format!("{JOURNAL}:{JOURNAL}")]);
    people.1.git(&["fetch", "-q", "origin", &format!("{JOURNAL}:{THEIRS}")]);
    (server, people.0, people.1)
}

#[test]
fn a_merge_has_the_edges_of_both_and_is_done_once() {
    let (_server, ann, ben) = two(3, 2);
    let before = ben.tip();
    let ran = ben.mind(&["merge"]);
    assert_eq!(ran.stdout, format!("Merged {THEIRS} into `main`\n"));
    assert!(ran.stderr.contains("note: the C tool follows first parents only"), "{}", ran.stderr);
    assert_eq!(ben.edges(), counts([("ann", 3), ("ben", 2)]));
    let parents = ben.git(&["log", "-1", "--format=%P%n%T%n%B", JOURNAL]);
    let tree = gitmind_test_support::EMPTY_TREE;
    assert_eq!(parents, format!("{before} {}\n{tree}", ann.tip()));
    let ran = ben.mind(&["merge"]);
    assert_eq!(ran.stdout, format!("Already up to date with {THEIRS}\n"));
    assert_eq!(ran.stderr, "");
    assert_eq!(ben.git(&["fsck", "--strict", "--full", "--no-dangling"]), "");
    // Ids of edges that were there have not moved.
    ben.mind(&["cache-rebuild"]).ok();
    let edges = ben.mind(&["query", "--from", "a", "--json"]).json();
    let sessions = edges["edges"].as_array().expect("a list").iter();
    let sessions: Vec<_> =
        sessions.map(|edge| edge["attribution"]["session"].as_str().expect("a text")).collect();
    assert_eq!(sessions, ["ben", "ben", "ann", "ann", "ann"]);
}

#[test]
fn a_branch_without_a_journal_takes_the_other_as_it_is_and_an_older_one_moves_forward() {
    let (_server, ann, ben) = two(2, 0);
    let document = ben.mind(&["merge", "origin/main", "--json"]).json();
    assert_eq!(document["old_tip"], serde_json::Value::Null);
    assert_eq!(document["new_tip"], ann.tip().as_str());
    assert_eq!(document["journals"][0]["outcome"], "created");
    ann.link(1);
    ben.git(&["fetch", "-q", ann.path().to_str().expect("UTF-8"), &format!("{JOURNAL}:{THEIRS}")]);
    assert_eq!(ben.mind(&["merge"]).ok(), format!("Moved `main` forward to {THEIRS}\n"));
    assert_eq!(ben.tip(), ann.tip());
}

#[test]
fn the_journal_of_another_branch_is_merged_by_its_name_ref_or_commit() {
    let (_server, _ann, ben) = two(1, 1);
    ben.link_to("feature/x", 2);
    let tip = ben.git(&["rev-parse", "refs/gitmind/edges/feature/x"]);
    for (into, word) in
        [("one", "feature/x"), ("two", "refs/gitmind/edges/feature/x"), ("three", &*tip)]
    {
        let document = ben.mind(&["merge", "--branch", into, "main", word, "--json"]).json();
        let outcomes = [&document["journals"][0]["outcome"], &document["journals"][1]["outcome"]];
        assert_eq!(outcomes, ["created", "created"]);
        assert_eq!(document["branch"], into);
        assert_eq!(ben.edges_of(into), counts([("ben", 3)]));
    }
}

#[test]
fn a_linear_merge_appends_what_is_lacking_for_readers_of_first_parents() {
    let (_server, _ann, ben) = two(3, 2);
    let ran = ben.mind(&["merge", "--linear"]);
    assert_eq!(ran.stdout, format!("Appended edges of {THEIRS} to `main`\n3 edges appended\n"));
    assert_eq!(ran.stderr, "");
    assert_eq!(ben.edges(), counts([("ann", 3), ("ben", 2)]));
    assert_eq!(ben.git(&["rev-list", "--merges", JOURNAL]), "");
    let document = ben.mind(&["merge", "--linear", "--json"]).json();
    assert_eq!(document["journals"][0]["outcome"], "up-to-date");
    assert_eq!(document["edges_appended"], 0);
}

#[test]
fn nothing_to_merge_is_said_and_what_is_no_journal_is_an_error() {
    let (_server, _ann, ben) = two(1, 1);
    ben.git(&["update-ref", "-d", THEIRS]);
    assert!(ben.mind(&["merge"]).ok().starts_with("Nothing to merge: no journal of `main`"));
    let before = ben.tip();
    let head = ben.git(&["rev-parse", "HEAD"]);
    let blob = ben.git(&["rev-parse", "HEAD:a"]);
    for (word, code, says) in [
        ("nowhere", 1, "`nowhere` is not a journal\nhint: `git for-each-ref refs/gitmind` lists"),
        ("a..b", 2, "is not a branch name"),
        (&*head, 1, "is not a journal commit"),
        (&*blob, 1, "is a blob, not a commit"),
        (&*"7".repeat(40), 1, "is missing"),
    ] {
        let error = ben.mind(&["merge", word]).error(code);
        assert!(error.contains(says), "{word}: {error}");
    }
    assert_eq!(ben.tip(), before);
    let bare = TempRepository::fixture("small");
    bare.mind(&["merge", "feature/x"]).ok();
    bare.assert_sound();
}
