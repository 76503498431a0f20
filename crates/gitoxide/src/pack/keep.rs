//! Keeping a new pack from git's collection of garbage until a ref names what is in it.
//!
//! `git repack -ad` lists packs, then finds what refs reach, then removes the packs: one that comes
//! in between would go with all that is in it. git's own answer, which `git fetch` uses, is a file
//! `.keep` beside the pack (`git help repack`). Ours is locked while its owner lives, so that the
//! next one who writes a pack removes what killed processes have left.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, OFlags};
use tempfile::NamedTempFile;

use gitmind_git::Error;
use gitmind_system::owned_file::{
    self as temporary, ATTEMPTS_MAX, create_named, is_temporary, open_directory,
};

/// What is in ours; a file that begins with anything else is somebody's.
const CONTENT: &[u8] = b"git-mind: until its ref has moved\n";
const SUFFIX: &[u8] = b".keep";

/// A pack that stays; what it was made of is collected again after this is dropped.
#[derive(Debug)]
pub struct Keep {
    path: PathBuf,
    /// Locked, where anything can be.
    _owned: File,
}

impl Keep {
    /// Puts the file at `path` in `directory`, before there is a pack; `None` when one is there.
    pub(super) fn make(directory: &Path, path: PathBuf) -> Result<Option<Self>, Error> {
        for _ in 0..ATTEMPTS_MAX {
            // It has its content and its lock when it gets its name.
            let new = create(directory).map_err(Error::io("write a file in", directory))?;
            match new.persist_noclobber(&path) {
                Ok(file) => return Ok(Some(Self { path, _owned: file })),
                Err(failed) => match failed.error.kind() {
                    io::ErrorKind::AlreadyExists => return Ok(None),
                    // `git prune --expire=now` removes what is temporary.
                    io::ErrorKind::NotFound => {}
                    _ => return Err(Error::io("create", &path)(failed.error)),
                },
            }
        }
        Err(Error::Removed(path))
    }
}

impl Drop for Keep {
    fn drop(&mut self) {
        // What stays is swept by the next process.
        let _ = std::fs::remove_file(&self.path);
    }
}

fn create(directory: &Path) -> io::Result<NamedTempFile> {
    let mut new = create_named(directory, "tmp_gitmind_keep_")?;
    new.write_all(CONTENT)?;
    // One that a power cut has emptied would be nobody's, and keep its pack for ever.
    new.as_file().sync_data()?;
    Ok(new)
}

fn is_ours(file: &mut impl Read) -> io::Result<bool> {
    let mut content = [0; CONTENT.len()];
    match file.read_exact(&mut content) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        read => read.map(|()| content == CONTENT),
    }
}

/// Removes what killed processes have left in `directory`, temporary files too.
pub(super) fn sweep(directory: &Path) {
    let Ok(directory) = open_directory(CWD, directory, OFlags::empty()) else { return };
    temporary::sweep(directory.as_fd(), is_temporary, |_, _| true);
    let is_keep = |name: &[u8]| name.ends_with(SUFFIX);
    temporary::sweep(directory.as_fd(), is_keep, |file, _| is_ours(file).unwrap_or(false));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(directory: &Path) -> std::vec::Vec<std::ffi::OsString> {
        let entries = std::fs::read_dir(directory).expect("a directory");
        entries.map(|entry| entry.expect("readable").file_name()).collect()
    }

    #[test]
    fn a_pack_is_kept_until_its_owner_lets_go() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let directory = directory.path();
        let make = || Keep::make(directory, directory.join("pack-1.keep")).expect("writable");
        let first = make().expect("there is none");
        assert!(make().is_none(), "two would not know when to let go");
        sweep(directory);
        assert_eq!(names(directory), ["pack-1.keep"], "nobody is dead");
        drop(first);
        assert!(names(directory).is_empty());
    }

    #[test]
    fn what_a_killed_process_left_is_swept_and_what_others_keep_is_not() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let directory = directory.path();
        std::fs::write(directory.join("pack-1.keep"), CONTENT).expect("writable");
        for (name, content) in [("pack-2.keep", ""), ("pack-3.keep", "fetch-pack 12 on host\n")] {
            std::fs::write(directory.join(name), content).expect("writable");
        }
        let third = Keep::make(directory, directory.join("pack-3.keep"));
        assert!(third.expect("readable").is_none(), "it is somebody's");
        sweep(directory);
        let mut left = names(directory);
        left.sort();
        assert_eq!(left, ["pack-2.keep", "pack-3.keep"]);
    }

    #[test]
    fn what_keeps_a_pack_is_locked_whatever_sweeps_when_it_is_made() {
        // One that a sweeper had locked, and did not remove since it died, was taken unlocked; the
        // next sweep removed it while its owner lived.
        use rustix::fs::{FlockOperation, flock};
        use std::sync::atomic::{AtomicBool, Ordering};
        let directory = tempfile::tempdir().expect("a temporary directory");
        let (directory, is_over) = (directory.path(), AtomicBool::new(false));
        let unlocked = std::thread::scope(|scope| {
            scope.spawn(|| {
                let opened = open_directory(CWD, directory, OFlags::empty()).expect("a directory");
                while !is_over.load(Ordering::Relaxed) {
                    temporary::sweep(opened.as_fd(), is_temporary, |_, _| false);
                }
            });
            let mut unlocked = 0;
            for number in 0..2_000 {
                let path = directory.join(format!("pack-{number}.keep"));
                let Ok(Some(kept)) = Keep::make(directory, path.clone()) else { continue };
                let other = File::open(path).expect("it is there");
                let locked = flock(&other, FlockOperation::NonBlockingLockShared);
                unlocked += usize::from(locked.is_ok());
                drop(kept);
            }
            is_over.store(true, Ordering::Relaxed);
            unlocked
        });
        assert_eq!(unlocked, 0);
    }
}
