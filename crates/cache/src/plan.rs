//! The content of a cache, computed before the first byte is written.
//!
//! The header of a pack has the number of its objects, and no object may be in a pack twice, so
//! equal files must be found first. Bitmap files are equal only if their id lists are equal. Two
//! forward lists are never equal, nor two reverse lists, since an edge has one source and one
//! target. The reverse list of `t` equals the forward list of `s` exactly when all edges of `t`
//! come from `s` and `s` has no others. So comparing lists finds all equal files, without hashing.
//!
//! No other objects can be equal. Each chunk of the commit index has another first edge; chunks,
//! bitmaps and metadata start with different magic numbers; and the entry names in a shard, in the
//! directory of chunks and in the root tree have different lengths.

use super::commit_ids::CommitIds;
use super::commit_index::{CommitRecord, RECORDS_PER_CHUNK};
use super::edge_columns::Edges;
use super::end::End;
use super::grouping::{Grouping, Side};
use super::numbered::NumberedCommits;
use super::path_keys::NO_PATH;
use super::postings::{Buffers, Postings, zeroed};
use super::shard::Direction;
use core::ops::Range;
use gitmind_git::oid::Oid;
use gitmind_journal::WalkError;
use gitmind_memory::{Alloc, Arena, ColumnRef, MemoryError};

/// Smallest number of entries per group, except the last: enough work to pay for the handover to
/// a thread.
const GROUP_ENTRIES_MIN: usize = 128;
/// Number of objects that every cache has: metadata, root tree, commit.
const FIXED_OBJECTS: u32 = 3;

/// What edges are grouped by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// The object at the end of an edge.
    Object,
    /// The key of its path.
    Path,
}

impl Key {
    #[inline]
    const fn of(self, end: &End) -> &Oid {
        match self {
            Self::Object => &end.object,
            Self::Path => &end.path,
        }
    }
}

/// The edges of a cache, which are grouped by one key at a time.
pub(super) struct Plan<'r, 'a> {
    edges: Edges<'r>,
    commits: NumberedCommits<'a, CommitIds<'a>>,
    /// The ends in the order of the key.
    order: &'r mut [Ordered],
    /// For each end, the number of its key.
    keys: &'r mut [u32],
    forward: Buffers<'r>,
    reverse: Buffers<'r>,
    first_sources: &'r mut [u32],
}

/// The edges of a cache by one key, which threads share.
pub(super) struct Content<'p> {
    pub(super) key: Key,
    ends: ColumnRef<'p, End>,
    /// For each key in ascending order, an end that has it.
    sorted: &'p [Ordered],
    forward: Postings<'p>,
    reverse: Postings<'p>,
    /// For each object that edges end at, the number of the source of the first of these edges;
    /// nothing by path.
    first_sources: &'p [u32],
}

/// The id lists of a key. An empty list has no file.
pub(super) struct Entry<'a> {
    /// The object id, or the key of the path.
    pub(super) oid: Oid,
    /// Ids of the edges that start there.
    pub(super) forward: &'a [u32],
    /// Ids of the edges that end there.
    pub(super) reverse: &'a [u32],
    /// Ids of the edges that start at the source of the first of `reverse`; none without one.
    of_first_source: &'a [u32],
}

impl<'a> Entry<'a> {
    /// The ids of one direction.
    pub(super) const fn of(&self, direction: Direction) -> &'a [u32] {
        match direction {
            Direction::Forward => self.forward,
            Direction::Reverse => self.reverse,
        }
    }

    /// Whether the reverse file equals a forward file of the cache, of entries by object.
    pub(super) fn reverse_is_shared(&self) -> bool {
        !self.reverse.is_empty() && self.of_first_source == self.reverse
    }

    /// Number of files that no other entry has.
    fn own_files(&self) -> u32 {
        let reverse = !self.reverse.is_empty() && !self.reverse_is_shared();
        u32::from(!self.forward.is_empty()) + u32::from(reverse)
    }
}

impl<'r, 'a> Plan<'r, 'a> {
    /// Allocates what grouping the edges needs.
    pub(super) fn new(
        arena: &'r Arena<'r>,
        commits: NumberedCommits<'a, CommitIds<'a>>,
        edges: Edges<'r>,
    ) -> Result<Self, MemoryError> {
        let (ends, edge_count) = (edges.ends.len(), edges.sources.len());
        Ok(Self {
            order: arena.try_alloc_slice_with(ends, |_| Ordered(0))?,
            keys: zeroed(arena, ends)?,
            forward: Buffers::new(arena, ends, edge_count)?,
            reverse: Buffers::new(arena, ends, edge_count)?,
            first_sources: zeroed(arena, ends)?,
            edges,
            commits,
        })
    }

    /// Groups the edges by `key`, with `workers` threads beside this one.
    pub(super) fn group(&mut self, key: Key, alloc: Alloc<'_>, workers: usize) -> Content<'_> {
        let Self { edges, commits, order, keys, forward, reverse, first_sources } = self;
        let ends = edges.ends.view();
        let key_count = number_keys(key, ends, order, keys);
        let first_sources = match key {
            Key::Object => &mut first_sources[..key_count],
            Key::Path => &mut [],
        };
        let (sources, targets) = (edges.sources.view(), edges.targets.view());
        let keys = &**keys;
        let grouping = Grouping { key_count, keys, sources, targets, spans: commits.spans() };
        let forward = Side::Forward(forward.reborrow());
        let reverse = Side::Reverse(reverse.reborrow(), first_sources);
        let [forward, reverse] = grouping.run([forward, reverse], alloc, workers);
        let ((forward, _), (reverse, first_sources)) = (forward, reverse);
        Content { key, ends, sorted: &order[..key_count], forward, reverse, first_sources }
    }

    /// The records of the commit index, in the order of edge ids.
    pub(super) fn commits(&self) -> impl Iterator<Item = Result<CommitRecord, WalkError>> + '_ {
        self.commits.records()
    }

    /// The number of objects in the pack of the cache that are not files and directories of shards.
    pub(super) fn objects_beside_shards(&self) -> u32 {
        let chunks = self.commits.spans().count().div_ceil(RECORDS_PER_CHUNK as usize);
        let mut has_paths = [false; 256];
        for end in self.edges.ends.view().iter().filter(|end| end.path != NO_PATH) {
            has_paths[usize::from(end.path.shard())] = true;
        }
        let path_files = has_paths.into_iter().filter(|is_there| *is_there).count();
        let directory_of = |files: usize| match files {
            0 => 0,
            files => u32::try_from(files).unwrap_or(u32::MAX).saturating_add(1),
        };
        FIXED_OBJECTS + directory_of(chunks) + directory_of(path_files)
    }
}

/// The number of an end, below the first bytes of its key, so that ends are sorted as integers.
/// Keys are hashes, which mostly differ there.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Ordered(u64);

impl Ordered {
    fn new(key: &Oid, end: u32) -> Self {
        let head = key.as_bytes().first_chunk().map_or(0, |head| u32::from_be_bytes(*head));
        Self(u64::from(head) << u32::BITS | u64::from(end))
    }

    const fn head(self) -> u64 {
        self.0 >> u32::BITS
    }

    #[expect(clippy::cast_possible_truncation, reason = "the end is what is below")]
    const fn end(self) -> u32 {
        self.0 as u32
    }
}

/// Numbers the keys of `ends` in ascending order: `keys` gets the number of each end's key, and the
/// first elements of `order` an end for each key. Returns the number of keys.
fn number_keys(
    key: Key,
    ends: ColumnRef<'_, End>,
    order: &mut [Ordered],
    keys: &mut [u32],
) -> usize {
    let key_of = |ordered: Ordered| key.of(ends.at(ordered.end() as usize));
    for (slot, (end, number)) in order.iter_mut().zip(ends.iter().zip(0..)) {
        *slot = Ordered::new(key.of(end), number);
    }
    order.sort_unstable();
    for same_head in order.chunk_by_mut(|a, b| a.head() == b.head()) {
        if same_head.len() > 1 {
            same_head.sort_unstable_by_key(|ordered| key_of(*ordered));
        }
    }
    let mut count = 0;
    for index in 0..order.len() {
        let ordered = order[index];
        let is_new = count == 0 || {
            let last: Ordered = order[count - 1];
            last.head() != ordered.head() || key_of(last) != key_of(ordered)
        };
        if is_new {
            order[count] = ordered;
            count += 1;
        }
        keys[ordered.end() as usize] = u32::try_from(count - 1).unwrap_or(u32::MAX);
    }
    count
}

impl Content<'_> {
    /// The number of files and directories of the shards, each counted once.
    pub(super) fn objects(&self) -> u32 {
        let of_shard = |entries: &mut dyn Iterator<Item = Entry<'_>>| -> u32 {
            1 + entries.map(|entry| entry.own_files()).sum::<u32>()
        };
        self.shards().map(|(_, mut entries)| of_shard(&mut entries)).sum()
    }

    /// The entries by shard, in ascending order.
    pub(super) fn shards(&self) -> impl Iterator<Item = (u8, impl Iterator<Item = Entry<'_>>)> {
        self.shards_of(0..self.sorted.len())
    }

    /// The entries of a group by shard.
    pub(super) fn shards_of(
        &self,
        group: Range<usize>,
    ) -> impl Iterator<Item = (u8, impl Iterator<Item = Entry<'_>>)> {
        let mut left = group;
        core::iter::from_fn(move || {
            let shard = self.shard(*self.sorted[left.clone()].first()?);
            let len = self.sorted[left.clone()].partition_point(|&end| self.shard(end) <= shard);
            let entries = left.start..left.start + len;
            left.start = entries.end;
            Some((shard, entries.map(|key| self.entry(key))))
        })
    }

    /// Groups of whole shards, as ranges of positions in `sorted`.
    pub(super) fn groups(&self) -> impl Iterator<Item = Range<usize>> + Send + '_ {
        let mut start = 0;
        core::iter::from_fn(move || {
            let rest = &self.sorted[start..];
            let last = *rest.get(rest.len().min(GROUP_ENTRIES_MIN).checked_sub(1)?)?;
            let shard = self.shard(last);
            let end = start + rest.partition_point(|&end| self.shard(end) <= shard);
            Some(core::mem::replace(&mut start, end)..end)
        })
    }

    fn shard(&self, end: Ordered) -> u8 {
        self.key.of(self.ends.at(end.end() as usize)).shard()
    }

    fn entry(&self, index: usize) -> Entry<'_> {
        let number = u32::try_from(index).unwrap_or(u32::MAX);
        let (forward, reverse) = (self.forward.of(number), self.reverse.of(number));
        let oid = *self.key.of(self.ends.at(self.sorted[index].end() as usize));
        let of_first_source = match self.first_sources.get(index) {
            None | Some(&u32::MAX) => &[],
            Some(source) => self.forward.of(*source),
        };
        Entry { oid, forward, reverse, of_first_source }
    }
}
