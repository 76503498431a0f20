//! Visiting the edges of an answer, one journal commit at a time.

use super::{Endpoint, FoundEdge};
use crate::commit_index::CommitRecord;
use crate::existing::ExistingError;
use crate::indexed::edges_of;
use core::ops::ControlFlow;
use gitmind_git::Repository;
use gitmind_journal::PayloadBuffer;
use gitmind_memory::{Alloc, Vec};

/// Why edges could not be visited.
pub(super) enum EmitError<E> {
    /// A commit cannot be read, or does not have the expected edges.
    Object(ExistingError),
    /// The visitor failed.
    Visit(E),
}

impl<E, T: Into<ExistingError>> From<T> for EmitError<E> {
    fn from(error: T) -> Self {
        Self::Object(error.into())
    }
}

/// The visitor of a query, and its progress.
pub(super) struct Emitter<'q, 'a, V> {
    repository: &'q dyn Repository,
    endpoint: Endpoint<'q>,
    visit: V,
    commit: Vec<'a, u8>,
    payload: PayloadBuffer<'a>,
    edges: u64,
    /// One more than the id of the last visited edge.
    next_id: u32,
}

impl<'q, 'a, V> Emitter<'q, 'a, V> {
    pub(super) fn new(
        repository: &'q dyn Repository,
        alloc: Alloc<'a>,
        endpoint: Endpoint<'q>,
        visit: V,
    ) -> Self {
        let (commit, payload) = (Vec::new(alloc), PayloadBuffer::new(alloc));
        Self { repository, endpoint, visit, commit, payload, edges: 0, next_id: 0 }
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
    ) -> Result<ControlFlow<()>, EmitError<E>>
    where
        V: FnMut(&FoundEdge<'_>) -> Result<ControlFlow<()>, E>,
    {
        let (author, mut edges) =
            edges_of(self.repository, record, &mut self.commit, &mut self.payload)?;
        let mut next = record.first_edge;
        for edge_id in ids {
            let edge = edges.nth((edge_id - next) as usize);
            let edge = edge.filter(|edge| self.endpoint.is_of(edge));
            let edge = edge.ok_or(ExistingError::Edge { id: edge_id })?;
            let found = FoundEdge { id: edge_id, commit: record.commit, author, edge };
            let flow = (self.visit)(&found).map_err(EmitError::Visit)?;
            // Does not overflow: there are at most `u32::MAX` edges.
            next = edge_id + 1;
            self.next_id = next;
            self.edges += 1;
            if flow.is_break() {
                return Ok(flow);
            }
        }
        Ok(ControlFlow::Continue(()))
    }
}
