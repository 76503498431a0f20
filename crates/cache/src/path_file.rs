//! Files of the path index: for each path with a key in one shard, the ids of its edges.
//!
//! A header, a row for each path in the order of keys, then the lists of ids. A row has the key, 20
//! bytes, and the ends of the forward and of the reverse list in what follows the rows. A list is
//! what a bitmap file has behind its header; an empty list has no bytes.

use super::bitmap::{BitmapError, decode_ids, encode_ids};
use super::commit_index::le_u32;
use super::path_keys::NO_PATH;
use super::shard::Direction;
use gitmind_git::oid::Oid;
use gitmind_memory::{Alloc, MemoryError, Vec};

/// Name of the directory of the path index in the root tree.
pub(super) const DIRECTORY: &[u8] = b"paths";
const MAGIC: &[u8; 8] = b"GMPATHS\0";
const VERSION: u32 = 1;
const HEADER_BYTES: usize = 16;
const ROW_BYTES: usize = Oid::LEN + 4 + 4;

/// Why a file is not one of the path index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathFileError {
    /// The magic number is wrong.
    #[error("the file does not start with the magic number of a path index")]
    NotAPathIndex,
    /// The version is not supported.
    #[error("path index version {0} is not supported, only {VERSION}")]
    Version(u32),
    /// The content is inconsistent or too short.
    #[error("the path index is damaged: {0}")]
    Damaged(&'static str),
    /// There is more in one file than its 32-bit offsets can say.
    #[error("a file of the path index would have more than {} bytes", u32::MAX)]
    TooLong,
    /// An allocation failed.
    #[error("no memory for the path index: {0}")]
    Memory(#[from] MemoryError),
}

/// A file that is being written.
pub(super) struct PathFileDraft<'a> {
    rows: Vec<'a, u8>,
    lists: Vec<'a, u8>,
}

impl<'a> PathFileDraft<'a> {
    pub(super) fn new(alloc: Alloc<'a>) -> Self {
        Self { rows: Vec::new(alloc), lists: Vec::new(alloc) }
    }

    /// Adds the edges of a path, unless it is the empty one; keys must ascend.
    pub(super) fn try_push(
        &mut self,
        key: Oid,
        forward: &[u32],
        reverse: &[u32],
    ) -> Result<(), PathFileError> {
        self.try_push_with(key, |direction, lists| {
            let ids = match direction {
                Direction::Forward => forward,
                Direction::Reverse => reverse,
            };
            if ids.is_empty() { Ok(()) } else { Ok(encode_ids(ids, lists)?) }
        })
    }

    /// Adds the lists that `encode` appends for a path, unless it is the empty one; keys must
    /// ascend.
    pub(super) fn try_push_with<E: From<PathFileError>>(
        &mut self,
        key: Oid,
        mut encode: impl FnMut(Direction, &mut Vec<'a, u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        if key == NO_PATH {
            return Ok(());
        }
        let mut row = [0; ROW_BYTES];
        row[..Oid::LEN].copy_from_slice(key.as_bytes());
        for (direction, end) in [(Direction::Forward, 20..24), (Direction::Reverse, 24..28)] {
            encode(direction, &mut self.lists)?;
            let offset = u32::try_from(self.lists.len()).map_err(|_| PathFileError::TooLong)?;
            row[end].copy_from_slice(&offset.to_le_bytes());
        }
        Ok(self.rows.try_extend_from_slice(&row).map_err(PathFileError::from)?)
    }

    /// The number of paths.
    pub(super) fn count(&self) -> u32 {
        u32::try_from(self.rows.len() / ROW_BYTES).unwrap_or(u32::MAX)
    }

    /// Appends the file to `out`, and starts anew.
    pub(super) fn take_into(&mut self, out: &mut Vec<'_, u8>) -> Result<(), MemoryError> {
        out.try_reserve(HEADER_BYTES + self.rows.len() + self.lists.len())?;
        let (version, count) = (VERSION.to_le_bytes(), self.count().to_le_bytes());
        let parts: [&[u8]; 5] = [MAGIC, &version, &count, &self.rows, &self.lists];
        parts.iter().try_for_each(|part| out.try_extend_from_slice(part))?;
        self.rows.clear();
        self.lists.clear();
        Ok(())
    }
}

/// A parsed file.
#[derive(Clone, Copy, Debug)]
pub(super) struct PathFile<'f> {
    rows: &'f [[u8; ROW_BYTES]],
    lists: &'f [u8],
}

/// The lists of a path.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PathLists<'f> {
    forward: &'f [u8],
    reverse: &'f [u8],
}

impl<'f> PathLists<'f> {
    /// The list of one direction.
    pub(super) const fn of(&self, direction: Direction) -> &'f [u8] {
        match direction {
            Direction::Forward => self.forward,
            Direction::Reverse => self.reverse,
        }
    }
}

impl<'f> PathFile<'f> {
    /// A file without paths.
    pub(super) const EMPTY: Self = Self { rows: &[], lists: &[] };

    /// Parses a file; its lists are not decoded.
    pub(super) fn parse(file: &'f [u8]) -> Result<Self, PathFileError> {
        let damaged = |reason| Err(PathFileError::Damaged(reason));
        let (header, rest) =
            file.split_first_chunk::<HEADER_BYTES>().ok_or(PathFileError::NotAPathIndex)?;
        if !header.starts_with(MAGIC) {
            return Err(PathFileError::NotAPathIndex);
        }
        let [version, count] = [8, 12].map(|at| le_u32(&header[at..]));
        if version != VERSION {
            return Err(PathFileError::Version(version));
        }
        let rows_len = usize::try_from(count).ok().and_then(|count| count.checked_mul(ROW_BYTES));
        let Some((rows, lists)) = rows_len.and_then(|len| rest.split_at_checked(len)) else {
            return damaged("it has fewer rows than its number of paths");
        };
        let parsed = Self { rows: rows.as_chunks().0, lists };
        if parsed.rows.is_empty() || parsed.key(0) == NO_PATH {
            return damaged("it has no paths, or the empty one");
        }
        if !parsed.rows.is_sorted_by(|a, b| a[..Oid::LEN] < b[..Oid::LEN]) {
            return damaged("its keys are not in order");
        }
        let ends = parsed.rows.iter().flat_map(|row| [le_u32(&row[20..]), le_u32(&row[24..])]);
        let is_whole = ends.clone().last().is_some_and(|end| end as usize == lists.len());
        if !is_whole || !ends.is_sorted() {
            return damaged("its lists are not where its rows say");
        }
        Ok(parsed)
    }

    /// The number of paths.
    pub(super) const fn len(&self) -> usize {
        self.rows.len()
    }

    /// The key of path number `index`.
    pub(super) fn key(&self, index: usize) -> Oid {
        let mut key = [0; Oid::LEN];
        key.copy_from_slice(&self.rows[index][..Oid::LEN]);
        Oid::new(key)
    }

    /// The lists of path number `index`.
    pub(super) fn lists(&self, index: usize) -> PathLists<'f> {
        let start = index.checked_sub(1).map_or(0, |before| le_u32(&self.rows[before][24..]));
        let [middle, end] = [20, 24].map(|at| le_u32(&self.rows[index][at..]) as usize);
        // `parse` has checked that ends ascend up to the length.
        PathLists {
            forward: &self.lists[start as usize..middle],
            reverse: &self.lists[middle..end],
        }
    }

    /// The lists of the path with this key; empty ones when it has no edges.
    pub(super) fn find(&self, key: Oid) -> PathLists<'f> {
        let index = self.rows.binary_search_by(|row| row[..Oid::LEN].cmp(key.as_bytes()));
        index.map_or(PathLists::default(), |index| self.lists(index))
    }
}

/// The ids of a list, which may be empty.
pub(super) fn decode_list<'a>(alloc: Alloc<'a>, list: &[u8]) -> Result<Vec<'a, u32>, BitmapError> {
    if list.is_empty() { Ok(Vec::new(alloc)) } else { decode_ids(alloc, list) }
}

#[cfg(test)]
mod tests;
