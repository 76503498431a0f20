//! Objects through gitoxide's object database: loose, packed, alternates, multi-pack indices.

use super::{cannot_open, reason};
use crate::git::{Error, ObjectKind};
use crate::oid::Oid;
use gix_object::Find;
use std::path::Path;

/// Largest object that is read, whatever it claims. A journal commit has less than 100 KiB, the
/// tree of a cache's shard about 1 MiB for ten million edges.
const OBJECT_BYTES_MAX: usize = 64 << 20;

/// Open object folders.
pub(super) struct Objects {
    handle: gix_odb::Handle,
}

impl std::fmt::Debug for Objects {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Objects").finish_non_exhaustive()
    }
}

impl Objects {
    /// Opens the object folder `path`.
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let options = gix_odb::store::init::Options {
            alloc_limit_bytes: Some(OBJECT_BYTES_MAX),
            ..Default::default()
        };
        let handle = gix_odb::at_opts(path, gix_hash::Kind::Sha1, None, options);
        Ok(Self { handle: handle.map_err(cannot_open(path))? })
    }

    pub(super) fn read(
        &self,
        id: Oid,
        kind: ObjectKind,
        buffer: &mut Vec<u8>,
    ) -> Result<(), Error> {
        let name = gix_hash::ObjectId::Sha1(*id.as_bytes());
        let found = self.handle.try_find(&name, buffer);
        let data = match found {
            Ok(Some(data)) => data,
            Ok(None) => return Err(Error::Missing { id }),
            Err(error) => {
                return Err(Error::Corrupt { id, reason: reason(&error) });
            }
        };
        let (actual, len) = (kind_of(data.kind), data.data.len());
        if actual != kind {
            return Err(Error::Kind { id, actual, expected: kind });
        }
        buffer.truncate(len);
        Ok(())
    }
}

fn kind_of(kind: gix_object::Kind) -> ObjectKind {
    match kind {
        gix_object::Kind::Blob => ObjectKind::Blob,
        gix_object::Kind::Tree => ObjectKind::Tree,
        gix_object::Kind::Commit => ObjectKind::Commit,
        gix_object::Kind::Tag => ObjectKind::Tag,
    }
}
