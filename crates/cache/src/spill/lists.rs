//! A part that is brought back: each object's edges, in the arena.

use super::ids::EdgeIds;
use super::partition::Partition;
use super::record::{number, oid};
use super::scratch::Scratch;
use crate::error::RebuildError;
use crate::oid_table::OidTable;
use crate::plan::sorted_numbers;
use crate::postings::Postings;
use gitmind_git::oid::Oid;
use gitmind_memory::{Arena, ArenaVec};

/// The edges of a shard's objects in one direction.
pub(super) struct Lists<'r> {
    pub(super) objects: OidTable<'r>,
    /// Numbers of the objects, sorted by id.
    sorted: &'r [u32],
    postings: Postings<'r>,
}

impl<'r> Lists<'r> {
    /// Groups the records of `partition` by their first object id; `note` sees each of them with
    /// the number of that object.
    pub(super) fn load(
        arena: &'r Arena<'r>,
        scratch: &Scratch<'_>,
        partition: &Partition<'_>,
        ids: &EdgeIds<'_>,
        mut note: impl FnMut(u32, &[u8]) -> Result<(), RebuildError>,
    ) -> Result<Self, RebuildError> {
        let mut objects = OidTable::new(arena)?;
        let mut keys = ArenaVec::try_with_capacity(partition.len(), arena)?;
        let mut edges = ArenaVec::try_with_capacity(partition.len(), arena)?;
        let mut cursor = ids.cursor();
        partition.read(scratch, |record| {
            let object = objects.number(oid(record, 0))?;
            keys.try_push(object)?;
            edges.try_push(cursor.id(number(record)))?;
            note(object, record)
        })?;
        let count = objects.oids().len();
        let postings = Postings::group_unordered(arena, count, &edges, &keys)?;
        let sorted = sorted_numbers(arena, objects.oids())?;
        Ok(Self { objects, sorted, postings })
    }

    /// Number, id and edges of each object, in the order of the ids.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, Oid, &[u32])> {
        let oids = self.objects.oids();
        self.sorted.iter().map(|&number| (number, oids[number as usize], self.of(number)))
    }

    /// The edges of an object by its number.
    pub(super) fn of(&self, number: u32) -> &[u32] {
        self.postings.of(number)
    }
}
