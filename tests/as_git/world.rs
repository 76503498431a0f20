//! A repository in a home, in which git and the program are asked the same.

use gitmind_test_support::{isolated, program, temp_directory};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use tempfile::TempDir;

pub(crate) const JOURNAL: &str = "refs/gitmind/edges/main";

/// A home, and a repository `r` with the files f, g, d/f and d/g, one commit and one edge.
pub(crate) struct World {
    directory: TempDir,
}

/// Variables of a run. In a value, `W` at the start stands for the world's directory.
pub(crate) type Variables<'v> = [(&'v str, &'v str)];

impl World {
    pub(crate) fn new() -> Self {
        // Made once and copied, which is faster.
        static FIRST: OnceLock<World> = OnceLock::new();
        let world = Self { directory: temp_directory() };
        copy(&FIRST.get_or_init(Self::make).path(""), &world.path(""));
        world
    }

    fn make() -> Self {
        let world = Self { directory: temp_directory() };
        fs::create_dir_all(world.path("r/d")).expect("writable");
        fs::create_dir(world.path("home")).expect("writable");
        world.git("", &["init", "-q", "--template=", "-b", "main", "r"]);
        for file in ["f", "g", "d/f", "d/g"] {
            fs::write(world.path("r").join(file), file).expect("writable");
        }
        world.git("r", &["add", "."]);
        world.commit("r");
        world.link("r", "f", &[]).expect("two files");
        world
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.directory.path().canonicalize().expect("it is there").join(below)
    }

    /// Runs a program in the directory `at` with no other variables than these.
    pub(crate) fn run(
        &self,
        program: &OsStr,
        at: &str,
        args: &[&str],
        variables: &Variables<'_>,
    ) -> Output {
        let mut command: Command = isolated(program, &["GIT", "GM_", "EMAIL", "XDG_"]);
        for name in ["GIT_CONFIG_GLOBAL", "GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL"] {
            command.env_remove(name);
        }
        command.env_remove("GIT_COMMITTER_NAME").env_remove("GIT_COMMITTER_EMAIL");
        command.env("HOME", self.path("home")).current_dir(self.path(at)).args(args);
        for (name, value) in variables {
            match value.strip_prefix('W') {
                Some(below) => command.env(name, format!("{}{below}", self.path("").display())),
                None => command.env(name, value),
            };
        }
        command.output().expect("it can be started")
    }

    /// What git prints, trimmed; `None` when it fails.
    pub(crate) fn ask(&self, at: &str, args: &[&str], variables: &Variables<'_>) -> Option<String> {
        let ran = self.run(OsStr::new("git"), at, args, variables);
        let said = String::from_utf8_lossy(&ran.stdout).trim_end().to_owned();
        ran.status.success().then_some(said)
    }

    pub(crate) fn git(&self, at: &str, args: &[&str]) -> String {
        self.ask(at, args, &[]).unwrap_or_else(|| panic!("git {args:?}"))
    }

    pub(crate) fn commit(&self, at: &str) {
        let who = ["-c", "user.name=s", "-c", "user.email=s@example.org"];
        self.git(at, &[&who[..], &["commit", "-qm", "x", "--allow-empty"]].concat());
    }

    /// Links the file at `path` to itself; returns the path and the object, or the error.
    pub(crate) fn link(
        &self,
        at: &str,
        path: &str,
        variables: &Variables<'_>,
    ) -> Result<String, String> {
        let args = ["link", path, path, "--json"];
        let ran = self.run(&program(), at, &args, variables);
        if !ran.status.success() {
            return Err(String::from_utf8_lossy(&ran.stderr).into_owned());
        }
        let said: serde_json::Value = serde_json::from_slice(&ran.stdout).expect("a document");
        let text = |key: &str| said[key].as_str().expect("a text").to_owned();
        Ok(format!("{} {}", text("source_path"), text("source_oid")))
    }

    /// What git means by a path of HEAD's commit.
    pub(crate) fn names(&self, at: &str, path: &str, variables: &Variables<'_>) -> Option<String> {
        let id = self.ask(at, &["rev-parse", "-q", &format!("HEAD:./{path}")], variables)?;
        let args = ["ls-files", "--full-name", "--", path];
        let listed = self.ask(at, &args, variables).filter(|name| !name.is_empty());
        let prefix = self.ask(at, &["rev-parse", "--show-prefix"], variables)?;
        Some(format!("{} {id}", listed.unwrap_or_else(|| format!("{prefix}{path}"))))
    }

    pub(crate) fn set(&self, at: &str, key: &str, value: &str) {
        self.git(at, &["config", key, value]);
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("readable") {
        let path = entry.expect("readable").path();
        let new = to.join(path.file_name().expect("it has one"));
        if path.is_dir() {
            fs::create_dir(&new).expect("writable");
            copy(&path, &new);
        } else {
            fs::copy(path, new).expect("writable");
        }
    }
}
