//! A journal's edges in the arena: two numbers each, no strings, no object per edge.

use super::names::Names;
use super::numbered::{NumberedCommits, Span};
use super::oid_table::{OidTable, OidTableError};
use core::ops::Range;
use gitmind_git::oid::Oid;
use gitmind_memory::{Arena, ArenaVec, MemoryError};

/// Edges that there is room for from the start: the arrays are then no small objects of the arena.
const EDGES_MIN: usize = 1024;
/// What planning takes for an edge: its id in both directions.
const PLAN_BYTES_PER_EDGE: u64 = 8;
/// What planning takes for an object: four numbers.
const PLAN_BYTES_PER_OID: u64 = 16;
/// What the lists of commits take for one, beside the arena and the names.
const BYTES_PER_COMMIT: u64 = 8;
/// What is left of the cap for buffers beside the arena: a sixteenth, at least this, at most half.
const RESERVE_BYTES: u64 = 12 << 20;

/// Edges that fit the arena so far.
pub(super) struct Kept<'r> {
    arena: &'r Arena<'r>,
    oids: OidTable<'r>,
    /// Number of the source of each edge, in visiting order.
    sources: ArenaVec<'r, u32>,
    /// Number of the target of each edge, in visiting order.
    targets: ArenaVec<'r, u32>,
}

impl<'r> Kept<'r> {
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

    /// Keeps the first `edges`.
    pub(super) fn truncate(&mut self, edges: usize) {
        self.sources.truncate(edges);
        self.targets.truncate(edges);
    }

    /// Whether a cache of these edges and `commits` would take more than the arena's cap.
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

    /// The ids of objects; the index is the number.
    pub(super) fn oids(&self) -> &[Oid] {
        self.oids.oids()
    }

    /// The ids of objects alone, which stay; the edges are freed.
    pub(super) fn into_oids(self) -> &'r [Oid] {
        self.oids.into_oids()
    }

    /// The number of the source of each edge, in the order of edge ids.
    pub(super) fn sources<'k>(
        &'k self,
        commits: &'k NumberedCommits<'_, Names<'_>>,
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
        commits: &'k NumberedCommits<'_, Names<'_>>,
    ) -> impl ExactSizeIterator<Item = u32> + Clone + 'k {
        InOrder {
            spans: commits.spans(),
            values: &self.targets,
            commit: [].iter(),
            left: self.targets.len(),
        }
    }
}

/// Values in the order of edge ids: commit after commit as numbered, each one's edges as written.
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
