//! The `.keep` guard: protects a new pack from gc until it is dropped.
//!
//! `git repack -ad` lists packs, then finds the objects that refs reach, then removes the listed
//! packs with all unreachable objects. git's own protection, which `git fetch` uses, is a `.keep`
//! file beside the pack (`git help repack`). The file of this guard is locked with `flock` while
//! its owner is alive, so that the next pack writer removes those that killed processes have left.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, OFlags};
use tempfile::NamedTempFile;

use gitmind_git::Error;
use gitmind_system::calls::persist_new;
use gitmind_system::owned_file::{
    self as temporary, ATTEMPTS_MAX, create_named, is_temporary, open_directory,
};

/// The content of this program's `.keep` files; one with other content belongs to another program.
const CONTENT: &[u8] = b"git-mind: until its ref has moved\n";
const SUFFIX: &[u8] = b".keep";

/// The `.keep` file of a pack, which gc does not remove until this is dropped.
#[derive(Debug)]
pub struct KeepGuard {
    path: PathBuf,
    /// The open `.keep` file, locked where the file system supports `flock`.
    _owned: File,
}

impl KeepGuard {
    /// Creates the `.keep` file `path` in `directory`, before its pack exists; `None` when the file
    /// exists.
    pub(super) fn make(directory: &Path, path: PathBuf) -> Result<Option<Self>, Error> {
        for _ in 0..ATTEMPTS_MAX {
            // It is written and locked before it gets its name.
            let new = create(directory).map_err(Error::io("write a file in", directory))?;
            match persist_new(new, &path) {
                Ok(kept) => return Ok(kept.map(|file| Self { path, _owned: file })),
                // `git prune --expire=now` has removed the temporary file.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(Error::io("create", &path)(error)),
            }
        }
        Err(Error::Removed(path))
    }
}

impl Drop for KeepGuard {
    fn drop(&mut self) {
        // If this fails, the next pack writer sweeps the file.
        let _ = std::fs::remove_file(&self.path);
    }
}

fn create(directory: &Path) -> io::Result<NamedTempFile> {
    let mut new = create_named(directory, "tmp_gitmind_keep_")?;
    new.write_all(CONTENT)?;
    // Synced, because a file that a power cut has emptied would never be swept.
    new.as_file().sync_data()?;
    Ok(new)
}

fn is_from_gitmind(file: &mut impl Read) -> io::Result<bool> {
    let mut content = [0; CONTENT.len()];
    match file.read_exact(&mut content) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        read => read.map(|()| content == CONTENT),
    }
}

/// Removes the `.keep` and temporary files that killed processes have left in `directory`.
pub(super) fn sweep(directory: &Path) {
    let Ok(directory) = open_directory(CWD, directory, OFlags::empty()) else { return };
    temporary::sweep(directory.as_fd(), is_temporary, |_, _| true);
    let is_keep = |name: &[u8]| name.ends_with(SUFFIX);
    temporary::sweep(directory.as_fd(), is_keep, |file, _| is_from_gitmind(file).unwrap_or(false));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(directory: &Path) -> std::vec::Vec<std::ffi::OsString> {
        let entries = std::fs::read_dir(directory).expect("a directory");
        entries.map(|entry| entry.expect("readable").file_name()).collect()
    }

    #[test]
    fn a_pack_is_kept_until_its_guard_is_dropped() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let directory = directory.path();
        let make = || KeepGuard::make(directory, directory.join("pack-1.keep")).expect("writable");
        let first = make().expect("there is none");
        assert!(make().is_none(), "a pack has at most one guard");
        sweep(directory);
        assert_eq!(names(directory), ["pack-1.keep"], "its owner is alive");
        drop(first);
        assert!(names(directory).is_empty());
    }

    #[test]
    fn a_sweep_removes_stale_keep_files_and_leaves_those_of_other_programs() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let directory = directory.path();
        std::fs::write(directory.join("pack-1.keep"), CONTENT).expect("writable");
        for (name, content) in [("pack-2.keep", ""), ("pack-3.keep", "fetch-pack 12 on host\n")] {
            std::fs::write(directory.join(name), content).expect("writable");
        }
        let third = KeepGuard::make(directory, directory.join("pack-3.keep"));
        assert!(third.expect("readable").is_none(), "another program owns it");
        sweep(directory);
        let mut left = names(directory);
        left.sort();
        assert_eq!(left, ["pack-2.keep", "pack-3.keep"]);
    }

    #[test]
    fn a_keep_file_is_locked_even_if_a_sweep_runs_when_it_is_made() {
        // Regression: a file that a sweep had locked just then stayed unlocked by its owner, and a
        // later sweep removed it while the owner was alive.
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
                let Ok(Some(kept)) = KeepGuard::make(directory, path.clone()) else { continue };
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
