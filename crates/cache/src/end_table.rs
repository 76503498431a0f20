//! The ends of edges: distinct pairs of an object and the key of its path, numbered from 0.
//!
//! Objects and paths come from journals, which are untrusted: the hash has a random key, so that an
//! attacker cannot choose ends that collide.

use super::oid_table::OidTableError;
use core::hash::BuildHasher;
use gitmind_git::oid::Oid;
use gitmind_memory::{Alloc, Arena, ArenaColumn, ColumnRef, MemoryError};
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

/// An object and the key of the path under which an edge names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct End {
    pub(super) object: Oid,
    pub(super) path: Oid,
}

/// Distinct ends, numbered in the order of their first insertion.
pub(super) struct EndTable<'r, 'a> {
    ends: ArenaColumn<'r, End>,
    numbers: HashTable<u32, Alloc<'a>>,
    hasher: foldhash::fast::RandomState,
}

impl<'r, 'a> EndTable<'r, 'a> {
    /// An empty table. The hash index is on `alloc`, since it is rebuilt when it grows.
    pub(super) fn new(arena: &'r Arena<'r>, alloc: Alloc<'a>) -> Self {
        let numbers = HashTable::new_in(alloc);
        Self { ends: ArenaColumn::new(arena), numbers, hasher: Default::default() }
    }

    /// The ends, by number.
    pub(super) fn ends(&self) -> ColumnRef<'_, End> {
        self.ends.view()
    }

    /// The number of `end`, which is inserted if it is not in the table.
    #[inline]
    pub(super) fn number(&mut self, end: End) -> Result<u32, OidTableError> {
        let Self { ends, numbers, hasher } = self;
        let hash = |number: &u32| hasher.hash_one(ends[*number as usize]);
        numbers.try_reserve(1, hash).map_err(MemoryError::from)?;
        let is_same = |number: &u32| ends[*number as usize] == end;
        match numbers.entry(hasher.hash_one(end), is_same, hash) {
            Entry::Occupied(entry) => Ok(*entry.get()),
            Entry::Vacant(entry) => {
                let number = u32::try_from(ends.len()).map_err(|_| OidTableError::TooManyOids)?;
                ends.try_push(end)?;
                entry.insert(number);
                Ok(number)
            }
        }
    }

    /// Drops the hash index.
    pub(super) fn into_ends(self) -> ArenaColumn<'r, End> {
        self.ends
    }
}
