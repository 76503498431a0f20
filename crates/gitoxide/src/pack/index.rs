//! Writing a pack's index: the offset of each object, sorted by id.

use super::entries::Sorted;
use gitmind_git::oid::Oid;
use gitmind_git::{Error, Hasher, PackError};
use std::io::{self, Write};
use std::path::Path;

/// The smallest offset that does not fit the table of 31-bit offsets.
const LARGE_OFFSET: u64 = 1 << 31;

/// Writes the index of the pack with checksum `pack` to a file in `directory`.
///
/// # Errors
/// [`PackError::Duplicate`] when two entries have the same id.
pub(super) fn write_index(
    entries: Sorted<'_, '_>,
    pack: Oid,
    out: &mut impl Write,
    directory: &Path,
) -> Result<(), Error> {
    let failed = || Error::io("write a pack index in", directory);
    let mut out = Hashing { hasher: Hasher::default(), out };
    out.write_all(b"\xfftOc\0\0\0\x02").map_err(failed())?;
    fan_out(entries, &mut out, directory)?;
    let mut pass = entries.iter()?;
    while let Some(entry) = pass.next().map_err(failed())? {
        out.write_all(entry.id.as_bytes()).map_err(failed())?;
    }
    let mut pass = entries.iter()?;
    while let Some(entry) = pass.next().map_err(failed())? {
        out.write_all(&entry.crc32.to_be_bytes()).map_err(failed())?;
    }
    let mut large = 0_u32;
    let mut pass = entries.iter()?;
    while let Some(entry) = pass.next().map_err(failed())? {
        let small = u32::try_from(entry.offset).ok().filter(|_| entry.offset < LARGE_OFFSET);
        let field = small.unwrap_or_else(|| {
            large += 1;
            1 << 31 | (large - 1)
        });
        out.write_all(&field.to_be_bytes()).map_err(failed())?;
    }
    let mut pass = entries.iter()?;
    while large > 0
        && let Some(entry) = pass.next().map_err(failed())?
    {
        if entry.offset >= LARGE_OFFSET {
            out.write_all(&entry.offset.to_be_bytes()).map_err(failed())?;
        }
    }
    out.write_all(pack.as_bytes()).map_err(failed())?;
    let Hashing { hasher, out } = out;
    out.write_all(hasher.finish()?.as_bytes()).map_err(failed())
}

/// Writes the fan-out table, the number of ids whose first byte is at most 0, 1, ... 255, and
/// checks that no id is there twice.
fn fan_out(entries: Sorted<'_, '_>, out: &mut impl Write, directory: &Path) -> Result<(), Error> {
    let failed = || Error::io("write a pack index in", directory);
    let mut counts = [0_u32; 256];
    let mut last = None;
    let mut pass = entries.iter()?;
    while let Some(entry) = pass.next().map_err(failed())? {
        if last == Some(entry.id) {
            return Err(PackError::Duplicate { id: entry.id }.into());
        }
        last = Some(entry.id);
        counts[usize::from(entry.id.shard())] += 1;
    }
    let mut sum = 0;
    for count in counts {
        sum += count;
        out.write_all(&u32::to_be_bytes(sum)).map_err(failed())?;
    }
    Ok(())
}

/// A writer that hashes the bytes that it forwards.
struct Hashing<'a, W> {
    hasher: Hasher,
    out: &'a mut W,
}

impl<W: Write> Write for Hashing<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
