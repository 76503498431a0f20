//! Where operations are swept: a repository in memory, and one on a disk.

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

/// What is in a repository beside its objects, by name.
pub(crate) type State = BTreeMap<String, std::vec::Vec<u8>>;

/// A repository, and how its refs are put back.
pub(crate) enum Place {
    Memory(FakeRepository),
    Disk(tempfile::TempDir, Box<GitRepository>),
}

impl Place {
    pub(crate) const NAMES: [&'static str; 2] = ["memory", "disk"];

    /// An empty one of that name.
    pub(crate) fn new(name: &str) -> Self {
        if name == "memory" {
            return Self::Memory(FakeRepository::default());
        }
        let folder = tempfile::tempdir().expect("a temporary folder");
        for part in ["objects/pack", "refs/heads"] {
            std::fs::create_dir_all(folder.path().join(part)).expect("writable");
        }
        std::fs::write(folder.path().join("HEAD"), "ref: refs/heads/main\n").expect("writable");
        let config = "[core]\n\trepositoryformatversion = 0\n\tbare = true\n";
        std::fs::write(folder.path().join("config"), config).expect("writable");
        let repository = Box::new(open(folder.path()));
        Self::Disk(folder, repository)
    }

    pub(crate) fn repository(&self) -> &dyn Repository {
        match self {
            Self::Memory(repository) => repository,
            Self::Disk(_, repository) => &**repository,
        }
    }

    /// Reads what is on the disk now; packs are looked for once.
    pub(crate) fn reopened(self) -> Self {
        match self {
            Self::Memory(_) => self,
            Self::Disk(folder, _) => {
                let repository = Box::new(open(folder.path()));
                Self::Disk(folder, repository)
            }
        }
    }

    pub(crate) fn resolve(&self, name: &str) -> Option<Oid> {
        self.repository().resolve(name).expect("refs are readable")
    }

    /// Every ref; on a disk also every file beside the objects, and what is temporary among them.
    pub(crate) fn state(&self) -> State {
        let mut state = BTreeMap::new();
        match self {
            Self::Memory(repository) => {
                for name in repository.refs("", usize::MAX).expect("refs are readable") {
                    let id = self.resolve(&name).map_or(vec![], |id| id.to_hex().to_vec());
                    state.insert(name, id);
                }
            }
            Self::Disk(folder, _) => collect(folder.path(), folder.path(), &mut state),
        }
        state
    }

    /// Makes everything what it was in `state`; returns a name that was not as it is there.
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
                (Self::Disk(folder, _), Some(bytes)) => {
                    std::fs::write(folder.path().join(name), bytes).expect("writable");
                }
                (Self::Disk(folder, _), None) => {
                    std::fs::remove_file(folder.path().join(name)).expect("writable");
                }
            }
            moved = Some(name.clone());
        }
        moved
    }

    /// Packs everything anew as git does: with deltas, and the order of the pack beside it.
    pub(crate) fn repack(&self) {
        if let Self::Disk(folder, _) = self {
            let git = ["-c", "pack.threads=1", "repack", "-q", "-a", "-d", "-f"];
            let status = Command::new("git")
                .env("GIT_CONFIG_GLOBAL", "/dev/null")
                .env("GIT_CONFIG_NOSYSTEM", "1")
                .arg("-C")
                .arg(folder.path())
                .args(git)
                .status();
            assert!(status.expect("tests need git").success(), "git repack");
        }
    }

    /// Makes the ref `id`.
    pub(crate) fn put(&self, name: &str, id: Option<Oid>) {
        if let Some(new) = id.filter(|id| self.resolve(name) != Some(*id)) {
            self.commit(&[], name, new);
        }
    }

    /// Adds the commits `objects`, and makes the ref `new`.
    fn commit(&self, objects: &[&[u8]], name: &str, new: Oid) {
        let system = System::new();
        let (count, expected) = (u32::try_from(objects.len()), self.resolve(name));
        let transaction = self.repository().begin(Alloc::new(&system), Some(count.expect("few")));
        let mut transaction = transaction.expect("there is room");
        for object in objects {
            transaction.add(ObjectKind::Commit, object).expect("there is room");
        }
        transaction.commit(RefUpdate { name, expected, new }).expect("nobody else is here");
    }

    /// Adds commits to the journal as files of their own or as one pack, and moves its ref to each
    /// of them or to the last one. Parents are positions in `known`, which gets the new ones.
    pub(crate) fn add(&self, known: &mut std::vec::Vec<Oid>, commits: &[Draft], stored: Stored) {
        let system = System::new();
        let alloc = Alloc::new(&system);
        let identity = self.repository().identity();
        let mut objects = vec![];
        for Draft { parents, message } in commits {
            let parents: std::vec::Vec<Oid> = parents.iter().map(|parent| known[*parent]).collect();
            let time = Timestamp { seconds: 1_700_000_000, offset_seconds: 0 };
            let draft = CommitDraft {
                tree: EMPTY_TREE,
                parents: &parents,
                identity: &identity,
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

/// How commits are added.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stored {
    Loose,
    /// In a pack as git writes it, where a commit's parent is its neighbour.
    NewestFirst,
    /// In a pack where no commit follows the one that names it.
    OldestFirst,
}

/// Adds the files below `folder` to `state`, by their paths below `top`: of the objects, which stay
/// when nothing names them, only what has a temporary name.
fn collect(top: &Path, folder: &Path, state: &mut State) {
    for entry in std::fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("a readable folder").path();
        if path.is_dir() {
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

/// A commit that is to be made.
pub(crate) struct Draft {
    pub(crate) parents: std::vec::Vec<usize>,
    pub(crate) message: std::vec::Vec<u8>,
}

/// The repository at `folder`, which decodes in the thread that asks: which of several threads
/// asks for memory first is not the same in every run.
fn open(folder: &Path) -> GitRepository {
    let location = Location::at(folder).expect("a repository");
    GitRepository::open(location).expect("a repository").with_workers(0)
}
