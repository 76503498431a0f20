//! System calls on files, and the one place that knows what a file system may be unable to do.
//!
//! - A call that a signal interrupts is made again (network file systems return `EINTR`).
//! - A file that cannot be synced is done, unless it is a pack; that is git's rule too.
//! - A directory that cannot be synced is done, whatever the reason, unless its disk fails: git
//!   syncs none.
//! - A file system without second names gets another file instead, as from git.
//! - A mode that cannot be set is left as it is.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags, Stat};
use rustix::io::{Errno, retry_on_intr};
use rustix::path::Arg;
use tempfile::{NamedTempFile, PersistError};

/// Opens the file `path` in `directory`.
pub fn openat(
    directory: BorrowedFd<'_>,
    path: impl Arg + Copy,
    flags: OFlags,
    mode: Mode,
) -> Result<OwnedFd, Errno> {
    retry_on_intr(|| rustix::fs::openat(directory, path, flags | OFlags::CLOEXEC, mode))
}

/// Makes the directory `path` in `directory`.
pub fn mkdirat(directory: BorrowedFd<'_>, path: impl Arg + Copy, mode: Mode) -> Result<(), Errno> {
    retry_on_intr(|| rustix::fs::mkdirat(directory, path, mode))
}

/// Looks at the file `path` in `directory`, and not at what it links to.
pub fn lstatat(directory: BorrowedFd<'_>, path: impl Arg + Copy) -> Result<Stat, Errno> {
    retry_on_intr(|| rustix::fs::statat(directory, path, AtFlags::SYMLINK_NOFOLLOW))
}

/// Renames the file `from` in one directory to `to` in another.
pub fn renameat(
    (from_directory, from): (BorrowedFd<'_>, impl Arg + Copy),
    (to_directory, to): (BorrowedFd<'_>, impl Arg + Copy),
) -> Result<(), Errno> {
    retry_on_intr(|| rustix::fs::renameat(from_directory, from, to_directory, to))
}

/// Removes the file `path` in `directory`.
pub fn unlinkat(directory: BorrowedFd<'_>, path: impl Arg + Copy) -> Result<(), Errno> {
    retry_on_intr(|| rustix::fs::unlinkat(directory, path, AtFlags::empty()))
}

/// Locks or unlocks a file.
pub fn flock(file: impl AsFd, operation: FlockOperation) -> Result<(), Errno> {
    retry_on_intr(|| rustix::fs::flock(&file, operation))
}

/// Gives the file `from` the second name `to`; where it cannot have one, calls `otherwise`.
///
/// # Errors
/// [`Errno::EXIST`] when `to` exists, [`Errno::NOENT`] when its directory or `from` does not, and
/// those of `otherwise`.
pub fn link_or(
    from: &Path,
    to: &Path,
    otherwise: impl FnOnce() -> Result<(), Errno>,
) -> Result<(), Errno> {
    let cwd = rustix::fs::CWD;
    match retry_on_intr(|| rustix::fs::linkat(cwd, from, cwd, to, AtFlags::empty())) {
        Ok(()) => Ok(()),
        Err(error @ (Errno::EXIST | Errno::NOENT)) => Err(error),
        Err(_) => otherwise(),
    }
}

/// Renames a temporary file to `path`.
///
/// # Errors
/// The system's, with the file.
pub fn persist(mut file: NamedTempFile, path: &Path) -> Result<File, PersistError> {
    loop {
        match file.persist(path) {
            Err(failed) if failed.error.kind() == io::ErrorKind::Interrupted => file = failed.file,
            persisted => return persisted,
        }
    }
}

/// Makes a directory and those above it that are missing.
///
/// # Errors
/// The system's.
pub fn create_directories(path: &Path) -> io::Result<()> {
    retried(|| std::fs::create_dir_all(path))
}

/// Calls a function of the standard library again when a signal interrupts it.
///
/// # Errors
/// Those of `call`, but for [`io::ErrorKind::Interrupted`].
pub fn retried<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            called => return called,
        }
    }
}

/// Renames a temporary file to `path`, unless that exists; returns `None` then.
///
/// # Errors
/// The system's; [`io::ErrorKind::NotFound`] when another process has removed the file.
pub fn persist_new(file: NamedTempFile, path: &Path) -> io::Result<Option<File>> {
    let failed = match file.persist_noclobber(path) {
        Ok(file) => return Ok(Some(file)),
        Err(failed) => failed,
    };
    match failed.error.kind() {
        io::ErrorKind::AlreadyExists => Ok(None),
        io::ErrorKind::NotFound => Err(failed.error),
        _ if path.symlink_metadata().is_ok() => Ok(None),
        _ => persist(failed.file, path).map(Some).map_err(|failed| failed.error),
    }
}

/// Looks at an open file.
pub fn fstat(file: impl AsFd) -> Result<Stat, Errno> {
    retry_on_intr(|| rustix::fs::fstat(&file))
}

/// Makes the content of a file durable, or fails where the file system cannot.
pub fn sync_pack(file: impl AsFd) -> Result<(), Errno> {
    retry_on_intr(|| rustix::fs::fsync(&file))
}

/// Makes the content of a file durable, where the file system can.
pub fn sync_file(file: impl AsFd) -> Result<(), Errno> {
    match sync_pack(file) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => Ok(()),
        synced => synced,
    }
}

/// Makes the entries of a directory durable, where the file system can and allows it.
pub fn sync_directory(directory: impl AsFd) -> Result<(), Errno> {
    match sync_pack(directory) {
        Err(error @ (Errno::IO | Errno::NOSPC | Errno::DQUOT)) => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Sets the mode of a file, where the file system can.
pub fn set_mode(file: impl AsFd, mode: Mode) -> Result<(), Errno> {
    match retry_on_intr(|| rustix::fs::fchmod(&file, mode)) {
        Err(Errno::PERM | Errno::ACCESS | Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => Ok(()),
        set => set,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_name_is_replaced_by_another_file_where_there_is_none() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let at = |name: &str| directory.path().join(name);
        std::fs::write(at("a"), "").expect("writable");
        let never = || panic!("a file can have two names here");
        assert_eq!(link_or(&at("a"), &at("b"), never), Ok(()));
        assert_eq!(link_or(&at("a"), &at("b"), never), Err(Errno::EXIST));
        assert_eq!(link_or(&at("a"), &at("none/b"), never), Err(Errno::NOENT));
        // A directory can have no second name, which stands for a file system without them.
        let otherwise = |outcome| move || outcome;
        assert_eq!(link_or(directory.path(), &at("c"), otherwise(Ok(()))), Ok(()));
        let failed = Err(Errno::NOSPC);
        assert_eq!(link_or(directory.path(), &at("c"), otherwise(failed)), failed);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_directory_is_synced_where_that_is_possible() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        assert_eq!(sync_directory(File::open(directory.path()).expect("it is there")), Ok(()));
        // /proc cannot sync: it returns EINVAL.
        let proc = File::open("/proc").expect("Linux has it");
        assert_eq!(sync_pack(&proc), Err(Errno::INVAL));
        assert_eq!((sync_file(&proc), sync_directory(&proc)), (Ok(()), Ok(())));
        // What is open as a name only cannot be synced either: EBADF.
        let name = openat(rustix::fs::CWD, directory.path(), OFlags::PATH, Mode::empty());
        let name = name.expect("it is there");
        assert_eq!((sync_file(&name), sync_directory(&name)), (Err(Errno::BADF), Ok(())));
    }

    #[test]
    fn a_call_that_a_signal_interrupts_is_made_again() {
        let mut left = 3;
        let called = retried(|| {
            left -= 1;
            if left > 0 { Err(io::ErrorKind::Interrupted.into()) } else { Ok(left) }
        });
        assert_eq!(called.expect("the third time"), 0);
        assert!(retried(|| Err::<(), _>(io::ErrorKind::NotFound.into())).is_err());
    }

    #[test]
    fn a_new_name_is_given_at_most_once() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let new = || NamedTempFile::new_in(directory.path()).expect("writable");
        let path = directory.path().join("name");
        assert!(persist_new(new(), &path).expect("writable").is_some());
        assert!(persist_new(new(), &path).expect("writable").is_none());
        assert!(persist_new(new(), &directory.path().join("none/name")).is_err());
        assert_eq!(std::fs::read_dir(directory.path()).expect("readable").count(), 1);
    }
}
