//! The assignment of edge ids to the commits of a journal.

use super::commit_index::CommitRecord;
use core::ops::Range;
use gitmind_git::oid::Oid;
use gitmind_journal::{CommitIdList, History, WalkError};
use gitmind_memory::{Column, ColumnRef, Vec};

/// The commits of a journal with the number of edges of each.
#[derive(Debug)]
pub(super) struct NumberedCommits<'a, N = Vec<'a, Oid>> {
    history: History<'a, N>,
    /// For each visited commit, the number of edges before it; a last entry with the total.
    starts: Column<'a, u32>,
}

/// The edges of one commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// The commit's visit number.
    pub(super) visit: u32,
    /// The id of its first edge.
    pub(super) first_edge: u32,
    /// The positions of its edges in visiting order.
    pub(super) visited: Range<u32>,
}

impl<'a, N: CommitIdList> NumberedCommits<'a, N> {
    /// The commits of `history`; `starts` must have one more entry than commits.
    pub(super) fn new(history: History<'a, N>, starts: Column<'a, u32>) -> Self {
        debug_assert_eq!(starts.len(), history.commit_ids().len() + 1, "the last one has an end");
        Self { history, starts }
    }

    /// The number of commits, whether they have edges or not.
    pub(super) fn len(&self) -> usize {
        self.history.commit_ids().len()
    }

    /// The number of edges.
    pub(super) fn edges(&self) -> u32 {
        self.starts.len().checked_sub(1).map_or(0, |last| self.starts[last])
    }

    /// The commits that have edges, in the order of edge ids.
    pub(super) fn spans(&self) -> impl Iterator<Item = Span> + Clone + Send + Sync + '_ {
        let starts = self.starts.view();
        let spans = self.history.numbered().scan(0, move |next, visit| {
            let visited = *starts.at(visit as usize)..*starts.at(visit as usize + 1);
            let first_edge = *next;
            *next += visited.end - visited.start;
            Some(Span { visit, first_edge, visited })
        });
        spans.filter(|span| !span.visited.is_empty())
    }

    /// For each visited commit, the number of edges before it; a last entry with the total.
    pub(super) fn starts(&self) -> ColumnRef<'_, u32> {
        self.starts.view()
    }

    /// For each commit its visit number, and the id that its first edge has or would have.
    pub(super) fn first_edges(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        self.history.numbered().scan(0, |next, visit| {
            let first_edge = *next;
            *next += self.starts[visit as usize + 1] - self.starts[visit as usize];
            Some((visit, first_edge))
        })
    }

    /// Calls `visit` with each of `edges` and its id, by ascending ids; `position` gives the
    /// position of an edge in visiting order, by which they are sorted.
    pub(super) fn place<T, E>(
        &self,
        edges: &[T],
        position: impl Fn(&T) -> u32,
        mut visit: impl FnMut(&T, u32) -> Result<(), E>,
    ) -> Result<(), E> {
        if edges.is_empty() {
            return Ok(());
        }
        for Span { first_edge, visited, .. } in self.spans() {
            let before = |end: u32| edges.partition_point(|edge| position(edge) < end);
            for edge in &edges[before(visited.start)..before(visited.end)] {
                visit(edge, position(edge) - visited.start + first_edge)?;
            }
        }
        Ok(())
    }

    /// The record of the commit index for the commit of `span`.
    pub(super) fn record(&self, span: &Span) -> Result<CommitRecord, WalkError> {
        let commit = self.history.commit_ids().get(span.visit as usize)?;
        Ok(CommitRecord { first_edge: span.first_edge, commit })
    }

    /// The records of the commit index, in the order of edge ids.
    pub(super) fn records(&self) -> impl Iterator<Item = Result<CommitRecord, WalkError>> + '_ {
        self.spans().map(|span| self.record(&span))
    }
}
