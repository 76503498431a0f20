//! What one pass over a journal finds: counts, equal edges, edges without objects.

use crate::cli::failure::Failure;
use crate::cli::shown::Shown;
use crate::git::{Commit, ObjectKind, Repository};
use crate::gitoxide::GitRepository;
use crate::journal::{
    Edge, EdgeKey, JournalItem, MalformedCounts, PayloadBuffer, Standing, Tombstones, walk_newest,
};
use crate::memory::{Alloc, InternTable, Map, Set, Vec};
use crate::oid::Oid;
use std::ops::ControlFlow;

/// Most commits of another journal that are counted.
const MISSING_MAX: u64 = 10_000;

pub(super) struct Survey<'a> {
    alloc: Alloc<'a>,
    /// The commits of the journal.
    pub(super) commits: Set<'a, Oid>,
    pub(super) live: u64,
    pub(super) taken_back: u64,
    pub(super) tombstones: u64,
    /// Edges that count and equal a newer one.
    pub(super) duplicates: u64,
    /// Edges that count and have an object that is not in the repository.
    pub(super) dangling: u64,
    pub(super) malformed: MalformedCounts,
    pub(super) authors: InternTable<'a>,
    keys: Set<'a, EdgeKey>,
    /// Whether objects are in the repository; each is looked for once.
    objects: Map<'a, Oid, bool>,
}

impl<'a> Survey<'a> {
    /// Counts nothing yet; allocates from `alloc`.
    pub(super) fn new(alloc: Alloc<'a>, authors: InternTable<'a>) -> Self {
        Self {
            alloc,
            commits: Set::new(alloc),
            live: 0,
            taken_back: 0,
            tombstones: 0,
            duplicates: 0,
            dangling: 0,
            malformed: MalformedCounts::default(),
            authors,
            keys: Set::new(alloc),
            objects: Map::new(alloc),
        }
    }

    /// All edges that were read.
    pub(super) fn edges(&self) -> u64 {
        self.live + self.taken_back + self.tombstones
    }

    /// Reads the journal at `tip`.
    pub(super) fn read(&mut self, repository: &GitRepository, tip: Oid) -> Result<(), Failure> {
        let alloc = self.alloc;
        let mut payload = PayloadBuffer::new(alloc);
        let mut tombstones = Tombstones::new(alloc);
        walk_newest(repository, alloc, tip, |commit| {
            self.commits.try_insert(commit.id)?;
            payload.read_newest(commit, |item| {
                match item {
                    JournalItem::Edge(commit, edge) => match tombstones.standing(edge)? {
                        Standing::Live => self.add(repository, commit, edge)?,
                        Standing::TakenBack => self.taken_back += 1,
                        Standing::Tombstone => self.tombstones += 1,
                    },
                    JournalItem::Malformed(found) => self.malformed.add(found),
                }
                Ok::<_, Failure>(ControlFlow::Continue(()))
            })
        })
    }

    /// Counts an edge that counts.
    fn add(
        &mut self,
        repository: &GitRepository,
        commit: &Commit<'_>,
        edge: &Edge<'_>,
    ) -> Result<(), Failure> {
        self.live += 1;
        self.duplicates += u64::from(!self.keys.try_insert(edge.key())?);
        let (committed, standing) = (commit.author(), Standing::Live);
        let shown = Shown { id: None, commit: commit.id, committed, standing, edge, place: None };
        self.authors.unshared().acquire(shown.author())?;
        let mut is_there = true;
        for id in [edge.source, edge.target].into_iter().filter(|id| !id.is_zero()) {
            is_there &= *self.objects.try_get_or_insert_with(id, || repository.contains(id))?;
        }
        self.dangling += u64::from(!is_there);
        Ok(())
    }
}

/// Commits of another journal that are not in ours.
pub(super) struct Missing {
    pub(super) commits: u64,
    /// Whether there may be more.
    pub(super) is_bounded: bool,
}

/// Counts the commits that `tip` reaches and `ours` has not.
pub(super) fn missing(
    repository: &dyn Repository,
    alloc: Alloc<'_>,
    tip: Oid,
    ours: &Set<'_, Oid>,
) -> Result<Missing, Failure> {
    let (mut next, mut met, mut buffer) = (Vec::new(alloc), Set::new(alloc), Vec::new(alloc));
    next.try_push(tip)?;
    let mut commits = 0;
    while let Some(id) = next.pop() {
        if ours.contains(&id) || !met.try_insert(id)? {
            continue;
        }
        if commits == MISSING_MAX {
            return Ok(Missing { commits, is_bounded: true });
        }
        commits += 1;
        repository.read(id, ObjectKind::Commit, &mut buffer)?;
        next.try_extend(Commit::parse_stored(id, &buffer)?.parents())?;
    }
    Ok(Missing { commits, is_bounded: false })
}
