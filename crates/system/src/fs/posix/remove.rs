//! Removing a directory tree. Each step is relative to an open directory, so that no symbolic link
//! is followed, even one that replaces a directory meanwhile.
//!
//! It does not allocate, so that it works after a failed allocation.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, Mode, fchmod, openat, unlinkat};
use rustix::io::Errno;
use rustix::path::Arg;

use crate::fs::state::{DIRECTORY, PRIVATE};
use crate::listing::each_name;

/// Most nested directories; each level uses a descriptor and some kilobytes of stack.
const DEPTH_MAX: usize = 128;
/// How often a directory is emptied again when another process adds entries meanwhile.
const PASSES_MAX: usize = 8;

/// Why a tree is not removed.
#[derive(Debug)]
pub(super) enum Removal {
    /// A system call failed.
    System(Errno),
    /// There are more nested directories than this.
    TooDeep(usize),
}

impl From<Errno> for Removal {
    fn from(errno: Errno) -> Self {
        Self::System(errno)
    }
}

/// Removes `name` in `directory`, a file, a link or a tree; `depth` directories are above it.
pub(super) fn remove_entry(
    directory: impl AsFd,
    name: impl Arg + Copy,
    depth: usize,
) -> Result<(), Removal> {
    let directory = directory.as_fd();
    match unlinkat(directory, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => return Ok(()),
        // The error for a directory: `EISDIR` on Linux, `EPERM` in POSIX.
        Err(Errno::ISDIR | Errno::PERM) => {}
        Err(errno) => return Err(errno.into()),
    }
    if depth == DEPTH_MAX {
        return Err(Removal::TooDeep(DEPTH_MAX));
    }
    let mut outcome = Ok(());
    for _ in 0..PASSES_MAX {
        match open_child(directory, name) {
            Ok(child) => empty(&child, depth + 1)?,
            Err(Errno::NOENT) => return Ok(()),
            // It is no longer a directory: remove what replaced it, without following a link.
            Err(Errno::LOOP | Errno::NOTDIR) => {
                return Ok(unlinkat(directory, name, AtFlags::empty())?);
            }
            Err(errno) => return Err(errno.into()),
        }
        outcome = unlinkat(directory, name, AtFlags::REMOVEDIR);
        match outcome {
            Ok(()) | Err(Errno::NOENT) => return Ok(()),
            Err(Errno::NOTEMPTY | Errno::EXIST) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
    Ok(outcome?)
}

/// Opens the directory `name` of `directory`; fails with `LOOP` or `NOTDIR` when a symbolic link
/// has replaced it.
fn open_child(directory: BorrowedFd<'_>, name: impl Arg) -> Result<OwnedFd, Errno> {
    openat(directory, name, DIRECTORY, Mode::empty())
}

/// Removes all entries of `directory` that one pass over it returns.
fn empty(directory: &OwnedFd, depth: usize) -> Result<(), Removal> {
    // Entries of a read-only directory cannot be removed; if this fails, removing them fails.
    let _ = fchmod(directory, PRIVATE);
    each_name(directory.as_fd(), |name| remove_entry(directory, name, depth))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_symbolic_link_that_replaced_a_directory_is_not_opened() {
        let (inside, outside) =
            [(); 2].map(|()| tempfile::tempdir().expect("a temporary directory")).into();
        symlink(outside.path(), inside.path().join("link")).expect("writable");
        let directory =
            rustix::fs::open(inside.path(), DIRECTORY, Mode::empty()).expect("it is there");
        let opened = open_child(directory.as_fd(), "link").map(drop);
        assert!(matches!(opened, Err(Errno::LOOP | Errno::NOTDIR)), "{opened:?}");
    }
}
