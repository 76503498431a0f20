//! A repository with files, for several at once, and what must be true after.

use crate::command::{isolated, program};
use crate::journal::edge;
use crate::scratch::temp_directory;
use gitmind_cache::{Rebuild, RebuildError, RebuildOptions, Report};
use gitmind_git::Repository;
use gitmind_git::branch::BranchName;
use gitmind_gitoxide::{GitRepository, Location};
use gitmind_journal::{Append, AppendError, Appended, Batch, BatchError, EdgeOrder};
use gitmind_memory::units::Bytes;
use gitmind_memory::{Alloc, Arena, InternTable, Pooling, System, Zeroing};
use gitmind_ports::progress::Silent;
use gitmind_system::clock::{SystemClock, Zone};
use gitmind_system::random::SystemRandom;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;
use tempfile::TempDir;

pub const JOURNAL: &str = "refs/gitmind/edges/main";
pub const UPDATE: RebuildOptions =
    RebuildOptions { edge_order: EdgeOrder::OldestFirst, force: false, strict: false };
pub const FULL: RebuildOptions = RebuildOptions { force: true, ..UPDATE };

/// `short`, or `long` where the whole length is asked for.
pub fn length(short: usize, long: usize) -> usize {
    if std::env::var_os("GITMIND_LONG").is_some() { long } else { short }
}

/// A checkout of `main` with the files `a` and `b`.
pub struct Checkout(TempDir);

impl Default for Checkout {
    fn default() -> Self {
        Self::new()
    }
}

impl Checkout {
    /// The files of one that git has made once. They are kept in memory: no test would remove a
    /// directory at the end of the process.
    pub fn new() -> Self {
        static FIRST: LazyLock<Vec<(PathBuf, Option<Vec<u8>>)>> = LazyLock::new(|| {
            let first = Checkout::make();
            let mut entries = vec![];
            read_directory(first.path(), Path::new(""), &mut entries);
            entries
        });
        let checkout = Self::empty();
        for (name, content) in &*FIRST {
            let path = checkout.path().join(name);
            let done = match content {
                None => std::fs::create_dir(path),
                Some(content) => std::fs::write(path, content),
            };
            done.expect("writable");
        }
        checkout
    }

    /// Another with the same content. Objects, which are never modified, are hard links.
    pub fn copy(&self) -> Self {
        let copy = Self::empty();
        copy_directory(self.path(), copy.path());
        copy
    }

    fn empty() -> Self {
        Self(temp_directory())
    }

    fn make() -> Self {
        let checkout = Self::empty();
        checkout.git(&["init", "-q", "-b", "main", "--template="]);
        // git must not run in the background, where no test would wait for it.
        for (key, value) in
            [("gc.auto", "0"), ("gc.autoDetach", "false"), ("maintenance.auto", "0")]
        {
            checkout.git(&["config", key, value]);
        }
        for file in ["a", "b"] {
            std::fs::write(checkout.path().join(file), file).expect("writable");
        }
        checkout.git(&["add", "."]);
        checkout.git(&["-c", "commit.gpgsign=false", "commit", "-q", "-m", "files"]);
        checkout
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn open(&self) -> GitRepository {
        let location = Location::at(&self.path().join(".git")).expect("a repository");
        GitRepository::open(location).expect("a repository that can be served")
    }

    /// Runs git; returns what it prints, trimmed.
    pub fn git(&self, args: &[&str]) -> String {
        let output = isolated_from_home("git").current_dir(self.path()).args(args).output();
        let output = output.expect("tests need git");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "git {args:?}: {stderr}");
        String::from_utf8(output.stdout).expect("UTF-8").trim_end().into()
    }

    /// Runs git where another process may hold a lock; returns whether it succeeded.
    pub fn try_git(&self, args: &[&str]) -> bool {
        let output = isolated_from_home("git").current_dir(self.path()).args(args).output();
        output.expect("tests need git").status.success()
    }

    /// Runs the program, which must succeed; returns what it prints.
    pub fn mind(&self, args: &[&str]) -> String {
        let Output { status, stdout, stderr } = self.command(args).output().expect("it was built");
        let stderr = String::from_utf8_lossy(&stderr);
        assert_eq!(status.code(), Some(0), "{args:?}: {stderr}");
        String::from_utf8(stdout).expect("answers are UTF-8")
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = isolated_from_home(program());
        command.current_dir(self.path()).args(args);
        command
    }

    /// The edges of a branch's journal.
    pub fn edges(&self, branch: &str) -> Vec<serde_json::Value> {
        let list = self.mind(&["list", "--json", "--branch", branch]);
        let list: serde_json::Value = serde_json::from_str(&list).expect("one document");
        list["edges"].as_array().expect("edges").clone()
    }

    /// Fails unless git finds everything in order, and nothing temporary is left.
    pub fn assert_sound(&self) {
        let problems = self.git(&["fsck", "--strict", "--full", "--no-dangling"]);
        assert_eq!(problems, "", "git fsck --strict");
        let mut left = Vec::new();
        temporary(&self.path().join(".git"), &mut left);
        assert_eq!(left, [""; 0], "temporary files");
    }

    /// Fails unless the cache of `branch` is that of its journal: a full rebuild has its tree.
    pub fn assert_cache_is_current(&self, branch: &str) {
        let rebuild = |args: &[&str]| {
            let text =
                self.mind(&[&["cache-rebuild", "--json", "--branch", branch], args].concat());
            let document: serde_json::Value = serde_json::from_str(&text).expect("one document");
            document["root_tree"].as_str().expect("an id").to_owned()
        };
        let tree = self.git(&["rev-parse", &format!("refs/gitmind/cache/{branch}^{{tree}}")]);
        assert_eq!(rebuild(&[]), tree, "the cache was not current");
        assert_eq!(rebuild(&["--force"]), tree, "the cache is not what the journal gives");
    }
}

/// Adds what is in the directory `below` of `top`, a directory before what it holds.
fn read_directory(top: &Path, below: &Path, entries: &mut Vec<(PathBuf, Option<Vec<u8>>)>) {
    for entry in std::fs::read_dir(top.join(below)).expect("a readable directory") {
        let entry = entry.expect("a readable directory");
        let name = below.join(entry.file_name());
        if entry.path().is_dir() {
            entries.push((name.clone(), None));
            read_directory(top, &name, entries);
        } else {
            entries.push((name, Some(std::fs::read(entry.path()).expect("readable"))));
        }
    }
}

fn copy_directory(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).expect("a readable directory") {
        let path = entry.expect("a readable directory").path();
        let new = to.join(path.file_name().expect("it has one"));
        if path.is_dir() {
            std::fs::create_dir(&new).expect("writable");
            copy_directory(&path, &new);
        } else if path.components().any(|part| part.as_os_str() == "objects") {
            std::fs::hard_link(path, new).expect("writable");
        } else {
            std::fs::copy(path, new).expect("writable");
        }
    }
}

/// Names below `directory` that are of work that is not over.
fn temporary(directory: &Path, left: &mut Vec<String>) {
    for entry in std::fs::read_dir(directory).expect("a readable directory") {
        let path = entry.expect("a readable directory").path();
        let name = path.file_name().expect("it has one").to_string_lossy().into_owned();
        if path.is_dir() {
            temporary(&path, left);
        } else if name.starts_with("tmp_") || name.ends_with(".lock") || name.ends_with(".keep") {
            left.push(name);
        }
    }
}

/// A command that depends on nothing of the machine.
fn isolated_from_home(program: impl AsRef<OsStr>) -> Command {
    isolated(program, &["GIT", "GM_", "HOME"])
}

pub fn clock() -> SystemClock {
    SystemClock::start(Zone::of(Some("UTC".into())))
}

/// Appends the edges with these numbers.
pub fn append(
    repository: &dyn Repository,
    branch: &str,
    numbers: std::ops::Range<u64>,
) -> Result<Appended, AppendError> {
    let system = System::new();
    let alloc = Alloc::new(&system);
    let mut batch = Batch::new(alloc);
    let pushed: Result<(), BatchError> =
        numbers.into_iter().try_for_each(|number| batch.push(&edge(number)));
    pushed.expect("within limits");
    let clock = clock();
    let branch = BranchName::new(branch).expect("a name");
    Append { alloc, repository, clock: &clock, random: &SystemRandom }.run(&branch, &batch)
}

pub fn rebuild(
    repository: &dyn Repository,
    branch: &str,
    options: RebuildOptions,
    workers: usize,
) -> Result<Report, RebuildError> {
    let (system, clock) = (System::new(), clock());
    let alloc = Alloc::new(&system);
    let mut arena = Arena::begin(alloc, Bytes::from_mib(1), Bytes::from_mib(256));
    let (clock, progress) = (&clock, &Silent);
    let texts = InternTable::new(alloc, Pooling::On, Zeroing::Off);
    let texts = &texts;
    let rebuild = Rebuild { alloc, repository, clock, progress, disk: None, workers, texts };
    rebuild.run(&mut arena, &BranchName::new(branch).expect("a name"), options)
}
