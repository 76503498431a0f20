//! The edges that installed hooks append, against what the contents of the commits say.

mod random;
mod rewrites;

use gitmind::git::oid::Oid;
use gitmind::journal::{Confidence, Edge, Edges, Relation, encode_edge};
use gitmind::memory::{Alloc, System};
use gitmind_test_support::checkout::Checkout;
use gitmind_test_support::{
    Ran, TempRepository, encoded_message, isolated, program, temp_directory,
};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// An edge from an old content to a new one: both ids, both paths.
pub(crate) type Step = [String; 4];

/// The directories where programs are looked for.
pub(crate) fn programs_of_the_machine() -> Vec<PathBuf> {
    const NAME: &str = "PATH";
    std::env::split_paths(&std::env::var_os(NAME).unwrap_or_default()).collect()
}

/// A checkout whose git finds the program.
pub(crate) struct Hooked {
    pub(crate) checkout: Checkout,
    programs: TempDir,
}

impl Hooked {
    /// A checkout with hooks and an edge from `a` to `b`.
    pub(crate) fn new() -> Self {
        let hooked = Self::without_hooks();
        hooked.mind(&["hooks", "install"]).ok();
        hooked.mind(&["link", "a", "b"]).ok();
        hooked
    }

    pub(crate) fn without_hooks() -> Self {
        let programs = temp_directory();
        let link = programs.path().join("git-mind");
        std::os::unix::fs::symlink(program(), link).expect("writable");
        let checkout = Checkout::new();
        checkout.git(&["config", "commit.gpgsign", "false"]);
        checkout.git(&["config", "advice.detachedHead", "false"]);
        Self { checkout, programs }
    }

    pub(crate) fn path(&self) -> &Path {
        self.checkout.path()
    }

    /// A command in `directory` that finds the program on its PATH.
    pub(crate) fn command_in(&self, directory: &Path, program: &str, args: &[&str]) -> Command {
        let mut command = isolated(program, &["GIT", "GM_", "HOME"]);
        let all = [self.programs.path().to_owned()].into_iter().chain(programs_of_the_machine());
        let path = std::env::join_paths(all).expect("no colon");
        command.env("PATH", path).env("GIT_EDITOR", "true").current_dir(directory).args(args);
        command
    }

    pub(crate) fn command(&self, program: &str, args: &[&str]) -> Command {
        self.command_in(self.path(), program, args)
    }

    /// Runs git; returns all that it and its hooks print.
    pub(crate) fn git(&self, args: &[&str]) -> String {
        let output = self.command("git", args).output().expect("tests need git");
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text).trim_end().to_owned();
        assert!(output.status.success(), "git {args:?}: {text}");
        text
    }

    pub(crate) fn mind(&self, args: &[&str]) -> Ran {
        Ran::new(self.command("git-mind", args).output().expect("it was built"))
    }

    pub(crate) fn write(&self, path: &str, content: &str) {
        let path = self.path().join(path);
        std::fs::create_dir_all(path.parent().expect("it has one")).expect("writable");
        std::fs::write(path, content).expect("writable");
    }

    /// Commits all that is in the worktree; returns what is printed.
    pub(crate) fn commit(&self) -> String {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", "change"])
    }

    /// Writes a file and commits it.
    pub(crate) fn edit(&self, path: &str, content: &str) {
        self.write(path, content);
        assert_eq!(self.commit(), "", "hooks say nothing");
    }

    /// The id of `path` in a commit.
    pub(crate) fn id(&self, revision: &str, path: &str) -> String {
        self.git(&["rev-parse", &format!("{revision}:{path}")])
    }

    /// The edges of type augments of a branch's journal.
    pub(crate) fn steps(&self, branch: &str) -> Vec<Step> {
        let edges = self.checkout.edges(branch);
        let edges = edges.iter().filter(|edge| edge["type"] == "augments");
        let text = |edge: &serde_json::Value, key: &str| edge[key].as_str().expect("text").into();
        edges
            .map(|edge| {
                ["source_oid", "target_oid", "source_path", "target_path"]
                    .map(|key| text(edge, key))
            })
            .collect()
    }

    /// Fails unless these are the steps of the branch, in any order.
    pub(crate) fn assert_steps(&self, branch: &str, expected: &[[&str; 4]]) {
        let expected: BTreeSet<_> = expected.iter().map(|step| step.map(String::from)).collect();
        let steps = self.steps(branch);
        assert_eq!(steps.iter().cloned().collect::<BTreeSet<_>>(), expected);
        assert_eq!(steps.len(), expected.len(), "none twice: {steps:?}");
    }
}

#[test]
fn an_edit_of_either_end_appends_an_edge_with_the_fields_of_the_format() {
    let hooked = Hooked::new();
    let before = hooked.id("HEAD", "b");
    hooked.edit("b", "b2");
    let edges = hooked.checkout.edges("main");
    let edge = edges.iter().find(|edge| edge["type"] == "augments").expect("an edge");
    assert_eq!(
        (&edge["source_oid"], &edge["target_oid"]),
        (&before.into(), &hooked.id("HEAD", "b").into())
    );
    assert_eq!(edge["confidence"], 1.0);
    assert_eq!(edge["attribution"]["source"], "system");
    assert_eq!(edge["attribution"]["author"], "a@b");
    let zero = "0".repeat(40);
    for legacy in ["legacy_source_oid", "legacy_target_oid"] {
        assert_eq!(edge[legacy], zero.as_str(), "{edge}");
    }
    let now = hooked.git(&["log", "-1", "--format=%ct", "refs/gitmind/edges/main"]);
    let now_ms = now.parse::<u64>().expect("seconds") * 1000;
    assert!(edge["timestamp_ms"].as_u64().expect("a number").abs_diff(now_ms) < 60_000);
    hooked.edit("c", "not linked");
    hooked.edit("c", "not linked yet");
    assert_eq!(hooked.steps("main").len(), 1);
}

#[test]
fn edges_of_one_commit_are_in_one_journal_commit() {
    let hooked = Hooked::new();
    let commits = || hooked.git(&["rev-list", "--count", "refs/gitmind/edges/main"]);
    assert_eq!(commits(), "1");
    hooked.write("a", "a2");
    hooked.edit("b", "b2");
    assert_eq!((hooked.steps("main").len(), commits()), (2, "2".into()));
}

#[test]
fn a_step_that_is_there_is_not_appended_again() {
    let hooked = Hooked::new();
    for content in ["x", "a", "x", "a"] {
        hooked.edit("a", content);
    }
    let [a, x] = ["HEAD", "HEAD~1"].map(|revision| hooked.id(revision, "a"));
    hooked.assert_steps("main", &[[&a, &x, "a", "a"], [&x, &a, "a", "a"]]);
    // The cache answers the same as the journal.
    hooked.mind(&["cache-rebuild"]).ok();
    hooked.edit("a", "x");
    assert_eq!(hooked.steps("main").len(), 2);
}

#[test]
fn a_file_is_followed_to_another_path_with_its_content_or_a_similar_one() {
    for is_cached in [false, true] {
        let hooked = Hooked::without_hooks();
        let lines: String = (0..50).map(|line| format!("line {line}\n")).collect();
        hooked.write("a", &lines);
        hooked.commit();
        hooked.mind(&["hooks", "install"]).ok();
        hooked.mind(&["link", "a", "b"]).ok();
        if is_cached {
            hooked.mind(&["cache-rebuild"]).ok();
        }
        let id = |revision: &str, path: &str| hooked.id(revision, path);
        hooked.git(&["mv", "a", "moved"]);
        hooked.commit();
        let first = id("HEAD", "moved");
        hooked.assert_steps("main", &[[&first, &first, "a", "moved"]]);
        hooked.write("deep/er/file", &(lines + "more\n"));
        std::fs::remove_file(hooked.path().join("moved")).expect("it is there");
        hooked.commit();
        let second = id("HEAD", "deep/er/file");
        hooked.assert_steps(
            "main",
            &[[&first, &first, "a", "moved"], [&first, &second, "moved", "deep/er/file"]],
        );
    }
}

#[test]
fn equal_files_that_moved_are_paired_as_git_pairs_them() {
    let hooked = Hooked::new();
    for path in ["x/1", "y/2", "z/3"] {
        hooked.write(path, "the same in all of them\n");
    }
    hooked.commit();
    hooked.mind(&["link", "x/1", "b"]).ok();
    for (old, new) in [("x/1", "q/1"), ("y/2", "p/2"), ("z/3", "r/4")] {
        hooked.write(new, "the same in all of them\n");
        std::fs::remove_file(hooked.path().join(old)).expect("it is there");
    }
    hooked.commit();
    let same = hooked.id("HEAD", "q/1");
    let pairs = hooked.git(&["diff-tree", "-r", "-M", "--name-status", "HEAD~1", "HEAD"]);
    let mut pairs: Vec<_> = pairs.lines().map(|line| line.split('\t')).collect();
    let pairs =
        pairs.iter_mut().map(|line| [line.nth(1), line.next()].map(|path| path.expect("two")));
    let expected: Vec<_> = pairs.map(|[old, new]| [&*same, &same, old, new]).collect();
    assert_eq!(expected.len(), 3);
    hooked.assert_steps("main", &expected);
}

#[test]
fn a_copy_a_removal_and_a_change_of_mode_append_nothing() {
    use std::os::unix::fs::PermissionsExt;
    let hooked = Hooked::new();
    hooked.write("copy", "a");
    hooked.commit();
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(hooked.path().join("a"), mode).expect("it is there");
    hooked.commit();
    hooked.git(&["rm", "-q", "b"]);
    hooked.commit();
    hooked.git(&["rm", "-q", "a", "copy"]);
    hooked.edit("other", "something else entirely");
    hooked.assert_steps("main", &[]);
}

#[test]
fn a_linked_directory_is_followed_where_most_of_its_files_went() {
    let hooked = Hooked::new();
    for file in ["x", "y", "z"] {
        hooked.write(&format!("src/{file}"), &format!("{file} content\n").repeat(20));
    }
    hooked.commit();
    hooked.mind(&["link", "src", "b"]).ok();
    hooked.edit("src/x", &"x content, edited\n".repeat(3));
    hooked.assert_steps("main", &[]);
    let old = hooked.id("HEAD", "src");
    hooked.git(&["mv", "src", "lib"]);
    hooked.git(&["mv", "lib/x", "x"]);
    hooked.write("lib/y", &("y content\n".repeat(20) + "more\n"));
    hooked.commit();
    let new = hooked.id("HEAD", "lib");
    hooked.assert_steps("main", &[[&old, &new, "src", "lib"]]);
}

#[test]
fn names_of_any_language_are_followed_and_those_that_no_edge_can_hold_are_named() {
    let hooked = Hooked::new();
    for name in ["with space", "測試/файл é", "quote\"'$(x)"] {
        hooked.edit(name, &format!("{name} 1"));
        hooked.mind(&["link", name, "b"]).ok();
        let old = hooked.id("HEAD", name);
        hooked.edit(name, &format!("{name} 2"));
        let new = hooked.id("HEAD", name);
        let step = [old, new, name.into(), name.into()];
        assert!(hooked.steps("main").contains(&step), "{name}");
    }
    // Linked by its content, under another name.
    hooked.write("line\nfeed", "a");
    hooked.commit();
    hooked.write("line\nfeed", "a2");
    let said = hooked.commit();
    assert!(said.contains("git-mind: warning: no edge was appended for `line\\x0afeed`"), "{said}");
}

#[test]
fn a_repository_cannot_make_the_hook_execute_what_it_names() {
    let hooked = Hooked::without_hooks();
    let lines: String = (0..50).map(|line| format!("line {line}\n")).collect();
    hooked.edit("a", &lines);
    hooked.mind(&["link", "a", "b"]).ok();
    std::fs::remove_file(hooked.path().join("a")).expect("it is there");
    hooked.write(".gitattributes", "* diff=evil filter=evil\n");
    hooked.edit("moved", &(lines + "more\n"));
    let command = "touch executed; cat";
    for key in [
        "core.pager",
        "pager.diff-tree",
        "diff.external",
        "diff.evil.command",
        "diff.evil.textconv",
        "filter.evil.clean",
        "filter.evil.smudge",
        "core.fsmonitor",
        "core.sshCommand",
        "alias.diff-tree",
    ] {
        hooked.git(&["config", key, command]);
    }
    hooked.mind(&["hooks", "run", "post-commit"]).ok();
    assert_eq!(hooked.steps("main").len(), 1, "git was asked");
    assert!(!hooked.path().join("executed").exists());
}

#[test]
fn without_a_journal_or_a_parent_nothing_happens() {
    let hooked = Hooked::without_hooks();
    hooked.mind(&["hooks", "install"]).ok();
    hooked.edit("a", "a2");
    assert_eq!(hooked.git(&["for-each-ref", "refs/gitmind"]), "");
    hooked.mind(&["link", "a", "b"]).ok();
    let tip = || hooked.git(&["rev-parse", "refs/gitmind/edges/main"]);
    let before = tip();
    // A root commit on the same branch.
    hooked.git(&["checkout", "-q", "--orphan", "new"]);
    hooked.git(&["symbolic-ref", "HEAD", "refs/heads/main"]);
    hooked.git(&["update-ref", "-d", "refs/heads/main"]);
    hooked.edit("a", "a3");
    assert_eq!(tip(), before);
}

#[test]
fn a_commit_with_more_files_than_allowed_is_left_out_and_says_so() {
    let hooked = Hooked::new();
    let files = |content: &str| {
        for file in 0..5 {
            hooked.write(&format!("many/{file}"), &format!("{content} {file}"));
        }
        hooked.write("a", content);
        hooked.commit()
    };
    hooked.git(&["config", "gitmind.hookFilesMax", "5"]);
    let said = files("first");
    assert!(said.contains("changes more than 5 files") && said.lines().count() == 2, "{said}");
    assert!(said.contains("`git config gitmind.hookFilesMax NUMBER`"), "{said}");
    hooked.git(&["config", "gitmind.hookFilesMax", "0"]);
    assert_eq!(files("second"), "", "switched off");
    hooked.assert_steps("main", &[]);
    hooked.git(&["config", "gitmind.hookFilesMax", "6"]);
    assert_eq!(files("third"), "");
    assert_eq!(hooked.steps("main").len(), 1);
    hooked.git(&["config", "gitmind.hookFilesMax", "many"]);
    let said = files("fourth");
    assert!(
        said.starts_with("git-mind: error: ") && said.contains("gitmind.hookFilesMax"),
        "{said}"
    );
}

#[test]
fn edges_of_the_c_tools_hook_are_shown_as_what_they_mean_and_keep_what_is_stored() {
    let blank = Edges::new(&[0xa0]).next().expect("an edge").expect("a whole one");
    let edge = Edge {
        relation: Relation::AUGMENTS,
        confidence: Confidence(100),
        timestamp_ms: 1_700_000_000,
        source_path: b"a",
        target_path: b"a",
        source: Oid::new([1; 20]),
        target: Oid::new([2; 20]),
        ..blank
    };
    let system = System::new();
    let mut payload = gitmind::memory::Vec::new(Alloc::new(&system));
    encode_edge(&edge, &mut payload).expect("there is memory");
    let repository = TempRepository::empty();
    let tip = repository.commit(&[], &encoded_message(&payload));
    repository.git(&["update-ref", "refs/gitmind/edges/main", &tip]);
    let line = repository.mind(&["list", "--show-augments"]).ok();
    assert!(line.contains("2023-11-14") && !line.contains("0.01"), "{line}");
    let certain = repository.mind(&["list", "--min-confidence", "1"]).ok();
    assert!(certain.contains("1 edge"), "{certain}");
    let edge = &repository.mind(&["list", "--json"]).json()["edges"][0];
    assert_eq!(edge["confidence"], 1.0);
    assert_eq!(edge["confidence_stored"], 100);
    assert_eq!(edge["timestamp_ms"], 1_700_000_000);
}
