//! The edges of a journal as two columns in the arena: the numbers of their source and target ends.

use super::end::End;
use super::number_table::{NumberTable, NumberTableError};
use gitmind_memory::{Alloc, Arena, ArenaColumn, MemoryError};

/// Bytes per edge that planning allocates: the edge id in both directions.
const PLAN_BYTES_PER_EDGE: u64 = 8;
/// Bytes per end that planning allocates: five numbers.
const PLAN_BYTES_PER_END: u64 = 20;
/// Bytes per commit that the lists of commits use outside the arena, without the commit ids.
const BYTES_PER_COMMIT: u64 = 8;
/// Part of the cap that is left for buffers outside the arena: 1/16 of the cap, but at least this,
/// and at most half of the cap.
const RESERVE_BYTES: u64 = 12 << 20;

/// Edges in the arena, each column in visiting order.
pub(super) struct EdgeColumns<'r, 'a> {
    arena: &'r Arena<'r>,
    ends: NumberTable<'r, 'a, End>,
    sources: ArenaColumn<'r, u32>,
    targets: ArenaColumn<'r, u32>,
}

/// The columns of edges that are complete.
pub(super) struct Edges<'r> {
    pub(super) ends: ArenaColumn<'r, End>,
    pub(super) sources: ArenaColumn<'r, u32>,
    pub(super) targets: ArenaColumn<'r, u32>,
}

impl<'r, 'a> EdgeColumns<'r, 'a> {
    pub(super) fn new(arena: &'r Arena<'r>, alloc: Alloc<'a>) -> Self {
        let (sources, targets) = (ArenaColumn::new(arena), ArenaColumn::new(arena));
        Self { arena, ends: NumberTable::new(arena, alloc), sources, targets }
    }

    /// The number of an end, which is added if it is new.
    pub(super) fn number(&mut self, end: End) -> Result<u32, NumberTableError> {
        self.ends.number(end)
    }

    /// Adds an edge between two ends, which are given by number.
    pub(super) fn try_push(&mut self, source: u32, target: u32) -> Result<(), MemoryError> {
        self.sources.try_push(source)?;
        self.targets.try_push(target)
    }

    /// Whether a cache of these edges and `commits` would exceed the arena's cap.
    pub(super) fn is_near_cap(&self, commits: usize) -> bool {
        let (edges, ends) = (self.targets.len() as u64, self.ends.keys().len() as u64);
        let planned = PLAN_BYTES_PER_EDGE * edges + PLAN_BYTES_PER_END * ends;
        let needed = self.arena.held_bytes().get() + planned + BYTES_PER_COMMIT * commits as u64;
        let cap = self.arena.cap_bytes().get();
        needed > cap - (cap / 16).max(RESERVE_BYTES).min(cap / 2)
    }

    /// Source and target of the first `count` edges, in visiting order.
    pub(super) fn first_edges(&self, count: usize) -> impl Iterator<Item = (End, End)> + '_ {
        let end = |number: &u32| *self.ends.keys().at(*number as usize);
        let (sources, targets) = (self.sources.view(), self.targets.view());
        sources
            .range(0..count)
            .zip(targets.range(0..count))
            .map(move |(source, target)| (end(source), end(target)))
    }

    /// Drops the hash index of the ends.
    pub(super) fn into_edges(self) -> Edges<'r> {
        let Self { ends, sources, targets, .. } = self;
        Edges { ends: ends.into_keys(), sources, targets }
    }
}
