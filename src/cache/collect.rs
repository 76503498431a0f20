//! Collecting a journal's edges: two numbers each, no strings, no object per edge.

use super::error::RebuildError;
use super::oid_table::OidTable;
use crate::git::{Commit, Repository};
use crate::journal::{Edge, EdgeOrder, History, Malformed, MessageError, PayloadBuffer, walk};
use crate::oid::Oid;
use crate::progress::{Progress, Step};
use std::collections::TryReserveError;

/// Malformed commits that are kept to be named; the others are only counted.
const NAMED_MAX: usize = 8;
/// Commits between two progress reports.
const REPORT_EVERY: usize = 1024;

/// The edges of a journal.
pub(super) struct Collected {
    pub(super) history: History,
    pub(super) oids: Vec<Oid>,
    /// Number of the source of each edge, in visiting order.
    sources: Vec<u32>,
    /// Number of the target of each edge, in visiting order.
    targets: Vec<u32>,
    /// For each visited commit, where its edges start; one more entry ends the last.
    starts: Vec<u32>,
    pub(super) malformed: MalformedCounts,
}

/// Malformed commits by kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct MalformedCounts {
    pub(super) skipped: u32,
    pub(super) truncated: u32,
    /// The first few.
    pub(super) named: Vec<Malformed>,
}

impl Collected {
    /// Reads the journal at `tip`. With `strict`, a malformed commit is an error.
    pub(super) fn read(
        repository: &dyn Repository,
        tip: Oid,
        order: EdgeOrder,
        strict: bool,
        progress: &dyn Progress,
    ) -> Result<Self, RebuildError> {
        let mut collector = Collector { strict, ..Default::default() };
        let history = walk(repository, tip, order, |commit| {
            let commits = collector.starts.len();
            if commits.is_multiple_of(REPORT_EVERY) {
                progress.report(Step::Reading, commits as u64, None);
            }
            collector.commit(commit)
        })?;
        let Collector { oids, sources, targets, mut starts, malformed, .. } = collector;
        push(&mut starts, edge_count(&sources)?)?;
        Ok(Self { history, oids: oids.into_oids(), sources, targets, starts, malformed })
    }

    /// The number of edges.
    pub(super) fn edges(&self) -> u32 {
        self.starts.last().copied().unwrap_or(0)
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

#[derive(Default)]
struct Collector {
    strict: bool,
    payload: PayloadBuffer,
    oids: OidTable,
    sources: Vec<u32>,
    targets: Vec<u32>,
    starts: Vec<u32>,
    malformed: MalformedCounts,
}

impl Collector {
    fn commit(&mut self, commit: &Commit<'_>) -> Result<(), RebuildError> {
        let first = edge_count(&self.sources)?;
        push(&mut self.starts, first)?;
        let mut payload = std::mem::take(&mut self.payload);
        let outcome = match payload.edges(commit) {
            Err(MessageError::OutOfMemory(_)) => Err(RebuildError::OutOfMemory),
            Err(problem) => {
                self.malformed.skipped += 1;
                self.report(Malformed::Skipped { commit: commit.id, problem })
            }
            Ok(mut edges) => edges.try_for_each(|edge| match edge {
                Ok(edge) => self.edge(&edge),
                Err(problem) => {
                    let edges_kept = edge_count(&self.sources)? - first;
                    self.malformed.truncated += 1;
                    self.report(Malformed::Truncated { commit: commit.id, edges_kept, problem })
                }
            }),
        };
        self.payload = payload;
        outcome
    }

    fn edge(&mut self, edge: &Edge<'_>) -> Result<(), RebuildError> {
        let (source, target) = (self.oids.number(edge.source)?, self.oids.number(edge.target)?);
        push(&mut self.sources, source)?;
        push(&mut self.targets, target)?;
        Ok(())
    }

    fn report(&mut self, malformed: Malformed) -> Result<(), RebuildError> {
        if self.strict {
            return Err(RebuildError::Malformed(malformed));
        }
        if self.malformed.named.len() < NAMED_MAX {
            push(&mut self.malformed.named, malformed)?;
        }
        Ok(())
    }
}

/// How many edges there are; the next one gets this id.
fn edge_count(sources: &[u32]) -> Result<u32, RebuildError> {
    u32::try_from(sources.len()).map_err(|_| RebuildError::TooManyEdges)
}

fn push<T>(vec: &mut Vec<T>, value: T) -> Result<(), TryReserveError> {
    vec.try_reserve(1)?;
    vec.push(value);
    Ok(())
}

/// Values in the order of edge ids: commit after commit as numbered, each one's edges as written.
#[derive(Clone)]
struct InOrder<'a, I> {
    commits: I,
    collected: &'a Collected,
    values: &'a [u32],
    commit: std::slice::Iter<'a, u32>,
    left: usize,
}

impl<'a> InOrder<'a, ()> {
    fn new(
        collected: &'a Collected,
        values: &'a [u32],
    ) -> InOrder<'a, impl Iterator<Item = u32> + Clone + 'a> {
        let commits = collected.history.numbered();
        InOrder { commits, collected, values, commit: [].iter(), left: values.len() }
    }
}

impl<I: Iterator<Item = u32>> Iterator for InOrder<'_, I> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        loop {
            if let Some(value) = self.commit.next() {
                self.left -= 1;
                return Some(*value);
            }
            let visit = self.commits.next()? as usize;
            let (start, end) = (self.collected.starts[visit], self.collected.starts[visit + 1]);
            self.commit = self.values[start as usize..end as usize].iter();
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<I: Iterator<Item = u32>> ExactSizeIterator for InOrder<'_, I> {}
