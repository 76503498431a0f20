//! Collecting a journal's edges: two numbers each, no strings, no object per edge.

use super::error::{FullBecause, RebuildError};
use super::numbered::{NumberedCommits, Span};
use super::oid_table::OidTable;
use crate::git::{Commit, Repository};
use crate::journal::{
    EdgeOrder, History, Malformed, MessageError, PayloadBuffer, Since, walk, walk_since,
};
use crate::memory::{Alloc, Vec};
use crate::oid::Oid;
use crate::progress::{Progress, Step};
use std::ops::Range;

/// Malformed commits that are kept to be named; the others are only counted.
const NAMED_MAX: usize = 8;
/// Commits between two progress reports.
const REPORT_EVERY: usize = 1024;

/// The edges of a journal.
pub(super) struct Collected<'a> {
    pub(super) commits: NumberedCommits<'a>,
    pub(super) oids: Vec<'a, Oid>,
    /// Number of the source of each edge, in visiting order.
    sources: Vec<'a, u32>,
    /// Number of the target of each edge, in visiting order.
    targets: Vec<'a, u32>,
    pub(super) malformed: MalformedCounts,
}

/// Malformed commits by kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct MalformedCounts {
    pub(super) skipped: u32,
    pub(super) truncated: u32,
    /// The first few.
    pub(super) named: std::vec::Vec<Malformed>,
}

impl<'a> Collected<'a> {
    /// Reads the journal at `tip`. With `strict`, a malformed commit is an error.
    pub(super) fn read(
        repository: &dyn Repository,
        alloc: Alloc<'a>,
        tip: Oid,
        order: EdgeOrder,
        strict: bool,
        progress: &dyn Progress,
    ) -> Result<Self, RebuildError> {
        let mut collector = Collector::new(alloc, strict, progress);
        let history = walk(repository, alloc, tip, order, |commit| collector.commit(commit))?;
        collector.finish(history)
    }

    /// Reads what is newer than `base`, as [`walk_since`] does; or says why that is not possible.
    pub(super) fn read_since(
        repository: &dyn Repository,
        alloc: Alloc<'a>,
        (tip, base): (Oid, Oid),
        commits_max: usize,
        strict: bool,
        progress: &dyn Progress,
    ) -> Result<Result<Self, FullBecause>, RebuildError> {
        let mut collector = Collector::new(alloc, strict, progress);
        let visit = |commit: &Commit<'_>| collector.commit(commit);
        match walk_since(repository, alloc, tip, base, commits_max, visit)? {
            Since::Newer(history) => collector.finish(history).map(Ok),
            Since::Merge => Ok(Err(FullBecause::Merge)),
            Since::NotMet => Ok(Err(FullBecause::NotMet)),
        }
    }

    /// The source of each edge, in the order of edge ids.
    pub(super) fn sources(&self) -> impl ExactSizeIterator<Item = u32> + Clone + '_ {
        InOrder::new(self, &self.sources)
    }

    /// The target of each edge, in the order of edge ids.
    pub(super) fn targets(&self) -> impl ExactSizeIterator<Item = u32> + Clone + '_ {
        InOrder::new(self, &self.targets)
    }
}

struct Collector<'a, 'p> {
    strict: bool,
    progress: &'p dyn Progress,
    payload: PayloadBuffer<'a>,
    oids: OidTable<'a>,
    sources: Vec<'a, u32>,
    targets: Vec<'a, u32>,
    starts: Vec<'a, u32>,
    malformed: MalformedCounts,
}

impl<'a, 'p> Collector<'a, 'p> {
    fn new(alloc: Alloc<'a>, strict: bool, progress: &'p dyn Progress) -> Self {
        Self {
            strict,
            progress,
            payload: PayloadBuffer::new(alloc),
            oids: OidTable::new(alloc),
            sources: Vec::new(alloc),
            targets: Vec::new(alloc),
            starts: Vec::new(alloc),
            malformed: MalformedCounts::default(),
        }
    }

    /// The edges of the commits of `history`, which are those that were collected.
    fn finish(self, history: History<'a>) -> Result<Collected<'a>, RebuildError> {
        let Self { oids, sources, targets, mut starts, malformed, .. } = self;
        starts.try_push(edge_count(&sources)?)?;
        let commits = NumberedCommits::new(history, starts);
        Ok(Collected { commits, oids: oids.into_oids(), sources, targets, malformed })
    }

    fn commit(&mut self, commit: &Commit<'_>) -> Result<(), RebuildError> {
        let Self { strict, progress, payload, oids, sources, targets, starts, malformed } = self;
        if starts.len().is_multiple_of(REPORT_EVERY) {
            progress.report(Step::Reading, starts.len() as u64, None);
        }
        let first = edge_count(sources)?;
        starts.try_push(first)?;
        let edges = match payload.edges(commit) {
            Ok(edges) => edges,
            Err(MessageError::Memory(error)) => return Err(error.into()),
            Err(problem) => {
                malformed.skipped += 1;
                return malformed.note(Malformed::Skipped { commit: commit.id, problem }, *strict);
            }
        };
        for edge in edges {
            match edge {
                Ok(edge) => {
                    sources.try_push(oids.number(edge.source)?)?;
                    targets.try_push(oids.number(edge.target)?)?;
                }
                Err(problem) => {
                    let edges_kept = edge_count(targets)? - first;
                    let cut = Malformed::Truncated { commit: commit.id, edges_kept, problem };
                    malformed.truncated += 1;
                    malformed.note(cut, *strict)?;
                }
            }
        }
        Ok(())
    }
}

impl MalformedCounts {
    /// Keeps one of the first few; with `strict` it is the error.
    fn note(&mut self, malformed: Malformed, strict: bool) -> Result<(), RebuildError> {
        if strict {
            return Err(RebuildError::Malformed(malformed));
        }
        if self.named.len() < NAMED_MAX {
            self.named.push(malformed);
        }
        Ok(())
    }
}

/// How many edges there are; the next one gets this id.
fn edge_count(sources: &[u32]) -> Result<u32, RebuildError> {
    u32::try_from(sources.len()).map_err(|_| RebuildError::TooManyEdges)
}

/// Values in the order of edge ids: commit after commit as numbered, each one's edges as written.
#[derive(Clone)]
struct InOrder<'a, I> {
    spans: I,
    values: &'a [u32],
    commit: std::slice::Iter<'a, u32>,
    left: usize,
}

impl<'a> InOrder<'a, ()> {
    fn new(
        collected: &'a Collected<'a>,
        values: &'a [u32],
    ) -> InOrder<'a, impl Iterator<Item = Span> + Clone + 'a> {
        let spans = collected.commits.spans();
        InOrder { spans, values, commit: [].iter(), left: values.len() }
    }
}

impl<I: Iterator<Item = Span>> Iterator for InOrder<'_, I> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        loop {
            if let Some(value) = self.commit.next() {
                self.left -= 1;
                return Some(*value);
            }
            let Range { start, end } = self.spans.next()?.visited;
            self.commit = self.values[start as usize..end as usize].iter();
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<I: Iterator<Item = Span>> ExactSizeIterator for InOrder<'_, I> {}
