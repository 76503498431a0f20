//! Objects that were decoded lately, for those that are deltas of them.
//!
//! git writes the trees of a directory as chains of up to 50 deltas. A walk reads them one after
//! another, and would decode each chain from its beginning.

use gitmind_memory::{Alloc, MemoryError, Vec};

/// Most objects.
const OBJECTS_MAX: usize = 256;
/// Most bytes of an object; larger ones are decoded again.
const OBJECT_BYTES_MAX: usize = 16 << 10;

/// The latest objects of packs; they have at most 4 MiB.
pub(in super::super) struct Bases<'b> {
    objects: Vec<'b, Base<'b>>,
    /// The oldest object, once there are as many as there may be.
    oldest: usize,
}

struct Base<'b> {
    pack: u64,
    offset: u64,
    bytes: Vec<'b, u8>,
}

impl<'b> Bases<'b> {
    pub(in super::super) const fn new(alloc: Alloc<'b>) -> Self {
        Self { objects: Vec::new(alloc), oldest: 0 }
    }

    /// The object whose data is at `offset` of the pack with this number.
    pub(super) fn get(&self, pack: u64, offset: u64) -> Option<&[u8]> {
        let mut objects = self.objects.iter();
        let found = objects.find(|base| (base.pack, base.offset) == (pack, offset));
        found.map(|base| &base.bytes[..])
    }

    /// Adds an object, in place of the oldest one when there are too many.
    pub(super) fn add(&mut self, pack: u64, offset: u64, bytes: &[u8]) -> Result<(), MemoryError> {
        if bytes.len() > OBJECT_BYTES_MAX {
            return Ok(());
        }
        if self.objects.len() < OBJECTS_MAX {
            let mut copy = Vec::try_with_capacity(bytes.len(), self.objects.alloc())?;
            copy.try_extend_from_slice(bytes)?;
            return self.objects.try_push(Base { pack, offset, bytes: copy });
        }
        let base = &mut self.objects[self.oldest];
        base.bytes.clear();
        base.bytes.try_reserve_exact(bytes.len())?;
        base.bytes.try_extend_from_slice(bytes)?;
        (base.pack, base.offset) = (pack, offset);
        self.oldest = (self.oldest + 1) % OBJECTS_MAX;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gitmind_memory::System;

    #[test]
    fn the_latest_objects_are_found_by_pack_and_offset() {
        let system = System::new();
        let mut bases = Bases::new(Alloc::new(&system));
        let count = 2 * OBJECTS_MAX as u64 + 7;
        for offset in 0..count {
            bases.add(1, offset, &offset.to_le_bytes()).expect("there is memory");
        }
        for offset in 0..count {
            let expected = offset.to_le_bytes();
            let is_late = offset >= count - OBJECTS_MAX as u64;
            assert_eq!(bases.get(1, offset), is_late.then_some(&expected[..]), "{offset}");
            assert_eq!(bases.get(2, offset), None, "of another pack");
        }
        bases.add(3, 0, &[0; OBJECT_BYTES_MAX + 1]).expect("there is memory");
        assert_eq!(bases.get(3, 0), None, "it is too large");
    }
}
