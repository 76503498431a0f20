//! The edges of a journal as two columns in the arena: the numbers of source and target objects.

use super::commit_ids::CommitIds;
use super::numbered::{NumberedCommits, Span};
use super::oid_table::{OidTable, OidTableError};
use core::ops::Range;
use gitmind_git::oid::Oid;
use gitmind_memory::{Arena, ArenaVec, MemoryError};

/// Initial capacity in edges: large enough that the columns are not small objects of the arena.
const EDGES_MIN: usize = 1024;
/// Bytes per edge that planning allocates: the edge id in both directions.
const PLAN_BYTES_PER_EDGE: u64 = 8;
/// Bytes per object that planning allocates: four numbers.
const PLAN_BYTES_PER_OID: u64 = 16;
/// Bytes per commit that the lists of commits use outside the arena, without the commit ids.
const BYTES_PER_COMMIT: u64 = 8;
/// Part of the cap that is left for buffers outside the arena: 1/16 of the cap, but at least this,
/// and at most half of the cap.
const RESERVE_BYTES: u64 = 12 << 20;

/// Edges in the arena.
pub(super) struct EdgeColumns<'r> {
    arena: &'r Arena<'r>,
    oids: OidTable<'r>,
    /// Number of the source of each edge, in visiting order.
    sources: ArenaVec<'r, u32>,
    /// Number of the target of each edge, in visiting order.
    targets: ArenaVec<'r, u32>,
}

impl<'r> EdgeColumns<'r> {
    pub(super) fn new(arena: &'r Arena<'r>) -> Result<Self, MemoryError> {
        Ok(Self {
            arena,
            oids: OidTable::new(arena)?,
            sources: ArenaVec::try_with_capacity(EDGES_MIN, arena)?,
            targets: ArenaVec::try_with_capacity(EDGES_MIN, arena)?,
        })
    }

    /// Adds an edge.
    pub(super) fn try_push(&mut self, source: Oid, target: Oid) -> Result<(), OidTableError> {
        self.sources.try_push(self.oids.number(source)?)?;
        self.targets.try_push(self.oids.number(target)?)?;
        Ok(())
    }

    /// Removes all but the first `edges`.
    pub(super) fn truncate(&mut self, edges: usize) {
        self.sources.truncate(edges);
        self.targets.truncate(edges);
    }

    /// Whether a cache of these edges and `commits` would exceed the arena's cap.
    pub(super) fn is_near_cap(&self, commits: usize) -> bool {
        let (edges, oids) = (self.targets.len() as u64, self.oids.oids().len() as u64);
        let planned = PLAN_BYTES_PER_EDGE * edges + PLAN_BYTES_PER_OID * oids;
        let needed = self.arena.held_bytes().get() + planned + BYTES_PER_COMMIT * commits as u64;
        let cap = self.arena.cap_bytes().get();
        needed > cap - (cap / 16).max(RESERVE_BYTES).min(cap / 2)
    }

    /// Source and target of each edge, in visiting order.
    pub(super) fn edges(&self) -> impl Iterator<Item = (Oid, Oid)> + '_ {
        let oid = |number: &u32| self.oids.oids()[*number as usize];
        self.sources
            .iter()
            .zip(&self.targets)
            .map(move |(source, target)| (oid(source), oid(target)))
    }

    /// The ids of the objects, by number.
    pub(super) fn oids(&self) -> &[Oid] {
        self.oids.oids()
    }

    /// Frees the columns and returns the ids of the objects, by number.
    pub(super) fn into_oids(self) -> &'r [Oid] {
        self.oids.into_oids()
    }

    /// The number of the source of each edge, in the order of edge ids.
    pub(super) fn sources<'k>(
        &'k self,
        commits: &'k NumberedCommits<'_, CommitIds<'_>>,
    ) -> impl ExactSizeIterator<Item = u32> + Clone + 'k {
        InOrder {
            spans: commits.spans(),
            values: &self.sources,
            commit: [].iter(),
            left: self.sources.len(),
        }
    }

    /// The number of the target of each edge, in the order of edge ids.
    pub(super) fn targets<'k>(
        &'k self,
        commits: &'k NumberedCommits<'_, CommitIds<'_>>,
    ) -> impl ExactSizeIterator<Item = u32> + Clone + 'k {
        InOrder {
            spans: commits.spans(),
            values: &self.targets,
            commit: [].iter(),
            left: self.targets.len(),
        }
    }
}

/// Iterates a column in the order of edge ids; the column is in visiting order.
#[derive(Clone)]
struct InOrder<'a, I> {
    spans: I,
    values: &'a [u32],
    commit: core::slice::Iter<'a, u32>,
    left: usize,
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
