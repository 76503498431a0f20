//! Which edge ids each commit of a journal has.

use super::commit_index::CommitRecord;
use core::ops::Range;
use gitmind_git::oid::Oid;
use gitmind_journal::{CommitNames, History, WalkError};
use gitmind_memory::Vec;

/// The commits of a journal with the number of edges of each.
#[derive(Debug)]
pub(super) struct NumberedCommits<'a, N = Vec<'a, Oid>> {
    history: History<'a, N>,
    /// For each visited commit, the edges visited before it; one more entry ends the last.
    starts: Vec<'a, u32>,
}

/// The edges of one commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// The commit's visit number.
    pub(super) visit: u32,
    /// The id of its first edge.
    pub(super) first_edge: u32,
    /// Where its edges are in the order of visits.
    pub(super) visited: Range<u32>,
}

impl<'a, N: CommitNames> NumberedCommits<'a, N> {
    /// The commits of `history`. There is one more start than commits.
    pub(super) fn new(history: History<'a, N>, starts: Vec<'a, u32>) -> Self {
        debug_assert_eq!(starts.len(), history.names().len() + 1, "the last one has an end");
        Self { history, starts }
    }

    /// The number of commits, whether they have edges or not.
    pub(super) fn len(&self) -> usize {
        self.history.names().len()
    }

    /// The number of edges.
    pub(super) fn edges(&self) -> u32 {
        self.starts.last().copied().unwrap_or(0)
    }

    /// The commits that have edges, in the order of edge ids.
    pub(super) fn spans(&self) -> impl Iterator<Item = Span> + Clone + '_ {
        let spans = self.history.numbered().scan(0, |next, visit| {
            let visited = self.starts[visit as usize]..self.starts[visit as usize + 1];
            let first_edge = *next;
            *next += visited.end - visited.start;
            Some(Span { visit, first_edge, visited })
        });
        spans.filter(|span| !span.visited.is_empty())
    }

    /// The edges visited before each commit, in the order of visits, and then all of them.
    pub(super) fn starts(&self) -> &[u32] {
        &self.starts
    }

    /// The visit number of each commit, and the id that its first edge has or would have.
    pub(super) fn first_edges(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        self.history.numbered().scan(0, |next, visit| {
            let first_edge = *next;
            *next += self.starts[visit as usize + 1] - self.starts[visit as usize];
            Some((visit, first_edge))
        })
    }

    /// The record of the commit index for the commit of a span.
    pub(super) fn record(&self, span: &Span) -> Result<CommitRecord, WalkError> {
        let commit = self.history.names().get(span.visit as usize)?;
        Ok(CommitRecord { first_edge: span.first_edge, commit })
    }

    /// The commits that have edges, as the commit index records them.
    pub(super) fn records(&self) -> impl Iterator<Item = Result<CommitRecord, WalkError>> + '_ {
        self.spans().map(|span| self.record(&span))
    }
}
