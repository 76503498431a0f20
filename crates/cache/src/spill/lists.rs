//! Loading a partition into the arena, as posting lists of its objects or paths.

use super::ids::EdgeIds;
use super::partition::Partition;
use super::record::{number, oid};
use super::scratch::Scratch;
use crate::error::RebuildError;
use crate::number_table::NumberTable;
use crate::postings::{Buffers, Postings, zeroed};
use gitmind_git::oid::Oid;
use gitmind_memory::{Alloc, Arena, ArenaColumn};

/// The posting lists of a partition in one direction.
pub(super) struct Lists<'r, 'a> {
    objects: NumberTable<'r, 'a, Oid>,
    /// The numbers of the objects, sorted by object id.
    sorted: &'r [u32],
    postings: Postings<'r>,
}

impl<'r, 'a> Lists<'r, 'a> {
    /// Groups the records of `partition` by their first object id; calls `visit` for each record
    /// with the number of that object.
    pub(super) fn load(
        (arena, alloc): (&'r Arena<'r>, Alloc<'a>),
        scratch: &Scratch<'_>,
        partition: &Partition<'_>,
        ids: &EdgeIds<'_>,
        mut visit: impl FnMut(u32, &[u8]) -> Result<(), RebuildError>,
    ) -> Result<Self, RebuildError> {
        let mut objects = NumberTable::new(arena, alloc);
        let mut edges = ArenaColumn::new(arena);
        let mut cursor = ids.cursor();
        partition.read(scratch, |record| {
            let object = objects.number(oid(record, 0))?;
            edges.try_push((cursor.id(number(record)), object))?;
            visit(object, record)
        })?;
        let count = objects.keys().len();
        let postings = Buffers::new(arena, count, edges.len())?
            .group_unordered(count, edges.view().iter().copied());
        let sorted = zeroed(arena, count)?;
        for (slot, number) in sorted.iter_mut().zip(0..) {
            *slot = number;
        }
        let oids = objects.keys();
        sorted.sort_unstable_by_key(|&number| *oids.at(number as usize));
        Ok(Self { objects, sorted, postings })
    }

    /// The objects.
    pub(super) const fn objects(&self) -> &NumberTable<'r, 'a, Oid> {
        &self.objects
    }

    /// The number, the object id and the edges of each object, in ascending order of object ids.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, Oid, &'r [u32])> {
        let oids = self.objects.keys();
        self.sorted.iter().map(move |&number| (number, *oids.at(number as usize), self.of(number)))
    }

    /// The edges of the object with this number.
    pub(super) fn of(&self, number: u32) -> &'r [u32] {
        self.postings.of(number)
    }
}
