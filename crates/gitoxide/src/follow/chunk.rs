//! Some objects of packs, decoded.

use std::ops::Range;

use super::decode::{COMMIT_BYTES_MAX, Decoded, Decoder};
use super::pack::Pack;
use gitmind_git::oid::Oid;
use gitmind_memory::{Alloc, MemoryError, Vec};

/// Most objects of a chunk.
const OBJECTS_MAX: usize = 256;
/// Bytes of a pack after which a chunk ends.
const PACKED_BYTES_MAX: u64 = 128 << 10;
/// Most bytes that a chunk decodes: what git packs into 128 KiB is rarely four times as much, and
/// a pack that is made to be must not take more.
const CHUNK_BYTES_MAX: usize = 1 << 20;

/// The commits among some objects.
pub(super) struct Chunk<'a> {
    entries: Vec<'a, Entry>,
    bytes: Vec<'a, u8>,
}

struct Entry {
    id: Oid,
    /// Where it starts in its pack.
    offset: u64,
    /// Where its bytes end; they start where those before it end.
    end: usize,
    is_decoded: bool,
}

impl Entry {
    /// Appends its commit to `bytes`, if it is one.
    fn decode(
        &mut self,
        pack: &Pack,
        decoder: &mut Decoder,
        bytes: &mut Vec<'_, u8>,
    ) -> Result<(), MemoryError> {
        let left = CHUNK_BYTES_MAX.saturating_sub(bytes.len()).min(COMMIT_BYTES_MAX);
        let decoded = decoder.commit(pack, self.offset, left, bytes)?;
        self.is_decoded = decoded != Decoded::Other;
        self.end = bytes.len();
        Ok(())
    }
}

impl<'a> Chunk<'a> {
    pub(super) const fn new(alloc: Alloc<'a>) -> Self {
        Self { entries: Vec::new(alloc), bytes: Vec::new(alloc) }
    }

    /// The positions of the chunk that starts at `start` of `order`.
    pub(super) fn positions(pack: &Pack, order: &[u32], start: usize) -> Range<usize> {
        let offset = |position: usize| pack.index.pack_offset_at_index(order[position]);
        let most = order.len().min(start + OBJECTS_MAX);
        let first = if start < most { offset(start) } else { 0 };
        let is_near = |&position: &usize| offset(position).saturating_sub(first) < PACKED_BYTES_MAX;
        let end = (start + 1..most).take_while(is_near).last().map_or(start + 1, |last| last + 1);
        start..end.min(most)
    }

    /// Decodes the commits among `objects` of `pack`, names and offsets, in place of what was
    /// there.
    ///
    /// # Errors
    /// Every refusal of the port.
    pub(super) fn fill(
        &mut self,
        pack: &Pack,
        objects: impl Iterator<Item = (Oid, u64)>,
        decoder: &mut Decoder,
    ) -> Result<(), MemoryError> {
        self.entries.clear();
        self.bytes.clear();
        // Names and offsets lie all over the index: asked for in a row, the processor waits for
        // many at once, and between commits for each.
        for (id, offset) in objects {
            self.entries.try_push(Entry { id, offset, end: 0, is_decoded: false })?;
        }
        self.entries.iter_mut().try_for_each(|entry| entry.decode(pack, decoder, &mut self.bytes))
    }

    /// Decodes the object `id` at `offset` of `pack`, if it is a commit, after those it has.
    ///
    /// # Errors
    /// Every refusal of the port.
    pub(super) fn add(
        &mut self,
        id: Oid,
        pack: &Pack,
        offset: u64,
        decoder: &mut Decoder,
    ) -> Result<(), MemoryError> {
        let mut entry = Entry { id, offset, end: 0, is_decoded: false };
        entry.decode(pack, decoder, &mut self.bytes)?;
        self.entries.try_push(entry)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The bytes of the commit that was added last, if it was one.
    pub(super) fn last(&self) -> Option<&[u8]> {
        let (last, before) = self.entries.split_last()?;
        let start = before.last().map_or(0, |entry| entry.end);
        last.is_decoded.then(|| &self.bytes[start..last.end])
    }

    /// Where its first object starts in the pack.
    pub(super) fn offset(&self) -> u64 {
        self.entries.first().map_or(0, |entry| entry.offset)
    }

    /// The objects in their order: the bytes of commits, and `None` for what was not decoded.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Oid, Option<&[u8]>)> {
        let starts = std::iter::once(0).chain(self.entries.iter().map(|entry| entry.end));
        self.entries.iter().zip(starts).map(|(entry, start)| {
            (entry.id, entry.is_decoded.then(|| &self.bytes[start..entry.end]))
        })
    }
}
