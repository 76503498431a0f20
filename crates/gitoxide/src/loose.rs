//! Writing a loose object (`git help gitrepository-layout`).
//!
//! The content is in stored (uncompressed) blocks of a zlib stream, as in the packs of this
//! program: an object of an append is smaller than a disk block, so deflating it saves nothing.
//! Paths are relative to open directories, which needs no allocation.

use std::fs::File;
use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;

use super::durability::{is_recent, is_recent_directory, time};
use crate::shared_mode::SharedMode;
use gitmind_git::oid::Oid;
use gitmind_git::{Error, ObjectHeader, ObjectKind, encode_stored};
use gitmind_memory::{Alloc, Vec};
use gitmind_system::calls;
use gitmind_system::owned_file::{
    ATTEMPTS_MAX, Temporary, errno, is_temporary, open_directory, sweep,
};

/// Hex digits of an object's id that form the name of its directory.
const SHARD_LEN: usize = 2;

/// An object that is written as a loose object.
pub(super) struct Object<'a> {
    pub(super) kind: ObjectKind,
    pub(super) id: Oid,
    pub(super) data: Vec<'a, u8>,
}

/// Writes an object durably below the directory `objects`; returns the size of its file in bytes.
pub(super) fn write(
    objects: &Path,
    shared_mode: SharedMode,
    alloc: Alloc<'_>,
    Object { kind, id, data }: &Object<'_>,
) -> Result<usize, Error> {
    let mut stream = Vec::new(alloc);
    encode_stored(&[ObjectHeader::new(*kind, data.len()).as_bytes(), data], &mut stream)?;
    let mut is_new = false;
    let mut written = write_file(objects, shared_mode, *id, &stream, &mut is_new);
    for _ in 1..ATTEMPTS_MAX {
        // `git prune` removes empty directories, and temporary files too with `--expire=now`.
        if written != Err(Errno::NOENT) {
            break;
        }
        written = write_file(objects, shared_mode, *id, &stream, &mut is_new);
    }
    written.map_err(|errno| Error::io("write an object in", objects)(errno.into()))?;
    Ok(stream.len())
}

/// Whether the loose object `id` exists in the directory `objects`.
pub(super) fn is_there(objects: &Path, id: Oid) -> bool {
    open_directory(CWD, objects, OFlags::empty())
        .and_then(|objects| calls::lstatat(objects.as_fd(), &name(id)[..]))
        .is_ok()
}

/// Calls `found` with the ids of the loose objects in the directory `objects` that start with
/// `prefix`.
pub(super) fn with_prefix(objects: &Path, prefix: gix_hash::Prefix, found: &mut dyn FnMut(Oid)) {
    let shard = format!("{:02x}", prefix.as_oid().first_byte());
    for entry in std::fs::read_dir(objects.join(&shard)).into_iter().flatten().flatten() {
        let rest = entry.file_name();
        let id = Oid::from_hex(&[shard.as_bytes(), rest.as_encoded_bytes()].concat());
        let is_of = |id: &Oid| {
            let id = gix_hash::ObjectId::Sha1(*id.as_bytes());
            prefix.cmp_oid(&id) == std::cmp::Ordering::Equal
        };
        id.filter(is_of).into_iter().for_each(&mut *found);
    }
}

/// The path of a loose object relative to its object directory: `xx/yyyy...`.
pub(super) fn name(id: Oid) -> [u8; Oid::HEX_LEN + 1] {
    let mut name = [b'/'; Oid::HEX_LEN + 1];
    let hex = id.to_hex();
    name[..SHARD_LEN].copy_from_slice(&hex[..SHARD_LEN]);
    name[SHARD_LEN + 1..].copy_from_slice(&hex[SHARD_LEN..]);
    name
}

/// Writes the file of an object unless it exists. `is_new` is set when the entry of its directory
/// may not be durable yet. The flag persists from one attempt to the next, because a later attempt
/// finds the directory that an earlier one made.
fn write_file(
    objects: &Path,
    shared_mode: SharedMode,
    id: Oid,
    stream: &[u8],
    is_new: &mut bool,
) -> Result<(), Errno> {
    let hex = id.to_hex();
    let (shard, name) = hex.split_at(SHARD_LEN);
    let objects = open_directory(CWD, objects, OFlags::empty())?;
    let made = calls::mkdirat(objects.as_fd(), shard, Mode::from_raw_mode(0o777));
    if !matches!(made, Ok(()) | Err(Errno::EXIST)) {
        return made;
    }
    *is_new |= made.is_ok();
    // NOFOLLOW, because a symbolic link could lead out of the repository.
    let directory = File::from(open_directory(objects.as_fd(), shard, OFlags::NOFOLLOW)?);
    if made.is_ok() {
        shared_mode.adjust(&directory)?;
    }
    *is_new |= is_recent_directory(&calls::retried(|| directory.metadata()).map_err(errno)?);
    match calls::lstatat(directory.as_fd(), name) {
        Err(Errno::NOENT) => put(&objects, shared_mode, &directory, name, stream)?,
        // The process that wrote it may not have synced it yet.
        Ok(found) if *is_new || is_recent(time(found.st_ctime)) => {}
        found => return found.map(drop),
    }
    calls::sync_directory(&directory)?;
    if *is_new { calls::sync_directory(&objects) } else { Ok(()) }
}

/// Writes the file `name` in `directory` through a temporary file.
fn put(
    objects: &OwnedFd,
    shared_mode: SharedMode,
    directory: &File,
    name: &[u8],
    stream: &[u8],
) -> Result<(), Errno> {
    // Temporary files are made in `objects`, so that one sweep finds those of all shards.
    sweep(objects.as_fd(), is_temporary, |_, _| true);
    let mode = Mode::from_raw_mode(0o444);
    let (mut file, temporary) = Temporary::create(objects.as_fd(), mode)?;
    shared_mode.adjust(&file)?;
    file.write_all(stream).map_err(errno)?;
    calls::sync_file(&file)?;
    calls::renameat((objects.as_fd(), temporary.name()), (directory.as_fd(), name))?;
    temporary.keep();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_that_another_process_has_just_made_is_synced() {
        // Regression: an existing directory was assumed durable, so a power cut could lose an edge.
        let directory = tempfile::tempdir().expect("a temporary directory");
        let id = Oid::new([0x80; Oid::LEN]);
        std::fs::create_dir(directory.path().join("80")).expect("writable");
        let mut is_new = false;
        write_file(directory.path(), SharedMode::Umask, id, b"", &mut is_new).expect("writable");
        assert!(is_new, "another process made the directory");
        assert!(is_there(directory.path(), id));
        is_new = false;
        write_file(directory.path(), SharedMode::Umask, id, b"", &mut is_new).expect("readable");
        assert!(is_new, "another process made the file");
    }
}
