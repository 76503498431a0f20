//! The edges of a journal as two columns in the arena: the numbers of their source and target ends.

use super::end::End;
use super::number_table::{NumberTable, NumberTableError};
use super::path_keys::{KnownPaths, NO_PATH, path_key};
use core::num::NonZero;
use gitmind_git::oid::Oid;
use gitmind_memory::{Arena, ArenaColumn, InternTable, MemoryError};

/// Bytes per edge that planning allocates: the edge id in both directions.
const PLAN_BYTES_PER_EDGE: u64 = 8;
/// Bytes per end that planning allocates: four numbers, and its place in an order.
const PLAN_BYTES_PER_END: u64 = 24;
/// Bytes per commit that the lists of commits use outside the arena, without the commit ids.
const BYTES_PER_COMMIT: u64 = 8;
/// Part of the cap that is left for buffers outside the arena: 1/16 of the cap, but at least this,
/// and at most half of the cap.
const RESERVE_BYTES: u64 = 12 << 20;

/// Edges in the arena, each column in visiting order.
pub(super) struct EdgeColumns<'r, 'a> {
    arena: &'r Arena<'r>,
    ends: NumberTable<'r, 'a, End>,
    /// For each path, one more than the number of the last end with it. It is mostly the next one
    /// with it as well, and has the path's key in any case.
    last_ends: KnownPaths<'a, NonZero<u32>>,
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
    /// No edges. The paths that are known use the empty table `texts`, and about `paths_bytes_max`.
    pub(super) fn new(
        arena: &'r Arena<'r>,
        texts: InternTable<'a>,
        paths_bytes_max: usize,
    ) -> Self {
        let ends = NumberTable::new(arena, texts.alloc());
        let last_ends = KnownPaths::new(texts, paths_bytes_max);
        let (sources, targets) = (ArenaColumn::new(arena), ArenaColumn::new(arena));
        Self { arena, ends, last_ends, sources, targets }
    }

    /// The number of the end at `object` with the path `path`, which is added if it is new.
    #[inline]
    pub(super) fn number(&mut self, object: Oid, path: &[u8]) -> Result<u32, NumberTableError> {
        if path.is_empty() {
            return self.ends.number(End { object, path: NO_PATH });
        }
        let last = self.last_ends.value(path)?;
        let key = match last.map(|plus_one| plus_one.get() - 1) {
            Some(number) => {
                let end = self.ends.keys().at(number as usize);
                if end.object == object {
                    return Ok(number);
                }
                end.path
            }
            None => path_key(path),
        };
        let number = self.ends.number(End { object, path: key })?;
        *last = NonZero::new(number.wrapping_add(1));
        Ok(number)
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

    /// Drops the hash index of the ends, and the known paths.
    pub(super) fn into_edges(self) -> Edges<'r> {
        let Self { ends, sources, targets, .. } = self;
        Edges { ends: ends.into_keys(), sources, targets }
    }
}
