//! The ids of edges that were visited in another order.

use crate::names::Names;
use crate::numbered::NumberedCommits;
use gitmind_memory::{Alloc, MemoryError, Vec};

/// Edge ids by visits.
pub(super) struct EdgeIds<'n> {
    /// The edges visited before each commit, and all of them.
    starts: &'n [u32],
    /// The id of the first edge of each commit.
    first_edges: Vec<'n, u32>,
}

/// Looks up ascending visits.
pub(super) struct Cursor<'n> {
    ids: &'n EdgeIds<'n>,
    /// The commit of the last visit.
    commit: usize,
}

impl<'n> EdgeIds<'n> {
    pub(super) fn new(
        alloc: Alloc<'n>,
        commits: &'n NumberedCommits<'_, Names<'_>>,
    ) -> Result<Self, MemoryError> {
        let mut first_edges = Vec::try_with_capacity(commits.len(), alloc)?;
        first_edges.try_resize(commits.len(), 0)?;
        for (visit, first_edge) in commits.first_edges() {
            first_edges[visit as usize] = first_edge;
        }
        Ok(Self { starts: commits.starts(), first_edges })
    }

    pub(super) const fn cursor(&'n self) -> Cursor<'n> {
        Cursor { ids: self, commit: 0 }
    }
}

impl Cursor<'_> {
    /// The id of the edge that was visited as number `visit`, which is no smaller than the last.
    pub(super) fn id(&mut self, visit: u32) -> u32 {
        let EdgeIds { starts, first_edges } = self.ids;
        // Edges of a shard are spread, so the commit is looked for at distances that double.
        let left = &starts[self.commit..];
        let mut step = 1;
        while left.get(step).is_some_and(|start| *start <= visit) {
            step *= 2;
        }
        let within = &left[step / 2..left.len().min(step)];
        self.commit += step / 2 + within.partition_point(|start| *start <= visit) - 1;
        first_edges[self.commit] + (visit - starts[self.commit])
    }
}
