//! The entries of a pack's index in bounded memory: an external sort with sorted runs on disk.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

use tempfile::NamedTempFile;

use super::buffered_file::BufferedFile;
use gitmind_git::Error;
use gitmind_git::oid::Oid;
use gitmind_memory::{Alloc, MemoryError, Vec};

/// Most entries in memory, which take 2 MiB.
const RUN_ENTRIES_MAX: usize = 1 << 16;
/// Bytes of an entry in a run's file: id, CRC-32, offset.
const RECORD_BYTES: usize = Oid::LEN + 4 + 8;
/// Most entries that are read from a run at once.
const READ_ENTRIES: usize = 512;

/// One object of a pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct IndexEntry {
    pub(super) id: Oid,
    /// CRC-32 of the entry's bytes in the pack.
    pub(super) crc32: u32,
    /// Offset of the entry in the pack, in bytes.
    pub(super) offset: u64,
}

impl IndexEntry {
    fn to_record(self) -> [u8; RECORD_BYTES] {
        let mut record = [0; RECORD_BYTES];
        record[..20].copy_from_slice(self.id.as_bytes());
        record[20..24].copy_from_slice(&self.crc32.to_le_bytes());
        record[24..].copy_from_slice(&self.offset.to_le_bytes());
        record
    }

    fn from_record(record: &[u8; RECORD_BYTES]) -> Self {
        let (mut id, mut crc32, mut offset) = ([0; Oid::LEN], [0; 4], [0; 8]);
        id.copy_from_slice(&record[..20]);
        crc32.copy_from_slice(&record[20..24]);
        offset.copy_from_slice(&record[24..]);
        let (crc32, offset) = (u32::from_le_bytes(crc32), u64::from_le_bytes(offset));
        Self { id: Oid::new(id), crc32, offset }
    }
}

/// The entries of a pack: the newest ones in memory, earlier ones in sorted runs.
pub(super) struct Entries<'a> {
    newest: Vec<'a, IndexEntry>,
    runs: Vec<'a, NamedTempFile>,
    run_entries: usize,
    count: u32,
}

impl<'a> Entries<'a> {
    /// No entries, with capacity for `expected`, but for one run at most.
    pub(super) fn new(alloc: Alloc<'a>, expected: Option<u32>) -> Result<Self, MemoryError> {
        Self::with_runs(alloc, expected, RUN_ENTRIES_MAX)
    }

    pub(super) fn with_runs(
        alloc: Alloc<'a>,
        expected: Option<u32>,
        run_entries: usize,
    ) -> Result<Self, MemoryError> {
        let expected = expected.map_or(0, |expected| expected as usize);
        let newest = Vec::try_with_capacity(expected.min(run_entries), alloc)?;
        Ok(Self { newest, runs: Vec::new(alloc), run_entries, count: 0 })
    }

    /// How many there are.
    pub(super) const fn count(&self) -> u32 {
        self.count
    }

    /// Adds an entry; when memory holds a full run, that is first written to a file in `directory`.
    pub(super) fn push(&mut self, directory: &Path, entry: IndexEntry) -> Result<(), Error> {
        if self.newest.len() == self.run_entries {
            self.newest.sort_unstable_by_key(|entry| entry.id);
            self.runs.try_reserve(1)?;
            let alloc = self.newest.alloc();
            let mut run = BufferedFile::create(directory, "tmp_gitmind_run_", alloc)?;
            let written =
                self.newest.iter().try_for_each(|entry| run.write_all(&entry.to_record()));
            let run = written.and_then(|()| run.into_file());
            let run = run.map_err(Error::io("write a pack index in", directory))?;
            // This does not allocate: the capacity was reserved.
            self.runs.try_push(run)?;
            self.newest.clear();
        }
        self.newest.try_push(entry)?;
        self.count += 1;
        Ok(())
    }

    /// The entries sorted by id.
    pub(super) fn sort(&mut self) -> Sorted<'_, 'a> {
        self.newest.sort_unstable_by_key(|entry| entry.id);
        Sorted(self)
    }
}

/// Entries that can be iterated in the order of their ids.
#[derive(Clone, Copy)]
pub(super) struct Sorted<'e, 'a>(&'e Entries<'a>);

impl<'e, 'a> Sorted<'e, 'a> {
    /// How many there are.
    pub(super) const fn count(self) -> u32 {
        self.0.count
    }

    /// The entries, merged from the runs.
    pub(super) fn iter(self) -> Result<Merge<'e, 'a>, MemoryError> {
        let Entries { newest, runs, run_entries, .. } = self.0;
        let mut readers = Vec::try_with_capacity(runs.len(), runs.alloc())?;
        for run in runs {
            readers.try_push(Run::new(run.as_file(), *run_entries, runs.alloc())?)?;
        }
        Ok(Merge { newest, runs: readers })
    }
}

/// A k-way merge of sorted runs.
pub(super) struct Merge<'e, 'a> {
    newest: &'e [IndexEntry],
    runs: Vec<'a, Run<'e, 'a>>,
}

impl Merge<'_, '_> {
    /// The next entry; `None` after the last.
    pub(super) fn next(&mut self) -> io::Result<Option<IndexEntry>> {
        let mut smallest = self.newest.first().map(|entry| (entry.id, None));
        for (index, run) in self.runs.iter_mut().enumerate() {
            if let Some(entry) = run.first()?
                && smallest.is_none_or(|(id, _)| entry.id < id)
            {
                smallest = Some((entry.id, Some(index)));
            }
        }
        match smallest {
            None => Ok(None),
            Some((_, Some(index))) => self.runs[index].take(),
            Some((_, None)) => {
                let (first, rest) = self.newest.split_first().expect("it is the smallest one");
                self.newest = rest;
                Ok(Some(*first))
            }
        }
    }
}

/// A buffered reader of a run's file.
struct Run<'e, 'a> {
    file: &'e File,
    /// Entries of the file that were not read into the buffer yet.
    left: usize,
    offset: u64,
    buffer: Vec<'a, u8>,
    /// Bytes of the buffer that were consumed.
    taken: usize,
}

impl<'e, 'a> Run<'e, 'a> {
    fn new(file: &'e File, entries: usize, alloc: Alloc<'a>) -> Result<Self, MemoryError> {
        let buffer = Vec::try_with_capacity(READ_ENTRIES * RECORD_BYTES, alloc)?;
        Ok(Self { file, left: entries, offset: 0, buffer, taken: 0 })
    }

    /// The next entry, without consuming it.
    fn first(&mut self) -> io::Result<Option<IndexEntry>> {
        if self.taken == self.buffer.len() {
            let entries = self.left.min(READ_ENTRIES);
            if entries == 0 {
                return Ok(None);
            }
            // This does not allocate: the capacity was reserved.
            self.buffer.try_resize_zeroed(entries * RECORD_BYTES)?;
            self.file.read_exact_at(&mut self.buffer, self.offset)?;
            self.offset += self.buffer.len() as u64;
            self.left -= entries;
            self.taken = 0;
        }
        Ok(self.buffer[self.taken..].first_chunk().map(IndexEntry::from_record))
    }

    fn take(&mut self) -> io::Result<Option<IndexEntry>> {
        let first = self.first()?;
        self.taken += if first.is_some() { RECORD_BYTES } else { 0 };
        Ok(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gitmind_memory::System;

    #[test]
    fn entries_are_sorted_by_id_for_any_number_of_runs() {
        let (system, directory) = (System::new(), std::env::temp_dir());
        let alloc = Alloc::new(&system);
        for (count, run_entries) in [(0_u32, 4), (4, 4), (5, 4), (2000, 700), (2000, 1)] {
            let count = if run_entries == 1 { 20 } else { count };
            let entry = |number: u32| {
                let mut id = [0; Oid::LEN];
                id[..4].copy_from_slice(&number.wrapping_mul(0x9e37_79b9).to_be_bytes());
                IndexEntry { id: Oid::new(id), crc32: number, offset: u64::from(number) << 33 }
            };
            let mut entries =
                Entries::with_runs(alloc, None, run_entries).expect("there is memory");
            for number in 0..count {
                entries.push(&directory, entry(number)).expect("the directory is writable");
            }
            assert_eq!(entries.count(), count);
            let mut expected: std::vec::Vec<_> = (0..count).map(entry).collect();
            expected.sort_by_key(|entry| entry.id);
            let sorted = entries.sort();
            for _ in 0..2 {
                let mut merge = sorted.iter().expect("there is memory");
                let merged = std::iter::from_fn(|| merge.next().expect("readable"));
                assert!(merged.eq(expected.iter().copied()), "{count} in runs of {run_entries}");
            }
        }
    }
}
