//! Object ids as small numbers, in the order of their first appearance.
//!
//! Ids come from journals, which are untrusted: the hash is keyed, so that nobody can choose ids
//! that collide.

use crate::oid::Oid;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use std::collections::TryReserveError;
use std::hash::BuildHasher;

/// Distinct object ids, numbered from 0.
#[derive(Default)]
pub(super) struct OidTable {
    oids: Vec<Oid>,
    numbers: HashTable<u32>,
    hasher: foldhash::fast::RandomState,
}

/// Why an id got no number.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum OidTableError {
    OutOfMemory,
    TooManyOids,
}

impl From<TryReserveError> for OidTableError {
    fn from(_: TryReserveError) -> Self {
        Self::OutOfMemory
    }
}

impl OidTable {
    /// The number of `oid`, a new one when it has none.
    pub(super) fn number(&mut self, oid: Oid) -> Result<u32, OidTableError> {
        let Self { oids, numbers, hasher } = self;
        let hash = |number: &u32| hasher.hash_one(oids[*number as usize]);
        numbers.try_reserve(1, hash).map_err(|_| OidTableError::OutOfMemory)?;
        let is_same = |number: &u32| oids[*number as usize] == oid;
        match numbers.entry(hasher.hash_one(oid), is_same, hash) {
            Entry::Occupied(entry) => Ok(*entry.get()),
            Entry::Vacant(entry) => {
                let number = u32::try_from(oids.len()).map_err(|_| OidTableError::TooManyOids)?;
                entry.insert(number);
                oids.try_reserve(1)?;
                oids.push(oid);
                Ok(number)
            }
        }
    }

    /// The ids; the index is the number.
    pub(super) fn into_oids(self) -> Vec<Oid> {
        self.oids
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn equal_ids_have_equal_numbers_in_order_of_appearance(
            firsts in prop::collection::vec(0..30_u8, 0..200),
        ) {
            let mut table = OidTable::default();
            let mut model: Vec<Oid> = Vec::new();
            for first in firsts {
                let oid = Oid::new([first; 20]);
                if !model.contains(&oid) {
                    model.push(oid);
                }
                let number = table.number(oid).expect("few ids");
                prop_assert_eq!(model[number as usize], oid);
            }
            prop_assert_eq!(table.into_oids(), model);
        }
    }
}
