//! Decoding commits of a pack into buffers of the operation's allocator.

use gix_pack::cache::Never;
use gix_pack::data;
use gix_pack::data::decode::entry::Outcome;
use gix_pack::data::decode::entry::ResolvedBase;

use super::pack::Pack;
use gitmind_git::ObjectKind;
use gitmind_memory::{MemoryError, Vec};
use gitmind_system::mapped::Mapped;

/// Most bytes of a commit that is decoded here; a journal commit has less than 100 KiB.
pub(super) const COMMIT_BYTES_MAX: usize = 128 << 10;
/// Most bytes of memory for applying a delta, known before its base is inflated: twice the largest
/// of its bases and results, and all deltas of the chain.
pub(super) const DELTA_BYTES_MAX: usize = 3 * COMMIT_BYTES_MAX;

/// Largest capacity in bytes that the delta buffer retains after an object of any size.
const SCRATCH_BYTES_RETAINED_MAX: usize = 256 << 10;
/// Most bytes that a compressed byte can inflate to.
const INFLATED_PER_BYTE_MAX: usize = 1032;

/// Whether `packed_bytes` can inflate to `size` bytes, so that memory can be taken for them.
pub(super) const fn is_plausible(size: usize, packed_bytes: usize) -> bool {
    size <= packed_bytes.saturating_mul(INFLATED_PER_BYTE_MAX)
}

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

/// The reusable state of inflating. Deltas are applied in a buffer of the global allocator with at
/// most [`DELTA_BYTES_MAX`] bytes, because `gix-pack` needs a `std` vector.
#[derive(Default)]
pub(in super::super) struct Decoder {
    pub(in super::super) inflate: gix_zlib::Inflate,
    scratch: std::vec::Vec<u8>,
}

impl Decoder {
    /// Appends the commit at `offset` of `pack` to `bytes`, unless it has more than `bytes_max`.
    ///
    /// # Errors
    /// [`MemoryError`] when an allocation fails.
    pub(super) fn commit(
        &mut self,
        pack: &Pack,
        offset: u64,
        bytes_max: usize,
        bytes: &mut Vec<'_, u8>,
    ) -> Result<Decoded, MemoryError> {
        let Some(entry) = pack.commit_entry(offset) else { return Ok(Decoded::Other) };
        let data_offset = entry.data_offset;
        let packed = match entry.header.is_delta() {
            true => self.delta((pack, &pack.data), entry, bytes_max, bytes)?,
            false => self.whole(pack, &entry, bytes_max, bytes)?,
        };
        Ok(packed.map_or(Decoded::Other, |packed| Decoded::Commit { end: data_offset + packed }))
    }

    /// Appends the object of any kind at `offset` of `pack` to `bytes`, unless it has more than
    /// `bytes_max`; returns its kind, or `None` when it is larger or damaged.
    ///
    /// # Errors
    /// [`MemoryError`] when an allocation fails.
    pub(in super::super) fn object(
        &mut self,
        pack: &Pack,
        offset: u64,
        bytes_max: usize,
        bytes: &mut Vec<'_, u8>,
    ) -> Result<Option<ObjectKind>, MemoryError> {
        let Some((entry, kind)) = pack.entry(offset) else { return Ok(None) };
        let packed = if entry.header.is_delta() {
            let Some(data) = pack.data_with_limit(bytes_max) else { return Ok(None) };
            let packed = self.delta((pack, &data), entry, bytes_max, bytes)?;
            self.scratch.clear();
            self.scratch.shrink_to(SCRATCH_BYTES_RETAINED_MAX);
            packed
        } else {
            let size = usize::try_from(entry.decompressed_size).unwrap_or(usize::MAX);
            match is_plausible(size, pack.bytes_from(entry.data_offset)) {
                true => self.whole(pack, &entry, bytes_max, bytes)?,
                false => None,
            }
        };
        Ok(packed.map(|_| kind_of(kind)))
    }

    /// Capacity of the delta buffer in bytes.
    #[cfg(test)]
    pub(super) fn scratch_bytes(&self) -> usize {
        self.scratch.capacity()
    }

    /// Appends an undeltified object; returns its compressed bytes in the pack.
    fn whole(
        &mut self,
        pack: &Pack,
        entry: &data::Entry,
        bytes_max: usize,
        bytes: &mut Vec<'_, u8>,
    ) -> Result<Option<u64>, MemoryError> {
        let (start, size) = (bytes.len(), usize::try_from(entry.decompressed_size));
        let Some(size) = size.ok().filter(|size| *size <= bytes_max) else { return Ok(None) };
        bytes.try_resize_zeroed(start + size)?;
        let packed = pack.data.decompress_entry(entry, &mut self.inflate, &mut bytes[start..]);
        if packed.is_err() {
            bytes.truncate(start);
        }
        Ok(packed.ok().map(|packed| packed as u64))
    }

    /// Appends the result of a delta; returns its compressed bytes in the pack.
    fn delta(
        &mut self,
        (pack, data): (&Pack, &data::File<Mapped>),
        entry: data::Entry,
        bytes_max: usize,
        bytes: &mut Vec<'_, u8>,
    ) -> Result<Option<u64>, MemoryError> {
        let Self { inflate, scratch } = self;
        let base = |name: &gix_hash::oid, _: &mut _| Ok(pack.base(name).map(ResolvedBase::InPack));
        let decoded = data.decode_entry(entry, scratch, inflate, &base, &mut Never);
        let Ok(Outcome { object_size, compressed_size, .. }) = decoded else { return Ok(None) };
        let size = usize::try_from(object_size);
        let Some(object) = size.ok().and_then(|size| scratch.get(..size)) else { return Ok(None) };
        if object.len() > bytes_max {
            return Ok(None);
        }
        bytes.try_extend_from_slice(object)?;
        Ok(Some(compressed_size as u64))
    }
}
