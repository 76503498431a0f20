//! Revisions: `list --at` prints the edges that the journal had then, however the moment is named.

use gitmind_test_support::{Ran, git, mind, mind_command, temp_directory};
use serde_json::Value;
use std::path::Path;

/// When the first commit of the code is made, in seconds since 1970; 2023-11-14 22:13:20 in UTC.
const START: u64 = 1_700_000_000;
/// Seconds from one commit of the code to the next; an edge is appended half way.
const STEP: u64 = 1000;
const COMMITS: u64 = 5;

fn run_at(directory: &Path, seconds: u64, args: &[&str]) {
    let mut command = mind_command(directory, args);
    command.env("GIT_COMMITTER_DATE", format!("@{seconds} +0000"));
    Ran::new(command.output().expect("it was built")).ok();
}

/// A checkout in which commits of the code and appends of an edge take turns.
fn history(directory: &Path) {
    git(directory, &["init", "-q", "-b", "main", "."]);
    for number in 0..COMMITS {
        let seconds = START + number * STEP;
        std::fs::write(directory.join("a"), number.to_string()).expect("writable");
        git(directory, &["add", "."]);
        let tree = git(directory, &["write-tree"]);
        let commit = format!("tree {tree}\n");
        let parent = match number {
            0 => String::new(),
            _ => format!("parent {}\n", git(directory, &["rev-parse", "main"])),
        };
        let people = format!("author a <a@b> 1 +0000\ncommitter a <a@b> {seconds} +0000\n\nx");
        std::fs::write(directory.join(".git/new"), commit + &parent + &people).expect("writable");
        let id = git(directory, &["hash-object", "-t", "commit", "-w", ".git/new"]);
        git(directory, &["update-ref", "refs/heads/main", &id]);
        run_at(directory, seconds + STEP / 2, &["link", "a", "a", "--type", "references"]);
    }
}

fn ids(document: &Value) -> Vec<&str> {
    let edges = document["edges"].as_array().expect("edges");
    edges.iter().map(|edge| edge["commit"].as_str().expect("an id")).collect()
}

#[test]
fn list_at_prints_the_edges_of_then_however_the_moment_is_named() {
    let temp = temp_directory();
    let directory = temp.path();
    history(directory);
    let all = mind(directory, &["list", "--json"]).json();
    let all = ids(&all);
    assert_eq!(all.len(), 5);
    let code = git(directory, &["rev-list", "main"]);
    let code: Vec<_> = code.lines().collect();
    git(directory, &["tag", "-a", "-m", "t", "v1", "main~1"]);
    git(directory, &["update-ref", "refs/gitmind/remotes/o/edges/main", all[3]]);
    let cases = [
        // The number of the newest edges that are not there yet, and names of the moment.
        (0, vec!["refs/gitmind/edges/main", "gitmind/edges/main", all[0], &all[0][..10]]),
        (0, vec!["2026-11-01", "2023-11-15", "2023-11-14T23:28:20", "2023-11-15T00:28:20+01:00"]),
        (1, vec!["HEAD", "@", "main", code[0], "refs/gitmind/edges/main~1", all[1], &all[1][..8]]),
        (1, vec!["2023-11-14T23:28:19", "2023-11-14T23:28:19Z"]),
        (2, vec!["HEAD~1", "v1", "v1^{commit}", &code[1][..9], "gitmind/edges/main~2"]),
        (3, vec!["main~2", "gitmind/edges/main~3", "gitmind/remotes/o/edges/main", all[3]]),
        (4, vec!["HEAD~3", "refs/gitmind/edges/main~4", "2023-11-14 22:21:40"]),
    ];
    for (missing, names) in cases {
        for name in names {
            let at = mind(directory, &["list", "--json", "--at", name]).json();
            assert_eq!(ids(&at), &all[missing..], "{name}");
        }
    }
    let mut elsewhere = mind_command(directory, &["list", "--json", "--at", "2023-11-14T23:28:19"]);
    elsewhere.env("TZ", "<-01>1");
    let elsewhere = Ran::new(elsewhere.output().expect("it was built")).json();
    assert_eq!(ids(&elsewhere), all, "the clocks of that zone show it an hour later");
}

#[test]
fn a_moment_that_cannot_be_found_is_an_error_that_says_why() {
    let temp = temp_directory();
    let directory = temp.path();
    history(directory);
    for (name, code, expected) in [
        ("HEAD~4", 1, "the journal had no commit yet at `HEAD~4`"),
        ("2023-11-14", 1, "the journal had no commit yet at `2023-11-14`"),
        ("nowhere", 1, "`nowhere` names no commit, and is no date"),
        ("HEAD~5", 1, "`HEAD~5` names no commit, and is no date"),
        ("2023-11-31", 1, "`2023-11-31` names no commit, and is no date"),
        ("HEAD^{tree}", 1, "is a tree, not a"),
        (&"7".repeat(40), 1, "is missing"),
        ("HEAD@{1}", 2, "`HEAD@{1}` is a form of revision that is not supported"),
    ] {
        let error = mind(directory, &["list", "--at", name]).error(code);
        assert!(error.contains(expected) && error.contains("hint: "), "{name}: {error}");
    }
}
