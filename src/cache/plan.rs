//! What a cache will consist of, known before the first byte is written.
//!
//! A pack names its object count in its first bytes, and no object may be in it twice. Bitmap files
//! are equal only when their id lists are: two forward lists never are, nor two reverse ones, since
//! an edge has one source and one target; and the reverse list of `t` is the forward list of `s`
//! exactly when all edges of `t` come from `s` and `s` has no others. So equal files are found by
//! looking at lists, without hashing anything.
//!
//! Nothing else can be equal. The chunks of the commit index start with other first edges, one
//! after another; chunks, bitmaps and metadata start with other letters; and the names in a shard,
//! in the folder of chunks and in the root tree have other lengths.

use super::collect::Collected;
use super::commit_index::{CommitRecord, RECORDS_PER_CHUNK};
use super::numbered::NumberedCommits;
use super::postings::Postings;
use crate::memory::{Alloc, MemoryError, Vec};
use crate::oid::Oid;

/// Objects that every cache has: metadata, root tree, commit.
const FIXED_OBJECTS: u32 = 3;

/// The content of a cache, in the order in which it is written.
pub(super) struct Plan<'a> {
    oids: Vec<'a, Oid>,
    /// Numbers of the oids, sorted by oid.
    sorted: Vec<'a, u32>,
    forward: Postings<'a>,
    reverse: Postings<'a>,
    /// For each oid that edges end at, the source of the first of them.
    first_sources: Vec<'a, u32>,
    commits: NumberedCommits<'a>,
}

/// One object's entries in a cache. An empty list has no file.
pub(super) struct Entry<'a> {
    pub(super) oid: Oid,
    /// Ids of edges that start at it.
    pub(super) forward: &'a [u32],
    /// Ids of edges that end at it.
    pub(super) reverse: &'a [u32],
    /// Whether the reverse file equals some forward file of the cache.
    pub(super) reverse_is_shared: bool,
}

impl Entry<'_> {
    /// Files that only this entry has.
    fn own_files(&self) -> u32 {
        let reverse = !self.reverse.is_empty() && !self.reverse_is_shared;
        u32::from(!self.forward.is_empty()) + u32::from(reverse)
    }
}

impl<'a> Plan<'a> {
    /// Plans the cache of `collected`, whose edge arrays are freed on the way.
    pub(super) fn new(alloc: Alloc<'a>, collected: Collected<'a>) -> Result<Self, MemoryError> {
        let oid_count = collected.oids.len();
        let forward = Postings::group(alloc, oid_count, collected.sources())?;
        let reverse = Postings::group(alloc, oid_count, collected.targets())?;
        let mut first_sources = Vec::try_with_capacity(oid_count, alloc)?;
        first_sources.try_resize(oid_count, u32::MAX)?;
        for (source, target) in collected.sources().zip(collected.targets()) {
            let first = &mut first_sources[target as usize];
            if *first == u32::MAX {
                *first = source;
            }
        }
        let Collected { oids, commits, .. } = collected;
        let mut sorted = Vec::try_with_capacity(oid_count, alloc)?;
        sorted.try_extend((0_u32..).take(oid_count))?;
        sorted.sort_unstable_by_key(|&number| oids[number as usize]);
        Ok(Self { oids, sorted, forward, reverse, first_sources, commits })
    }

    /// The entries by shard, in the order of their names.
    pub(super) fn shards(&self) -> impl Iterator<Item = (u8, impl Iterator<Item = Entry<'_>>)> {
        let shard = |number: u32| self.oids[number as usize].shard();
        let groups = self.sorted.chunk_by(move |&a, &b| shard(a) == shard(b));
        groups.map(move |group| (shard(group[0]), group.iter().map(|&number| self.entry(number))))
    }

    /// The number of objects that the cache's pack has.
    pub(super) fn objects(&self) -> u32 {
        let of_shard = |entries: &mut dyn Iterator<Item = Entry<'_>>| -> u32 {
            1 + entries.map(|entry| entry.own_files()).sum::<u32>()
        };
        let shards = self.shards().map(|(_, mut entries)| of_shard(&mut entries)).sum::<u32>();
        FIXED_OBJECTS + shards + self.index_objects()
    }

    /// The records of the commit index, in the order of edge ids.
    pub(super) fn commits(&self) -> impl Iterator<Item = CommitRecord> + '_ {
        self.commits.records()
    }

    /// The chunks of the commit index and their folder; nothing when there are no edges.
    fn index_objects(&self) -> u32 {
        match self.commits().count().div_ceil(RECORDS_PER_CHUNK as usize) {
            0 => 0,
            chunks => u32::try_from(chunks).unwrap_or(u32::MAX).saturating_add(1),
        }
    }

    fn entry(&self, number: u32) -> Entry<'_> {
        let (forward, reverse) = (self.forward.of(number), self.reverse.of(number));
        let oid = self.oids[number as usize];
        let first_source = self.first_sources[number as usize];
        let reverse_is_shared = !reverse.is_empty() && self.forward.of(first_source) == reverse;
        Entry { oid, forward, reverse, reverse_is_shared }
    }
}
