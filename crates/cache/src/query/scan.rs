//! Answering a query from the journal in two passes: find the edges, then read their commits again.
//!
//! The walk is newest first, and an edge id is known only when all older commits have been counted.
//! So the first pass stores 24 bytes for each commit and the position of each edge found, 4 bytes.
//! The second pass reads these edges again, in the order of their ids.

use super::emitter::{EmitError, Emitter};
use super::{Answer, Endpoint, FoundEdge, QueryError};
use crate::numbered::NumberedCommits;
use core::ops::ControlFlow;
use gitmind_git::Repository;
use gitmind_git::oid::Oid;
use gitmind_journal::{EdgeOrder, JournalItem, MalformedCounts, PayloadBuffer, walk};
use gitmind_memory::{Alloc, Column, Vec};

/// A query on the journal at `tip`.
pub(super) struct Scan<'q, 'a> {
    pub(super) repository: &'q dyn Repository,
    pub(super) alloc: Alloc<'a>,
    pub(super) tip: Oid,
    pub(super) edge_order: EdgeOrder,
    pub(super) endpoint: Endpoint<'q>,
}

impl<'a> Scan<'_, 'a> {
    /// Visits the edges that `emitter` has not visited yet.
    pub(super) fn run<V, E>(&self, emitter: &mut Emitter<'_, '_, V>) -> Result<Answer, E>
    where
        E: From<QueryError>,
        V: FnMut(&FoundEdge<'_>) -> Result<ControlFlow<()>, E>,
    {
        let mut answer = Answer {
            edge_order: self.edge_order,
            edges: 0,
            unusable: None,
            malformed: MalformedCounts::default(),
        };
        let (commits, found) = self.find(&mut answer)?;
        for span in commits.spans() {
            let before = |position: u32| found.partition_point(|edge| *edge < position);
            let found = &found[before(span.visited.start)..before(span.visited.end)];
            let ids = found.iter().map(|edge| edge - span.visited.start + span.first_edge);
            let next_id = emitter.next_id();
            let mut ids = ids.filter(|id| *id >= next_id).peekable();
            if ids.peek().is_none() {
                continue;
            }
            let record = commits.record(&span).map_err(QueryError::from)?;
            match emitter.commit(&record, ids) {
                Ok(ControlFlow::Continue(())) => {}
                Ok(ControlFlow::Break(())) => break,
                Err(EmitError::Visit(error)) => return Err(error),
                Err(EmitError::Object(error)) => {
                    let memory = error.memory().map(QueryError::Memory);
                    return Err(memory.unwrap_or(QueryError::Reread(error)).into());
                }
            }
        }
        Ok(answer)
    }

    /// The first pass: returns the commits of the journal, and the positions of the edges with the
    /// endpoint in visiting order.
    fn find(&self, answer: &mut Answer) -> Result<(NumberedCommits<'a>, Vec<'a, u32>), QueryError> {
        let Self { repository, alloc, tip, edge_order, endpoint } = *self;
        let (mut starts, mut found) = (Column::new(alloc), Vec::new(alloc));
        let mut payload = PayloadBuffer::new(alloc);
        let mut edges_read = 0_u32;
        let history = walk(repository, alloc, tip, edge_order, |commit| {
            starts.try_push(edges_read)?;
            let read = payload.read(commit, |item| {
                match item {
                    JournalItem::Edge(_, edge) => {
                        if endpoint.is_of(edge) {
                            found.try_push(edges_read)?;
                        }
                        edges_read = edges_read.checked_add(1).ok_or(QueryError::TooManyEdges)?;
                    }
                    JournalItem::Malformed(malformed) => answer.malformed.add(malformed),
                }
                Ok::<_, QueryError>(ControlFlow::Continue(()))
            });
            read.map(|_| ())
        })?;
        starts.try_push(edges_read)?;
        Ok((NumberedCommits::new(history, starts), found))
    }
}
