//! Decoding objects of a pack into buffers of the operation's allocator.

use gix_pack::data;

use super::bases::Bases;
use super::delta;
use super::inflate::Inflater;
use super::pack::{CHAIN_MAX, Pack};
use gitmind_git::ObjectKind;
use gitmind_inflate::BlockInflater;
use gitmind_memory::{Alloc, Box, MemoryError, Vec};

/// Most bytes of a commit that is decoded here; a journal commit has less than 100 KiB.
pub(super) const COMMIT_BYTES_MAX: usize = 128 << 10;

pub(super) const fn kind_of(kind: gix_object::Kind) -> ObjectKind {
    match kind {
        gix_object::Kind::Blob => ObjectKind::Blob,
        gix_object::Kind::Tree => ObjectKind::Tree,
        gix_object::Kind::Commit => ObjectKind::Commit,
        gix_object::Kind::Tag => ObjectKind::Tag,
    }
}

/// The outcome of decoding at an offset of a pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decoded {
    /// A commit; its bytes were appended.
    Commit {
        /// Where the next entry starts.
        end: u64,
    },
    /// An object of another kind, one above the size limit, or a damaged one.
    Other,
}

/// The buffers of a reader, of the operation's allocator.
pub(in super::super) struct Scratch<'a> {
    /// The compressed bytes of a loose object, or the instructions of a delta.
    pub(super) input: Vec<'a, u8>,
    /// The base of a delta.
    base: Vec<'a, u8>,
    /// Made for the first commit, since what reads others reads few small objects.
    block: Option<Box<'a, BlockInflater>>,
}

impl<'a> Scratch<'a> {
    pub(in super::super) const fn new(alloc: Alloc<'a>) -> Self {
        Self { input: Vec::new(alloc), base: Vec::new(alloc), block: None }
    }

    fn block(&mut self, alloc: Alloc<'a>) -> Result<&mut BlockInflater, MemoryError> {
        if self.block.is_none() {
            self.block = Some(alloc.try_box(BlockInflater::new())?);
        }
        Ok(self.block.as_deref_mut().expect("this holds because it was made above"))
    }

    /// Capacity of the buffers in bytes.
    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.input.capacity() + self.base.capacity()
    }
}

/// Reads objects of packs; has the reusable state of inflating.
#[derive(Default)]
pub(in super::super) struct Decoder {
    pub(in super::super) inflater: Inflater,
}

impl Decoder {
    /// Appends the commit at `offset` of `pack` to `bytes`, unless it has more than `bytes_max`, or
    /// what it is made of more than [`COMMIT_BYTES_MAX`].
    ///
    /// # Errors
    /// [`MemoryError`] when an allocation fails.
    pub(super) fn commit<'a>(
        &mut self,
        pack: &Pack,
        offset: u64,
        bytes_max: usize,
        scratch: &mut Scratch<'a>,
        bytes: &mut Vec<'a, u8>,
    ) -> Result<Decoded, MemoryError> {
        let Some(entry) = pack.commit_entry(offset) else { return Ok(Decoded::Other) };
        scratch.block(bytes.alloc())?;
        let limits = [bytes_max, COMMIT_BYTES_MAX];
        let packed = self.whole(pack, &entry, limits, None, scratch, bytes)?;
        let end = |packed| Decoded::Commit { end: entry.data_offset + packed as u64 };
        Ok(packed.map_or(Decoded::Other, end))
    }

    /// Appends the commits at two offsets of `pack` to `bytes`, in less time than one after the
    /// other; returns where the second one starts. `None`, and `bytes` is as before, unless both
    /// are no deltas, small and of the shape that [`BlockInflater`] accepts.
    ///
    /// # Errors
    /// [`MemoryError`] when an allocation fails.
    pub(super) fn two_commits<'a>(
        pack: &Pack,
        offsets: [u64; 2],
        bytes_max: usize,
        scratch: &mut Scratch<'a>,
        bytes: &mut Vec<'a, u8>,
    ) -> Result<Option<usize>, MemoryError> {
        let whole = |offset| {
            let (size, start) = pack.whole_commit(offset)?;
            Some((usize::try_from(size).ok()?, pack.bytes_from(start)))
        };
        let [Some((size, input)), Some((second_size, second_input))] = offsets.map(whole) else {
            return Ok(None);
        };
        if size.saturating_add(second_size) > bytes_max {
            return Ok(None);
        }
        let (second, block) = (bytes.len() + size, scratch.block(bytes.alloc())?);
        let sizes = [size, second_size];
        let are_read = Inflater::append_two([input, second_input], sizes, block, bytes)?;
        Ok(are_read.then_some(second))
    }

    /// Appends the object of any kind at `offset` of `pack` to `bytes`; returns its kind, or `None`
    /// when it, or what it is made of, has more than `bytes_max`, or it is damaged. A tree is made
    /// of `bases`, and added to them with those that it is made of.
    ///
    /// # Errors
    /// [`MemoryError`] when an allocation fails.
    pub(in super::super) fn object<'a>(
        &mut self,
        pack: &Pack,
        offset: u64,
        bytes_max: usize,
        bases: Option<&mut Bases<'_>>,
        scratch: &mut Scratch<'a>,
        bytes: &mut Vec<'a, u8>,
    ) -> Result<Option<ObjectKind>, MemoryError> {
        let Some((entry, kind)) = pack.entry(offset) else { return Ok(None) };
        let bases = bases.filter(|_| kind == gix_object::Kind::Tree);
        let packed = self.whole(pack, &entry, [bytes_max; 2], bases, scratch, bytes)?;
        Ok(packed.map(|_| kind_of(kind)))
    }

    /// Appends the object of an entry; returns its compressed bytes in the pack. `None` when it is
    /// damaged or too large, and `bytes` is then as before. The limits are that of its size, and
    /// that of the sizes of deltas and bases.
    fn whole<'a>(
        &mut self,
        pack: &Pack,
        entry: &data::Entry,
        [bytes_max, parts_bytes_max]: [usize; 2],
        bases: Option<&mut Bases<'_>>,
        Scratch { input, base, block }: &mut Scratch<'a>,
        bytes: &mut Vec<'a, u8>,
    ) -> Result<Option<usize>, MemoryError> {
        base.clear();
        let start = bytes.len();
        let inflaters = (&mut self.inflater, block.as_deref_mut());
        let mut parts = Parts { pack, inflaters, bases, input, parts_bytes_max };
        let packed = parts.append(entry, CHAIN_MAX, bytes_max, base, bytes)?;
        if packed.is_none() {
            bytes.truncate(start);
        }
        Ok(packed)
    }
}

/// What inflates any stream, and what inflates small ones faster.
type Inflaters<'p> = (&'p mut Inflater, Option<&'p mut BlockInflater>);

/// Puts an object together from the entries of its chain of deltas.
struct Parts<'p, 'a, 'b> {
    pack: &'p Pack,
    inflaters: Inflaters<'p>,
    bases: Option<&'p mut Bases<'b>>,
    /// The instructions of a delta.
    input: &'p mut Vec<'a, u8>,
    parts_bytes_max: usize,
}

impl<'a> Parts<'_, 'a, '_> {
    /// Appends the object of an entry with a chain of less than `chain_max` to `bytes`; returns its
    /// compressed bytes, or 0 of a base that is known. What `other` has is there afterwards as
    /// well, unless there is no object.
    fn append(
        &mut self,
        entry: &data::Entry,
        chain_max: usize,
        bytes_max: usize,
        other: &mut Vec<'a, u8>,
        bytes: &mut Vec<'a, u8>,
    ) -> Result<Option<usize>, MemoryError> {
        let (pack, offset) = (self.pack.number, entry.data_offset);
        let known = self.bases.as_deref().and_then(|bases| bases.get(pack, offset));
        if let Some(known) = known.filter(|known| known.len() <= bytes_max) {
            bytes.try_extend_from_slice(known)?;
            return Ok(Some(0));
        }
        let start = bytes.len();
        let packed = self.decode(entry, chain_max, bytes_max, other, bytes)?;
        if let (Some(_), Some(bases)) = (packed, &mut self.bases) {
            bases.add(pack, offset, &bytes[start..])?;
        }
        Ok(packed)
    }

    /// As [`Self::append`], from the pack.
    fn decode(
        &mut self,
        entry: &data::Entry,
        chain_max: usize,
        bytes_max: usize,
        other: &mut Vec<'a, u8>,
        bytes: &mut Vec<'a, u8>,
    ) -> Result<Option<usize>, MemoryError> {
        let Self { pack, parts_bytes_max, .. } = *self;
        if !entry.header.is_delta() {
            return inflate(pack, entry, bytes_max, &mut self.inflaters, bytes);
        }
        let Some(base) = pack.base(entry).filter(|_| chain_max > 1) else { return Ok(None) };
        let start = other.len();
        if self.append(&base, chain_max - 1, parts_bytes_max, bytes, other)?.is_none() {
            return Ok(None);
        }
        self.input.clear();
        let packed = inflate(pack, entry, parts_bytes_max, &mut self.inflaters, self.input)?;
        let is_sound = delta::apply(&other[start..], self.input, bytes_max, bytes)?;
        other.truncate(start);
        Ok(packed.filter(|_| is_sound))
    }
}

/// Appends what an entry holds, an object or a delta; returns its compressed bytes. `None` when it
/// is damaged or has more than `bytes_max`.
fn inflate(
    pack: &Pack,
    entry: &data::Entry,
    bytes_max: usize,
    (inflater, block): &mut Inflaters<'_>,
    bytes: &mut Vec<'_, u8>,
) -> Result<Option<usize>, MemoryError> {
    let size = usize::try_from(entry.decompressed_size).ok();
    let Some(size) = size.filter(|size| *size <= bytes_max) else { return Ok(None) };
    inflater.append(pack.bytes_from(entry.data_offset), size, block.as_deref_mut(), bytes)
}
