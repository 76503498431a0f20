//! The index of a pack: where each object is, sorted by name.

use super::hash::Hasher;
use crate::oid::Oid;
use std::io::{self, Write};

/// One object of a pack.
#[derive(Clone, Copy, Debug)]
pub(super) struct IndexEntry {
    pub(super) id: Oid,
    /// CRC-32 of the entry's bytes in the pack.
    pub(super) crc32: u32,
    /// Where the entry starts, in bytes from the start of the pack.
    pub(super) offset: u64,
}

/// Offsets from here on do not fit the table of 31-bit ones.
const LARGE_OFFSET: u64 = 1 << 31;

/// Writes the index of the pack with checksum `pack`. `entries` are sorted by id and distinct.
pub(super) fn write_index(
    entries: &[IndexEntry],
    pack: Oid,
    out: &mut impl Write,
) -> io::Result<()> {
    let mut out = Hashing { hasher: Hasher::default(), out };
    out.write_all(b"\xfftOc\0\0\0\x02")?;
    let mut entries_up_to = entries.iter().map(|entry| entry.id.shard()).peekable();
    let mut count = 0_u32;
    for byte in 0..=u8::MAX {
        while entries_up_to.next_if(|&first| first <= byte).is_some() {
            count += 1;
        }
        out.write_all(&count.to_be_bytes())?;
    }
    for entry in entries {
        out.write_all(entry.id.as_bytes())?;
    }
    for entry in entries {
        out.write_all(&entry.crc32.to_be_bytes())?;
    }
    let mut large = 0_u32;
    for entry in entries {
        let small = u32::try_from(entry.offset).ok().filter(|_| entry.offset < LARGE_OFFSET);
        let field = small.unwrap_or_else(|| {
            large += 1;
            1 << 31 | (large - 1)
        });
        out.write_all(&field.to_be_bytes())?;
    }
    for entry in entries.iter().filter(|entry| entry.offset >= LARGE_OFFSET) {
        out.write_all(&entry.offset.to_be_bytes())?;
    }
    out.write_all(pack.as_bytes())?;
    let Hashing { hasher, out } = out;
    let checksum = hasher.finish().map_err(io::Error::other)?;
    out.write_all(checksum.as_bytes())
}

/// Hashes what it passes on.
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
