//! A bare server and clones of it, each of which links.

use gitmind_test_support::{Ran, git, mind, mind_command, temp_directory};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tempfile::TempDir;

pub(crate) const JOURNAL: &str = "refs/gitmind/edges/main";

/// A bare repository that clones push to.
pub(crate) struct Server {
    directory: TempDir,
}

impl Server {
    /// A server whose branch `main` has the files `a` and `b`.
    pub(crate) fn new() -> Self {
        let server = Self { directory: temp_directory() };
        let seed = server.directory.path().join("seed");
        git(server.directory.path(), &["init", "-q", "--bare", "-b", "main", "server.git"]);
        git(server.directory.path(), &["init", "-q", "-b", "main", "seed"]);
        for file in ["a", "b"] {
            std::fs::write(seed.join(file), file).expect("writable");
        }
        git(&seed, &["add", "."]);
        git(&seed, &["-c", "commit.gpgsign=false", "commit", "-q", "-m", "files"]);
        git(&seed, &["push", "-q", "../server.git", "main"]);
        server
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join("server.git")
    }

    /// A clone with this name.
    pub(crate) fn clone_as(&self, name: &str) -> Person {
        git(self.directory.path(), &["clone", "-q", "server.git", name]);
        Person { path: self.directory.path().join(name), name: name.into() }
    }
}

/// A clone whose edges have its name as their session.
pub(crate) struct Person {
    path: PathBuf,
    name: String,
}

impl Person {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn git(&self, args: &[&str]) -> String {
        git(&self.path, args)
    }

    pub(crate) fn mind(&self, args: &[&str]) -> Ran {
        mind(&self.path, args)
    }

    /// Appends edges, each in a commit of its own, to the journal of `branch`.
    pub(crate) fn link_to(&self, branch: &str, count: usize) {
        for _ in 0..count {
            let args = ["link", "a", "b", "--branch", branch];
            let ran = mind_command(&self.path, &args).env("GIT_MIND_SESSION", &self.name).output();
            Ran::new(ran.expect("the program was built")).ok();
        }
    }

    pub(crate) fn link(&self, count: usize) {
        self.link_to("main", count);
    }

    /// Appends edges in one commit.
    pub(crate) fn import(&self, count: usize) {
        let mut command = mind_command(&self.path, &["import", "-"]);
        command.env("GIT_MIND_SESSION", &self.name).stdin(Stdio::piped()).stdout(Stdio::null());
        let mut child = command.spawn().expect("the program was built");
        let line = r#"{"source_path": "a", "target_path": "b"}"#.to_owned() + "\n";
        let mut input = child.stdin.take().expect("it is piped");
        input.write_all(line.repeat(count).as_bytes()).expect("it reads all");
        drop(input);
        assert!(child.wait().expect("it ends").success());
    }

    pub(crate) fn sync(&self) -> String {
        self.mind(&["sync"]).ok()
    }

    /// How many edges of each session the journal of `branch` has; none may be there twice.
    pub(crate) fn edges_of(&self, branch: &str) -> BTreeMap<String, usize> {
        let list = self.mind(&["list", "--json", "--branch", branch]).json();
        let edges = list["edges"].as_array().expect("a list");
        let ulids: std::collections::BTreeSet<_> =
            edges.iter().map(|edge| edge["ulid"].as_str().expect("a text")).collect();
        assert_eq!(ulids.len(), edges.len(), "an edge is there twice");
        let mut counts = BTreeMap::new();
        for edge in edges {
            let session = edge["attribution"]["session"].as_str().expect("a text").to_owned();
            *counts.entry(session).or_insert(0) += 1;
        }
        counts
    }

    pub(crate) fn edges(&self) -> BTreeMap<String, usize> {
        self.edges_of("main")
    }

    pub(crate) fn tip(&self) -> String {
        self.git(&["rev-parse", JOURNAL])
    }
}

/// The counts of these sessions.
pub(crate) fn counts<const N: usize>(expected: [(&str, usize); N]) -> BTreeMap<String, usize> {
    expected.map(|(name, count)| (name.to_owned(), count)).into()
}
