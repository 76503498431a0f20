//! Removing a tree: each step is relative to an open directory, so no link is followed at any
//! moment.
//!
//! It takes no memory, so that it works when there is none.

use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, Mode, RawDir, fchmod, openat, unlinkat};
use rustix::io::Errno;
use rustix::path::Arg;

use crate::fs::state::{DIRECTORY, PRIVATE};

/// Directories inside each other; a descriptor and [`BUFFER_BYTES`] of stack for each.
const DEPTH_MAX: usize = 128;
/// Entries that are read at once.
const BUFFER_BYTES: usize = 2048;
/// Times that a directory is emptied while others fill it.
const PASSES_MAX: usize = 8;

/// Why a tree is not removed.
#[derive(Debug)]
pub(super) enum Removal {
    /// The system refused.
    System(Errno),
    /// There are more directories inside each other than this.
    TooDeep(usize),
}

impl From<Errno> for Removal {
    fn from(errno: Errno) -> Self {
        Self::System(errno)
    }
}

/// Removes `name` in `directory`, whatever it is; `depth` directories are above it.
pub(super) fn remove_entry(
    directory: impl AsFd,
    name: impl Arg + Copy,
    depth: usize,
) -> Result<(), Removal> {
    let directory = directory.as_fd();
    match unlinkat(directory, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => return Ok(()),
        // Linux says the first of a directory, POSIX the second.
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
            // It is no directory any more: what took its place goes without being followed.
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

/// Opens the directory `name` of `directory`; a link that has taken its place is `LOOP` or
/// `NOTDIR`.
fn open_child(directory: BorrowedFd<'_>, name: impl Arg) -> Result<OwnedFd, Errno> {
    openat(directory, name, DIRECTORY, Mode::empty())
}

/// Removes everything in `directory` that can be seen in one pass.
fn empty(directory: &OwnedFd, depth: usize) -> Result<(), Removal> {
    // A directory without the right to write keeps its entries; where this fails, so will they.
    let _ = fchmod(directory, PRIVATE);
    let mut buffer = [const { MaybeUninit::uninit() }; BUFFER_BYTES];
    let mut entries = RawDir::new(directory, &mut buffer);
    while let Some(entry) = entries.next() {
        let entry = entry?;
        let name = entry.file_name();
        if !matches!(name.to_bytes(), b"." | b"..") {
            remove_entry(directory, name, depth)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_link_that_has_taken_the_place_of_a_directory_is_not_opened() {
        let (inside, outside) =
            [(); 2].map(|()| tempfile::tempdir().expect("a temporary directory")).into();
        symlink(outside.path(), inside.path().join("link")).expect("writable");
        let directory =
            rustix::fs::open(inside.path(), DIRECTORY, Mode::empty()).expect("it is there");
        let opened = open_child(directory.as_fd(), "link").map(drop);
        assert!(matches!(opened, Err(Errno::LOOP | Errno::NOTDIR)), "{opened:?}");
    }
}
