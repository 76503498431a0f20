//! What tests share: fixtures in temporary folders, git, and the program itself.

use gitmind::branch::BranchName;
use gitmind::cache::{RebuildError, RebuildOptions, Report, decode_bitmap};
use gitmind::clock::{FixedClock, Timestamp};
use gitmind::context::{Context, Workspace};
use gitmind::fixture::{FixtureList, unpack};
use gitmind::git::{ObjectKind, Repository};
use gitmind::gitoxide::{GitRepository, Location};
use gitmind::journal::EdgeOrder;
use gitmind::memory::{Alloc, Arena, System};
use gitmind::oid::Oid;
use gitmind::progress::Silent;
use gitmind::units::Bytes;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// The folder with the pinned fixtures.
pub(crate) fn fixtures_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

pub(crate) fn fixture_list() -> FixtureList {
    FixtureList::read(&fixtures_folder()).expect("the list is in the repository")
}

/// A bare repository in a temporary folder.
pub(crate) struct TempRepository {
    folder: TempDir,
}

impl TempRepository {
    /// The repository of a fixture.
    pub(crate) fn fixture(name: &str) -> Self {
        let list = fixture_list();
        let folder = temp_folder();
        unpack(&list, list.get(name).expect("a listed fixture"), folder.path()).expect("unpacks");
        Self { folder }
    }

    /// An empty repository whose HEAD is on `main`.
    pub(crate) fn empty() -> Self {
        let folder = temp_folder();
        git(folder.path(), &["init", "-q", "--bare", "-b", "main"]);
        Self { folder }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn git(&self, args: &[&str]) -> String {
        git(self.path(), args)
    }

    pub(crate) fn mind(&self, args: &[&str]) -> Ran {
        mind(self.path(), args)
    }

    pub(crate) fn open(&self) -> GitRepository {
        let location = Location::at(self.path()).expect("a repository");
        GitRepository::open(location).expect("a repository that can be served")
    }

    /// The open repository, and the folder that must live as long.
    pub(crate) fn open_kept(self) -> (TempDir, GitRepository) {
        let repository = self.open();
        (self.folder, repository)
    }

    pub(crate) fn rebuild(&self, branch: &str, edge_order: EdgeOrder) -> Report {
        rebuild(&self.open(), branch, edge_order).expect("a journal")
    }

    /// Adds a commit of the empty tree with this message; returns its name.
    pub(crate) fn commit(&self, parents: &[&str], message: &[u8]) -> String {
        let mut content = format!("tree {EMPTY_TREE}\n").into_bytes();
        for parent in parents {
            content.extend_from_slice(format!("parent {parent}\n").as_bytes());
        }
        content.extend_from_slice(b"author a <a@b> 1 +0000\ncommitter a <a@b> 1 +0000\n\n");
        content.extend_from_slice(message);
        let file = self.path().join("new-commit");
        std::fs::write(&file, content).expect("a temporary folder is writable");
        self.git(&["hash-object", "-t", "tree", "-w", "--stdin"]);
        let id = self.git(&["hash-object", "-t", "commit", "-w", "--literally", "new-commit"]);
        std::fs::remove_file(file).expect("it was just written");
        id
    }

    /// Every ref and its object, to see whether anything moved.
    pub(crate) fn refs(&self) -> String {
        self.git(&["for-each-ref"])
    }

    /// Fails unless git finds everything in order.
    pub(crate) fn assert_sound(&self) {
        let problems = self.git(&["fsck", "--strict", "--full", "--no-dangling"]);
        assert_eq!(problems, "", "git fsck --strict");
    }

    /// Files in the folder of packs, without those of the fixture.
    pub(crate) fn temporary_files(&self) -> Vec<String> {
        let names = std::fs::read_dir(self.path().join("objects/pack")).expect("a folder of packs");
        let names = names.map(|entry| entry.expect("readable").file_name());
        let names = names.map(|name| name.into_string().expect("ASCII"));
        names.filter(|name| !name.starts_with("pack-")).collect()
    }
}

pub(crate) const EMPTY_TREE: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

pub(crate) fn temp_folder() -> TempDir {
    tempfile::Builder::new().prefix("git-mind-test-").tempdir().expect("a temporary folder")
}

/// Rebuilds at a fixed time, whether the cache is current or not.
pub(crate) fn rebuild(
    repository: &dyn Repository,
    branch: &str,
    edge_order: EdgeOrder,
) -> Result<Report, RebuildError> {
    rebuild_with(repository, branch, RebuildOptions { edge_order, force: true, strict: false })
}

pub(crate) fn rebuild_with(
    repository: &dyn Repository,
    branch: &str,
    options: RebuildOptions,
) -> Result<Report, RebuildError> {
    let system = System::new();
    rebuild_in(Alloc::new(&system), repository, branch, options)
}

/// The same on memory of the caller's.
pub(crate) fn rebuild_in(
    alloc: Alloc<'_>,
    repository: &dyn Repository,
    branch: &str,
    options: RebuildOptions,
) -> Result<Report, RebuildError> {
    let clock = FixedClock(Timestamp { seconds: 1_700_000_000, offset_seconds: 3600 });
    let mut arena = arena(alloc);
    let workspace = Workspace { arena: &mut arena, disk: None, workers: 1 };
    let context = Context { alloc, repository, clock: &clock, progress: &Silent };
    context.rebuild(workspace, &BranchName::new(branch)?, options)
}

/// An arena that tests do not fill.
pub(crate) fn arena(alloc: Alloc<'_>) -> Arena<'_> {
    Arena::begin(alloc, Bytes::from_mib(1), Bytes::from_mib(256))
}

/// Runs git in `folder` without anyone's configuration; returns what it prints, trimmed.
pub(crate) fn git(folder: &Path, args: &[&str]) -> String {
    let output = isolated("git").current_dir(folder).args(args).output();
    let output = output.expect("tests need git");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {args:?}: {stderr}");
    String::from_utf8(output.stdout).expect("UTF-8").trim_end().into()
}

/// How a run of the program ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    pub(crate) fn new(output: Output) -> Self {
        Self {
            code: output.status.code().expect("it was not killed"),
            stdout: String::from_utf8(output.stdout).expect("answers are UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("messages are UTF-8"),
        }
    }

    /// The answer of a run that succeeded.
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, 0, "{self:?}");
        self.stdout
    }

    /// The document of a run with `--json` that succeeded.
    pub(crate) fn json(self) -> serde_json::Value {
        serde_json::from_str(&self.ok()).expect("one JSON document")
    }

    /// The one error line of a run that failed with `code`.
    pub(crate) fn error(self, code: i32) -> String {
        assert_eq!(self.code, code, "{self:?}");
        assert_eq!(self.stdout, "", "a failed run answers nothing");
        let is_one_line = self.stderr.lines().count() == 1;
        assert!(is_one_line && self.stderr.starts_with("git-mind: error: "), "{self:?}");
        self.stderr.trim_end().into()
    }
}

/// The program, without anyone's environment.
pub(crate) fn mind_command(folder: &Path, args: &[&str]) -> Command {
    let mut command = isolated(crate::isolated::program());
    // State goes to the folder for temporary files, not to anyone's home.
    command.env_remove("HOME").current_dir(folder).args(args);
    command
}

pub(crate) fn mind(folder: &Path, args: &[&str]) -> Ran {
    Ran::new(mind_command(folder, args).output().expect("the program was built"))
}

/// Runs the program with these variables and no others of memory and telemetry.
pub(crate) fn mind_with(folder: &Path, args: &[&str], variables: &[(&str, &str)]) -> Ran {
    let mut command = mind_command(folder, args);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("GM_") || text.starts_with("GITMIND_") {
            command.env_remove(name);
        }
    }
    command.envs(variables.iter().copied());
    Ran::new(command.output().expect("the program was built"))
}

/// A command that does not depend on the machine. The variables of memory are the caller's.
fn isolated(program: impl AsRef<OsStr>) -> Command {
    crate::isolated::isolated(program, &["GIT", "GM_", "NO_COLOR"])
}

/// A message that holds these edges, each given by one byte for its source and one for its target.
pub(crate) fn message(edges: &[(u8, u8)]) -> Vec<u8> {
    let mut payload = Vec::new();
    for (source, target) in edges {
        payload.extend_from_slice(&[0xa2, 8, 0x54]);
        payload.extend_from_slice(&[*source; 20]);
        payload.extend_from_slice(&[9, 0x54]);
        payload.extend_from_slice(&[*target; 20]);
    }
    encoded_message(&payload)
}

/// The message that holds this payload.
pub(crate) fn encoded_message(payload: &[u8]) -> Vec<u8> {
    let system = System::new();
    let mut message = gitmind::memory::Vec::new(Alloc::new(&system));
    gitmind::journal::encode_message(payload, &mut message).expect("a short payload");
    message.to_vec()
}

/// An object that is there.
pub(crate) fn read_object(repository: &dyn Repository, id: Oid, kind: ObjectKind) -> Vec<u8> {
    let system = System::new();
    let mut buffer = gitmind::memory::Vec::new(Alloc::new(&system));
    repository.read(id, kind, &mut buffer).expect("the object is whole");
    buffer.to_vec()
}

/// The ids of a bitmap file.
pub(crate) fn ids_of(file: &[u8]) -> Vec<u32> {
    let system = System::new();
    decode_bitmap(Alloc::new(&system), file).expect("a bitmap").to_vec()
}
