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

use super::commit_index::{CommitRecord, RECORDS_PER_CHUNK};
use super::kept::Kept;
use super::names::Names;
use super::numbered::NumberedCommits;
use super::postings::{Postings, zeroed};
use core::ops::Range;
use gitmind_git::oid::Oid;
use gitmind_journal::WalkError;
use gitmind_memory::{Arena, MemoryError};

/// Objects of a group, if there are as many: enough to be worth a thread's while.
const GROUP_ENTRIES_MIN: usize = 512;
/// Objects that every cache has: metadata, root tree, commit.
const FIXED_OBJECTS: u32 = 3;

/// What a cache will consist of.
pub(super) struct Plan<'r, 'a> {
    content: Content<'r>,
    commits: NumberedCommits<'a, Names<'a>>,
}

/// The content of its shards, in the order in which it is written; threads may share it.
pub(super) struct Content<'r> {
    oids: &'r [Oid],
    /// Numbers of the oids, sorted by oid.
    sorted: &'r [u32],
    forward: Postings<'r>,
    reverse: Postings<'r>,
    /// For each oid that edges end at, the source of the first of them.
    first_sources: &'r [u32],
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

impl<'r, 'a> Plan<'r, 'a> {
    /// Plans the cache of the edges of `commits`, which are freed on the way.
    pub(super) fn new(
        arena: &'r Arena<'r>,
        commits: NumberedCommits<'a, Names<'a>>,
        kept: Kept<'r>,
    ) -> Result<Self, MemoryError> {
        let oid_count = kept.oids().len();
        let (sources, targets) = (kept.sources(&commits), kept.targets(&commits));
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
        let oids = kept.into_oids();
        let sorted = sorted_numbers(arena, oids)?;
        let content = Content { oids, sorted, forward, reverse, first_sources };
        Ok(Self { content, commits })
    }

    /// The content of the shards.
    pub(super) const fn content(&self) -> &Content<'r> {
        &self.content
    }

    /// The number of objects that the cache's pack has.
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

    /// The chunks of the commit index and their folder; nothing when there are no edges.
    fn index_objects(&self) -> u32 {
        match self.commits.spans().count().div_ceil(RECORDS_PER_CHUNK as usize) {
            0 => 0,
            chunks => u32::try_from(chunks).unwrap_or(u32::MAX).saturating_add(1),
        }
    }
}

impl Content<'_> {
    /// The entries by shard, in the order of their names.
    pub(super) fn shards(&self) -> impl Iterator<Item = (u8, impl Iterator<Item = Entry<'_>>)> {
        self.shards_of(0..self.sorted.len())
    }

    /// The entries of a group.
    pub(super) fn shards_of(
        &self,
        group: Range<usize>,
    ) -> impl Iterator<Item = (u8, impl Iterator<Item = Entry<'_>>)> {
        let shards = self.sorted[group].chunk_by(|&a, &b| self.shard(a) == self.shard(b));
        shards.map(|shard| (self.shard(shard[0]), shard.iter().map(|&number| self.entry(number))))
    }

    /// All entries in groups of whole shards, by their positions.
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

/// The numbers of `oids`, in the order of the oids.
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
