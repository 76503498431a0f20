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
use super::edge_columns::EdgeColumns;
use super::numbered::NumberedCommits;
use super::postings::{Postings, zeroed};
use core::ops::Range;
use gitmind_git::oid::Oid;
use gitmind_journal::WalkError;
use gitmind_memory::{Arena, MemoryError};

/// Smallest number of entries per group, except the last: enough work to pay for the handover to
/// a thread.
const GROUP_ENTRIES_MIN: usize = 512;
/// Number of objects that every cache has: metadata, root tree, commit.
const FIXED_OBJECTS: u32 = 3;

/// The content of a cache.
pub(super) struct Plan<'r, 'a> {
    content: Content<'r>,
    commits: NumberedCommits<'a, CommitIds<'a>>,
}

/// The content of the shards, which threads share.
pub(super) struct Content<'r> {
    oids: &'r [Oid],
    /// The numbers of `oids`, sorted by object id.
    sorted: &'r [u32],
    forward: Postings<'r>,
    reverse: Postings<'r>,
    /// For each object that edges end at, the source of the first of these edges.
    first_sources: &'r [u32],
}

/// The id lists of an object. An empty list has no file.
pub(super) struct Entry<'a> {
    pub(super) oid: Oid,
    /// Ids of the edges that start at the object.
    pub(super) forward: &'a [u32],
    /// Ids of the edges that end at the object.
    pub(super) reverse: &'a [u32],
    /// Whether the reverse file equals a forward file of the cache.
    pub(super) reverse_is_shared: bool,
}

impl Entry<'_> {
    /// Number of files that no other entry has.
    fn own_files(&self) -> u32 {
        let reverse = !self.reverse.is_empty() && !self.reverse_is_shared;
        u32::from(!self.forward.is_empty()) + u32::from(reverse)
    }
}

impl<'r, 'a> Plan<'r, 'a> {
    /// Plans the cache of the edges in `columns`, which are freed.
    pub(super) fn new(
        arena: &'r Arena<'r>,
        commits: NumberedCommits<'a, CommitIds<'a>>,
        columns: EdgeColumns<'r>,
    ) -> Result<Self, MemoryError> {
        let oid_count = columns.oids().len();
        let (sources, targets) = (columns.sources(&commits), columns.targets(&commits));
        let forward = Postings::group(arena, oid_count, sources.clone())?;
        let reverse = Postings::group(arena, oid_count, targets.clone())?;
        let first_sources = zeroed(arena, oid_count)?;
        first_sources.fill(u32::MAX);
        for (source, target) in sources.zip(targets) {
            let first = &mut first_sources[target as usize];
            if *first == u32::MAX {
                *first = source;
            }
        }
        let oids = columns.into_oids();
        let sorted = sorted_numbers(arena, oids)?;
        let content = Content { oids, sorted, forward, reverse, first_sources };
        Ok(Self { content, commits })
    }

    /// The content of the shards.
    pub(super) const fn content(&self) -> &Content<'r> {
        &self.content
    }

    /// The number of objects in the pack of the cache.
    pub(super) fn objects(&self) -> u32 {
        let of_shard = |entries: &mut dyn Iterator<Item = Entry<'_>>| -> u32 {
            1 + entries.map(|entry| entry.own_files()).sum::<u32>()
        };
        let shards =
            self.content.shards().map(|(_, mut entries)| of_shard(&mut entries)).sum::<u32>();
        FIXED_OBJECTS + shards + self.index_objects()
    }

    /// The records of the commit index, in the order of edge ids.
    pub(super) fn commits(&self) -> impl Iterator<Item = Result<CommitRecord, WalkError>> + '_ {
        self.commits.records()
    }

    /// The number of objects of the commit index: the chunks and their directory; 0 without edges.
    fn index_objects(&self) -> u32 {
        match self.commits.spans().count().div_ceil(RECORDS_PER_CHUNK as usize) {
            0 => 0,
            chunks => u32::try_from(chunks).unwrap_or(u32::MAX).saturating_add(1),
        }
    }
}

impl Content<'_> {
    /// The entries by shard, in ascending order.
    pub(super) fn shards(&self) -> impl Iterator<Item = (u8, impl Iterator<Item = Entry<'_>>)> {
        self.shards_of(0..self.sorted.len())
    }

    /// The entries of a group by shard.
    pub(super) fn shards_of(
        &self,
        group: Range<usize>,
    ) -> impl Iterator<Item = (u8, impl Iterator<Item = Entry<'_>>)> {
        let shards = self.sorted[group].chunk_by(|&a, &b| self.shard(a) == self.shard(b));
        shards.map(|shard| (self.shard(shard[0]), shard.iter().map(|&number| self.entry(number))))
    }

    /// Groups of whole shards, as ranges of positions in `sorted`.
    pub(super) fn groups(&self) -> impl Iterator<Item = Range<usize>> + Send + '_ {
        let mut start = 0;
        core::iter::from_fn(move || {
            let rest = &self.sorted[start..];
            let last = *rest.get(rest.len().min(GROUP_ENTRIES_MIN).checked_sub(1)?)?;
            let shard = self.shard(last);
            let end = start + rest.partition_point(|&number| self.shard(number) <= shard);
            Some(core::mem::replace(&mut start, end)..end)
        })
    }

    fn shard(&self, number: u32) -> u8 {
        self.oids[number as usize].shard()
    }

    fn entry(&self, number: u32) -> Entry<'_> {
        let (forward, reverse) = (self.forward.of(number), self.reverse.of(number));
        let oid = self.oids[number as usize];
        let first_source = self.first_sources[number as usize];
        let reverse_is_shared = !reverse.is_empty() && self.forward.of(first_source) == reverse;
        Entry { oid, forward, reverse, reverse_is_shared }
    }
}

/// The numbers of `oids`, sorted by object id.
pub(super) fn sorted_numbers<'r>(
    arena: &'r Arena<'r>,
    oids: &[Oid],
) -> Result<&'r [u32], MemoryError> {
    let sorted = zeroed(arena, oids.len())?;
    for (slot, number) in sorted.iter_mut().zip(0..) {
        *slot = number;
    }
    sorted.sort_unstable_by_key(|&number| oids[number as usize]);
    Ok(sorted)
}
