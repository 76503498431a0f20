//! Reading small objects of packs by reads of the files, without mapping what is around them.
//!
//! The system maps 16 pages where one is touched, and a lookup touches some of the index and of the
//! pack. A query that reads a thousand commits among a million had 90 MB resident by that. What is
//! not found or not whole here is read from the mapped files.

use super::decode::kind_of;
use super::index::PackIndex;
use super::inflate::Inflater;
use gitmind_git::ObjectKind;
use gitmind_git::oid::Oid;
use gitmind_memory::{MemoryError, Vec};
use gitmind_system::calls;
use gix_pack::data;
use std::fs::File;
use std::os::unix::fs::FileExt;

/// Most bytes of an object that is read here; nearly all journal commits have fewer, and so have
/// all chunks of a commit index.
const BYTES_MAX: usize = 8 << 10;
/// Most bytes by which an entry is longer than such an object: a header, and what deflating adds to
/// content that does not get shorter (zlib, `deflateBound`).
const ADDED_BYTES: usize = 64;
/// Bytes that are read first; nearly all journal commits have fewer.
const FIRST_BYTES: usize = 768;

/// The open files of a pack.
pub(super) struct Files {
    pub(super) index: File,
    pub(super) pack: File,
}

/// What reading a small object gave.
pub(in super::super) enum Small {
    /// It was appended.
    Read(ObjectKind),
    /// The pack does not have it.
    Absent,
    /// It is large, a delta or damaged, or cannot be read.
    Other,
}

impl Files {
    /// Appends the object `id` to `bytes`, which are as before unless it is [`Small::Read`].
    ///
    /// # Errors
    /// [`MemoryError`] when an allocation fails.
    pub(super) fn read(
        &self,
        index: &PackIndex,
        id: Oid,
        inflater: &mut Inflater,
        bytes: &mut Vec<'_, u8>,
    ) -> Result<Small, MemoryError> {
        let offset = match index.find_in(&self.index, id) {
            None => return Ok(Small::Other),
            Some(None) => return Ok(Small::Absent),
            Some(Some(offset)) => offset,
        };
        let mut packed = [0; BYTES_MAX + ADDED_BYTES];
        let read = |packed: &mut [u8], offset| {
            calls::retried(|| self.pack.read_at(packed, offset)).unwrap_or(0)
        };
        let mut len = read(&mut packed[..FIRST_BYTES], offset);
        let Ok(entry) = data::Entry::from_bytes(&packed[..len], offset, gix_hash::Kind::Sha1)
        else {
            return Ok(Small::Other);
        };
        let size = usize::try_from(entry.decompressed_size).ok().filter(|size| *size <= BYTES_MAX);
        let (Some(kind), Some(size)) = (entry.header.as_kind(), size) else {
            return Ok(Small::Other);
        };
        if size + ADDED_BYTES > len {
            len += read(&mut packed[len..size + ADDED_BYTES], offset + len as u64);
        }
        let start = usize::try_from(entry.data_offset - offset).unwrap_or(len).min(len);
        let read = inflater.append(&packed[start..len], size, None, bytes)?;
        Ok(read.map_or(Small::Other, |_| Small::Read(kind_of(kind))))
    }
}
