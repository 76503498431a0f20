//! Loading a partition into the arena, as posting lists of its objects.

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

/// The posting lists of a shard in one direction.
pub(super) struct Lists<'r> {
    pub(super) objects: OidTable<'r>,
    /// The numbers of the objects, sorted by object id.
    sorted: &'r [u32],
    postings: Postings<'r>,
}

impl<'r> Lists<'r> {
    /// Groups the records of `partition` by their first object id; calls `visit` for each record
    /// with the number of that object.
    pub(super) fn load(
        arena: &'r Arena<'r>,
        scratch: &Scratch<'_>,
        partition: &Partition<'_>,
        ids: &EdgeIds<'_>,
        mut visit: impl FnMut(u32, &[u8]) -> Result<(), RebuildError>,
    ) -> Result<Self, RebuildError> {
        let mut objects = OidTable::new(arena)?;
        let mut keys = ArenaVec::try_with_capacity(partition.len(), arena)?;
        let mut edges = ArenaVec::try_with_capacity(partition.len(), arena)?;
        let mut cursor = ids.cursor();
        partition.read(scratch, |record| {
            let object = objects.number(oid(record, 0))?;
            keys.try_push(object)?;
            edges.try_push(cursor.id(number(record)))?;
            visit(object, record)
        })?;
        let count = objects.oids().len();
        let postings = Postings::group_unordered(arena, count, &edges, &keys)?;
        let sorted = sorted_numbers(arena, objects.oids())?;
        Ok(Self { objects, sorted, postings })
    }

    /// The number, the object id and the edges of each object, in ascending order of object ids.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, Oid, &[u32])> {
        let oids = self.objects.oids();
        self.sorted.iter().map(|&number| (number, oids[number as usize], self.of(number)))
    }

    /// The edges of the object with this number.
    pub(super) fn of(&self, number: u32) -> &[u32] {
        self.postings.of(number)
    }
}
