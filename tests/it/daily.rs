//! Days with git-mind, as people have them: edits, renames, branches, clones, and the answer that
//! each command gives.

use crate::hooks::programs_of_the_machine;
use gitmind_test_support::{Ran, isolated, program, temp_directory};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A directory with repositories, whose git finds the program.
struct World {
    top: TempDir,
}

impl World {
    fn new() -> Self {
        let top = temp_directory();
        fs::create_dir_all(top.path().join("bin")).expect("writable");
        let link = top.path().join("bin/git-mind");
        std::os::unix::fs::symlink(program(), link).expect("writable");
        fs::create_dir(top.path().join("home")).expect("writable");
        Self { top }
    }

    /// A repository with a parser, a lexer, its grammar and notes, and one edge.
    fn repository(&self, name: &str) -> Repository<'_> {
        let repository = Repository { world: self, path: self.top.path().join(name) };
        fs::create_dir(&repository.path).expect("writable");
        repository.git(&["init", "-q", "-b", "main", "."]);
        repository.write("src/parser.c", "parse()\n");
        repository.write("src/lexer.c", "lex()\n");
        repository.write("docs/grammar.md", "# Grammar\n");
        repository.write("docs/notes.md", "# Notes\n");
        repository.commit();
        repository.link("src/parser.c", "docs/grammar.md", "implements");
        repository
    }

    fn clone<'w>(&'w self, of: &Repository<'_>, name: &str) -> Repository<'w> {
        of.git(&["clone", "-q", ".", &format!("../{name}")]);
        Repository { world: self, path: self.top.path().join(name) }
    }
}

struct Repository<'w> {
    world: &'w World,
    path: PathBuf,
}

impl Repository<'_> {
    fn run(&self, program: &str, args: &[&str]) -> Ran {
        let ours = [self.world.top.path().join("bin")];
        let path = std::env::join_paths(ours.into_iter().chain(programs_of_the_machine()));
        let path = path.expect("no colon");
        let mut command = isolated(program, &["GIT", "GM_"]);
        command.env("PATH", path).env("HOME", self.world.top.path().join("home"));
        command.env("GIT_EDITOR", "true").current_dir(&self.path).args(args);
        Ran::new(command.output().expect("it runs"))
    }

    fn git(&self, args: &[&str]) -> String {
        let ran = self.run("git", &[&["-c", "commit.gpgsign=false"], args].concat());
        assert_eq!(ran.code, 0, "git {args:?}: {}", ran.stderr);
        ran.stdout
    }

    fn mind(&self, args: &[&str]) -> Ran {
        self.run("git-mind", args)
    }

    fn write(&self, name: &str, content: &str) {
        let path = self.path.join(name);
        fs::create_dir_all(path.parent().expect("it has one")).expect("writable");
        fs::write(path, content).expect("writable");
    }

    fn commit(&self) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "-q", "-m", "A change"]);
    }

    fn link(&self, source: &str, target: &str, relation: &str) {
        self.mind(&["link", source, target, "--type", relation]).ok();
    }

    /// The edges of `list` or `query`: both paths, the type, and for an older content how many
    /// edits ago it was.
    fn edges(&self, args: &[&str]) -> Vec<String> {
        let document = self.mind(&[args, &["--json"]].concat()).json();
        let edges = document["edges"].as_array().expect("edges").iter();
        edges
            .map(|edge| {
                let text = |key: &str| edge[key].as_str().unwrap_or_default();
                let ago = match (&edge["content"], &edge["edits_ago"]) {
                    (Value::String(content), Value::Number(edits)) if content != "current" => {
                        format!(" {edits} ago")
                    }
                    _ => String::new(),
                };
                let [source, target] = ["source_path", "target_path"].map(text);
                format!("{source} {} {target}{ago}", text("type"))
            })
            .collect()
    }

    /// Appends a line to a file.
    fn edit(&self, name: &str) {
        let content = fs::read_to_string(self.path.join(name)).expect("a file");
        self.write(name, &format!("{content}more\n"));
    }

    fn path(&self) -> &Path {
        &self.path
    }
}

const EDGE: &str = "src/parser.c implements docs/grammar.md";

#[test]
fn an_edit_of_either_end_takes_no_edge_away_with_and_without_a_cache() {
    let world = World::new();
    let repository = world.repository("edit");
    repository.edit("src/parser.c");
    assert_eq!(repository.edges(&["query", "--from", "src/parser.c"]), [EDGE]);
    repository.commit();
    for cache in ["missing", "current"] {
        let older = format!("{EDGE} 1 ago");
        assert_eq!(repository.edges(&["query", "--from", "src/parser.c"]), [older], "{cache}");
        assert_eq!(repository.edges(&["query", "--to", "docs/grammar.md"]), [EDGE], "{cache}");
        let exact = repository.edges(&["query", "src/parser.c", "--exact"]);
        assert_eq!(exact, [""; 0], "{cache}");
        assert_eq!(repository.edges(&["query", "HEAD~1:src/parser.c"]), [EDGE], "{cache}");
        repository.mind(&["cache-rebuild"]).ok();
    }
    repository.edit("docs/grammar.md");
    repository.commit();
    let both = repository.edges(&["query", "docs/grammar.md"]);
    assert_eq!(both, [format!("{EDGE} 1 ago")]);
}

#[test]
fn a_file_that_moves_keeps_its_edges_and_with_hooks_also_when_it_is_edited_meanwhile() {
    let world = World::new();
    let repository = world.repository("move");
    repository.git(&["mv", "src/parser.c", "src/reader.c"]);
    let early = repository.mind(&["query", "src/reader.c"]).error(1);
    assert!(early.contains("`src/reader.c` is not in HEAD's commit"), "{early}");
    repository.commit();
    assert_eq!(repository.edges(&["query", "src/reader.c"]), [EDGE]);
    assert_eq!(repository.edges(&["query", "src/parser.c"]), [format!("{EDGE} 0 ago")]);

    let directory = |name, with_hooks: bool| {
        let repository = world.repository(name);
        if with_hooks {
            repository.mind(&["hooks", "install"]).ok();
        }
        repository.write("src/parser.c", &"line\n".repeat(20));
        repository.commit();
        repository.link("src/parser.c", "docs/notes.md", "references");
        repository.git(&["mv", "src", "lib"]);
        repository.edit("lib/parser.c");
        repository.commit();
        repository
    };
    let without = directory("without", false);
    let none = without.mind(&["query", "lib/parser.c"]);
    assert!(none.stderr.contains("its name was `src/parser.c`"), "{none:?}");
    let with = directory("with", true);
    let expected =
        [format!("{EDGE} 2 ago"), "src/parser.c references docs/notes.md 1 ago".to_owned()];
    assert_eq!(with.edges(&["query", "lib/parser.c"]), expected);
    let text = with.mind(&["query", "lib/parser.c"]).ok();
    assert!(text.contains("[1 edit ago, as src/parser.c]"), "{text}");
}

#[test]
fn what_is_not_committed_cannot_be_linked() {
    let world = World::new();
    let repository = world.repository("fresh");
    repository.write("src/new.c", "new\n");
    repository.git(&["add", "src/new.c"]);
    let error = repository.mind(&["link", "src/new.c", "docs/notes.md"]).error(1);
    assert!(error.contains("`src/new.c` is not in HEAD's commit"), "{error}");
}

#[test]
fn a_feature_branch_and_a_renamed_one_bring_their_edges_by_a_merge() {
    let world = World::new();
    let repository = world.repository("feature");
    repository.git(&["checkout", "-q", "-b", "feature"]);
    let error = repository.mind(&["list"]).error(1);
    assert!(error.contains("branch `feature` has no journal") && error.contains("main"), "{error}");
    repository.link("src/lexer.c", "docs/notes.md", "references");
    repository.git(&["checkout", "-q", "main"]);
    repository.mind(&["merge", "feature"]).ok();
    let both = ["src/lexer.c references docs/notes.md", EDGE];
    assert_eq!(repository.edges(&["list"]), both);
    assert_eq!(repository.edges(&["query", "--from", "src/lexer.c"]), both[..1]);

    repository.git(&["branch", "-m", "main", "trunk"]);
    repository.mind(&["merge", "main"]).ok();
    assert_eq!(repository.edges(&["list"]), both);
}

#[test]
fn two_clones_have_the_same_edges_after_each_has_synchronized() {
    let world = World::new();
    let seed = world.repository("seed");
    seed.git(&["clone", "-q", "--bare", ".", "../server.git"]);
    seed.git(&["push", "-q", "../server.git", "refs/gitmind/*:refs/gitmind/*"]);
    let server = Repository { world: &world, path: world.top.path().join("server.git") };
    let (left, right) = (world.clone(&server, "left"), world.clone(&server, "right"));
    left.link("src/lexer.c", "docs/notes.md", "references");
    right.link("docs/notes.md", "src/parser.c", "references");
    left.mind(&["sync"]).ok();
    right.mind(&["sync"]).ok();
    left.mind(&["sync"]).ok();
    let edges = left.edges(&["list"]);
    assert_eq!(edges, right.edges(&["list"]));
    assert_eq!((edges.len(), left.path() != right.path()), (3, true));
    // Taken back on one side, and seen on the other.
    right.mind(&["unlink", "src/parser.c", "docs/grammar.md"]).ok();
    right.mind(&["sync"]).ok();
    left.mind(&["sync"]).ok();
    assert_eq!(left.edges(&["list"]).len(), 2);
    assert_eq!(left.edges(&["query", "src/parser.c"]), right.edges(&["query", "src/parser.c"]));
}

#[test]
fn a_detached_head_says_into_which_journal_it_writes_and_a_rebase_keeps_the_edges_of_its_branch() {
    let world = World::new();
    let repository = world.repository("detached");
    repository.git(&["checkout", "-q", "--detach"]);
    let linked = repository.mind(&["link", "src/lexer.c", "docs/notes.md"]);
    assert!(linked.stderr.contains("`HEAD`"), "{linked:?}");
    assert_eq!(repository.edges(&["list", "--branch", "main"]), [EDGE]);

    let repository = world.repository("rebase");
    repository.mind(&["hooks", "install"]).ok();
    repository.git(&["checkout", "-q", "-b", "topic"]);
    repository.mind(&["merge", "main"]).ok();
    repository.edit("src/parser.c");
    repository.commit();
    repository.git(&["checkout", "-q", "main"]);
    repository.write("docs/other.md", "other\n");
    repository.commit();
    repository.git(&["checkout", "-q", "topic"]);
    repository.git(&["rebase", "-q", "main"]);
    assert_eq!(repository.edges(&["query", "src/parser.c"]), [format!("{EDGE} 1 ago")]);
    let refs = repository.git(&["for-each-ref", "--format=%(refname)", "refs/gitmind/edges"]);
    assert!(!refs.contains("HEAD"), "{refs}");
}

#[test]
fn a_path_has_edges_at_either_end_and_an_edge_can_be_taken_back() {
    let world = World::new();
    let repository = world.repository("ends");
    repository.link("docs/grammar.md", "docs/notes.md", "references");
    let other = "docs/grammar.md references docs/notes.md";
    assert_eq!(repository.edges(&["list", "docs/grammar.md"]), [other, EDGE]);
    assert_eq!(repository.edges(&["list", "--from", "docs/grammar.md"]), [other]);
    assert_eq!(repository.edges(&["list", "--to", "docs/grammar.md"]), [EDGE]);
    assert_eq!(repository.edges(&["list", "--from", "docs"]), [other]);
    assert_eq!(repository.edges(&["query", "docs/grammar.md"]), [EDGE, other]);

    repository.mind(&["unlink", "src/parser.c", "docs/grammar.md"]).ok();
    assert_eq!(repository.edges(&["list"]), [other]);
    repository.link("src/parser.c", "docs/grammar.md", "implements");
    assert_eq!(repository.edges(&["list"]), [EDGE, other]);
}
