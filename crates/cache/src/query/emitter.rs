//! Visiting the edges of an answer, one journal commit at a time.

use super::contents::Contents;
use super::{FoundEdge, QueryError};
use crate::commit_index::CommitRecord;
use crate::existing::ExistingError;
use crate::indexed::edges_of;
use crate::marks::Marks;
use core::ops::ControlFlow;
use gitmind_git::Repository;
use gitmind_journal::{EdgeOrder, PayloadBuffer};
use gitmind_memory::{Alloc, MemoryError, Vec};

/// Why edges could not be visited.
pub(super) enum EmitError<E> {
    /// A part of the cache, or a commit, cannot be read, or does not have the expected edges.
    Object(ExistingError),
    /// The journal cannot be read.
    Journal(QueryError),
    /// The visitor failed.
    Visit(E),
}

impl<E: From<QueryError>> EmitError<E> {
    /// The error that the query ends with.
    pub(super) fn into_visitors(self) -> E {
        match self {
            Self::Visit(error) => error,
            Self::Journal(error) => error.into(),
            Self::Object(error) => {
                let memory = error.memory().map(QueryError::Memory);
                memory.unwrap_or(QueryError::Reread(error)).into()
            }
        }
    }
}

impl<E> From<ExistingError> for EmitError<E> {
    fn from(error: ExistingError) -> Self {
        Self::Object(error)
    }
}

impl<E> From<MemoryError> for EmitError<E> {
    fn from(error: MemoryError) -> Self {
        Self::Journal(error.into())
    }
}

impl<E> From<QueryError> for EmitError<E> {
    fn from(error: QueryError) -> Self {
        Self::Journal(error)
    }
}

/// What tells of an edge how it belongs to the answer.
pub(super) struct View<'v, 'q, 'a> {
    pub(super) contents: &'v Contents<'q, 'a>,
    /// All marked edges of the journal.
    pub(super) marks: &'v Marks<'a>,
    pub(super) order: EdgeOrder,
}

/// The visitor of a query, and its progress.
pub(super) struct Emitter<'q, 'a, V> {
    repository: &'q dyn Repository,
    visit: V,
    commit: Vec<'a, u8>,
    payload: PayloadBuffer<'a>,
    edges: u64,
    /// One more than the id of the last visited edge.
    next_id: u32,
}

impl<'q, 'a, V> Emitter<'q, 'a, V> {
    pub(super) fn new(repository: &'q dyn Repository, alloc: Alloc<'a>, visit: V) -> Self {
        let (commit, payload) = (Vec::new(alloc), PayloadBuffer::new(alloc));
        Self { repository, visit, commit, payload, edges: 0, next_id: 0 }
    }

    /// The number of visited edges.
    pub(super) fn edges(&self) -> u64 {
        self.edges
    }

    /// One more than the id of the last visited edge.
    pub(super) fn next_id(&self) -> u32 {
        self.next_id
    }

    /// Visits the edges of the commit of `record` with these ids, which must ascend.
    pub(super) fn commit<E>(
        &mut self,
        record: &CommitRecord,
        ids: impl Iterator<Item = u32>,
        view: &View<'_, '_, '_>,
    ) -> Result<ControlFlow<()>, EmitError<E>>
    where
        V: FnMut(&FoundEdge<'_>) -> Result<ControlFlow<()>, E>,
    {
        let (author, mut edges) =
            edges_of(self.repository, record, &mut self.commit, &mut self.payload)?;
        let mut next = record.first_edge;
        for id in ids {
            let edge = edges.nth((id - next) as usize).ok_or(ExistingError::Edge { id })?;
            let (content, end) = view.contents.of(&edge).ok_or(ExistingError::Edge { id })?;
            let found = FoundEdge {
                id,
                commit: record.commit,
                author,
                content,
                end,
                standing: view.marks.standing(&edge, id, view.order),
                connects_contents: view.contents.connects(&edge),
                edge,
            };
            let flow = (self.visit)(&found).map_err(EmitError::Visit)?;
            // Does not overflow: there are at most `u32::MAX` edges.
            next = id + 1;
            self.next_id = next;
            self.edges += 1;
            if flow.is_break() {
                return Ok(flow);
            }
        }
        Ok(ControlFlow::Continue(()))
    }
}
