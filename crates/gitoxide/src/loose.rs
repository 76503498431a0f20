//! Writing one object by itself: a file of its own, as `git help gitrepository-layout` says.
//!
//! The content is in stored blocks of a zlib stream, as in our packs: an object of an append is
//! smaller than a block of the disk, so deflating it saves nothing. Names are looked up below open
//! directories, which takes no memory.

use std::fs::File;
use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Mode, OFlags};
use rustix::io::Errno;

use super::recent::{is_new_directory, is_recent, time};
use crate::sharing::Sharing;
use gitmind_git::oid::Oid;
use gitmind_git::{Error, ObjectHeader, ObjectKind, encode_stored};
use gitmind_memory::{Alloc, Vec};
use gitmind_system::owned_file::{
    ATTEMPTS_MAX, Temporary, errno, is_temporary, open_directory, sweep,
};

/// Digits of an object's name that its directory has.
const SHARD_LEN: usize = 2;

/// An object that gets a file of its own.
pub(super) struct Object<'a> {
    pub(super) kind: ObjectKind,
    pub(super) id: Oid,
    pub(super) data: Vec<'a, u8>,
}

/// Writes an object below the directory `objects`; returns the bytes of its file when the disk has
/// it.
pub(super) fn write(
    objects: &Path,
    sharing: Sharing,
    alloc: Alloc<'_>,
    Object { kind, id, data }: &Object<'_>,
) -> Result<usize, Error> {
    let mut stream = Vec::new(alloc);
    encode_stored(&[ObjectHeader::new(*kind, data.len()).as_bytes(), data], &mut stream)?;
    let mut is_new = false;
    let mut written = write_file(objects, sharing, *id, &stream, &mut is_new);
    for _ in 1..ATTEMPTS_MAX {
        // `git prune` removes empty directories, and with `--expire=now` what is being written too.
        if written != Err(Errno::NOENT) {
            break;
        }
        written = write_file(objects, sharing, *id, &stream, &mut is_new);
    }
    written.map_err(|errno| Error::io("write an object in", objects)(errno.into()))?;
    Ok(stream.len())
}

/// Whether the object `id` has a file in the directory `objects`.
pub(super) fn is_there(objects: &Path, id: Oid) -> bool {
    open_directory(CWD, objects, OFlags::empty())
        .and_then(|objects| rustix::fs::statat(&objects, &name(id)[..], AtFlags::SYMLINK_NOFOLLOW))
        .is_ok()
}

/// Where the file of an object is below a directory of objects: `xx/yyyy`.
pub(super) fn name(id: Oid) -> [u8; Oid::HEX_LEN + 1] {
    let mut name = [b'/'; Oid::HEX_LEN + 1];
    let hex = id.to_hex();
    name[..SHARD_LEN].copy_from_slice(&hex[..SHARD_LEN]);
    name[SHARD_LEN + 1..].copy_from_slice(&hex[SHARD_LEN..]);
    name
}

/// Writes the file of an object, unless it is there. `is_new` is set when the disk may not have the
/// name of its directory, and says so from one try to the next: a directory that was made by an
/// earlier one is not new to this one.
fn write_file(
    objects: &Path,
    sharing: Sharing,
    id: Oid,
    stream: &[u8],
    is_new: &mut bool,
) -> Result<(), Errno> {
    let hex = id.to_hex();
    let (shard, name) = hex.split_at(SHARD_LEN);
    let objects = open_directory(CWD, objects, OFlags::empty())?;
    let made = rustix::fs::mkdirat(&objects, shard, Mode::from_raw_mode(0o777));
    if !matches!(made, Ok(()) | Err(Errno::EXIST)) {
        return made;
    }
    *is_new |= made.is_ok();
    // A link here would lead the writing out of the repository.
    let directory = File::from(open_directory(objects.as_fd(), shard, OFlags::NOFOLLOW)?);
    if made.is_ok() {
        sharing.adjust(&directory)?;
    }
    *is_new |= is_new_directory(&directory.metadata().map_err(errno)?);
    match rustix::fs::statat(&directory, name, AtFlags::SYMLINK_NOFOLLOW) {
        Err(Errno::NOENT) => put(&objects, sharing, &directory, name, stream)?,
        // Whoever wrote it may be waiting for the disk.
        Ok(found) if *is_new || is_recent(time(found.st_ctime)) => {}
        found => return found.map(drop),
    }
    rustix::fs::fsync(&directory)?;
    if *is_new { rustix::fs::fsync(&objects) } else { Ok(()) }
}

/// Makes the file `name` in `directory`.
fn put(
    objects: &OwnedFd,
    sharing: Sharing,
    directory: &File,
    name: &[u8],
    stream: &[u8],
) -> Result<(), Errno> {
    // Above its directory, so that one look finds what all killed processes have left.
    sweep(objects.as_fd(), is_temporary, |_, _| true);
    let mode = Mode::from_raw_mode(0o444);
    let (mut file, temporary) = Temporary::create(objects.as_fd(), mode)?;
    sharing.adjust(&file)?;
    file.write_all(stream).map_err(errno)?;
    rustix::fs::fsync(&file)?;
    rustix::fs::renameat(objects, temporary.name(), directory, name)?;
    temporary.keep();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_that_somebody_has_just_made_is_waited_for() {
        // One that was there was taken for synced: after a power cut an edge could miss it.
        let directory = tempfile::tempdir().expect("a temporary directory");
        let id = Oid::new([0x80; Oid::LEN]);
        std::fs::create_dir(directory.path().join("80")).expect("writable");
        let mut is_new = false;
        write_file(directory.path(), Sharing::Umask, id, b"", &mut is_new).expect("writable");
        assert!(is_new, "the directory is not ours");
        assert!(is_there(directory.path(), id));
        is_new = false;
        write_file(directory.path(), Sharing::Umask, id, b"", &mut is_new).expect("readable");
        assert!(is_new, "and the file is not either");
    }
}
