//! Objects through gitoxide's object database: loose, packed, alternates, multi-pack indices.

use super::{cannot_open, reason};
use crate::git::{Error, ObjectKind};
use crate::memory;
use crate::oid::Oid;
use gix_object::Find;
use std::cell::{OnceCell, RefCell};
use std::io;
use std::path::{Path, PathBuf};

/// Largest object that is read, whatever it claims. A journal commit has less than 100 KiB, the
/// tree of a cache's shard about 1 MiB for ten million edges.
pub(super) const OBJECT_BYTES_MAX: usize = 64 << 20;

/// Bytes that stay for the next object; a large one gives its memory back.
const STAGING_BYTES_KEPT: usize = 256 << 10;

/// Open object folders.
pub(super) struct Objects {
    /// Opened when an object is asked for: a rebuild of one pack asks for none.
    handle: OnceCell<gix_odb::Handle>,
    /// Where git lists the commits whose parents a shallow clone does not have.
    shallow: PathBuf,
    /// The folder of the repository and those it borrows objects from.
    folders: Vec<PathBuf>,
    /// Where the library puts an object before it goes to who asked for it.
    staging: RefCell<Vec<u8>>,
}

impl std::fmt::Debug for Objects {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Objects").finish_non_exhaustive()
    }
}

impl Objects {
    /// Opens the objects of the repository whose folder is `common_dir`.
    pub(super) fn open(common_dir: &Path) -> Result<Self, Error> {
        let path = &common_dir.join("objects");
        let absolute = std::path::absolute(path).map_err(cannot_open(path))?;
        std::fs::read_dir(&absolute).map_err(cannot_open(path))?;
        let borrowed = gix_odb::alternate::resolve(absolute.clone(), &absolute);
        let mut folders = vec![path.clone()];
        folders.extend(borrowed.map_err(cannot_open(path))?);
        let shallow = common_dir.join("shallow");
        Ok(Self { handle: OnceCell::new(), shallow, folders, staging: RefCell::default() })
    }

    /// The object database.
    fn handle(&self) -> Result<&gix_odb::Handle, Error> {
        if let Some(handle) = self.handle.get() {
            return Ok(handle);
        }
        let options = gix_odb::store::init::Options {
            alloc_limit_bytes: Some(OBJECT_BYTES_MAX),
            ..Default::default()
        };
        let path = &self.folders[0];
        let handle = gix_odb::at_opts(path, gix_hash::Kind::Sha1, None, options);
        let handle = handle.map_err(cannot_open(path))?;
        Ok(self.handle.get_or_init(|| handle))
    }

    /// Where objects are: the repository's own folder first.
    pub(super) fn folders(&self) -> impl Iterator<Item = &Path> {
        self.folders.iter().map(PathBuf::as_path)
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
        let name = gix_hash::ObjectId::Sha1(*id.as_bytes());
        let staging = &mut *self.staging.borrow_mut();
        let found = self.handle()?.try_find(&name, staging);
        let data = match found {
            Ok(Some(data)) => data,
            Ok(None) if self.is_shallow() => return Err(Error::Shallow { id }),
            Ok(None) => return Err(Error::Missing { id }),
            Err(error) if is_from_the_system(&error) => {
                return Err(Error::Unreadable { id, reason: reason(&error) });
            }
            Err(error) => {
                return Err(Error::Corrupt { id, reason: reason(&error) });
            }
        };
        let actual = kind_of(data.kind);
        if actual != kind {
            return Err(Error::Kind { id, actual, expected: kind });
        }
        buffer.clear();
        buffer.try_extend_from_slice(data.data)?;
        staging.clear();
        staging.shrink_to(STAGING_BYTES_KEPT);
        Ok(())
    }
}

/// Whether the system refused something, such as a file or memory: no fault of the object's.
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
    fn only_what_the_system_refused_is_no_fault_of_the_object() {
        for denied in [1, 12, 13, 24] {
            assert!(is_from_the_system(&Around(io::Error::from_raw_os_error(denied))));
        }
        for damaged in [io::ErrorKind::InvalidData, io::ErrorKind::UnexpectedEof] {
            assert!(!is_from_the_system(&Around(io::Error::new(damaged, "a bad stream"))));
        }
    }
}
