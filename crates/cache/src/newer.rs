//! Reading the commits of a journal that a cache does not have.

use super::collect::{Collected, Collector, Edges, Source, Storage};
use super::commit_ids::CommitIds;
use super::edge_columns;
use super::edgeless::Tally;
use super::error::{FullBecause, RebuildError};
use super::existing::{Existing, ExistingError};
use super::full::meta_of;
use super::marks::Marks;
use super::merged::Merged;
use super::meta::Meta;
use super::numbered::NumberedCommits;
use gitmind_git::Commit;
use gitmind_git::oid::Oid;
use gitmind_journal::{EdgeOrder, MalformedCounts, RangeWalk, walk_range};
use gitmind_memory::Arena;

/// The commits and edges that are added to a cache.
pub(super) struct Newer<'r, 'a> {
    pub(super) commits: NumberedCommits<'a, CommitIds<'a>>,
    pub(super) edges: edge_columns::Edges<'r>,
    pub(super) marks: Marks<'a>,
    pub(super) malformed: MalformedCounts,
    /// The metadata of the cache, with the numbers of the edges whose ids stay and of their commits
    /// in the index.
    pub(super) kept: Meta,
    /// The metadata of what is added.
    pub(super) added: Meta,
}

/// Why commits that are newer than a cache were not read.
pub(super) enum NotRead {
    /// A full rebuild is needed.
    Full(FullBecause),
    /// The journal cannot be read.
    Failed(RebuildError),
}

impl<E: Into<RebuildError>> From<E> for NotRead {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl NotRead {
    /// The cache cannot be used, unless it could not be read for lack of memory.
    pub(super) fn existing(error: ExistingError) -> Self {
        match error.memory() {
            Some(failure) => Self::Failed(failure.into()),
            None => Self::Full(error.into()),
        }
    }
}

impl<'a> Source<'_, 'a> {
    /// Reads the commits of the journal at `tip` that the cache `existing` does not have into the
    /// arena, at most `commits_max` of them.
    pub(super) fn read_newer<'r>(
        self,
        arena: &'r Arena<'r>,
        tip: Oid,
        existing: &Existing,
        commits_max: usize,
    ) -> Result<Newer<'r, 'a>, NotRead> {
        let mut collector = Collector::new(self, arena, Storage::Arena)?;
        let ids = CommitIds::new(self.alloc, arena.cap_bytes().get(), None);
        let visit = |commit: &Commit<'_>| collector.commit(commit);
        let base = existing.meta.journal_tip;
        match walk_range(self.repository, self.alloc, tip, base, commits_max, ids, visit)? {
            RangeWalk::BaseNotFound => Err(NotRead::Full(FullBecause::BaseNotFound)),
            RangeWalk::Newer(history) => {
                let collected = collector.finish(history)?;
                Ok(Newer::new(collected, tip, existing.meta, Tally::default())?)
            }
            RangeWalk::Merge => Merged::read(self, arena, tip, existing, commits_max),
        }
    }
}

impl<'r, 'a> Newer<'r, 'a> {
    /// What was collected into an arena, without the commits that the cache has `counted`.
    pub(super) fn new(
        collected: Collected<'r, 'a>,
        tip: Oid,
        kept: Meta,
        counted: Tally,
    ) -> Result<Self, RebuildError> {
        let Collected { commits, edges, marks, malformed } = collected;
        let mut added = meta_of(tip, EdgeOrder::OldestFirst, &commits, &malformed)?;
        added.commits -= counted.commits;
        added.commits_skipped -= counted.skipped;
        added.edges_truncated -= counted.truncated;
        match edges {
            Edges::InMemory(edges) => Ok(Self { commits, edges, marks, malformed, kept, added }),
            Edges::Spilled(_) => unreachable!("`Storage::Arena` never spills"),
        }
    }
}
