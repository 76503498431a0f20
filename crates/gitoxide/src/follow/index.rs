//! The index of a pack, version 1 or 2 (`git help gitformat-pack`; packfile.c, `load_idx`).
//!
//! That of `gix-pack` is not used: it reads the offsets of all objects when it is opened, 4 MB at a
//! million, of which a command that reads a few objects needs none. Here an offset is checked when
//! it is read, and an id is looked for where it would be if ids were evenly spread, as hashes are.

use gitmind_git::oid::Oid;
use gitmind_system::calls;
use gitmind_system::mapped::Mapped;
use std::cmp::Ordering;
use std::fs::File;
use std::os::unix::fs::FileExt;

const MAGIC: [u8; 8] = *b"\xfftOc\0\0\0\x02";
/// Numbers of objects whose ids start with a byte of at most 0, 1, ... 255.
const FAN_OUT: usize = 256;
const WORD: usize = size_of::<u32>();
/// The checksums of the pack and of the index.
const TRAILER_BYTES: usize = 2 * Oid::LEN;
/// Marks an offset of version 2 as the number of one with 64 bits.
const LARGE: u32 = 1 << 31;
/// Entries from where an id would be to the first other place where it is looked for: those of a
/// cache line or two.
const FIRST_STEP: u32 = 4;
/// Ids that are read at once: among a million evenly spread ones, an id is nearly always less than
/// half as many entries from where it would be.
const WINDOW: u32 = 256;

/// A valid index: what it says of the number of objects agrees with its length.
#[derive(Clone, Debug)]
pub(in super::super) struct PackIndex {
    bytes: Mapped,
    count: u32,
    fan_out: usize,
    ids: Table,
    offsets: Table,
    /// The offsets with 64 bits, and how many there are; `None` in version 1.
    large: Option<(Table, u32)>,
}

/// Where a field of the first object is, and how many bytes after it that of the next.
#[derive(Clone, Copy, Debug)]
struct Table {
    start: usize,
    distance: usize,
}

impl Table {
    /// The field of the object with this number, which is below the number of objects.
    fn field<const LEN: usize>(self, bytes: &[u8], number: u32) -> &[u8; LEN] {
        let field = bytes[self.start + self.distance * number as usize..].first_chunk();
        field.expect("this holds because the length of the file was checked")
    }
}

impl PackIndex {
    /// The index in the file `bytes`; `None` when it is none.
    pub(in super::super) fn new(bytes: Mapped) -> Option<Self> {
        let fan_out = if bytes.starts_with(&MAGIC) { MAGIC.len() } else { 0 };
        let counts = bytes.get(fan_out..)?.as_chunks::<WORD>().0.get(..FAN_OUT)?;
        if !counts.is_sorted() {
            return None;
        }
        let count = u32::from_be_bytes(*counts.last()?);
        let tables = fan_out + FAN_OUT * WORD;
        let end = |bytes_each: usize| {
            let bytes = usize::try_from(count).ok()?.checked_mul(bytes_each)?;
            tables.checked_add(bytes)?.checked_add(TRAILER_BYTES)
        };
        if fan_out == 0 {
            let distance = WORD + Oid::LEN;
            let offsets = Table { start: tables, distance };
            let ids = Table { start: tables + WORD, distance };
            let is_whole = bytes.len() == end(distance)?;
            return is_whole.then_some(Self { bytes, count, fan_out, ids, offsets, large: None });
        }
        // Ids, checksums of 32 bits, offsets, then those that do not fit 31 bits.
        let large_bytes = bytes.len().checked_sub(end(Oid::LEN + 2 * WORD)?)?;
        let large = u32::try_from(large_bytes / size_of::<u64>()).ok()?;
        if large_bytes % size_of::<u64>() != 0 || large > count {
            return None;
        }
        let ids = Table { start: tables, distance: Oid::LEN };
        let start = tables + (Oid::LEN + WORD) * count as usize;
        let offsets = Table { start, distance: WORD };
        let start = start + WORD * count as usize;
        let large = Some((Table { start, distance: size_of::<u64>() }, large));
        Some(Self { bytes, count, fan_out, ids, offsets, large })
    }

    /// The number of objects.
    pub(super) const fn count(&self) -> u32 {
        self.count
    }

    /// The id of the object with this number, in the order of ids; it is below [`Self::count`].
    pub(super) fn id(&self, number: u32) -> Oid {
        Oid::new(*self.ids.field(&self.bytes, number))
    }

    /// The offset in the pack of the object with this number, which is below [`Self::count`]; 0,
    /// where no object is, when the index has no such offset.
    pub(super) fn offset(&self, number: u32) -> u64 {
        let offset = u32::from_be_bytes(*self.offsets.field(&self.bytes, number));
        match self.large {
            Some((large, count)) if offset & LARGE != 0 => {
                let number = Some(offset & !LARGE).filter(|number| *number < count);
                number.map_or(0, |number| u64::from_be_bytes(*large.field(&self.bytes, number)))
            }
            _ => offset.into(),
        }
    }

    /// The number of the object `id`, or else that of the first with a greater id.
    pub(super) fn search(&self, id: Oid) -> Result<u32, u32> {
        let (mut low, mut at, mut high) = self.place(id);
        let mut step = FIRST_STEP;
        while low < high {
            let order = self.ids.field::<{ Oid::LEN }>(&self.bytes, at).cmp(id.as_bytes());
            match order {
                Ordering::Equal => return Ok(at),
                Ordering::Less => low = at + 1,
                Ordering::Greater => high = at,
            }
            // Away from the guess in growing steps, and from the middle on by halves.
            let middle = u32::midpoint(low, high);
            at = match order {
                Ordering::Less => low.saturating_add(step).min(middle),
                _ => high.saturating_sub(step).max(middle),
            };
            step = step.saturating_mul(4);
        }
        Err(low)
    }

    /// Where the object `id` is: objects below the first number have smaller ids, those from the
    /// last on have greater ones; and the number that it has if ids are evenly spread.
    fn place(&self, id: Oid) -> (u32, u32, u32) {
        let [first, a, b, c, d, ..] = *id.as_bytes();
        let fan_out = Table { start: self.fan_out, distance: WORD };
        let count = |first: u8| u32::from_be_bytes(*fan_out.field(&self.bytes, first.into()));
        let (low, high) = (first.checked_sub(1).map_or(0, count), count(first));
        let next = u64::from(u32::from_be_bytes([a, b, c, d]));
        let guess = u32::try_from((u64::from(high - low) * next) >> u32::BITS);
        (low, low + guess.expect("this holds because it is at most high - low"), high)
    }

    /// The offset in the pack of the object `id`.
    pub(in super::super) fn find(&self, id: Oid) -> Option<u64> {
        self.search(id).ok().map(|number| self.offset(number))
    }

    /// As [`Self::find`], by reads of the index, which `file` is; `None` when they do not tell.
    pub(super) fn find_in(&self, file: &File, id: Oid) -> Option<Option<u64>> {
        self.large?;
        let (low, guess, high) = self.place(id);
        let start = guess.saturating_sub(WINDOW / 2).max(low);
        let end = guess.saturating_add(WINDOW / 2).min(high);
        let mut ids = [[0; Oid::LEN]; WINDOW as usize];
        let ids = &mut ids[..(end - start) as usize];
        let read = |table: Table, number, bytes: &mut [u8]| {
            let at = table.start as u64 + table.distance as u64 * u64::from(number);
            calls::retried(|| file.read_exact_at(bytes, at)).ok()
        };
        read(self.ids, start, ids.as_flattened_mut())?;
        let found = match ids.binary_search(id.as_bytes()) {
            Err(0) if start > low => return None,
            Err(next) if next == ids.len() && end < high => return None,
            Err(_) => return Some(None),
            Ok(found) => u32::try_from(found).expect("this holds because a window has fewer ids"),
        };
        let mut offset = [0; WORD];
        read(self.offsets, start + found, &mut offset)?;
        let offset = u32::from_be_bytes(offset);
        (offset & LARGE == 0).then_some(Some(offset.into()))
    }

    /// Releases the resident pages of the index.
    pub(super) fn release(&self) {
        self.bytes.release(0..u64::MAX);
    }
}

#[cfg(test)]
mod tests;
