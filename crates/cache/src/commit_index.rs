//! The commit index: which journal commit an edge id belongs to.
//!
//! The directory `commits/` of a cache has a record for each journal commit with edges, in the
//! order of edge ids: the id of the first edge of the commit, and the id of the commit. Records are
//! stored in chunks of [`RECORDS_PER_CHUNK`]; only the last chunk may have fewer. The file name of
//! a chunk is its first edge id in eight hexadecimal digits, so that the directory alone shows
//! which chunk has an edge id.
//!
//! | offset | bytes | of a chunk |
//! |---|---|---|
//! | 0 | 8 | `GMCOMMIT` |
//! | 8 | 4 | version, little-endian: 1 |
//! | 12 | 4 | number of records, little-endian |
//! | 16 + 24 n | 4 | first edge id of record n, little-endian, more than that of record n - 1 |
//! | 20 + 24 n | 20 | id of its commit |
//!
//! Decoding does not trust claimed sizes: each is checked against the length of the file first.

use gitmind_git::oid::Oid;
use gitmind_memory::{MemoryError, Vec};

/// Name of the directory in the root tree.
pub(super) const DIRECTORY: &[u8] = b"commits";
/// Number of records of every chunk but the last, which may have fewer. A query reads and hashes
/// the directory, and a chunk for nearly every edge that it finds.
pub const RECORDS_PER_CHUNK: u32 = 256;

const MAGIC: &[u8; 8] = b"GMCOMMIT";
const VERSION: u32 = 1;
const HEADER_BYTES: usize = 16;
const RECORD_BYTES: usize = size_of::<u32>() + Oid::LEN;
/// Length of the file name of a chunk.
const NAME_LEN: usize = 8;

/// A journal commit that has edges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommitRecord {
    /// The id of its first edge.
    pub first_edge: u32,
    /// The id of the commit.
    pub commit: Oid,
}

/// Why a file is not a chunk of a commit index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommitIndexError {
    /// The magic number is wrong.
    #[error("the file does not start with the magic number of a commit index")]
    NotAChunk,
    /// The version is not supported.
    #[error("commit index version {0} is not supported, only 1")]
    Version(u32),
    /// The content is inconsistent or too short.
    #[error("the commit index is damaged: {0}")]
    Damaged(&'static str),
}

/// Appends a chunk with the first [`RECORDS_PER_CHUNK`] of `records`, whose first edge ids must
/// ascend.
///
/// ```
/// use gitmind_cache::{CommitChunk, CommitRecord, encode_commit_chunk};
/// use gitmind_git::oid::Oid;
/// use gitmind_memory::{self as memory, Alloc, System};
/// let record = |first_edge, byte| CommitRecord { first_edge, commit: Oid::new([byte; 20]) };
/// let system = System::new();
/// let mut file = memory::Vec::new(Alloc::new(&system));
/// encode_commit_chunk([record(0, 1), record(3, 2)], &mut file)?;
/// let chunk = CommitChunk::parse(&file)?;
/// assert_eq!(chunk.find(2), Some(0));
/// assert_eq!(chunk.record(1), Some(record(3, 2)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// When an allocation fails; `out` then has an incomplete chunk.
pub fn encode_commit_chunk(
    records: impl IntoIterator<Item = CommitRecord>,
    out: &mut Vec<'_, u8>,
) -> Result<(), MemoryError> {
    let start = out.len();
    out.try_extend_from_slice(MAGIC)?;
    out.try_extend_from_slice(&VERSION.to_le_bytes())?;
    out.try_extend_from_slice(&0_u32.to_le_bytes())?;
    let mut count = 0_u32;
    for record in records.into_iter().take(RECORDS_PER_CHUNK as usize) {
        out.try_extend_from_slice(&record.first_edge.to_le_bytes())?;
        out.try_extend_from_slice(record.commit.as_bytes())?;
        count += 1;
    }
    out[start + HEADER_BYTES - 4..][..4].copy_from_slice(&count.to_le_bytes());
    Ok(())
}

/// A decoded chunk, which borrows from its file.
#[derive(Clone, Copy, Debug)]
pub struct CommitChunk<'a> {
    records: &'a [[u8; RECORD_BYTES]],
}

impl<'a> CommitChunk<'a> {
    /// Decodes the chunk `file`. Does not allocate.
    ///
    /// # Errors
    /// When the file is not exactly one chunk with at least one record and ascending first edge
    /// ids.
    pub fn parse(file: &'a [u8]) -> Result<Self, CommitIndexError> {
        let split = file.split_at_checked(HEADER_BYTES);
        let (header, body) = split.ok_or(CommitIndexError::NotAChunk)?;
        if !header.starts_with(MAGIC) {
            return Err(CommitIndexError::NotAChunk);
        }
        let version = le_u32(&header[8..]);
        if version != VERSION {
            return Err(CommitIndexError::Version(version));
        }
        let count = le_u32(&header[12..]);
        let (records, []) = body.as_chunks::<RECORD_BYTES>() else {
            return Err(CommitIndexError::Damaged(
                "its length does not match its number of records",
            ));
        };
        if records.len() as u64 != u64::from(count) {
            return Err(CommitIndexError::Damaged(
                "its length does not match its number of records",
            ));
        }
        if !(1..=RECORDS_PER_CHUNK).contains(&count) {
            return Err(CommitIndexError::Damaged("it has no records or too many"));
        }
        if !records.is_sorted_by(|a, b| le_u32(a) < le_u32(b)) {
            return Err(CommitIndexError::Damaged("its edge ids are not in order"));
        }
        Ok(Self { records })
    }

    /// The number of records, which is at least 1.
    pub fn count(&self) -> u32 {
        u32::try_from(self.records.len()).unwrap_or(RECORDS_PER_CHUNK)
    }

    /// Record number `index`.
    pub fn record(&self, index: usize) -> Option<CommitRecord> {
        let (first_edge, commit) = self.records.get(index)?.split_first_chunk()?;
        let commit = Oid::new(*commit.first_chunk()?);
        Some(CommitRecord { first_edge: u32::from_le_bytes(*first_edge), commit })
    }

    /// The number of the record whose commit has the edge with id `edge`; `None` for an id before
    /// the first record.
    pub fn find(&self, edge: u32) -> Option<usize> {
        self.records.partition_point(|record| le_u32(record) <= edge).checked_sub(1)
    }

    /// The first edge of the first and of the last record.
    pub fn bounds(&self) -> (u32, u32) {
        let first_edge = |record: Option<&[u8; RECORD_BYTES]>| record.map_or(0, |r| le_u32(r));
        (first_edge(self.records.first()), first_edge(self.records.last()))
    }
}

/// The number of records in the last chunk of an index of `records`, which is at least 1.
pub(super) const fn records_of_last_chunk(records: u32) -> u32 {
    records.saturating_sub(1) % RECORDS_PER_CHUNK + 1
}

/// The file name of the chunk whose first edge is `first_edge`.
pub(super) fn chunk_name(first_edge: u32) -> [u8; NAME_LEN] {
    let mut name = *b"00000000";
    let mut left = first_edge;
    for digit in name.iter_mut().rev() {
        *digit = b"0123456789abcdef"[(left & 0xf) as usize];
        left >>= 4;
    }
    name
}

/// The first edge of the chunk with this file name; `None` for other names.
pub(super) fn parse_chunk_name(name: &[u8]) -> Option<u32> {
    let digits = str::from_utf8(name).ok().filter(|digits| digits.len() == NAME_LEN)?;
    let first_edge = u32::from_str_radix(digits, 16).ok()?;
    (chunk_name(first_edge) == *name).then_some(first_edge)
}

/// The little-endian word at the start of `bytes`, which has at least 4 bytes.
pub(super) fn le_u32(bytes: &[u8]) -> u32 {
    bytes.first_chunk().map_or(0, |word| u32::from_le_bytes(*word))
}

#[cfg(test)]
mod tests;
