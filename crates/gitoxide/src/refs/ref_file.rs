//! Replacing the file of a ref under git's lock, with detection of stale locks.
//!
//! git locks a ref by creating the file `<ref>.lock`, which does not show its holder. Here the lock
//! is a hard link to a temporary file that its holder has locked with `flock`: when that file is
//! stale, the holder was killed, and the lock is removed. `gix-ref` locks `packed-refs` too, which
//! only deletions need.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use rustix::fs::{Access, CWD, Mode, OFlags, Stat};
use rustix::io::Errno;

use crate::durability::is_recent_directory;
use crate::shared_mode::SharedMode;
use gitmind_git::Error;
use gitmind_git::oid::Oid;
use gitmind_system::calls;
use gitmind_system::owned_file::{Temporary, errno, is_owned, is_temporary, open_directory, sweep};

/// Time between two attempts to take a lock.
const LOCK_WAIT: Duration = Duration::from_millis(20);
/// Waits 1 s when the holder of a lock is unknown, 30 s when its `flock` shows that it is alive.
const LOCK_TRIES: LockTries = LockTries { unknown: 50, alive: 1_500 };
/// Most files and directories below a ref's path that one sweep looks at.
const BELOW_MAX: u32 = 10_000;
/// Attempts to make or remove a directory that another process removes or fills meanwhile.
const DIRECTORY_TRIES: u32 = 16;

/// Why a ref was not replaced.
pub(super) enum ReplaceError {
    /// Another process holds its lock.
    Locked {
        /// Whether that process is known to be alive.
        holder_is_alive: bool,
    },
    /// A system call failed.
    System(Errno),
    /// The action under the lock failed.
    Failed(Error),
}

impl From<Errno> for ReplaceError {
    fn from(errno: Errno) -> Self {
        Self::System(errno)
    }
}

/// The paths of a ref, and the mode of its files.
#[derive(Clone, Copy)]
pub(super) struct RefPaths<'p> {
    pub(super) common_dir: &'p Path,
    /// The ref's file, below `common_dir`.
    pub(super) path: &'p Path,
    /// The ref's lock file.
    pub(super) lock: &'p Path,
    pub(super) shared_mode: SharedMode,
}

/// A held lock of a ref; the lock file contains the ref's next value. Dropping this releases it.
pub(super) struct RefFile<'p> {
    paths: RefPaths<'p>,
    /// Cleared by the rename, after which a lock file at that path belongs to another process.
    is_held: Cell<bool>,
    /// The locked file, open as long as the lock is held, to show that the holder is alive.
    _owned: File,
}

impl<'p> RefFile<'p> {
    /// Locks the ref at `paths` with `new` as its next value and calls `replace`, which calls
    /// [`Self::rename`] or fails.
    pub(super) fn lock(
        paths: RefPaths<'p>,
        new: Oid,
        replace: impl FnOnce(&Self) -> Result<(), Error>,
    ) -> Result<(), ReplaceError> {
        // git needs no right to write in the directory itself, but in that of objects.
        let writable = rustix::fs::access(paths.common_dir, Access::WRITE_OK);
        let objects = (writable == Err(Errno::ACCESS)).then(|| paths.common_dir.join("objects"));
        let place = objects.as_deref().unwrap_or(paths.common_dir);
        let directory = open_directory(CWD, place, OFlags::empty())?;
        let mode = Mode::from_raw_mode(0o666);
        let (mut file, temporary) = Temporary::create(directory.as_fd(), mode)?;
        paths.shared_mode.adjust(&file)?;
        file.write_all(&new.to_hex()).map_err(errno)?;
        file.write_all(b"\n").map_err(errno)?;
        calls::sync_file(&file)?;
        let temporary_path = place.join(temporary.name());
        acquire(&temporary_path, temporary.is_locked(), paths, || {
            let mut left = BELOW_MAX;
            sweep(directory.as_fd(), is_temporary, |_, stat| is_removable(stat, paths, &mut left));
        })?;
        let held = Self { paths, is_held: Cell::new(true), _owned: file };
        let outcome = replace(&held);
        drop(held);
        // Dropped after the lock: as long as the lock exists, the temporary file shows its holder.
        drop(temporary);
        outcome.map_err(ReplaceError::Failed)
    }

    /// Renames the lock over the ref; returns the directory, which the caller syncs.
    pub(super) fn rename(&self) -> Result<OwnedFd, Errno> {
        // All other steps come first, because the rename cannot be undone when a later step fails.
        let RefPaths { common_dir, path, lock, .. } = self.paths;
        let directory = open_directory(CWD, parent(path), OFlags::empty())?;
        for made in new_directories(common_dir, path) {
            calls::sync_directory(open_directory(CWD, parent(made), OFlags::empty())?)?;
        }
        for _ in 0..DIRECTORY_TRIES {
            match calls::renameat((CWD, lock), (CWD, path)) {
                // A directory without refs may be in the way.
                Err(Errno::ISDIR) => remove_empty(path).map_err(errno)?,
                Err(error) => return Err(error),
                Ok(()) => {
                    self.is_held.set(false);
                    return Ok(directory);
                }
            }
        }
        Err(Errno::ISDIR)
    }
}

impl Drop for RefFile<'_> {
    fn drop(&mut self) {
        if self.is_held.get() {
            let _ = calls::unlinkat(CWD, self.paths.lock);
        }
    }
}

/// The remaining attempts to take an existing lock.
struct LockTries {
    unknown: u32,
    alive: u32,
}

impl LockTries {
    /// Waits [`LOCK_WAIT`] for a lock; fails with `Locked` when no attempt is left.
    fn wait(&mut self, lock: &Path) -> Result<(), ReplaceError> {
        let holder_is_alive = is_owned(lock);
        let left = if holder_is_alive { &mut self.alive } else { &mut self.unknown };
        *left = left.checked_sub(1).ok_or(ReplaceError::Locked { holder_is_alive })?;
        std::thread::sleep(LOCK_WAIT);
        Ok(())
    }
}

/// Creates the lock file as a hard link to `temporary`, and waits while another lock exists.
fn acquire(
    temporary: &Path,
    is_locked: bool,
    paths: RefPaths<'_>,
    sweep: impl Fn(),
) -> Result<(), ReplaceError> {
    let lock = paths.lock;
    let copy = || copy(temporary, paths);
    // Without `flock` a hard link would look stale to every process, so the lock is a plain copy,
    // and nothing is swept. Where there are no hard links, it is a copy too, which outlives a
    // killed process, as a lock of git's does.
    let link = || if is_locked { calls::link_or(temporary, lock, copy) } else { copy() };
    let sweep = || {
        if is_locked {
            sweep();
        }
    };
    sweep();
    let (mut tries, mut made) = (LOCK_TRIES, 0);
    loop {
        match link() {
            Ok(()) => return Ok(()),
            Err(Errno::EXIST) => {
                tries.wait(lock)?;
                sweep();
            }
            Err(Errno::NOENT) if made < DIRECTORY_TRIES => {
                made += 1;
                make_directories(parent(paths.path), paths.shared_mode)?;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Makes a directory and its missing parents.
fn make_directories(directory: &Path, shared_mode: SharedMode) -> Result<(), Errno> {
    let make = || calls::mkdirat(CWD, directory, Mode::from_raw_mode(0o777));
    let made = match make() {
        Err(Errno::NOENT) => {
            make_directories(parent(directory), shared_mode)?;
            make()
        }
        made => made,
    };
    match made {
        Ok(()) => shared_mode.adjust_directory(directory),
        // If it is not a directory, the next use of it fails.
        Err(Errno::EXIST) => Ok(()),
        Err(error) => Err(error),
    }
}

/// The directories above `path` whose entries may not be durable yet, the deepest first: this or
/// another process has made them within the last minute.
fn new_directories<'p>(common_dir: &Path, path: &'p Path) -> impl Iterator<Item = &'p Path> {
    let directories =
        path.ancestors().skip(1).take_while(move |directory| *directory != common_dir);
    // A directory that is not recent has no recent parent, so the search ends there.
    directories.take_while(|directory| {
        calls::retried(|| directory.metadata()).is_ok_and(|found| is_recent_directory(&found))
    })
}

pub(super) fn parent(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("."))
}

/// Creates the lock of a ref as a separate file with the content of `temporary`.
fn copy(temporary: &Path, RefPaths { lock, shared_mode, .. }: RefPaths<'_>) -> Result<(), Errno> {
    let mut value = [0; 2 * Oid::LEN + 1];
    // Read before the lock is created, because a lock that is left here would never be removed.
    let read = File::open(temporary).and_then(|mut file| file.read_exact(&mut value));
    read.map_err(errno)?;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    let mut file = File::from(calls::openat(CWD, lock, flags, Mode::from_raw_mode(0o666))?);
    let written = file.write_all(&value).map_err(errno).and_then(|()| calls::sync_file(&file));
    written.and_then(|()| shared_mode.adjust(&file)).inspect_err(|_| {
        let _ = calls::unlinkat(CWD, lock);
    })
}

/// Whether a stale temporary file can be removed: it has no other hard link, or is the ref's file,
/// or is the lock of this ref or of a ref below its path, which is removed too. If it is the lock
/// of another ref it must stay, because it shows that this lock is stale.
fn is_removable(stat: &Stat, RefPaths { path, lock, .. }: RefPaths<'_>, left: &mut u32) -> bool {
    let is_at = |path: &Path| {
        let found = calls::lstatat(CWD, path);
        found.is_ok_and(|found| (found.st_dev, found.st_ino) == (stat.st_dev, stat.st_ino))
    };
    let is_removed = |lock: &Path| is_at(lock) && calls::unlinkat(CWD, lock).is_ok();
    stat.st_nlink == 1 || is_removed(lock) || is_at(path) || any_below(path, &is_removed, left)
}

/// Whether `is_it` holds for a file below a directory, which need not exist. At most `left` entries
/// are visited, and no symbolic link is followed.
fn any_below(directory: &Path, is_it: &impl Fn(&Path) -> bool, left: &mut u32) -> bool {
    if !directory.symlink_metadata().is_ok_and(|found| found.is_dir()) {
        return false;
    }
    for entry in std::fs::read_dir(directory).into_iter().flatten().map_while(Result::ok) {
        if *left == 0 {
            return false;
        }
        *left -= 1;
        let path = entry.path();
        if is_it(&path) || any_below(&path, is_it, left) {
            return true;
        }
    }
    false
}

/// Removes a directory tree that contains no files; it may be removed already.
pub(super) fn remove_empty(directory: &Path) -> io::Result<()> {
    let remove = || {
        for entry in std::fs::read_dir(directory)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                remove_empty(&entry.path())?;
            }
        }
        std::fs::remove_dir(directory)
    };
    match remove() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_holder_that_is_alive_is_waited_for_longer_than_an_unknown_one() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let lock = directory.path().join("lock");
        let exhausted = || {
            let mut tries = LockTries { unknown: 2, alive: 4 };
            let mut waited = 0;
            loop {
                match tries.wait(&lock) {
                    Ok(()) => waited += 1,
                    Err(ReplaceError::Locked { holder_is_alive }) => {
                        return (waited, holder_is_alive);
                    }
                    Err(_) => unreachable!("`wait` fails in no other way"),
                }
            }
        };
        let opened = open_directory(CWD, directory.path(), OFlags::empty()).expect("a directory");
        let (file, owner) = Temporary::create(opened.as_fd(), Mode::RWXU).expect("writable");
        std::fs::hard_link(directory.path().join(owner.name()), &lock).expect("writable");
        assert_eq!(exhausted(), (4, true));
        drop(file);
        assert_eq!(exhausted(), (2, false), "its holder has ended");
        std::fs::remove_file(&lock).expect("it is there");
        std::fs::write(&lock, "").expect("writable");
        assert_eq!(exhausted(), (2, false), "a lock of git's has no flock");
    }

    #[test]
    fn directories_that_another_process_has_just_made_are_synced() {
        // Regression: an existing directory was assumed durable, so a power cut could lose a ref.
        let directory = tempfile::tempdir().expect("a temporary directory");
        let refs = directory.path().join("refs");
        std::fs::create_dir_all(refs.join("gitmind/edges")).expect("writable");
        let path = refs.join("gitmind/edges/main");
        let new: Vec<_> = new_directories(directory.path(), &path).collect();
        assert_eq!(new, [refs.join("gitmind/edges"), refs.join("gitmind"), refs]);
    }

    #[test]
    fn a_symbolic_link_at_the_path_of_a_ref_is_not_followed() {
        // Regression: its target was searched, and a hard link to a stale file was removed there.
        let directory = tempfile::tempdir().expect("a temporary directory");
        let at = |name: &str| directory.path().join(name);
        std::fs::write(at("stale"), "").expect("writable");
        for below in ["outside", "inside"] {
            std::fs::create_dir(at(below)).expect("writable");
            std::fs::hard_link(at("stale"), at(below).join("file")).expect("writable");
        }
        std::os::unix::fs::symlink(at("outside"), at("link")).expect("writable");
        let stat = rustix::fs::stat(at("stale")).expect("it is there");
        let is_removable = |path, left: &mut u32| {
            let (common_dir, path, lock) = (directory.path(), &at(path), &at("lock"));
            is_removable(
                &stat,
                RefPaths { common_dir, path, lock, shared_mode: SharedMode::Umask },
                left,
            )
        };
        assert!(!is_removable("link", &mut 10));
        assert!(at("outside/file").exists());
        assert!(!is_removable("inside", &mut 0), "there may be very many");
        assert!(is_removable("inside", &mut 1));
        assert!(!at("inside/file").exists());
    }
}
