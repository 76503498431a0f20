//! Commits that were rewritten, merged, picked, or made in another worktree.

use super::Hooked;

/// A checkout whose `a` has two lines far apart, so that edits of both can be merged.
fn long() -> Hooked {
    let hooked = Hooked::without_hooks();
    hooked.edit("a", &text("one", "two"));
    hooked.mind(&["hooks", "install"]).ok();
    hooked.mind(&["link", "a", "b"]).ok();
    hooked
}

fn text(first: &str, last: &str) -> String {
    format!("{first}\n{}{last}\n", "same\n".repeat(20))
}

#[test]
fn an_amended_commit_leads_to_its_new_content() {
    let hooked = Hooked::new();
    let first = hooked.id("HEAD", "a");
    hooked.edit("a", "a2");
    let second = hooked.id("HEAD", "a");
    hooked.write("a", "a3");
    hooked.git(&["commit", "-q", "-a", "--amend", "-m", "amended"]);
    let third = hooked.id("HEAD", "a");
    let expected =
        [[&*first, &second, "a", "a"], [&first, &third, "a", "a"], [&second, &third, "a", "a"]];
    hooked.assert_steps("main", &expected);
    hooked.git(&["mv", "a", "moved"]);
    hooked.git(&["commit", "-q", "--amend", "-m", "moved too"]);
    let moved = [[&*third, &third, "a", "moved"], [&first, &third, "a", "moved"]];
    let steps = hooked.steps("main");
    assert!(steps.contains(&moved[0].map(String::from)), "{steps:?}");
}

#[test]
fn a_rebase_is_followed_in_the_journal_of_its_branch() {
    let hooked = long();
    hooked.git(&["checkout", "-q", "-b", "topic"]);
    hooked.mind(&["link", "a", "b"]).ok();
    hooked.edit("a", &text("one", "topic"));
    let old = hooked.id("HEAD", "a");
    hooked.git(&["checkout", "-q", "main"]);
    hooked.edit("a", &text("main", "two"));
    let base = hooked.id("HEAD", "a");
    hooked.git(&["checkout", "-q", "topic"]);
    hooked.git(&["rebase", "-q", "main"]);
    let new = hooked.id("HEAD", "a");
    let steps = hooked.steps("topic");
    for from in [&old, &base] {
        let step = [&**from, &new, "a", "a"].map(String::from);
        // What main made of the file is in the journal of main: only its path is linked here.
        assert!(steps.contains(&step), "{steps:?}");
    }
    assert_eq!(
        hooked.git(&["for-each-ref", "--format=%(refname)", "refs/gitmind"]),
        "refs/gitmind/edges/main\nrefs/gitmind/edges/topic"
    );
}

#[test]
fn squashed_commits_lead_to_what_they_became() {
    for command in ["squash", "fixup"] {
        let hooked = long();
        hooked.edit("c", "c");
        hooked.edit("a", &text("one", "second"));
        let second = hooked.id("HEAD", "a");
        hooked.write("a", &text("first", "second"));
        hooked.git(&["commit", "-q", "-a", "-m", &format!("{command}! change")]);
        let both = hooked.id("HEAD", "a");
        // Below what is squashed, so that the commits are made again.
        let onto = hooked.git(&["commit-tree", "-m", "x", "-p", "HEAD~3", "HEAD~3^{tree}"]);
        hooked.git(&[
            "-c",
            "sequence.editor=true",
            "rebase",
            "-q",
            "-i",
            "--autosquash",
            "--onto",
            &onto,
            "HEAD~3",
        ]);
        let steps = hooked.steps("main");
        assert!(steps.contains(&[&*second, &both, "a", "a"].map(String::from)), "{steps:?}");
        assert_eq!(hooked.id("HEAD", "a"), both);
        assert_eq!(
            hooked.git(&["for-each-ref", "--format=%(refname)", "refs/gitmind"]),
            "refs/gitmind/edges/main"
        );
    }
}

#[test]
fn only_what_a_merge_resolves_is_followed_from_each_side() {
    let hooked = Hooked::new();
    hooked.git(&["checkout", "-q", "-b", "topic"]);
    hooked.write("b", "b topic");
    hooked.edit("a", "a topic");
    hooked.git(&["checkout", "-q", "main"]);
    let first = hooked.id("HEAD", "a");
    hooked.edit("a", "a main");
    let ours = hooked.id("main", "a");
    let theirs = hooked.id("topic", "a");
    assert!(!hooked.checkout.try_git(&["merge", "-q", "topic"]), "a conflict");
    hooked.edit("a", "a of both");
    assert_eq!(hooked.git(&["rev-list", "--count", "HEAD^@", "--not", "HEAD~1"]), "1", "a merge");
    let both = hooked.id("HEAD", "a");
    let expected =
        [[&*first, &ours, "a", "a"], [&ours, &both, "a", "a"], [&theirs, &both, "a", "a"]];
    hooked.assert_steps("main", &expected);
}

#[test]
fn a_picked_commit_is_an_edit() {
    let hooked = long();
    hooked.git(&["checkout", "-q", "-b", "topic"]);
    hooked.edit("a", &text("one", "topic"));
    hooked.git(&["checkout", "-q", "main"]);
    hooked.edit("a", &text("main", "two"));
    let [first, second] = ["HEAD~1", "HEAD"].map(|revision| hooked.id(revision, "a"));
    hooked.git(&["cherry-pick", "topic"]);
    let third = hooked.id("HEAD", "a");
    hooked.assert_steps("main", &[[&first, &second, "a", "a"], [&second, &third, "a", "a"]]);
}

#[test]
fn a_worktree_has_the_hooks_of_its_repository_and_the_journal_of_its_branch() {
    let hooked = Hooked::without_hooks();
    hooked.git(&["worktree", "add", "-q", "-b", "side", "wt"]);
    let worktree = hooked.path().join("wt");
    let run = |program: &str, args: &[&str]| {
        let output = hooked.command_in(&worktree, program, args).output().expect("it runs");
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    run("git-mind", &["hooks", "install"]);
    run("git-mind", &["link", "a", "b"]);
    assert!(hooked.path().join(".git/hooks/post-commit").is_file());
    hooked.write("wt/a", "a2");
    run("git", &["commit", "-q", "-a", "-m", "in the worktree"]);
    let [old, new] = ["side~1", "side"].map(|revision| hooked.id(revision, "a"));
    hooked.assert_steps("side", &[[&old, &new, "a", "a"]]);
}

#[test]
fn a_detached_head_has_the_journal_that_link_writes() {
    let hooked = Hooked::new();
    hooked.git(&["checkout", "-q", "--detach"]);
    hooked.mind(&["link", "a", "b"]).ok();
    hooked.edit("a", "a2");
    let [old, new] = ["HEAD~1", "HEAD"].map(|revision| hooked.id(revision, "a"));
    hooked.assert_steps("HEAD", &[[&old, &new, "a", "a"]]);
    hooked.assert_steps("main", &[]);
}

#[test]
fn input_that_git_does_not_give_is_a_usage_error() {
    use std::io::Write;
    let hooked = Hooked::new();
    for input in ["x y\n", "HEAD HEAD~1\n", "\n"] {
        let mut command = hooked.command("git-mind", &["hooks", "run", "post-rewrite"]);
        command.stdin(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        let mut running = command.spawn().expect("it was built");
        let mut stdin = running.stdin.take().expect("it is piped");
        stdin.write_all(input.as_bytes()).expect("it reads");
        drop(stdin);
        let output = running.wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), Some(2), "{input}");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(stderr.contains("is not a pair of commit ids"), "{stderr}");
    }
}
