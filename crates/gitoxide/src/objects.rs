//! Reading objects through gitoxide's object database: loose, packed, alternates, multi-pack
//! indices.

use super::{alternates, cannot_open, reason};
use gitmind_git::oid::Oid;
use gitmind_git::{Error, ObjectKind, object_id};
use gitmind_memory as memory;
use gix_object::Find;
use std::cell::RefCell;
use std::io;
use std::path::{Path, PathBuf};

/// Most bytes of an object that is read. A journal commit has less than 100 KiB, the tree of a
/// cache's shard about 1 MiB for ten million edges.
pub(super) const OBJECT_BYTES_MAX: usize = 64 << 20;

/// Largest capacity in bytes that the staging buffer retains for the next object.
const STAGING_BYTES_RETAINED_MAX: usize = 256 << 10;

/// The object database of a repository.
pub(super) struct Objects {
    /// Opened on the first read: a rebuild from one pack needs none.
    handle: RefCell<Option<gix_odb::Handle>>,
    /// Path of the file in which git lists the boundary commits of a shallow clone.
    shallow: PathBuf,
    /// The repository's object directory and its alternates.
    directories: Vec<PathBuf>,
    /// The buffer into which `gix-odb` reads an object before it is copied to the caller's.
    staging: RefCell<Vec<u8>>,
}

impl std::fmt::Debug for Objects {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Objects").finish_non_exhaustive()
    }
}

impl Objects {
    /// Opens the objects of the repository with the common directory `common_dir`.
    pub(super) fn open(common_dir: &Path) -> Result<Self, Error> {
        let path = &common_dir.join("objects");
        let absolute = std::path::absolute(path).map_err(cannot_open(path))?;
        std::fs::read_dir(&absolute).map_err(cannot_open(path))?;
        let mut directories = vec![path.clone()];
        directories.extend(alternates::resolve(&absolute)?);
        let shallow = common_dir.join("shallow");
        Ok(Self { handle: RefCell::default(), shallow, directories, staging: RefCell::default() })
    }

    /// Opens the object database.
    fn open_handle(&self) -> Result<gix_odb::Handle, Error> {
        let options = gix_odb::store::init::Options {
            alloc_limit_bytes: Some(OBJECT_BYTES_MAX),
            ..Default::default()
        };
        let path = &self.directories[0];
        let handle = gix_odb::at_opts(path, gix_hash::Kind::Sha1, None, options);
        handle.map_err(cannot_open(path))
    }

    /// Reads the object `id` into `buffer` and returns its kind; `None` when it is not found.
    fn find(
        &self,
        id: Oid,
        staging: &mut Vec<u8>,
        buffer: &mut memory::Vec<'_, u8>,
    ) -> Result<Option<ObjectKind>, Error> {
        let name = gix_hash::ObjectId::Sha1(*id.as_bytes());
        let mut handle = self.handle.borrow_mut();
        let opened = match handle.take() {
            Some(handle) => handle,
            None => self.open_handle()?,
        };
        let found = handle.insert(opened).try_find(&name, staging);
        match found {
            Ok(Some(found)) => {
                buffer.clear();
                buffer.try_extend_from_slice(found.data)?;
                Ok(Some(kind_of(found.kind)))
            }
            Ok(None) => Ok(None),
            Err(error) if is_from_the_system(&error) => {
                Err(Error::Unreadable { id, reason: reason(&error) })
            }
            Err(error) => Err(Error::Corrupt { id, reason: reason(&error) }),
        }
    }

    /// Finds why an existing object may not be found: `gix-odb` skips an index that it cannot open.
    fn unreadable(&self, id: Oid) -> Option<Error> {
        let packs = self.directories.iter().map(|directory| directory.join("pack"));
        let indices = packs.map(|packs| {
            std::fs::read_dir(packs)?.try_for_each(|file| {
                let path = file?.path();
                let is_index = path.extension().is_some_and(|extension| extension == "idx");
                if is_index { std::fs::File::open(path).map(drop) } else { Ok(()) }
            })
        });
        let failed = indices.filter_map(Result::err);
        let mut failed = failed.filter(|error| error.kind() != io::ErrorKind::NotFound);
        let reason = failed.next()?.to_string();
        Some(Error::Unreadable { id, reason })
    }

    /// The object directories: the repository's own first, then its alternates.
    pub(super) fn directories(&self) -> impl Iterator<Item = &Path> {
        self.directories.iter().map(PathBuf::as_path)
    }

    fn is_shallow(&self) -> bool {
        std::fs::metadata(&self.shallow).is_ok_and(|file| file.len() > 0)
    }

    pub(super) fn read(
        &self,
        id: Oid,
        kind: ObjectKind,
        buffer: &mut memory::Vec<'_, u8>,
    ) -> Result<(), Error> {
        let staging = &mut *self.staging.borrow_mut();
        let mut found = self.find(id, staging, buffer);
        if !matches!(found, Ok(Some(_)) | Err(Error::Memory(_))) {
            // Retry with a new handle: packs may have been added or replaced meanwhile.
            self.handle.take();
            found = self.find(id, staging, buffer);
        }
        let actual = match found? {
            Some(actual) => actual,
            None if self.is_shallow() => return Err(Error::Shallow(id)),
            None => return Err(self.unreadable(id).unwrap_or(Error::Missing(id))),
        };
        if actual != kind {
            return Err(Error::Kind { id, actual, expected: kind });
        }
        // Unlike git, `gix-odb` does not verify the hash of a loose object.
        if object_id(kind, buffer)? != id {
            let reason = "its content does not match its id".into();
            return Err(Error::Corrupt { id, reason });
        }
        staging.clear();
        staging.shrink_to(STAGING_BYTES_RETAINED_MAX);
        Ok(())
    }
}

/// Whether a system call failed, such as for lack of permission or memory, so that the object
/// itself may be sound.
fn is_from_the_system(error: &(dyn std::error::Error + 'static)) -> bool {
    let causes = std::iter::successors(Some(error), |error| error.source());
    let mut systems = causes.filter_map(|error| error.downcast_ref::<io::Error>());
    systems.any(|error| error.raw_os_error().is_some())
}

fn kind_of(kind: gix_object::Kind) -> ObjectKind {
    match kind {
        gix_object::Kind::Blob => ObjectKind::Blob,
        gix_object::Kind::Tree => ObjectKind::Tree,
        gix_object::Kind::Commit => ObjectKind::Commit,
        gix_object::Kind::Tag => ObjectKind::Tag,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("could not open a pack")]
    struct Around(#[source] io::Error);

    #[test]
    fn only_a_failed_system_call_leaves_the_object_unjudged() {
        for denied in [1, 12, 13, 24] {
            assert!(is_from_the_system(&Around(io::Error::from_raw_os_error(denied))));
        }
        for damaged in [io::ErrorKind::InvalidData, io::ErrorKind::UnexpectedEof] {
            assert!(!is_from_the_system(&Around(io::Error::new(damaged, "a bad stream"))));
        }
    }
}
