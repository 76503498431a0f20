//! Writing one object by itself: a file of its own, as `git help gitrepository-layout` says.
//!
//! The content is in stored blocks of a zlib stream, as in our packs: an object of an append is
//! smaller than a block of the disk, so deflating it saves nothing. Names are looked up below open
//! folders, which takes no memory.

use std::io::Write;
use std::os::fd::AsFd;
use std::path::Path;

use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;

use crate::git::temporary::{ATTEMPTS_MAX, Temporary, errno, is_temporary, open_folder, sweep};
use crate::git::{Error, ObjectHeader, ObjectKind, encode_stored, object_id};
use crate::memory::{Alloc, Vec};
use crate::oid::Oid;

/// Digits of an object's name that its folder has.
const SHARD_LEN: usize = 2;

/// Writes an object below the folder `objects`; returns its name when the disk has it.
pub(super) fn write(
    objects: &Path,
    alloc: Alloc<'_>,
    kind: ObjectKind,
    data: &[u8],
) -> Result<Oid, Error> {
    let id = object_id(kind, data)?;
    let mut stream = Vec::new(alloc);
    encode_stored(&[ObjectHeader::new(kind, data.len()).as_bytes(), data], &mut stream)?;
    let mut written = write_file(objects, id, &stream);
    for _ in 1..ATTEMPTS_MAX {
        // `git prune` removes empty folders, and with `--expire=now` what is being written too.
        if written != Err(Errno::NOENT) {
            break;
        }
        written = write_file(objects, id, &stream);
    }
    written.map_err(|errno| Error::io("write an object in", objects)(errno.into()))?;
    Ok(id)
}

/// Whether the object `id` has a file in the folder `objects`.
pub(super) fn is_there(objects: &Path, id: Oid) -> bool {
    open_folder(rustix::fs::CWD, objects, OFlags::empty())
        .and_then(|objects| rustix::fs::statat(&objects, &name(id)[..], AtFlags::SYMLINK_NOFOLLOW))
        .is_ok()
}

/// Where the file of an object is below a folder of objects: `xx/yyyy`.
pub(super) fn name(id: Oid) -> [u8; Oid::HEX_LEN + 1] {
    let mut name = [b'/'; Oid::HEX_LEN + 1];
    let hex = id.to_hex();
    name[..SHARD_LEN].copy_from_slice(&hex[..SHARD_LEN]);
    name[SHARD_LEN + 1..].copy_from_slice(&hex[SHARD_LEN..]);
    name
}

fn write_file(objects: &Path, id: Oid, stream: &[u8]) -> Result<(), Errno> {
    let hex = id.to_hex();
    let (shard, name) = hex.split_at(SHARD_LEN);
    let objects = open_folder(rustix::fs::CWD, objects, OFlags::empty())?;
    let is_new = match rustix::fs::mkdirat(&objects, shard, Mode::from_raw_mode(0o777)) {
        Ok(()) => true,
        Err(Errno::EXIST) => false,
        Err(error) => return Err(error),
    };
    // A link here would lead the writing out of the repository.
    let folder = open_folder(objects.as_fd(), shard, OFlags::NOFOLLOW)?;
    match rustix::fs::statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Err(Errno::NOENT) => {}
        found => return found.map(drop),
    }
    // Above its folder, so that one look finds what all killed processes have left.
    sweep(objects.as_fd(), is_temporary, |_, _| true);
    let (mut file, temporary) = Temporary::create(objects.as_fd(), Mode::from_raw_mode(0o444))?;
    file.write_all(stream).map_err(errno)?;
    rustix::fs::fsync(&file)?;
    rustix::fs::renameat(&objects, temporary.name(), &folder, name)?;
    temporary.keep();
    rustix::fs::fsync(&folder)?;
    if is_new { rustix::fs::fsync(&objects) } else { Ok(()) }
}
