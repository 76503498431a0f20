//! Writing a pack's index: the offset of each object, sorted by id.
//!
//! The index has a table for each property of an object. All tables are written in one pass over
//! the entries, because merging them takes longer than reading the file once for its checksum.

use super::entries::Sorted;
use gitmind_git::oid::Oid;
use gitmind_git::{Error, Hasher, PackError};
use gitmind_memory::{Alloc, Vec};
use gitmind_system::calls;
use gitmind_system::owned_file::create_named;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use tempfile::NamedTempFile;

/// Magic number and version.
const HEADER: [u8; 8] = *b"\xfftOc\0\0\0\x02";
/// For each first byte of an id, the number of ids up to it.
const FAN_OUT_BYTES: u64 = 256 * 4;
/// The smallest offset that does not fit the table of 31-bit offsets.
const LARGE_OFFSET: u64 = 1 << 31;
/// Most bytes of a table that are in memory.
const BUFFER_BYTES: usize = 64 << 10;

/// Writes the index of the pack with checksum `pack` to a temporary file in `directory`.
///
/// # Errors
/// [`PackError::Duplicate`] when two entries have the same id.
pub(super) fn write_index(
    entries: Sorted<'_, '_>,
    pack: Oid,
    directory: &Path,
    alloc: Alloc<'_>,
) -> Result<NamedTempFile, Error> {
    let failed = || Error::io("write a pack index in", directory);
    let index = create_named(directory, "tmp_gitmind_idx_");
    let index = index.map_err(Error::io("create a temporary file in", directory))?;
    let table = |offset| Table { file: index.as_file(), directory, offset, bytes: Vec::new(alloc) };
    let count = u64::from(entries.count());
    let mut fan_out = table(0);
    let mut ids = table(HEADER.len() as u64 + FAN_OUT_BYTES);
    let mut checksums = table(ids.offset + Oid::LEN as u64 * count);
    let mut offsets = table(checksums.offset + 4 * count);
    let mut large_offsets = table(offsets.offset + 4 * count);

    let (mut counts, mut last, mut large) = ([0_u32; 256], None, 0_u32);
    let mut pass = entries.iter()?;
    while let Some(entry) = pass.next().map_err(failed())? {
        if last == Some(entry.id) {
            return Err(PackError::Duplicate { id: entry.id }.into());
        }
        last = Some(entry.id);
        counts[usize::from(entry.id.shard())] += 1;
        ids.push(entry.id.as_bytes())?;
        checksums.push(&entry.crc32.to_be_bytes())?;
        let small = u32::try_from(entry.offset).ok().filter(|_| entry.offset < LARGE_OFFSET);
        let field = small.unwrap_or_else(|| {
            large += 1;
            1 << 31 | (large - 1)
        });
        offsets.push(&field.to_be_bytes())?;
        if small.is_none() {
            large_offsets.push(&entry.offset.to_be_bytes())?;
        }
    }
    fan_out.push(&HEADER)?;
    let mut sum = 0_u32;
    for count in counts {
        sum += count;
        fan_out.push(&sum.to_be_bytes())?;
    }
    for table in [&mut fan_out, &mut ids, &mut checksums, &mut offsets] {
        table.flush()?;
    }
    let mut end = large_offsets;
    end.push(pack.as_bytes())?;
    end.flush()?;
    let mut buffer = ids.bytes;
    buffer.try_resize_zeroed(BUFFER_BYTES)?;
    let checksum = hash(index.as_file(), &mut buffer).map_err(failed())?.finish()?;
    end.push(checksum.as_bytes())?;
    end.flush()?;
    Ok(index)
}

/// A table of the index, which is written with a buffer.
struct Table<'t, 'a> {
    file: &'t File,
    directory: &'t Path,
    /// Where the bytes of the buffer belong in the file.
    offset: u64,
    bytes: Vec<'a, u8>,
}

impl Table<'_, '_> {
    fn push(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if self.bytes.len() + bytes.len() > BUFFER_BYTES {
            self.flush()?;
        }
        Ok(self.bytes.try_extend_from_slice(bytes)?)
    }

    fn flush(&mut self) -> Result<(), Error> {
        let written = self.file.write_all_at(&self.bytes, self.offset);
        written.map_err(Error::io("write a pack index in", self.directory))?;
        self.offset += self.bytes.len() as u64;
        self.bytes.clear();
        Ok(())
    }
}

/// Hashes the content of `file`, which is read into `buffer`.
fn hash(file: &File, buffer: &mut [u8]) -> io::Result<Hasher> {
    let (mut hasher, mut offset) = (Hasher::default(), 0);
    loop {
        match calls::retried(|| file.read_at(buffer, offset))? {
            0 => return Ok(hasher),
            read => {
                hasher.update(&buffer[..read]);
                offset += read as u64;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::entries::{Entries, IndexEntry};
    use super::*;
    use gitmind_memory::System;
    use std::vec::Vec as Plain;

    /// The index as `git help gitformat-pack` describes it, one table after the other.
    fn naive(entries: &[IndexEntry], pack: Oid) -> Plain<u8> {
        let mut index = Plain::from(HEADER);
        for first in 0..=u8::MAX {
            let up_to = entries.iter().filter(|entry| entry.id.shard() <= first).count();
            index.extend(u32::try_from(up_to).expect("few entries").to_be_bytes());
        }
        entries.iter().for_each(|entry| index.extend(entry.id.as_bytes()));
        entries.iter().for_each(|entry| index.extend(entry.crc32.to_be_bytes()));
        let large: Plain<u64> =
            entries.iter().map(|entry| entry.offset).filter(|offset| *offset >> 31 != 0).collect();
        for entry in entries {
            let number = large.iter().position(|offset| *offset == entry.offset);
            let field = number.map_or(entry.offset, |number| 1 << 31 | number as u64);
            index.extend(u32::try_from(field).expect("32 bits").to_be_bytes());
        }
        large.iter().for_each(|offset| index.extend(offset.to_be_bytes()));
        index.extend(pack.as_bytes());
        let mut hasher = Hasher::default();
        hasher.update(&index);
        index.extend(hasher.finish().expect("no attack").as_bytes());
        index
    }

    #[test]
    fn an_index_has_the_tables_of_its_entries_whatever_their_number_and_offsets() {
        let (system, directory, pack) = (System::new(), std::env::temp_dir(), Oid::new([9; 20]));
        let alloc = Alloc::new(&system);
        // Some are more than buffers and runs hold.
        for (count, run_entries) in [(0_u32, 10), (1, 10), (300, 70), (20_000, 6_000)] {
            let mut entries =
                Entries::with_runs(alloc, None, run_entries).expect("there is memory");
            let mut model = Plain::new();
            for number in 0..count {
                let mut id = [0; Oid::LEN];
                id[..4].copy_from_slice(&number.wrapping_mul(0x9e37_79b9).to_be_bytes());
                // Every third offset is a large one.
                let offset = u64::from(number) + u64::from(number % 3 / 2) * (LARGE_OFFSET - 2);
                let entry = IndexEntry { id: Oid::new(id), crc32: !number, offset };
                entries.push(&directory, entry).expect("the directory is writable");
                model.push(entry);
            }
            model.sort_by_key(|entry| entry.id);
            let file = write_index(entries.sort(), pack, &directory, alloc).expect("writable");
            let written = std::fs::read(file.path()).expect("readable");
            assert!(written == naive(&model, pack), "{count} entries in runs of {run_entries}");
        }
    }

    #[test]
    fn an_id_that_is_there_twice_is_an_error() {
        let (system, directory) = (System::new(), std::env::temp_dir());
        let mut entries = Entries::new(Alloc::new(&system), None).expect("there is memory");
        for offset in [12, 40] {
            let entry = IndexEntry { id: Oid::new([7; 20]), crc32: 1, offset };
            entries.push(&directory, entry).expect("the directory is writable");
        }
        let written = write_index(entries.sort(), Oid::ZERO, &directory, Alloc::new(&system));
        let is_refused = matches!(written, Err(Error::Pack(PackError::Duplicate { .. })));
        assert!(is_refused);
    }
}
