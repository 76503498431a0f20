//! Replacing the file of a ref under git's lock, which does not outlive a killed process.
//!
//! git's lock of a ref is that the file `<ref>.lock` exists, so nobody can tell whose it is. Ours
//! is a second name of a temporary file that we own: a lock that is the same file as one whose
//! owner is dead is removed. The library locks `packed-refs` too, which only deletions need.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use rustix::fs::{AtFlags, CWD, Mode, OFlags, Stat, linkat};
use rustix::io::Errno;

use crate::recent::is_new_directory;
use crate::sharing::Sharing;
use gitmind_git::Error;
use gitmind_git::oid::Oid;
use gitmind_system::owned_file::{Temporary, errno, is_owned, is_temporary, open_directory, sweep};

/// How long to wait before a lock is asked for again.
const LOCK_WAIT: Duration = Duration::from_millis(20);
/// A second for someone of whom nobody can tell whether they live, 30 for who does.
const PATIENCE: Patience = Patience { others: 50, living: 1_500 };
/// Files and directories below a ref's own path that one sweep looks at.
const BELOW_MAX: u32 = 10_000;
/// Directories that others remove while we make them, and the other way round.
const DIRECTORY_TRIES: u32 = 16;

/// Why a ref was not replaced.
pub(super) enum Refused {
    /// Someone else has its lock.
    Locked {
        /// Whether they are known to live.
        holder_is_alive: bool,
    },
    /// The system said so.
    System(Errno),
    /// What was done under the lock failed.
    Failed(Error),
}

impl From<Errno> for Refused {
    fn from(errno: Errno) -> Self {
        Self::System(errno)
    }
}

/// Where a ref is, and for whom.
#[derive(Clone, Copy)]
pub(super) struct Place<'p> {
    pub(super) common_dir: &'p Path,
    /// Its file, below that directory.
    pub(super) path: &'p Path,
    /// The file that locks it.
    pub(super) lock: &'p Path,
    pub(super) sharing: Sharing,
}

/// The lock of a ref, which holds its next value. It is gone when this is dropped.
pub(super) struct RefFile<'p> {
    place: Place<'p>,
    /// Until the ref has the lock's file: a lock that is there after that is someone else's.
    is_held: Cell<bool>,
    /// Open as long as the lock is held, so that others see that its owner lives.
    _owned: File,
}

impl<'p> RefFile<'p> {
    /// Locks the ref at `place`, with `new` as its next value, and calls `replace`, which gives it
    /// that value or says why not.
    pub(super) fn lock(
        place: Place<'p>,
        new: Oid,
        replace: impl FnOnce(&Self) -> Result<(), Error>,
    ) -> Result<(), Refused> {
        let directory = open_directory(CWD, place.common_dir, OFlags::empty())?;
        let mode = Mode::from_raw_mode(0o666);
        let (mut file, temporary) = Temporary::create(directory.as_fd(), mode)?;
        place.sharing.adjust(&file)?;
        file.write_all(&new.to_hex()).map_err(errno)?;
        file.write_all(b"\n").map_err(errno)?;
        rustix::fs::fsync(&file)?;
        let own = place.common_dir.join(temporary.name());
        acquire(&own, temporary.is_locked(), place, || {
            let mut left = BELOW_MAX;
            sweep(directory.as_fd(), is_temporary, |_, stat| is_done(stat, place, &mut left));
        })?;
        let held = Self { place, is_held: Cell::new(true), _owned: file };
        let outcome = replace(&held);
        drop(held);
        // Only now: a temporary file that has a lock says whose lock that is.
        drop(temporary);
        outcome.map_err(Refused::Failed)
    }

    /// Gives the ref its next value; returns the directory, for the disk to have it.
    pub(super) fn rename(&self) -> Result<OwnedFd, Errno> {
        // First, since what fails after the renaming cannot be taken back.
        let Place { common_dir, path, lock, .. } = self.place;
        let directory = open_directory(CWD, parent(path), OFlags::empty())?;
        for made in new_directories(common_dir, path) {
            rustix::fs::fsync(open_directory(CWD, parent(made), OFlags::empty())?)?;
        }
        for _ in 0..DIRECTORY_TRIES {
            match rustix::fs::rename(lock, path) {
                // Directories without a ref may stand where a ref is to be.
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
            let _ = rustix::fs::unlink(self.place.lock);
        }
    }
}

/// How often a lock that is there is asked for again.
struct Patience {
    others: u32,
    living: u32,
}

impl Patience {
    /// Waits a while for a lock; refuses when that was too often.
    fn wait(&mut self, lock: &Path) -> Result<(), Refused> {
        let holder_is_alive = is_owned(lock);
        let left = if holder_is_alive { &mut self.living } else { &mut self.others };
        *left = left.checked_sub(1).ok_or(Refused::Locked { holder_is_alive })?;
        std::thread::sleep(LOCK_WAIT);
        Ok(())
    }
}

/// Gives the file `own` the name of the lock, which nothing may have.
fn acquire(own: &Path, is_locked: bool, place: Place<'_>, sweep: impl Fn()) -> Result<(), Refused> {
    let lock = place.lock;
    let copy = || copy(own, place);
    // Where our file is not locked, others take a second name of it for a dead one's; and so
    // would we.
    let link = || if is_locked { linkat(CWD, own, CWD, lock, AtFlags::empty()) } else { copy() };
    let sweep = || {
        if is_locked {
            sweep();
        }
    };
    sweep();
    let (mut patience, mut made) = (PATIENCE, 0);
    loop {
        let linked = match link() {
            // No second names here: a lock as git makes it, which outlives a killed process.
            Err(Errno::PERM | Errno::OPNOTSUPP | Errno::NOSYS | Errno::XDEV) => copy(),
            linked => linked,
        };
        match linked {
            Ok(()) => return Ok(()),
            Err(Errno::EXIST) => {
                patience.wait(lock)?;
                sweep();
            }
            Err(Errno::NOENT) if made < DIRECTORY_TRIES => {
                made += 1;
                make_directories(parent(place.path), place.sharing)?;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Makes a directory and those above it that are not there.
fn make_directories(directory: &Path, sharing: Sharing) -> Result<(), Errno> {
    let make = || rustix::fs::mkdir(directory, Mode::from_raw_mode(0o777));
    let made = match make() {
        Err(Errno::NOENT) => {
            make_directories(parent(directory), sharing)?;
            make()
        }
        made => made,
    };
    match made {
        Ok(()) => sharing.adjust_directory(directory),
        // What is no directory is found by whoever looks into it.
        Err(Errno::EXIST) => Ok(()),
        Err(error) => Err(error),
    }
}

/// The directories of `path` whose names the disk may not have, the lowest first: they have just
/// been made, by us or by somebody who may not have waited for it yet.
fn new_directories<'p>(common_dir: &Path, path: &'p Path) -> impl Iterator<Item = &'p Path> {
    let directories =
        path.ancestors().skip(1).take_while(move |directory| *directory != common_dir);
    // One that is not new is in none that is.
    directories
        .take_while(|directory| directory.metadata().is_ok_and(|found| is_new_directory(&found)))
}

fn parent(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("."))
}

/// Makes the lock of the ref at a place a file of its own with the content of `own`.
fn copy(own: &Path, Place { lock, sharing, .. }: Place<'_>) -> Result<(), Errno> {
    let mut value = [0; 2 * Oid::LEN + 1];
    // Before there is a lock, which nobody would remove.
    let read = File::open(own).and_then(|mut file| file.read_exact(&mut value));
    read.map_err(errno)?;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    let mut file = File::from(rustix::fs::open(lock, flags, Mode::from_raw_mode(0o666))?);
    let written = file.write_all(&value).and_then(|()| file.sync_all());
    written.map_err(errno).and_then(|()| sharing.adjust(&file)).inspect_err(|_| {
        let _ = rustix::fs::unlink(lock);
    })
}

/// Whether the temporary file of someone dead can go: it has no other name, or has become the ref
/// at a place, or is its lock, which goes with it, or that of a ref which would have to be below
/// it. The lock of another ref needs its file.
fn is_done(stat: &Stat, Place { path, lock, .. }: Place<'_>, left: &mut u32) -> bool {
    let is_at = |path: &Path| {
        let found = rustix::fs::lstat(path);
        found.is_ok_and(|found| (found.st_dev, found.st_ino) == (stat.st_dev, stat.st_ino))
    };
    let is_removed = |lock: &Path| is_at(lock) && rustix::fs::unlink(lock).is_ok();
    stat.st_nlink == 1 || is_removed(lock) || is_at(path) || any_below(path, &is_removed, left)
}

/// Whether `is_it` holds of a file below a directory, which may not be there, among those that are
/// looked at while `left` is not 0. No link is followed.
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

/// Removes a directory in which there are only directories, unless others have.
fn remove_empty(directory: &Path) -> io::Result<()> {
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
    fn who_lives_is_waited_for_longer_and_told_from_others() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let lock = directory.path().join("lock");
        let refused = || {
            let mut patience = Patience { others: 2, living: 4 };
            let mut waited = 0;
            loop {
                match patience.wait(&lock) {
                    Ok(()) => waited += 1,
                    Err(Refused::Locked { holder_is_alive }) => return (waited, holder_is_alive),
                    Err(_) => unreachable!("nothing else is refused"),
                }
            }
        };
        let opened = open_directory(CWD, directory.path(), OFlags::empty()).expect("a directory");
        let (file, owner) = Temporary::create(opened.as_fd(), Mode::RWXU).expect("writable");
        std::fs::hard_link(directory.path().join(owner.name()), &lock).expect("writable");
        assert_eq!(refused(), (4, true));
        drop(file);
        assert_eq!(refused(), (2, false), "its owner is dead");
        std::fs::remove_file(&lock).expect("it is there");
        std::fs::write(&lock, "").expect("writable");
        assert_eq!(refused(), (2, false), "git locks nothing");
    }

    #[test]
    fn directories_that_somebody_has_just_made_are_waited_for() {
        // One that was there was taken for synced: after a power cut a ref could miss it.
        let directory = tempfile::tempdir().expect("a temporary directory");
        let refs = directory.path().join("refs");
        std::fs::create_dir_all(refs.join("gitmind/edges")).expect("writable");
        let path = refs.join("gitmind/edges/main");
        let new: Vec<_> = new_directories(directory.path(), &path).collect();
        assert_eq!(new, [refs.join("gitmind/edges"), refs.join("gitmind"), refs]);
    }

    #[test]
    fn a_link_in_the_place_of_a_ref_is_not_followed() {
        // What it led to was searched, and a second name of a dead process's file removed there.
        let directory = tempfile::tempdir().expect("a temporary directory");
        let at = |name: &str| directory.path().join(name);
        std::fs::write(at("dead"), "").expect("writable");
        for below in ["outside", "inside"] {
            std::fs::create_dir(at(below)).expect("writable");
            std::fs::hard_link(at("dead"), at(below).join("file")).expect("writable");
        }
        std::os::unix::fs::symlink(at("outside"), at("link")).expect("writable");
        let stat = rustix::fs::stat(at("dead")).expect("it is there");
        let is_done = |path, left: &mut u32| {
            let (common_dir, path, lock) = (directory.path(), &at(path), &at("lock"));
            is_done(&stat, Place { common_dir, path, lock, sharing: Sharing::Umask }, left)
        };
        assert!(!is_done("link", &mut 10));
        assert!(at("outside/file").exists());
        assert!(!is_done("inside", &mut 0), "there may be very many");
        assert!(is_done("inside", &mut 1));
        assert!(!at("inside/file").exists());
    }
}
