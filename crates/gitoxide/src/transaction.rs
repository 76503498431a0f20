//! A transaction: new objects, loose or in one pack, then one update of a ref.
//!
//! A pack is protected from a concurrent gc by a `.keep` file until the transaction is dropped. git
//! has no such protection for a loose object, so its existence is checked under the lock of the ref
//! and again after the update, and it is rewritten if a gc that began earlier has removed it. While
//! a gc is known to run, the object is written to a pack instead.

use super::loose::{self, Object};
use super::pack::{KeepGuard, PackWriter};
use super::refs;
use super::repository::GitRepository;
use super::running_gc;
use gitmind_git::oid::Oid;
use gitmind_git::{EMPTY_TREE, Error, ObjectKind, PackError, RefUpdate, Stored, Transaction};
use gitmind_memory::units::Bytes;
use gitmind_memory::{Alloc, Vec};
use std::mem;

/// Attempts to write a pack whose temporary files another process removes.
const ATTEMPTS_MAX: u32 = 16;

/// A transaction on a repository on disk.
pub(super) struct GitTransaction<'t> {
    repository: &'t GitRepository,
    alloc: Alloc<'t>,
    /// The announced number of objects, if known.
    expected: Option<u32>,
    objects: Objects<'t>,
}

/// The objects of a transaction.
#[expect(clippy::large_enum_variant, reason = "it is in the block of its transaction")]
enum Objects<'t> {
    /// In memory: at most one besides the empty tree; they become loose objects.
    Few(Vec<'t, Object<'t>>),
    /// In a pack that is being written.
    Packing(PackWriter<'t>),
    /// In a finished pack, protected by its `.keep` guard.
    Packed { stored: Stored, _keep: KeepGuard },
    /// Lost, because the pack could not be finished.
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

    /// Stores the objects; if `is_again`, rewrites those that were removed since.
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
        let GitRepository { location, shared_mode, .. } = self.repository;
        // A gc that has ended before this check can no longer remove the objects written below.
        for _ in 0..ATTEMPTS_MAX {
            if few.is_empty() || !running_gc::is_running(&location.common_dir) {
                break;
            }
            match self.start_pack(Some(objects), few).and_then(PackWriter::finish) {
                Err(Error::Removed(_)) => {}
                packed => return Ok(self.keep(packed?)),
            }
        }
        let directory = &location.objects_dir;
        let mut bytes = 0;
        for object in few {
            if !is_again || !loose::is_there(directory, object.id) {
                bytes += loose::write(directory, *shared_mode, self.alloc, object)?;
            }
        }
        Ok(Stored { objects, size: Bytes::from(bytes) })
    }

    /// Starts a pack of `objects` objects and adds those of `few`.
    fn start_pack(
        &self,
        objects: Option<u32>,
        few: &[Object<'_>],
    ) -> Result<PackWriter<'t>, Error> {
        let GitRepository { location, shared_mode, .. } = self.repository;
        let directory = location.objects_dir.join("pack");
        let mut pack = PackWriter::start(self.alloc, &directory, objects, *shared_mode)?;
        for Object { kind, id, data } in few {
            pack.add(*kind, *id, data)?;
        }
        Ok(pack)
    }

    /// Records a finished pack with its `.keep` guard.
    fn keep(&mut self, (stored, keep): (Stored, KeepGuard)) -> Stored {
        self.objects = Objects::Packed { stored, _keep: keep };
        stored
    }

    /// Adds an object while no pack is being written; the second one starts the pack.
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

    /// Commits; calls `confirming` before each check that the objects still exist.
    fn commit_with(
        &mut self,
        update: RefUpdate<'_>,
        confirming: &mut dyn FnMut(),
    ) -> Result<Stored, Error> {
        if self.repository.is_quarantined {
            let reason = "git forbids it before it accepts a push (GIT_QUARANTINE_PATH)".into();
            return Err(Error::RefWrite { name: update.name.into(), reason });
        }
        let stored = self.store(false)?;
        let GitRepository { refs, objects, .. } = self.repository;
        let log = self.repository.ref_log(self.alloc);
        refs::update(refs, log, update, objects.warn, &mut || {
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
