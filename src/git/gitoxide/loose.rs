//! Writing one object by itself: a file of its own, as `git help gitrepository-layout` says.
//!
//! The content is in stored blocks of a zlib stream, as in our packs: an object of an append is
//! smaller than a block of the disk, so deflating it saves nothing. Names are looked up below open
//! folders, which takes no memory.

use std::io::Write;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;

use crate::git::{Error, ObjectHeader, ObjectKind, encode_stored, object_id};
use crate::memory::{Alloc, Vec};
use crate::oid::Oid;

/// Tries to find a name that nothing has.
const ATTEMPTS_MAX: u32 = 16;

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
    let written = write_file(objects, id, &stream);
    written.map_err(|errno| Error::io("write an object in", objects)(errno.into()))?;
    Ok(id)
}

fn write_file(objects: &Path, id: Oid, stream: &[u8]) -> Result<(), Errno> {
    let hex = id.to_hex();
    let (shard, name) = hex.split_at(2);
    let objects = open_folder(rustix::fs::CWD, objects)?;
    let is_new = match rustix::fs::mkdirat(&objects, shard, Mode::from_raw_mode(0o777)) {
        Ok(()) => true,
        Err(Errno::EXIST) => false,
        Err(error) => return Err(error),
    };
    let folder = open_folder(objects.as_fd(), shard)?;
    match rustix::fs::statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Err(Errno::NOENT) => {}
        found => return found.map(drop),
    }
    let (mut file, temporary) = Temporary::create(folder.as_fd())?;
    file.write_all(stream).map_err(|error| {
        let errno = error.raw_os_error().map(Errno::from_raw_os_error);
        errno.unwrap_or(Errno::IO)
    })?;
    rustix::fs::fsync(&file)?;
    rustix::fs::renameat(&folder, temporary.name(), &folder, name)?;
    temporary.keep();
    rustix::fs::fsync(&folder)?;
    if is_new { rustix::fs::fsync(&objects) } else { Ok(()) }
}

fn open_folder(parent: BorrowedFd<'_>, path: impl rustix::path::Arg) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::openat(parent, path, flags, Mode::empty())
}

/// The name of a file that is removed unless it is kept. git removes old ones by their prefix.
struct Temporary<'f> {
    folder: BorrowedFd<'f>,
    name: TemporaryName,
    is_kept: bool,
}

impl<'f> Temporary<'f> {
    /// Makes an empty file in `folder` that nobody can write once it is closed.
    fn create(folder: BorrowedFd<'f>) -> Result<(std::fs::File, Self), Errno> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        for attempt in 1.. {
            let name = TemporaryName::random()?;
            match rustix::fs::openat(folder, name.as_str(), flags, Mode::from_raw_mode(0o444)) {
                Err(Errno::EXIST) if attempt < ATTEMPTS_MAX => {}
                Err(error) => return Err(error),
                Ok(file) => return Ok((file.into(), Self { folder, name, is_kept: false })),
            }
        }
        Err(Errno::EXIST)
    }

    fn name(&self) -> &str {
        self.name.as_str()
    }

    /// Says that the name is no longer there.
    fn keep(mut self) {
        self.is_kept = true;
    }
}

impl Drop for Temporary<'_> {
    fn drop(&mut self) {
        if !self.is_kept {
            // What stays is removed by git when it is old.
            let _ = rustix::fs::unlinkat(self.folder, self.name.as_str(), AtFlags::empty());
        }
    }
}

/// `tmp_obj_` and 16 hex digits.
struct TemporaryName([u8; 24]);

impl TemporaryName {
    fn random() -> Result<Self, Errno> {
        let mut number = [0; 8];
        rustix::rand::getrandom(&mut number, rustix::rand::GetRandomFlags::empty())?;
        let mut text = [0; 24];
        let number = u64::from_ne_bytes(number);
        write!(&mut text[..], "tmp_obj_{number:016x}")
            .expect("this holds because 64 bits have 16 digits");
        Ok(Self(text))
    }

    fn as_str(&self) -> &str {
        str::from_utf8(&self.0).expect("this holds because it is ASCII")
    }
}
