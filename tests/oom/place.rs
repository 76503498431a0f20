//! Where operations are swept: a repository in memory, and one on a disk.

use gitmind::clock::Timestamp;
use gitmind::git::fake::FakeRepository;
use gitmind::git::gitoxide::{GitRepository, Location};
use gitmind::git::{CommitDraft, EMPTY_TREE, ObjectKind, RefUpdate, Repository};
use gitmind::memory::{Alloc, System, Vec};
use gitmind::oid::Oid;
use std::path::Path;

pub(crate) const JOURNAL: &str = "refs/gitmind/edges/main";
pub(crate) const CACHE: &str = "refs/gitmind/cache/main";

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

    /// Makes the ref what it was.
    pub(crate) fn put(&self, name: &str, id: Option<Oid>) {
        match (self, id) {
            (Self::Memory(repository), Some(id)) => repository.set_ref(name, id),
            (Self::Memory(repository), None) => repository.remove_ref(name),
            (Self::Disk(folder, _), None) => {
                if self.resolve(name).is_some() {
                    std::fs::remove_file(folder.path().join(name)).expect("a loose ref");
                }
            }
            (Self::Disk(..), Some(new)) => {
                let expected = self.resolve(name);
                if expected != Some(new) {
                    let update = RefUpdate { name, expected, new };
                    self.repository().update_ref(update).expect("nobody else is here");
                }
            }
        }
    }

    /// Adds commits to the journal as one pack, newest first, and moves its ref to the last one.
    /// Parents are positions in `known`, which gets the new ones.
    pub(crate) fn add(&self, known: &mut std::vec::Vec<Oid>, commits: &[Draft]) {
        let (system, names) = (System::new(), FakeRepository::default());
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
            let id = names.write_object(alloc, ObjectKind::Commit, &bytes);
            known.push(id.expect("there is memory"));
            objects.push(bytes);
        }
        let count = u32::try_from(objects.len()).expect("few");
        let mut pack = self.repository().start_pack(alloc, Some(count)).expect("writable");
        for object in objects.iter().rev() {
            pack.add(ObjectKind::Commit, object).expect("there is room");
        }
        pack.finish().expect("there is room");
        self.put(JOURNAL, known.last().copied());
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
