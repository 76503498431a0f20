//! The repository that an operation is swept on: one in memory, or one on disk.

use gitmind_git::fake::FakeRepository;
use gitmind_git::oid::Oid;
use gitmind_git::{CommitDraft, EMPTY_TREE, ObjectKind, RefUpdate, Repository, object_id};
use gitmind_gitoxide::{GitRepository, Location};
use gitmind_memory::{Alloc, System, Vec};
use gitmind_ports::clock::Timestamp;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

pub(crate) const JOURNAL: &str = "refs/gitmind/edges/main";
pub(crate) const CACHE: &str = "refs/gitmind/cache/main";

/// The refs of a repository; on disk, all files but the objects, by name.
pub(crate) type State = BTreeMap<String, std::vec::Vec<u8>>;

/// A repository whose refs can be restored.
pub(crate) enum Sandbox {
    Memory(FakeRepository),
    Disk(tempfile::TempDir, Box<GitRepository>),
}

impl Sandbox {
    pub(crate) const NAMES: [&'static str; 2] = ["memory", "disk"];

    /// An empty repository of the kind `name`.
    pub(crate) fn new(name: &str) -> Self {
        if name == "memory" {
            return Self::Memory(FakeRepository::default());
        }
        let directory = gitmind_test_support::temp_directory();
        for part in ["objects/pack", "refs/heads"] {
            std::fs::create_dir_all(directory.path().join(part)).expect("writable");
        }
        std::fs::write(directory.path().join("HEAD"), "ref: refs/heads/main\n").expect("writable");
        let config =
            "[core]\n\trepositoryformatversion = 0\n\tbare = true\n\tlogAllRefUpdates = always\n";
        std::fs::write(directory.path().join("config"), config).expect("writable");
        let repository = Box::new(open(directory.path()));
        Self::Disk(directory, repository)
    }

    pub(crate) fn repository(&self) -> &dyn Repository {
        match self {
            Self::Memory(repository) => repository,
            Self::Disk(_, repository) => &**repository,
        }
    }

    /// Opens the repository again: it looks for packs only when it is opened.
    pub(crate) fn reopened(self) -> Self {
        match self {
            Self::Memory(_) => self,
            Self::Disk(directory, _) => {
                let repository = Box::new(open(directory.path()));
                Self::Disk(directory, repository)
            }
        }
    }

    pub(crate) fn resolve(&self, name: &str) -> Option<Oid> {
        self.repository().resolve(name).expect("refs are readable")
    }

    /// All refs; on disk, all files but the objects, and temporary files among these.
    pub(crate) fn state(&self) -> State {
        let mut state = BTreeMap::new();
        match self {
            Self::Memory(repository) => {
                for name in repository.refs("", usize::MAX).expect("refs are readable") {
                    let id = self.resolve(&name).map_or(vec![], |id| id.to_hex().to_vec());
                    state.insert(name, id);
                }
            }
            Self::Disk(directory, _) => collect(directory.path(), directory.path(), &mut state),
        }
        state
    }

    /// Restores `state`; returns a name that differed from it.
    pub(crate) fn restore(&self, state: &State) -> Option<String> {
        let now = self.state();
        let names = state.keys().chain(now.keys());
        let mut moved = None;
        for name in names.filter(|name| state.get(*name) != now.get(*name)) {
            match (self, state.get(name)) {
                (Self::Memory(repository), Some(id)) => {
                    repository.set_ref(name, Oid::from_hex(id).expect("a ref's id"));
                }
                (Self::Memory(repository), None) => repository.remove_ref(name),
                (Self::Disk(directory, _), Some(bytes)) => {
                    std::fs::write(directory.path().join(name), bytes).expect("writable");
                }
                (Self::Disk(directory, _), None) => {
                    std::fs::remove_file(directory.path().join(name)).expect("writable");
                }
            }
            moved = Some(name.clone());
        }
        moved
    }

    /// Repacks all objects with git, with deltas and a reverse index.
    pub(crate) fn repack(&self) {
        if let Self::Disk(directory, _) = self {
            let git = ["-c", "pack.threads=1", "repack", "-q", "-a", "-d", "-f"];
            let status = Command::new("git")
                .env("GIT_CONFIG_GLOBAL", "/dev/null")
                .env("GIT_CONFIG_NOSYSTEM", "1")
                .arg("-C")
                .arg(directory.path())
                .args(git)
                .status();
            assert!(status.expect("tests need git").success(), "git repack");
        }
    }

    /// Sets the ref `name` to `id`.
    pub(crate) fn put(&self, name: &str, id: Option<Oid>) {
        if let Some(new) = id.filter(|id| self.resolve(name) != Some(*id)) {
            self.commit(&[], name, new);
        }
    }

    /// Adds the commits `objects`, and sets the ref `name` to `new`.
    fn commit(&self, objects: &[&[u8]], name: &str, new: Oid) {
        let system = System::new();
        let (count, expected) = (u32::try_from(objects.len()), self.resolve(name));
        let transaction = self.repository().begin(Alloc::new(&system), Some(count.expect("few")));
        let mut transaction = transaction.expect("there is room");
        for object in objects {
            transaction.add(ObjectKind::Commit, object).expect("there is room");
        }
        let time = Timestamp { seconds: 0, offset_seconds: 0 };
        let update = RefUpdate { name, expected, new, time, reason: "test" };
        transaction.commit(update).expect("no other process writes");
    }

    /// Adds commits to the journal, as loose objects with a ref update for each, or as one pack
    /// with one ref update. Parents are positions in `known`, to which the new ids are appended.
    pub(crate) fn add(&self, known: &mut std::vec::Vec<Oid>, commits: &[Draft], stored: Stored) {
        let system = System::new();
        let alloc = Alloc::new(&system);
        let authors = gitmind_git::Authors::default();
        let mut objects = vec![];
        for Draft { parents, message } in commits {
            let parents: std::vec::Vec<Oid> = parents.iter().map(|parent| known[*parent]).collect();
            let time = Timestamp { seconds: 1_700_000_000, offset_seconds: 0 };
            let draft = CommitDraft {
                tree: EMPTY_TREE,
                parents: &parents,
                authors: &authors,
                time,
                message,
            };
            let mut bytes = Vec::new(alloc);
            draft.encode(&mut bytes).expect("there is memory");
            known.push(object_id(ObjectKind::Commit, &bytes).expect("no attack"));
            objects.push(bytes);
        }
        let new = &known[known.len() - objects.len()..];
        if stored == Stored::Loose {
            for (object, id) in objects.iter().zip(new) {
                self.commit(&[object], JOURNAL, *id);
            }
        } else if let Some(newest) = new.last() {
            let mut objects: std::vec::Vec<&[u8]> =
                objects.iter().map(|object| &object[..]).collect();
            if stored == Stored::NewestFirst {
                objects.reverse();
            }
            self.commit(&objects, JOURNAL, *newest);
        }
    }
}

/// How commits are stored.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stored {
    /// As loose objects.
    Loose,
    /// In a pack in git's order, where a parent follows its child.
    NewestFirst,
    /// In a pack where a child follows its parent.
    OldestFirst,
}

/// Adds the files below `directory` to `state`, by their paths relative to `top`. Of the object
/// database, where unreachable objects may remain, it adds only temporary files.
fn collect(top: &Path, directory: &Path, state: &mut State) {
    for entry in std::fs::read_dir(directory).expect("a readable directory") {
        let entry = entry.expect("a readable directory");
        let path = entry.path();
        // As the directory says, without a call for each of hundreds of objects.
        if entry.file_type().expect("a readable directory").is_dir() {
            collect(top, &path, state);
            continue;
        }
        let below = path.strip_prefix(top).expect("it is below").to_string_lossy().into_owned();
        let name = below.rsplit('/').next().unwrap_or(&below);
        let is_temporary = name.starts_with("tmp_") || name.ends_with(".lock");
        if is_temporary || !below.starts_with("objects/") {
            state.insert(below, std::fs::read(&path).expect("a readable file"));
        }
    }
}

/// A commit to be added.
pub(crate) struct Draft {
    pub(crate) parents: std::vec::Vec<usize>,
    pub(crate) message: std::vec::Vec<u8>,
}

/// Opens the repository without worker threads, so that allocations come in the same order in every
/// run.
fn open(directory: &Path) -> GitRepository {
    let location = Location::at(directory).expect("a repository");
    GitRepository::open(location).expect("a repository").with_workers(0)
}
