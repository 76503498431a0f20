//! The objects of packs in pack order, computed once for a walk.

use std::path::Path;

use super::pack::Pack;
use gitmind_memory::{Alloc, MemoryError, Vec};

/// Most objects whose order is cached, at four bytes each.
pub(super) const ORDERED_MAX: usize = 1 << NUMBER_BITS;
/// Bits of the number of an object.
const NUMBER_BITS: u32 = 24;
const FITS: &str = "it fits because no order has more objects";

/// Header of a reverse index: magic, version, hash kind (`git help format-pack`, "pack-*.rev
/// files").
const HEADER: [u8; 12] = *b"RIDX\0\0\0\x01\0\0\0\x01";
/// Bytes of the pack's checksum and of the file's own.
const TRAILER_BYTES: usize = 40;

/// A cache of the orders of packs.
pub(super) struct Orders<'a> {
    objects_max: usize,
    /// The number of a pack, and the index positions of its objects sorted by their offsets.
    known: Vec<'a, (usize, Vec<'a, u32>)>,
}

impl<'a> Orders<'a> {
    /// An empty cache for at most `objects_max` objects.
    pub(super) const fn new(objects_max: usize, alloc: Alloc<'a>) -> Self {
        Self { objects_max, known: Vec::new(alloc) }
    }

    /// The index positions of the objects of `pack`, the pack with the number `number`, sorted by
    /// their offsets; `None` when there are too many.
    ///
    /// # Errors
    /// [`MemoryError`] when an allocation fails.
    pub(super) fn of(&mut self, number: usize, pack: &Pack) -> Result<Option<&[u32]>, MemoryError> {
        let objects = pack.index.count() as usize;
        if objects > self.objects_max {
            return Ok(None);
        }
        let mut found = self.known.iter().position(|(known, _)| *known == number);
        if found.is_none() {
            let kept: usize = self.known.iter().map(|(_, order)| order.len()).sum();
            if kept + objects > self.objects_max {
                self.known.clear();
            }
            let order = by_offset(pack, self.known.alloc())?;
            found = Some(self.known.len());
            self.known.try_push((number, order))?;
        }
        Ok(found.map(|found| &self.known[found].1[..]))
    }
}

#[cfg(test)]
impl Orders<'_> {
    /// How many orders are cached.
    pub(super) fn count(&self) -> usize {
        self.known.len()
    }
}

fn by_offset<'a>(pack: &Pack, alloc: Alloc<'a>) -> Result<Vec<'a, u32>, MemoryError> {
    let objects = pack.index.count();
    let mut order = Vec::try_with_capacity(objects as usize, alloc)?;
    if !read_reverse_index(&pack.path().with_extension("rev"), objects, &mut order) {
        // Numbers are sorted faster than what reads the index for each comparison. Offsets from a
        // tebibyte on are cut, which costs only time.
        let key = |index| pack.index.offset(index) << NUMBER_BITS | u64::from(index);
        let mut keys = Vec::try_with_capacity(objects as usize, alloc)?;
        keys.try_extend((0..objects).map(key))?;
        keys.sort_unstable();
        let number = |key: &u64| u32::try_from(key % ORDERED_MAX as u64);
        order.clear();
        order.try_extend(keys.iter().map(|key| number(key).expect(FITS)))?;
    }
    Ok(order)
}

/// Reads the reverse index that git has written beside the pack. A wrong order in it costs only
/// time; a number that is not below the object count makes this return `false`.
fn read_reverse_index(path: &Path, objects: u32, order: &mut Vec<'_, u32>) -> bool {
    let whole = |path: &Path| {
        let file = std::fs::File::open(path).ok()?;
        let len = file.metadata().ok()?.len();
        let expected = HEADER.len() as u64 + u64::from(objects) * 4 + TRAILER_BYTES as u64;
        (len == expected).then_some(file)
    };
    let Some(file) = whole(path) else { return false };
    numbers(std::io::BufReader::new(file), objects, order).is_some()
}

fn numbers(mut file: impl std::io::Read, objects: u32, order: &mut Vec<'_, u32>) -> Option<()> {
    let mut header = [0; HEADER.len()];
    file.read_exact(&mut header).ok()?;
    if header != HEADER {
        return None;
    }
    for _ in 0..objects {
        let mut number = [0; 4];
        file.read_exact(&mut number).ok()?;
        let number = u32::from_be_bytes(number);
        // This does not allocate: the capacity is the number of objects.
        order.try_push((number < objects).then_some(number)?).ok()?;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use gitmind_memory::System;

    fn read(file: &[u8], objects: u32) -> Option<std::vec::Vec<u32>> {
        let system = System::new();
        let mut order = Vec::new(Alloc::new(&system));
        numbers(file, objects, &mut order)?;
        Some(order.to_vec())
    }

    #[test]
    fn numbers_out_of_range_and_short_files_are_rejected() {
        let file = [&HEADER[..], &[0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1]].concat();
        assert_eq!(read(&file, 3), Some(vec![2, 0, 1]));
        assert_eq!(read(&file, 2), None, "there is no object 2");
        assert_eq!(read(&file, 4), None, "a number is missing");
        let mut other = file;
        other[11] = 2;
        assert_eq!(read(&other, 3), None, "a repository of SHA-256");
    }
}
