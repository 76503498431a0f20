//! Staging objects in memory: a transaction needs the number of its objects before the first one.

use core::ops::Range;
use gitmind_git::oid::Oid;
use gitmind_git::{BoxedTransaction, Error, ObjectKind, Repository, object_id};
use gitmind_memory::{Alloc, Map, Vec};

/// Distinct objects in the order of insertion.
pub(super) struct Staged<'a> {
    bytes: Vec<'a, u8>,
    objects: Vec<'a, (ObjectKind, Range<usize>)>,
    known: Map<'a, Oid, ()>,
}

impl<'a> Staged<'a> {
    pub(super) fn new(alloc: Alloc<'a>) -> Self {
        Self { bytes: Vec::new(alloc), objects: Vec::new(alloc), known: Map::new(alloc) }
    }

    /// Adds an object, unless it was added before; returns its id.
    pub(super) fn add(&mut self, kind: ObjectKind, data: &[u8]) -> Result<Oid, Error> {
        let id = object_id(kind, data)?;
        if self.known.get(&id).is_none() {
            let start = self.bytes.len();
            self.bytes.try_extend_from_slice(data)?;
            self.objects.try_push((kind, start..self.bytes.len()))?;
            self.known.try_insert(id, ())?;
        }
        Ok(id)
    }

    /// Starts a transaction and adds the objects to it.
    pub(super) fn begin<'t>(
        &self,
        repository: &'t dyn Repository,
        alloc: Alloc<'t>,
    ) -> Result<BoxedTransaction<'t>, Error> {
        let count = u32::try_from(self.objects.len());
        let count = count.expect("this holds because memory does not hold 2^32 objects");
        let mut transaction = repository.begin(alloc, Some(count))?;
        for (kind, range) in &self.objects {
            transaction.add(*kind, &self.bytes[range.clone()])?;
        }
        Ok(transaction)
    }
}
