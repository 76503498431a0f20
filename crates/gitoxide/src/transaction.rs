//! A transaction: objects in files of their own or in one pack, then one move of a ref.
//!
//! A pack has a `.keep` until its transaction is dropped. For a file with one object git has
//! nothing of the kind, so that it is still there is made sure of under the lock of the ref, and
//! again when the ref has moved: a collection of garbage that began before may have taken it for
//! garbage. While a collection is known to run, such an object is written to a pack instead.

use super::collection;
use super::loose::{self, Object};
use super::pack::{Keep, PackWriter};
use super::refs;
use super::repository::GitRepository;
use gitmind_git::oid::Oid;
use gitmind_git::{EMPTY_TREE, Error, ObjectKind, PackError, RefUpdate, Stored, Transaction};
use gitmind_memory::units::Bytes;
use gitmind_memory::{Alloc, Vec};
use std::mem;

/// How often a pack is written again whose files are removed before they are named.
const ATTEMPTS_MAX: u32 = 16;

/// A transaction on a repository on disk.
pub(super) struct GitTransaction<'t> {
    repository: &'t GitRepository,
    alloc: Alloc<'t>,
    /// How many objects there will be, if that is known.
    expected: Option<u32>,
    objects: Objects<'t>,
}

/// The objects of a transaction.
#[expect(clippy::large_enum_variant, reason = "it is in the block of its transaction")]
enum Objects<'t> {
    /// In memory: none or one beside the empty tree, which get files of their own.
    Few(Vec<'t, Object<'t>>),
    /// In a pack that is being written.
    Packing(PackWriter<'t>),
    /// In a pack that is there and kept.
    Packed { stored: Stored, _keep: Keep },
    /// Gone, since the pack could not be finished.
    Lost,
}

impl<'t> GitTransaction<'t> {
    pub(super) fn new(
        repository: &'t GitRepository,
        alloc: Alloc<'t>,
        expected: Option<u32>,
    ) -> Self {
        Self { repository, alloc, expected, objects: Objects::Few(Vec::new(alloc)) }
    }

    /// Stores the objects; when it `is_again`, makes sure that they still are.
    fn store(&mut self, is_again: bool) -> Result<Stored, Error> {
        let few = match &self.objects {
            Objects::Few(few) => few,
            Objects::Packed { stored, .. } => return Ok(*stored),
            Objects::Packing(_) | Objects::Lost => {
                let packing = mem::replace(&mut self.objects, Objects::Lost);
                let Objects::Packing(pack) = packing else { return Err(PackError::Ended.into()) };
                return Ok(self.keep(pack.finish()?));
            }
        };
        let objects = u32::try_from(few.len()).expect("this holds because two are many");
        if let Some(expected) = self.expected.filter(|expected| *expected != objects) {
            return Err(PackError::Count { expected, actual: objects }.into());
        }
        let GitRepository { location, sharing, .. } = self.repository;
        // In this order: a collection that is over by now has removed what it was going to.
        for _ in 0..ATTEMPTS_MAX {
            if few.is_empty() || !collection::is_running(&location.common_dir) {
                break;
            }
            match self.start_pack(Some(objects), few).and_then(PackWriter::finish) {
                Err(Error::Removed(_)) => {}
                packed => return Ok(self.keep(packed?)),
            }
        }
        let directory = location.common_dir.join("objects");
        let mut bytes = 0;
        for object in few {
            if !is_again || !loose::is_there(&directory, object.id) {
                bytes += loose::write(&directory, *sharing, self.alloc, object)?;
            }
        }
        Ok(Stored { objects, size: Bytes::from(bytes) })
    }

    /// Starts a pack of so many objects with those of `few`.
    fn start_pack(
        &self,
        objects: Option<u32>,
        few: &[Object<'_>],
    ) -> Result<PackWriter<'t>, Error> {
        let GitRepository { location, sharing, .. } = self.repository;
        let directory = location.common_dir.join("objects/pack");
        let mut pack = PackWriter::start(self.alloc, &directory, objects, *sharing)?;
        for Object { kind, id, data } in few {
            pack.add(*kind, *id, data)?;
        }
        Ok(pack)
    }

    /// Protects a finished pack.
    fn keep(&mut self, (stored, keep): (Stored, Keep)) -> Stored {
        self.objects = Objects::Packed { stored, _keep: keep };
        stored
    }

    /// Adds an object where no pack is being written yet: the second one starts it.
    #[cold]
    fn add_first(&mut self, kind: ObjectKind, id: Oid, data: &[u8]) -> Result<(), Error> {
        let Objects::Few(few) = &mut self.objects else { return Err(PackError::Ended.into()) };
        if id == EMPTY_TREE || few.iter().all(|object| object.id == EMPTY_TREE) {
            let mut bytes = Vec::new(self.alloc);
            bytes.try_extend_from_slice(data)?;
            few.try_push(Object { kind, id, data: bytes })?;
            return Ok(());
        }
        let few = mem::replace(few, Vec::new(self.alloc));
        let mut pack = self.start_pack(self.expected, &few)?;
        pack.add(kind, id, data)?;
        self.objects = Objects::Packing(pack);
        Ok(())
    }

    /// Commits, and calls `confirming` each time before it makes sure of the objects.
    fn commit_with(
        &mut self,
        update: RefUpdate<'_>,
        confirming: &mut dyn FnMut(),
    ) -> Result<Stored, Error> {
        let stored = self.store(false)?;
        let GitRepository { refs, sharing, .. } = self.repository;
        refs::update(refs, *sharing, update, &mut || {
            confirming();
            self.store(true).map(drop)
        })?;
        Ok(stored)
    }
}

impl Transaction for GitTransaction<'_> {
    fn add_named(&mut self, kind: ObjectKind, id: Oid, data: &[u8]) -> Result<(), Error> {
        match &mut self.objects {
            Objects::Packing(pack) => pack.add(kind, id, data),
            _ => self.add_first(kind, id, data),
        }
    }

    fn commit(&mut self, update: RefUpdate<'_>) -> Result<Stored, Error> {
        self.commit_with(update, &mut || {})
    }
}

#[cfg(test)]
mod tests;
