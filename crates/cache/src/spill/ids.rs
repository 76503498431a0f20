//! Mapping the positions of edges in visiting order to edge ids.

use crate::commit_ids::CommitIds;
use crate::numbered::NumberedCommits;
use gitmind_memory::{Alloc, ColumnRef, MemoryError, Vec};

/// The edge ids by position in visiting order.
pub(super) struct EdgeIds<'n> {
    /// For each visited commit, the number of edges before it; a last entry with the total.
    starts: ColumnRef<'n, u32>,
    /// For each visited commit, the id of its first edge.
    first_edges: Vec<'n, u32>,
}

/// Looks up ascending positions.
pub(super) struct Cursor<'n> {
    ids: &'n EdgeIds<'n>,
    /// The visit number of the commit of the last lookup.
    commit: usize,
}

impl<'n> EdgeIds<'n> {
    pub(super) fn new(
        alloc: Alloc<'n>,
        commits: &'n NumberedCommits<'_, CommitIds<'_>>,
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
    /// The id of the edge at the position `visit`, which must not be less than that of the last
    /// lookup.
    pub(super) fn id(&mut self, visit: u32) -> u32 {
        let EdgeIds { starts, first_edges } = self.ids;
        // Exponential search: the edges of a shard are spread over many commits.
        let is_before = |commit: usize| commit < starts.len() && *starts.at(commit) <= visit;
        let mut step = 1;
        while is_before(self.commit + step) {
            step *= 2;
        }
        // Binary search between the last commit that is before and the first that is not.
        let mut behind = self.commit + step;
        self.commit += step / 2;
        while behind - self.commit > 1 {
            let middle = self.commit + (behind - self.commit) / 2;
            if is_before(middle) {
                self.commit = middle;
            } else {
                behind = middle;
            }
        }
        first_edges[self.commit] + (visit - starts.at(self.commit))
    }
}
