//! A table that numbers distinct keys, object ids or ends of edges, in the order of their first
//! insertion.
//!
//! The keys come from journals, which are untrusted: the hash has a random key, so that an attacker
//! cannot choose keys that collide.

use core::hash::{BuildHasher, Hash};
use gitmind_memory::{Alloc, Arena, ArenaColumn, ColumnRef, MemoryError};
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

/// Distinct keys, numbered from 0.
pub(super) struct NumberTable<'r, 'a, K: Copy> {
    keys: ArenaColumn<'r, K>,
    numbers: HashTable<u32, Alloc<'a>>,
    hasher: foldhash::fast::RandomState,
}

/// Why a key could not be inserted.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NumberTableError {
    Memory(MemoryError),
    TooManyKeys,
}

impl From<MemoryError> for NumberTableError {
    fn from(error: MemoryError) -> Self {
        Self::Memory(error)
    }
}

impl<'r, 'a, K: Copy + Eq + Hash> NumberTable<'r, 'a, K> {
    /// An empty table. The hash index is on `alloc`, since it is rebuilt when it grows.
    pub(super) fn new(arena: &'r Arena<'r>, alloc: Alloc<'a>) -> Self {
        let numbers = HashTable::new_in(alloc);
        Self { keys: ArenaColumn::new(arena), numbers, hasher: Default::default() }
    }

    /// The keys, by number.
    pub(super) fn keys(&self) -> ColumnRef<'_, K> {
        self.keys.view()
    }

    /// The number of `key`, if it is in the table.
    pub(super) fn find(&self, key: K) -> Option<u32> {
        let is_same = |number: &u32| self.keys[*number as usize] == key;
        self.numbers.find(self.hasher.hash_one(key), is_same).copied()
    }

    /// The number of `key`, which is inserted if it is not in the table.
    #[inline]
    pub(super) fn number(&mut self, key: K) -> Result<u32, NumberTableError> {
        let Self { keys, numbers, hasher } = self;
        let hash = |number: &u32| hasher.hash_one(keys[*number as usize]);
        numbers.try_reserve(1, hash).map_err(MemoryError::from)?;
        let is_same = |number: &u32| keys[*number as usize] == key;
        match numbers.entry(hasher.hash_one(key), is_same, hash) {
            Entry::Occupied(entry) => Ok(*entry.get()),
            Entry::Vacant(entry) => {
                let number =
                    u32::try_from(keys.len()).map_err(|_| NumberTableError::TooManyKeys)?;
                keys.try_push(key)?;
                entry.insert(number);
                Ok(number)
            }
        }
    }

    /// Drops the hash index.
    pub(super) fn into_keys(self) -> ArenaColumn<'r, K> {
        self.keys
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gitmind_git::oid::Oid;
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
            let mut table = NumberTable::new(&arena, Alloc::new(&system));
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
            prop_assert!(table.keys().iter().eq(&model));
        }
    }
}
