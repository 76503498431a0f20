//! Commits without edges: merges, and malformed commits. The commit index does not have them, so
//! whether a cache has counted one is found by a walk from the tip that the cache was built from.
//!
//! Most need no walk: a commit with a new parent is new. The walk goes down from the old tip, and
//! stops at edges that are older than the parents of those in question.

use super::error::FullBecause;
use super::index_tail::IndexTail;
use super::newer::NotRead;
use gitmind_git::oid::Oid;
use gitmind_git::{Commit, ObjectKind, Repository};
use gitmind_journal::{
    CommitIdList, History, MalformedCounts, MessageError, PayloadBuffer, WalkError,
};
use gitmind_memory::{Alloc, Map, MemoryError, Vec, VecDeque};

/// Numbers of commits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) commits: u32,
    pub(super) skipped: u32,
    pub(super) truncated: u32,
}

impl Tally {
    /// One commit, with what was malformed before it was read and after.
    pub(super) const fn of_one(before: (u32, u32), after: &MalformedCounts) -> Self {
        let (skipped, truncated) = (after.skipped - before.0, after.truncated - before.1);
        Self { commits: 1, skipped, truncated }
    }

    pub(super) const fn add(&mut self, other: Self) {
        self.commits += other.commits;
        self.skipped += other.skipped;
        self.truncated += other.truncated;
    }
}

/// The commits without edges that a walk has visited, in the order of visits.
pub(super) struct Edgeless<'a> {
    alloc: Alloc<'a>,
    commits: Vec<'a, EdgelessCommit>,
    parents: Vec<'a, Oid>,
}

struct EdgelessCommit {
    visit: usize,
    id: Oid,
    tally: Tally,
    /// One more than the position of its last parent.
    parents_end: usize,
}

/// Commits without edges that a cache may have counted.
pub(super) struct Suspects<'a> {
    commits: Map<'a, Oid, Tally>,
    /// Their descendants in the commit index have this first edge or a later one.
    first_edge_min: u32,
}

impl<'a> Edgeless<'a> {
    pub(super) const fn new(alloc: Alloc<'a>) -> Self {
        Self { alloc, commits: Vec::new(alloc), parents: Vec::new(alloc) }
    }

    /// Adds the commit with visit number `visit`.
    pub(super) fn try_push(
        &mut self,
        visit: usize,
        commit: &Commit<'_>,
        tally: Tally,
    ) -> Result<(), MemoryError> {
        self.parents.try_extend(commit.parents())?;
        let (id, parents_end) = (commit.id, self.parents.len());
        self.commits.try_push(EdgelessCommit { visit, id, tally, parents_end })
    }

    /// Those that have no new parent. `first_edge_after` gives, for a commit that the cache has and
    /// that is not its tip, the least first edge that its descendants can have.
    pub(super) fn suspects<N: CommitIdList>(
        &self,
        history: &History<'_, N>,
        first_edge_after: impl Fn(&Oid) -> Option<u32>,
    ) -> Result<Suspects<'a>, MemoryError> {
        let (mut commits, mut first_edge_min) = (Map::new(self.alloc), u32::MAX);
        // Parents come before their children.
        for visit in history.numbered() {
            let position = self.commits.binary_search_by_key(&(visit as usize), |it| it.visit);
            let Ok(position) = position else { continue };
            let commit = &self.commits[position];
            let start = position.checked_sub(1).map_or(0, |last| self.commits[last].parents_end);
            let parents = &self.parents[start..commit.parents_end];
            let known = |parent| first_edge_after(parent).or(commits.get(parent).map(|_| 0));
            if parents.iter().all(|parent| known(parent).is_some()) {
                let after = parents.iter().filter_map(known).max();
                first_edge_min = first_edge_min.min(after.unwrap_or(0));
                commits.try_insert(commit.id, commit.tally)?;
            }
        }
        Ok(Suspects { commits, first_edge_min })
    }
}

impl Suspects<'_> {
    /// Those of them that are ancestors of `old_tip`, counted in at most `commits_max` commits.
    pub(super) fn counted<'a>(
        &self,
        (repository, alloc): (&dyn Repository, Alloc<'a>),
        tail: &mut IndexTail<'a>,
        old_tip: Oid,
        commits_max: usize,
    ) -> Result<Tally, NotRead> {
        let mut counted = Tally::default();
        if self.commits.is_empty() {
            return Ok(counted);
        }
        while tail.start() > self.first_edge_min {
            tail.read_more(1).map_err(NotRead::existing)?;
        }
        let (mut seen, mut queue) = (Map::new(alloc), VecDeque::new(alloc));
        let (mut object, mut payload) = (Vec::new(alloc), PayloadBuffer::new(alloc));
        seen.try_insert(old_tip, ())?;
        queue.try_push_back(old_tip)?;
        while let Some(id) = queue.pop_front() {
            if let Some(tally) = self.commits.get(&id) {
                counted.add(*tally);
            }
            if counted.commits as usize == self.commits.len() {
                break;
            }
            let first_edge = tail.first_edge(&id);
            if first_edge.is_some_and(|first| first < self.first_edge_min) {
                continue;
            }
            repository.read(id, ObjectKind::Commit, &mut object)?;
            let commit = Commit::parse_stored(id, &object)?;
            if first_edge.is_none() && !tail.is_whole() && has_edges(&commit, &mut payload)? {
                // It is older than all that was read of the index.
                continue;
            }
            for parent in commit.parents() {
                if seen.try_insert(parent, ())?.is_none() {
                    queue.try_push_back(parent)?;
                }
            }
            if seen.len() > commits_max {
                return Err(NotRead::Full(FullBecause::BaseNotFound));
            }
        }
        Ok(counted)
    }
}

/// Whether the payload of a commit has a valid edge.
fn has_edges(commit: &Commit<'_>, payload: &mut PayloadBuffer<'_>) -> Result<bool, WalkError> {
    match payload.edges(commit) {
        Ok(mut edges) => Ok(edges.next().is_some_and(|edge| edge.is_ok())),
        Err(MessageError::Memory(error)) => Err(error.into()),
        Err(_) => Ok(false),
    }
}
