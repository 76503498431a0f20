//! Helpers of the tests of the kill switch: pinned repositories, git, the program, directory
//! listings.

use gitmind::fixture::{FixtureList, unpack};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// The variable of the kill switch.
pub(crate) const SWITCH: &str = "GM_DISABLE_CUSTOM_ALLOCATORS";

/// Variables of the environment.
pub(crate) type Variables<'v> = [(&'v str, &'v str)];

/// The directory with the pinned fixtures.
pub(crate) fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

pub(crate) fn temp_dir() -> TempDir {
    gitmind_test_support::temp_directory()
}

/// A bare repository of a fixture, with a home beside it.
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn fixture(name: &str) -> Self {
        let list = FixtureList::read(&fixtures()).expect("the list is in the repository");
        let place = Self(temp_dir());
        for directory in [place.home(), place.repository()] {
            std::fs::create_dir(directory).expect("writable");
        }
        let fixture = list.get(name).expect("a listed fixture");
        unpack(&list, fixture, &place.repository()).expect("unpacks");
        place
    }

    pub(crate) fn repository(&self) -> PathBuf {
        self.0.path().join("repository")
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.0.path().join("home")
    }

    /// A file beside the repository, with this content.
    pub(crate) fn write(&self, name: &str, content: &str) {
        std::fs::write(self.0.path().join(name), content).expect("writable");
    }

    /// Runs git, which must succeed; returns what it prints.
    pub(crate) fn git(&self, args: &[&str]) -> String {
        let ran = command("git", &self.repository(), &[]).args(args).output();
        let ran = ran.expect("tests need git");
        assert!(ran.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&ran.stderr));
        String::from_utf8(ran.stdout).expect("UTF-8")
    }

    /// Runs the program with these variables and no others of its own.
    pub(crate) fn mind(&self, args: &[&str], variables: &Variables<'_>) -> Ran {
        let mut command = command(gitmind_test_support::program(), &self.repository(), variables);
        Ran::new(command.env("HOME", self.home()).args(args).output().expect("it was built"))
    }
}

/// A command with these environment variables only.
fn command(program: impl AsRef<OsStr>, directory: &Path, variables: &Variables<'_>) -> Command {
    let removed = ["GIT", "GM_", "NO_COLOR", "HOME"];
    let mut command = gitmind_test_support::isolated(program, &removed);
    command.current_dir(directory).envs(variables.iter().copied());
    command
}

/// How a run of the program ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    fn new(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).expect("answers are UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("messages are UTF-8"),
        }
    }

    /// The document of a run that succeeded.
    pub(crate) fn json(&self) -> serde_json::Value {
        assert_eq!(self.code, Some(0), "{self:?}");
        serde_json::from_str(&self.stdout).expect("one JSON document")
    }
}

/// Every file below `directory`, by its path there.
pub(crate) fn files(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let (mut files, mut directories) = (BTreeMap::new(), vec![directory.to_owned()]);
    while let Some(next) = directories.pop() {
        for entry in std::fs::read_dir(next).expect("a readable directory") {
            let path = entry.expect("a readable directory").path();
            if path.is_dir() {
                directories.push(path);
            } else {
                let name = path.strip_prefix(directory).expect("it is below").to_owned();
                files.insert(name, std::fs::read(&path).expect("a readable file"));
            }
        }
    }
    files
}
