//! A table that numbers distinct object ids in the order of their first insertion.
//!
//! The ids come from journals, which are untrusted: the hash has a random key, so that an attacker
//! cannot choose ids that collide.

use core::hash::BuildHasher;
use gitmind_git::oid::Oid;
use gitmind_memory::{Alloc, Arena, ArenaColumn, ColumnRef, MemoryError};
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

/// Distinct object ids, numbered from 0.
pub(super) struct OidTable<'r, 'a> {
    oids: ArenaColumn<'r, Oid>,
    numbers: HashTable<u32, Alloc<'a>>,
    hasher: foldhash::fast::RandomState,
}

/// Why an id could not be inserted.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum OidTableError {
    Memory(MemoryError),
    TooManyOids,
}

impl From<MemoryError> for OidTableError {
    fn from(error: MemoryError) -> Self {
        Self::Memory(error)
    }
}

impl<'r, 'a> OidTable<'r, 'a> {
    /// An empty table. The hash index is on `alloc`, since it is rebuilt when it grows.
    pub(super) fn new(arena: &'r Arena<'r>, alloc: Alloc<'a>) -> Self {
        let numbers = HashTable::new_in(alloc);
        Self { oids: ArenaColumn::new(arena), numbers, hasher: Default::default() }
    }

    /// The ids, by number.
    pub(super) fn oids(&self) -> ColumnRef<'_, Oid> {
        self.oids.view()
    }

    /// The number of `oid`, if it is in the table.
    pub(super) fn find(&self, oid: Oid) -> Option<u32> {
        let is_same = |number: &u32| self.oids[*number as usize] == oid;
        self.numbers.find(self.hasher.hash_one(oid), is_same).copied()
    }

    /// The number of `oid`, which is inserted if it is not in the table.
    pub(super) fn number(&mut self, oid: Oid) -> Result<u32, OidTableError> {
        let Self { oids, numbers, hasher } = self;
        let hash = |number: &u32| hasher.hash_one(oids[*number as usize]);
        numbers.try_reserve(1, hash).map_err(MemoryError::from)?;
        let is_same = |number: &u32| oids[*number as usize] == oid;
        match numbers.entry(hasher.hash_one(oid), is_same, hash) {
            Entry::Occupied(entry) => Ok(*entry.get()),
            Entry::Vacant(entry) => {
                let number = u32::try_from(oids.len()).map_err(|_| OidTableError::TooManyOids)?;
                oids.try_push(oid)?;
                entry.insert(number);
                Ok(number)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gitmind_memory::units::Bytes;
    use gitmind_memory::{Alloc, System};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn distinct_ids_are_numbered_in_the_order_of_insertion(
            firsts in prop::collection::vec(0..30_u8, 0..200),
        ) {
            let system = System::new();
            let arena = Arena::begin(Alloc::new(&system), Bytes::ZERO, Bytes::from_mib(1));
            let mut table = OidTable::new(&arena, Alloc::new(&system));
            let mut model = vec![];
            for first in firsts {
                let oid = Oid::new([first; 20]);
                if !model.contains(&oid) {
                    model.push(oid);
                }
                let number = table.number(oid).expect("few ids");
                prop_assert_eq!(model[number as usize], oid);
                prop_assert_eq!(table.find(oid), Some(number));
            }
            prop_assert_eq!(table.find(Oid::new([255; 20])), None);
            prop_assert!(table.oids().iter().eq(&model));
        }
    }
}
