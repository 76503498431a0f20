//! A batch of decoded commits of packs.

use std::ops::Range;

use super::decode::{COMMIT_BYTES_MAX, Decoded, Decoder, Scratch};
use super::pack::Pack;
use gitmind_git::oid::Oid;
use gitmind_memory::{Alloc, MemoryError, Vec};

/// Most objects of a chunk.
const OBJECTS_MAX: usize = 128;
/// Bytes of a pack after which a chunk ends.
const PACKED_BYTES_MAX: u64 = 128 << 10;
/// Most decoded bytes of a chunk. 128 KiB of a pack of git's rarely inflate to four times as much;
/// the limit bounds the memory for a crafted pack.
const CHUNK_BYTES_MAX: usize = 1 << 20;

/// A sequence of objects, of which the commits are decoded.
pub(super) struct Chunk<'a> {
    entries: Vec<'a, Entry>,
    bytes: Vec<'a, u8>,
    scratch: Scratch<'a>,
}

struct Entry {
    id: Oid,
    /// Offset of the entry in its pack, in bytes.
    offset: u64,
    /// End of its decoded bytes in the buffer; they start at the previous entry's end.
    end: usize,
    is_decoded: bool,
}

impl Entry {
    /// Appends the object to `bytes` if it is a commit.
    fn decode<'a>(
        &mut self,
        pack: &Pack,
        decoder: &mut Decoder,
        scratch: &mut Scratch<'a>,
        bytes: &mut Vec<'a, u8>,
    ) -> Result<(), MemoryError> {
        let left = CHUNK_BYTES_MAX.saturating_sub(bytes.len()).min(COMMIT_BYTES_MAX);
        let decoded = decoder.commit(pack, self.offset, left, scratch, bytes)?;
        self.is_decoded = decoded != Decoded::Other;
        self.end = bytes.len();
        Ok(())
    }

    /// Appends both objects if both are commits as most are; returns whether.
    fn decode_two<'a>(
        &mut self,
        second: &mut Self,
        pack: &Pack,
        scratch: &mut Scratch<'a>,
        bytes: &mut Vec<'a, u8>,
    ) -> Result<bool, MemoryError> {
        let left = CHUNK_BYTES_MAX.saturating_sub(bytes.len());
        let offsets = [self.offset, second.offset];
        let Some(start) = Decoder::two_commits(pack, offsets, left, scratch, bytes)? else {
            return Ok(false);
        };
        (self.end, second.end) = (start, bytes.len());
        (self.is_decoded, second.is_decoded) = (true, true);
        Ok(true)
    }
}

impl<'a> Chunk<'a> {
    pub(super) const fn new(alloc: Alloc<'a>) -> Self {
        Self { entries: Vec::new(alloc), bytes: Vec::new(alloc), scratch: Scratch::new(alloc) }
    }

    /// The range of `order` that the chunk starting at index `start` covers.
    pub(super) fn positions(pack: &Pack, order: &[u32], start: usize) -> Range<usize> {
        let offset = |position: usize| pack.index.offset(order[position]);
        let most = order.len().min(start + OBJECTS_MAX);
        let first = if start < most { offset(start) } else { 0 };
        let is_near = |&position: &usize| offset(position).saturating_sub(first) < PACKED_BYTES_MAX;
        let end = (start + 1..most).take_while(is_near).last().map_or(start + 1, |last| last + 1);
        start..end.min(most)
    }

    /// Replaces the content by the commits among `objects`, which are ids and offsets in `pack`.
    ///
    /// # Errors
    /// [`MemoryError`] when an allocation fails.
    pub(super) fn fill(
        &mut self,
        pack: &Pack,
        objects: impl Iterator<Item = (Oid, u64)>,
        decoder: &mut Decoder,
    ) -> Result<(), MemoryError> {
        self.entries.clear();
        self.bytes.clear();
        // Ids and offsets are scattered over the index: batched lookups overlap their cache misses,
        // which lookups between decodes would not.
        for (id, offset) in objects {
            self.entries.try_push(Entry { id, offset, end: 0, is_decoded: false })?;
        }
        let Self { entries, bytes, scratch } = self;
        let mut decoded = 0;
        while decoded < entries.len() {
            let rest = &mut entries[decoded..];
            if let [first, second, ..] = rest
                && first.decode_two(second, pack, scratch, bytes)?
            {
                decoded += 2;
            } else {
                rest[0].decode(pack, decoder, scratch, bytes)?;
                decoded += 1;
            }
        }
        Ok(())
    }

    /// Appends the object `id` at `offset` of `pack`, decoded if it is a commit.
    ///
    /// # Errors
    /// [`MemoryError`] when an allocation fails.
    pub(super) fn add(
        &mut self,
        id: Oid,
        pack: &Pack,
        offset: u64,
        decoder: &mut Decoder,
    ) -> Result<(), MemoryError> {
        let mut entry = Entry { id, offset, end: 0, is_decoded: false };
        entry.decode(pack, decoder, &mut self.scratch, &mut self.bytes)?;
        self.entries.try_push(entry)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The bytes of the last object, if it was decoded.
    pub(super) fn last(&self) -> Option<&[u8]> {
        let (last, before) = self.entries.split_last()?;
        let start = before.last().map_or(0, |entry| entry.end);
        last.is_decoded.then(|| &self.bytes[start..last.end])
    }

    /// Offset of the first object in its pack, in bytes.
    pub(super) fn offset(&self) -> u64 {
        self.entries.first().map_or(0, |entry| entry.offset)
    }

    /// The objects in their order, each with its bytes, or `None` if it was not decoded.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Oid, Option<&[u8]>)> {
        let starts = std::iter::once(0).chain(self.entries.iter().map(|entry| entry.end));
        self.entries.iter().zip(starts).map(|(entry, start)| {
            (entry.id, entry.is_decoded.then(|| &self.bytes[start..entry.end]))
        })
    }
}
