//! Reading the commits that a cache does not have when merges are among them.
//!
//! The order of a commit starts with the order of its first parent. So the order of the old tip and
//! that of the new one are the same up to the newest first parent that both have, the *fork*. The
//! ids of these edges stay. All others are read again and get new ids: none, when the fork is the
//! old tip; our own newest edges, when another writer has merged our tip as a second parent.
//!
//! A walk of all parents has to stop at the commits whose edges stay, without knowing the history
//! below. The commit index says which these are, and edge ids are generation numbers that no wrong
//! clock changes. It is read from its end on, as far as the walk needs: the walk is right when each
//! chain ends at a commit that was read, because whatever the index has of its descendants was then
//! read too.

use super::collect::{Collector, Source, Storage};
use super::commit_ids::CommitIds;
use super::commit_index::CommitRecord;
use super::edgeless::{Edgeless, Tally};
use super::error::{FullBecause, RebuildError};
use super::existing::{Existing, ExistingError};
use super::index_tail::IndexTail;
use super::meta::Meta;
use super::newer::{Newer, NotRead};
use super::root::Root;
use super::update::OTHER_COUNT;
use gitmind_git::oid::Oid;
use gitmind_git::{Commit, ObjectKind};
use gitmind_journal::{EdgeOrder, History, find_fork, walk_until};
use gitmind_memory::{Arena, Map, Vec};

/// Commits of a walk before it is asked whether the index has one of them; then eight times as
/// many.
const WALK_MIN: usize = 128;
/// Commits without edges, in a row, below which edges are looked for.
const EDGELESS_MAX: usize = 64;

/// A cache, and the journal with merges that it is to be updated for.
pub(super) struct Merged<'s, 't, 'a> {
    source: Source<'t, 'a>,
    tip: Oid,
    old: &'s Meta,
    tail: IndexTail<'a>,
    commits_max: usize,
}

/// The commits whose edges keep their ids.
struct Base {
    /// The number of their edges.
    edges: u32,
    /// The fork, if it and its ancestors have exactly these edges.
    fork: Option<Oid>,
}

/// The commits that a walk has visited.
struct Walked<'t, 'r, 'a> {
    collector: Collector<'t, 'r, 'a>,
    edgeless: Edgeless<'a>,
    /// Those that the index has, whose edges get other ids.
    counted: Tally,
    visited: Map<'a, Oid, ()>,
    /// Their order; none when there are more than the walk may visit.
    history: Option<History<'a, CommitIds<'a>>>,
    /// Whether one of them has no parents.
    found_root: bool,
    /// Whether the walk met the tip that the cache was built from.
    found_old: bool,
}

/// Why a walk ended early.
enum Ended {
    TooFar,
    Failed(RebuildError),
}

impl<E: Into<RebuildError>> From<E> for Ended {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

const BASE_NOT_FOUND: NotRead = NotRead::Full(FullBecause::BaseNotFound);

impl<'s, 't, 'a> Merged<'s, 't, 'a> {
    /// Reads the commits of the journal at `tip` that `existing` does not have, and those whose
    /// edges get other ids, at most `commits_max` commits.
    pub(super) fn read<'r>(
        source: Source<'t, 'a>,
        arena: &'r Arena<'r>,
        tip: Oid,
        existing: &'s Existing,
        commits_max: usize,
    ) -> Result<Newer<'r, 'a>, NotRead> {
        let (repository, alloc, old) = (source.repository, source.alloc, &existing.meta);
        let (_, root) =
            Root::read(repository, alloc, existing.commit).map_err(NotRead::existing)?;
        let tail = IndexTail::open(repository, alloc, root.commits, old);
        let tail = tail.map_err(NotRead::existing)?;
        let mut merged = Self { source, tip, old, tail, commits_max };
        let base = merged.base()?;
        let walked = merged.walk(arena, &base)?;
        merged.newer(&base, walked)
    }

    /// Finds the commits whose edges keep their ids.
    fn base(&mut self) -> Result<Base, NotRead> {
        let Source { repository, alloc, .. } = self.source;
        let (tip, old_tip) = (self.tip, self.old.journal_tip);
        let fork = find_fork(repository, alloc, tip, old_tip, self.commits_max)?;
        let fork = fork.ok_or(BASE_NOT_FOUND)?;
        if fork.commit == old_tip {
            return Ok(Base { edges: self.old.edges, fork: Some(fork.commit) });
        }
        let last = self.newest_record(fork.commit)?;
        let last = last.ok_or(NotRead::Full(FullBecause::Renumbered))?;
        let later = self.tail.records().filter(|record| record.first_edge > last.first_edge);
        let next = later.min_by_key(|record| record.first_edge);
        let edges = next.map_or(self.old.edges, |next| next.first_edge);
        if (self.old.edges - edges) as usize > self.commits_max {
            return Err(NotRead::Full(FullBecause::Renumbered));
        }
        // A descendant of the fork has the next edge, so the fork and its ancestors have no more.
        let is_whole = next.is_none_or(|next| fork.old.contains(&next.commit));
        let is_exact = last.commit == fork.commit || is_whole;
        Ok(Base { edges, fork: is_exact.then_some(fork.commit) })
    }

    /// The record of `commit`, or of one of its ancestors that is not much older.
    fn newest_record(&mut self, commit: Oid) -> Result<Option<CommitRecord>, NotRead> {
        let Source { repository, alloc, .. } = self.source;
        let mut object = Vec::new(alloc);
        loop {
            self.tail.read_more(1).map_err(NotRead::existing)?;
            let record = |commit: Oid| {
                let first_edge = self.tail.first_edge(&commit)?;
                Some(CommitRecord { first_edge, commit })
            };
            let mut next = Some(commit);
            for _ in 0..EDGELESS_MAX {
                let Some(id) = next else { break };
                if let Some(record) = record(id) {
                    return Ok(Some(record));
                }
                repository.read(id, ObjectKind::Commit, &mut object)?;
                let commit = Commit::parse_stored(id, &object)?;
                let of_parents = commit.parents().filter_map(record);
                if let Some(record) = of_parents.max_by_key(|record| record.first_edge) {
                    return Ok(Some(record));
                }
                next = commit.parents().last();
            }
            if self.tail.is_whole() {
                return Ok(None);
            }
        }
    }

    /// Whether the edges of a commit keep their ids, as far as the index was read.
    fn keeps_ids(&self, base: &Base, commit: &Oid) -> bool {
        let first_edge = self.tail.first_edge(commit);
        base.fork == Some(*commit) || first_edge.is_some_and(|first| first < base.edges)
    }

    /// Reads the commits whose edges do not keep their ids, and as much of the index as that needs.
    /// It needs no more when all chains of the walk end at commits that were read, or when none of
    /// its commits is in what was not read. Else the walk is done again.
    fn walk<'r>(
        &mut self,
        arena: &'r Arena<'r>,
        base: &Base,
    ) -> Result<Walked<'t, 'r, 'a>, NotRead> {
        if self.tail.start() == self.old.edges {
            self.tail.read_more(1).map_err(NotRead::existing)?;
        }
        let mut limit = WALK_MIN.min(self.commits_max);
        loop {
            let walked = self.walk_once(arena, base, limit)?;
            let is_over = walked.history.is_none();
            let is_open = is_over || walked.found_root;
            let found = if is_open { self.tail.find(&walked.visited) } else { Ok(None) };
            match found.map_err(NotRead::existing)? {
                Some(chunks) => self.tail.read_more(chunks).map_err(NotRead::existing)?,
                None if !is_over && walked.found_old => return Ok(walked),
                None if !is_over || limit == self.commits_max => return Err(BASE_NOT_FOUND),
                None => limit = limit.saturating_mul(8).min(self.commits_max),
            }
        }
    }

    /// Reads at most `commits_max` of the commits whose edges do not keep their ids, as far as the
    /// index was read.
    fn walk_once<'r>(
        &self,
        arena: &'r Arena<'r>,
        base: &Base,
        commits_max: usize,
    ) -> Result<Walked<'t, 'r, 'a>, RebuildError> {
        let (repository, alloc) = (self.source.repository, self.source.alloc);
        let mut walked = Walked {
            collector: Collector::new(self.source, arena, Storage::Arena)?,
            edgeless: Edgeless::new(alloc),
            counted: Tally::default(),
            visited: Map::new(alloc),
            history: None,
            found_root: false,
            found_old: false,
        };
        let is_base = |id: &Oid| {
            walked.found_old |= *id == self.old.journal_tip;
            self.keeps_ids(base, id)
        };
        let visit = |commit: &Commit<'_>| {
            let (number, collector) = (walked.visited.len(), &mut walked.collector);
            walked.found_root |= commit.parents().next().is_none();
            if number == commits_max {
                return Err(Ended::TooFar);
            }
            walked.visited.try_insert(commit.id, ())?;
            let (edges, malformed) = (collector.count, &collector.malformed);
            let before = (malformed.skipped, malformed.truncated);
            collector.commit(commit)?;
            let tally = Tally::of_one(before, &collector.malformed);
            if self.tail.first_edge(&commit.id).is_some() {
                walked.counted.add(tally);
            } else if collector.count == edges {
                walked.edgeless.try_push(number, commit, tally)?;
            }
            Ok(())
        };
        let ids = CommitIds::new(alloc, arena.cap_bytes().get(), None);
        let (tip, order) = (self.tip, EdgeOrder::OldestFirst);
        match walk_until(repository, alloc, tip, order, ids, is_base, visit) {
            Ok(history) => walked.history = Some(history),
            Err(Ended::TooFar) => {}
            Err(Ended::Failed(error)) => return Err(error),
        }
        Ok(walked)
    }

    /// The commits of a walk, without those that the cache has counted.
    fn newer<'r>(
        mut self,
        base: &Base,
        walked: Walked<'t, 'r, 'a>,
    ) -> Result<Newer<'r, 'a>, NotRead> {
        let Walked { collector, edgeless, mut counted, history, .. } = walked;
        let history = history.ok_or(BASE_NOT_FOUND)?;
        let renumbered = self.tail.records().map(|record| record.first_edge);
        if renumbered.filter(|first| *first >= base.edges).count() != counted.commits as usize {
            return Err(NotRead::existing(ExistingError::Malformed(OTHER_COUNT)));
        }
        let commits_indexed = self.old.commits_indexed - counted.commits;
        let kept = Meta { edges: base.edges, commits_indexed, ..*self.old };
        let old_tip = self.old.journal_tip;
        let suspects = edgeless.suspects(&history, |id| match self.tail.first_edge(id) {
            _ if *id == old_tip => None,
            _ if base.fork == Some(*id) => Some(base.edges),
            first_edge => Some(first_edge? + 1),
        })?;
        let (source, commits_max) = (self.source, self.commits_max);
        let source = (source.repository, source.alloc);
        counted.add(suspects.counted(source, &mut self.tail, old_tip, commits_max)?);
        Newer::new(collector.finish(history)?, self.tip, kept, counted).map_err(NotRead::from)
    }
}
