//! `git mind sync`: clones that exchange journals through one server lose nothing.

use crate::sharing_support::{JOURNAL, Server, counts};
use gitmind_test_support::concurrent::at_once;
use gitmind_test_support::{git, mind_command};
use std::os::unix::fs::PermissionsExt;

const TRACKING: &str = "+refs/gitmind/edges/*:refs/gitmind/remotes/origin/edges/*";

#[test]
fn two_clones_have_all_edges_of_both_and_later_syncs_do_nothing() {
    let server = Server::new();
    let (ann, ben) = (server.clone_as("ann"), server.clone_as("ben"));
    for person in [&ann, &ben] {
        person.import(190);
        person.link(10);
    }
    assert_eq!(ann.sync(), "`main`: pushed\n");
    assert_eq!(ben.sync(), "`main`: merged, pushed\n");
    assert_eq!(ann.sync(), "`main`: moved forward\n");
    let all = counts([("ann", 200), ("ben", 200)]);
    assert_eq!((ann.edges(), ben.edges()), (all.clone(), all));
    assert_eq!(ann.tip(), ben.tip());
    for person in [&ann, &ben] {
        let tip = person.tip();
        assert_eq!(person.sync(), "`main`: up to date\n");
        assert_eq!(person.tip(), tip);
        assert_eq!(git(&server.path(), &["rev-parse", JOURNAL]), tip);
        let refspecs = person.git(&["config", "--get-all", "remote.origin.fetch"]);
        assert_eq!(refspecs.lines().skip(1).collect::<Vec<_>>(), [TRACKING]);
    }
    // A plain fetch brings journals now, and overwrites none.
    ann.link(1);
    ann.sync();
    ben.link(1);
    let tip = ben.tip();
    ben.git(&["fetch", "-q"]);
    assert_eq!(ben.tip(), tip);
    assert_eq!(ben.mind(&["merge"]).code, 0);
    assert_eq!(ben.edges(), counts([("ann", 201), ("ben", 201)]));
}

#[test]
fn clones_that_sync_at_once_lose_nothing_and_converge() {
    let server = Server::new();
    let names = ["ann", "ben", "cleo"];
    let people = names.map(|name| server.clone_as(name));
    at_once(people.len(), |number| {
        for _ in 0..6 {
            people[number].link(2);
            people[number].sync();
        }
    });
    people.iter().for_each(|person| drop(person.sync()));
    let all = counts([("ann", 12), ("ben", 12), ("cleo", 12)]);
    people.iter().for_each(|person| {
        person.sync();
        assert_eq!(person.edges(), all);
        assert_eq!(person.tip(), people[0].tip());
        assert_eq!(person.git(&["fsck", "--strict", "--full", "--no-dangling"]), "");
    });
}

#[test]
fn several_processes_in_one_clone_sync_at_once() {
    let server = Server::new();
    let (ann, ben) = (server.clone_as("ann"), server.clone_as("ben"));
    ben.link(3);
    ben.sync();
    at_once(4, |_| {
        for _ in 0..3 {
            ann.link(1);
            ann.sync();
        }
    });
    ben.sync();
    assert_eq!(ben.edges(), counts([("ann", 12), ("ben", 3)]));
    assert_eq!(ann.git(&["config", "--get-all", "remote.origin.fetch"]).lines().count(), 2);
}

#[test]
fn all_journals_of_both_sides_are_synchronized_or_the_one_that_is_named() {
    let server = Server::new();
    let (ann, ben) = (server.clone_as("ann"), server.clone_as("ben"));
    ann.link(1);
    ann.link_to("feature/x", 2);
    ben.link_to("other", 1);
    ann.mind(&["sync", "--branch", "feature/x"]).ok();
    assert_eq!(git(&server.path(), &["for-each-ref", "refs/gitmind"]).lines().count(), 1);
    ann.sync();
    let document = ben.mind(&["sync", "origin", "--json"]).json();
    let journals = document["journals"].as_array().expect("a list").iter();
    let journals: Vec<_> = journals
        .map(|one| (one["branch"].as_str(), one["outcome"].as_str(), one["pushed"].as_bool()))
        .collect();
    let of = |name, outcome, pushed| (Some(name), Some(outcome), Some(pushed));
    assert_eq!(
        journals,
        [
            of("feature/x", "created", false),
            of("main", "created", false),
            of("other", "up-to-date", true),
        ]
    );
    assert_eq!((&document["remote"], &document["schema"]), (&"origin".into(), &1.into()));
    assert_eq!(ben.edges_of("feature/x"), counts([("ann", 2)]));
}

#[test]
fn a_push_that_is_rejected_is_done_again_after_a_merge() {
    let server = Server::new();
    let (ann, ben) = (server.clone_as("ann"), server.clone_as("ben"));
    ann.link(1);
    ann.sync();
    ben.link(1);
    ben.sync();
    ann.link(1);
    // The hook runs after the fetch and before the push: another clone is faster, once.
    let ben_pushes = format!(
        "#!/bin/sh\ntest -e pushed && exit 0\ntouch pushed\nunset GIT_DIR GIT_PREFIX\n\
         git -C '{}' push -q origin {JOURNAL}\n",
        ben.path().display()
    );
    let hook = ann.path().join(".git/hooks/pre-push");
    std::fs::create_dir_all(hook.parent().expect("it has one")).expect("writable");
    std::fs::write(&hook, ben_pushes).expect("writable");
    std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).expect("writable");
    ben.link(1);
    let document = ann.mind(&["sync", "--json"]).json();
    assert_eq!(document["attempts"], 2, "{document}");
    assert_eq!(document["journals"][0]["outcome"], "merged");
    ben.sync();
    assert_eq!(ann.edges(), counts([("ann", 2), ("ben", 2)]));
    assert_eq!(ben.edges(), ann.edges());
}

#[test]
fn what_the_server_does_not_take_is_an_error_and_the_rest_is_synchronized() {
    let server = Server::new();
    let ann = server.clone_as("ann");
    ann.link(1);
    ann.link_to("kept", 1);
    let hook = server.path().join("hooks/update");
    std::fs::create_dir_all(hook.parent().expect("it has one")).expect("writable");
    std::fs::write(&hook, format!("#!/bin/sh\ntest \"$1\" != {JOURNAL}\n")).expect("writable");
    std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).expect("writable");
    let ran = ann.mind(&["sync"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    let says = "git-mind: error: the remote does not take the journal of `main`: [remote rejected]";
    assert!(ran.stderr.contains(says), "{}", ran.stderr);
    assert_eq!(ran.stdout, "`kept`: pushed\n`main`: failed\n");
    assert_eq!(ann.edges(), counts([("ann", 1)]));
}

#[test]
fn a_server_whose_journal_was_rewritten_is_merged_and_nothing_is_lost() {
    let server = Server::new();
    let (ann, ben) = (server.clone_as("ann"), server.clone_as("ben"));
    ann.link(2);
    ann.sync();
    ben.link(1);
    // Another history, pushed by force from another clone.
    ben.git(&["push", "-q", "origin", &format!("+{JOURNAL}:{JOURNAL}")]);
    ann.link(1);
    assert_eq!(ann.sync(), "`main`: merged, pushed\n");
    ben.sync();
    let all = counts([("ann", 3), ("ben", 1)]);
    assert_eq!((ann.edges(), ben.edges()), (all.clone(), all));
}

#[test]
fn a_remote_without_journals_or_out_of_reach_and_no_remote_at_all() {
    let server = Server::new();
    let ann = server.clone_as("ann");
    assert_eq!(ann.sync(), "There are no journals here or in `origin`\n");
    ann.link(1);
    let error = ann.mind(&["sync", "nowhere"]).error(1);
    assert!(error.contains("`nowhere` is not a remote\nhint: there are origin"), "{error}");
    ann.git(&["remote", "set-url", "origin", "../gone.git"]);
    let ran = ann.mind(&["sync"]);
    assert_eq!((ran.code, &*ran.stdout), (1, ""));
    assert!(ran.stderr.contains("gone.git"), "git's own words: {}", ran.stderr);
    assert!(ran.stderr.contains("error: `git fetch origin` ended with code 128"), "{}", ran.stderr);
    ann.git(&["remote", "remove", "origin"]);
    let error = ann.mind(&["sync"]).error(1);
    assert!(error.contains("has no remote"), "{error}");
    assert_eq!(ann.edges(), counts([("ann", 1)]));
}

#[test]
fn sync_finds_the_repository_from_a_worktree_a_subdirectory_and_a_bare_one() {
    let server = Server::new();
    let ann = server.clone_as("ann");
    ann.link(1);
    std::fs::create_dir(ann.path().join("below")).expect("writable");
    assert_eq!(ann.mind(&["-C", "below", "sync"]).ok(), "`main`: pushed\n");
    ann.git(&["worktree", "add", "-q", "-b", "side", "../side"]);
    ann.link(1);
    assert_eq!(ann.mind(&["-C", "../side", "sync"]).ok(), "`main`: pushed\n");
    let bare = ann.path().join("../bare.git");
    git(ann.path(), &["clone", "-q", "--bare", "../server.git", "../bare.git"]);
    git(&bare, &["config", "remote.origin.url", server.path().to_str().expect("UTF-8")]);
    let args = ["-C", "../bare.git", "sync"];
    assert_eq!(ann.mind(&args).ok(), "`main`: created\n");
    let mut command = mind_command(ann.path(), &["sync"]);
    command.env("GIT_DIR", "../bare.git");
    assert_eq!(
        String::from_utf8_lossy(&command.output().expect("built").stdout),
        "`main`: up to date\n"
    );
}

#[test]
fn a_refspec_that_loses_journals_is_warned_of_and_its_repair_keeps_them() {
    for (key, value) in [
        ("fetch", "+refs/gitmind/*:refs/gitmind/*"),
        ("fetch", "+refs/gitmind/edges/*:refs/gitmind/edges/*"),
        ("fetch", "+refs/*:refs/*"),
        ("fetch", "refs/gitmind/*:refs/gitmind/*"),
    ] {
        let server = Server::new();
        let (ann, ben) = (server.clone_as("ann"), server.clone_as("ben"));
        ann.link(1);
        ann.sync();
        ben.git(&["config", "--add", &format!("remote.origin.{key}"), value]);
        ben.git(&["config", "fetch.prune", "true"]);
        ben.git(&["config", "receive.denyCurrentBranch", "ignore"]);
        let ran = ben.mind(&["link", "a", "b"]);
        assert_eq!(ran.code, 0);
        assert_eq!(ran.stderr.matches("warning: ").count(), 1, "{}", ran.stderr);
        assert!(ran.stderr.contains(value), "{}", ran.stderr);
        // A sync loses nothing, even before the repair.
        ben.sync();
        assert_eq!(ben.edges().values().sum::<usize>(), 2, "{value}");
        let ran = ben.mind(&["link", "a", "b"]);
        let (_, repair) = ran.stderr.split_once("hint: `").expect("a repair");
        let (repair, _) = repair.split_once("` corrects it").expect("a command");
        let done = gitmind_test_support::isolated("sh", &["GIT"])
            .current_dir(ben.path())
            .args(["-c", repair])
            .status();
        assert!(done.expect("a shell").success(), "{repair}");
        assert_eq!(ben.mind(&["link", "a", "b"]).stderr, "");
        ben.link_to("own", 1);
        // git rejects a fetch into a branch that is checked out: HEAD is elsewhere.
        ben.git(&["checkout", "-q", "--detach"]);
        ben.git(&["fetch", "-q"]);
        assert_eq!(ben.edges().values().sum::<usize>(), 4, "{value} after {repair}");
        assert_eq!(ben.edges_of("own"), counts([("ben", 1)]));
        ben.sync();
        ann.sync();
        assert_eq!(ann.edges().values().sum::<usize>(), 4);
    }
}

#[test]
fn a_mirror_takes_part_in_a_sync() {
    let server = Server::new();
    let ann = server.clone_as("ann");
    ann.link(1);
    ann.sync();
    git(ann.path(), &["clone", "-q", "--mirror", "../server.git", "../mirror.git"]);
    let mirror = ann.path().join("../mirror.git");
    let ran = gitmind_test_support::mind(&mirror, &["sync"]);
    assert_eq!((ran.code, &*ran.stdout), (0, "`main`: up to date\n"), "{ran:?}");
    assert!(ran.stderr.contains("remote.origin.mirror overwrites and deletes"), "{}", ran.stderr);
}
