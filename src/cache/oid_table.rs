//! Object ids as small numbers, in the order of their first appearance.
//!
//! Ids come from journals, which are untrusted: the hash is keyed, so that nobody can choose ids
//! that collide.

use crate::memory::{Alloc, MemoryError, Vec};
use crate::oid::Oid;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use std::hash::BuildHasher;

/// Distinct object ids, numbered from 0.
pub(super) struct OidTable<'a> {
    oids: Vec<'a, Oid>,
    numbers: HashTable<u32, Alloc<'a>>,
    hasher: foldhash::fast::RandomState,
}

/// Why an id got no number.
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

impl<'a> OidTable<'a> {
    pub(super) fn new(alloc: Alloc<'a>) -> Self {
        let numbers = HashTable::new_in(alloc);
        Self { oids: Vec::new(alloc), numbers, hasher: Default::default() }
    }

    /// The number of `oid`, a new one when it has none.
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

    /// The ids; the index is the number.
    pub(super) fn into_oids(self) -> Vec<'a, Oid> {
        self.oids
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::System;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn equal_ids_have_equal_numbers_in_order_of_appearance(
            firsts in prop::collection::vec(0..30_u8, 0..200),
        ) {
            let system = System::new();
            let mut table = OidTable::new(Alloc::new(&system));
            let mut model = vec![];
            for first in firsts {
                let oid = Oid::new([first; 20]);
                if !model.contains(&oid) {
                    model.push(oid);
                }
                let number = table.number(oid).expect("few ids");
                prop_assert_eq!(model[number as usize], oid);
            }
            prop_assert_eq!(&*table.into_oids(), model);
        }
    }
}
