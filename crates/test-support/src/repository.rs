//! Repositories in temporary directories: of a fixture, or empty.

use crate::cache::rebuild;
use crate::command::isolated_from_git_and_memory as isolated;
use crate::program::{Ran, mind};
use crate::scratch::temp_directory;
use gitmind_cache::Report;
use gitmind_fixture::{FixtureList, unpack};
use gitmind_git::oid::Oid;
use gitmind_git::{ObjectKind, Repository};
use gitmind_gitoxide::{GitRepository, Location};
use gitmind_journal::EdgeOrder;
use gitmind_memory::{Alloc, System};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The directory with the pinned fixtures.
pub fn fixtures_directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures")
}

pub fn fixture_list() -> FixtureList {
    FixtureList::read(&fixtures_directory()).expect("the list is in the repository")
}

/// A bare repository in a temporary directory.
pub struct TempRepository {
    directory: TempDir,
}

impl TempRepository {
    /// The repository of a fixture.
    pub fn fixture(name: &str) -> Self {
        let list = fixture_list();
        let directory = temp_directory();
        unpack(&list, list.get(name).expect("a listed fixture"), directory.path())
            .expect("unpacks");
        Self { directory }
    }

    /// An empty repository whose HEAD is on `main`.
    pub fn empty() -> Self {
        let directory = temp_directory();
        git(directory.path(), &["init", "-q", "--bare", "-b", "main"]);
        Self { directory }
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    pub fn git(&self, args: &[&str]) -> String {
        git(self.path(), args)
    }

    pub fn mind(&self, args: &[&str]) -> Ran {
        mind(self.path(), args)
    }

    pub fn open(&self) -> GitRepository {
        let location = Location::at(self.path()).expect("a repository");
        GitRepository::open(location).expect("a repository that can be served")
    }

    /// The open repository, and the directory that must live as long.
    pub fn open_kept(self) -> (TempDir, GitRepository) {
        let repository = self.open();
        (self.directory, repository)
    }

    pub fn rebuild(&self, branch: &str, edge_order: EdgeOrder) -> Report {
        rebuild(&self.open(), branch, edge_order).expect("a journal")
    }

    /// Adds a commit of the empty tree with this message; returns its name.
    pub fn commit(&self, parents: &[&str], message: &[u8]) -> String {
        let mut content = format!("tree {EMPTY_TREE}\n").into_bytes();
        for parent in parents {
            content.extend_from_slice(format!("parent {parent}\n").as_bytes());
        }
        content.extend_from_slice(b"author a <a@b> 1 +0000\ncommitter a <a@b> 1 +0000\n\n");
        content.extend_from_slice(message);
        let file = self.path().join("new-commit");
        std::fs::write(&file, content).expect("a temporary directory is writable");
        self.git(&["hash-object", "-t", "tree", "-w", "--stdin"]);
        let id = self.git(&["hash-object", "-t", "commit", "-w", "--literally", "new-commit"]);
        std::fs::remove_file(file).expect("it was just written");
        id
    }

    /// Every ref and its object, to see whether anything moved.
    pub fn refs(&self) -> String {
        self.git(&["for-each-ref"])
    }

    /// Fails unless git finds everything in order.
    pub fn assert_sound(&self) {
        let problems = self.git(&["fsck", "--strict", "--full", "--no-dangling"]);
        assert_eq!(problems, "", "git fsck --strict");
    }

    /// Files in the directory of packs, without those of the fixture.
    pub fn temporary_files(&self) -> Vec<String> {
        let names =
            std::fs::read_dir(self.path().join("objects/pack")).expect("a directory of packs");
        let names = names.map(|entry| entry.expect("readable").file_name());
        let names = names.map(|name| name.into_string().expect("ASCII"));
        names.filter(|name| !name.starts_with("pack-")).collect()
    }
}

pub const EMPTY_TREE: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

/// Runs git in `directory` without anyone's configuration; returns what it prints, trimmed.
pub fn git(directory: &Path, args: &[&str]) -> String {
    let output = isolated("git").current_dir(directory).args(args).output();
    let output = output.expect("tests need git");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {args:?}: {stderr}");
    String::from_utf8(output.stdout).expect("UTF-8").trim_end().into()
}

/// An object that is there.
pub fn read_object(repository: &dyn Repository, id: Oid, kind: ObjectKind) -> Vec<u8> {
    let system = System::new();
    let mut buffer = gitmind_memory::Vec::new(Alloc::new(&system));
    repository.read(id, kind, &mut buffer).expect("the object is whole");
    buffer.to_vec()
}
