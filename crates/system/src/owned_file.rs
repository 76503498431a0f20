//! Files that show whether their owner is alive: temporary files in a repository, and the lock
//! files beside temporary directories.
//!
//! The owner holds an exclusive `flock` on the file, which the kernel drops when the process ends.
//! A file that can be locked is therefore stale: its owner was killed, and the next process removes
//! it. git removes old leftovers in a repository by their prefix.

use std::ffi::CStr;
use std::fmt::{self, Display, Write};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use crate::{calls, listing};
use arrayvec::ArrayString;
use rustix::fs::{CWD, FileType, FlockOperation, Mode, OFlags, Stat};
use rustix::io::Errno;
use rustix::path::Arg;
use tempfile::{NamedTempFile, TempPath};

/// The prefix of every temporary file's name. git uses `tmp_obj_` and `tmp_pack_`.
pub const PREFIX: &str = "tmp_gitmind_";
/// How often an unused random name is tried, and what `git prune` removed is written again.
pub const ATTEMPTS_MAX: u32 = 16;
/// How a directory is opened that may be searched and not read.
#[cfg(not(target_vendor = "apple"))]
const UNREADABLE: OFlags = OFlags::PATH;
/// `O_SEARCH` (`open(2)`): rustix has no name for it.
#[cfg(target_vendor = "apple")]
const UNREADABLE: OFlags = OFlags::from_bits_retain(0x4010_0000);
/// Most directory entries that one sweep reads.
const SWEEP_MAX: usize = 100_000;

/// The name of a file that is removed unless it is kept.
#[derive(Debug)]
pub struct Temporary<'f> {
    directory: BorrowedFd<'f>,
    name: ShortText,
    is_locked: bool,
    is_kept: bool,
}

impl<'f> Temporary<'f> {
    /// Makes an empty file with `mode` in `directory`, which is locked as long as it is open.
    ///
    /// # Errors
    /// The system's, such as that the directory is read-only.
    pub fn create(directory: BorrowedFd<'f>, mode: Mode) -> Result<(File, Self), Errno> {
        with_new_name(PREFIX, |name| {
            let (file, locked) = create(directory, name.as_str(), mode)?;
            Ok((file, Self { directory, name, is_locked: locked.is_ok(), is_kept: false }))
        })
    }

    /// Its name in the directory.
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// Whether the file is locked, so that other processes see that its owner is alive.
    pub const fn is_locked(&self) -> bool {
        self.is_locked
    }

    /// Keeps the name from being removed, such as after the file was renamed.
    pub fn keep(mut self) {
        self.is_kept = true;
    }
}

impl Drop for Temporary<'_> {
    fn drop(&mut self) {
        if !self.is_kept {
            // If this fails, the next sweep removes the file, or git when it is old.
            let _ = calls::unlinkat(self.directory, self.name.as_str());
        }
    }
}

/// A buffer on the stack for the name of a file.
type ShortText = ArrayString<96>;

/// Formats `text` into a [`ShortText`]; `NAMETOOLONG` when it does not fit.
pub(crate) fn short_text(text: fmt::Arguments<'_>) -> Result<ShortText, Errno> {
    let mut short = ShortText::new();
    short.write_fmt(text).map_err(|_| Errno::NAMETOOLONG)?;
    Ok(short)
}

/// Calls `make` with `prefix` and 16 random hex digits, and again while that name exists.
pub(crate) fn with_new_name<T>(
    prefix: impl Display,
    mut make: impl FnMut(ShortText) -> Result<T, Errno>,
) -> Result<T, Errno> {
    for _ in 0..ATTEMPTS_MAX {
        let mut number = [0; 8];
        getrandom::fill(&mut number).map_err(|error| errno(error.into()))?;
        let number = u64::from_ne_bytes(number);
        match make(short_text(format_args!("{prefix}{number:016x}"))?) {
            Err(Errno::EXIST) => {}
            made => return made,
        }
    }
    Err(Errno::EXIST)
}

/// Makes an empty file in `directory` whose name begins with `prefix`, and which is locked as long
/// as it is open.
pub fn create_named(directory: &Path, prefix: &str) -> io::Result<NamedTempFile> {
    let (file, path) = with_new_name(prefix, |name| {
        let path = directory.join(name.as_str());
        Ok((create(CWD, &path, Mode::RUSR | Mode::WUSR)?.0, path))
    })?;
    Ok(NamedTempFile::from_parts(file, TempPath::try_from_path(path)?))
}

/// Makes an empty file and locks it, so that other processes see that its owner is alive as long as
/// it is open. The result of locking is returned beside the file: an unlocked file may be removed
/// as stale by any process that can lock it.
///
/// # Errors
/// [`Errno::EXIST`] when the name exists, or when a sweep took the file for stale before it was
/// locked.
pub(crate) fn create(
    directory: BorrowedFd<'_>,
    name: impl Arg + Copy,
    mode: Mode,
) -> Result<(File, Result<(), Errno>), Errno> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    let file = File::from(calls::openat(directory, name, flags, mode)?);
    let error = match (lock(&file), calls::fstat(&file)) {
        (Err(Errno::WOULDBLOCK), _) => Errno::EXIST,
        (_, Ok(stat)) if stat.st_nlink == 0 => Errno::EXIST,
        (locked, Ok(_)) => return Ok((file, locked)),
        (_, Err(error)) => error,
    };
    let _ = calls::unlinkat(directory, name);
    Err(error)
}

/// Locks a file; `WOULDBLOCK` when another process holds the lock.
fn lock(file: &File) -> Result<(), Errno> {
    calls::flock(file, FlockOperation::NonBlockingLockExclusive)
}

/// Whether the owner of the file at `path` is alive: the file is locked, or was just removed.
pub fn is_owned(path: &Path) -> bool {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let flock = |file| calls::flock(file, FlockOperation::NonBlockingLockShared);
    let outcome = calls::openat(CWD, path, flags, Mode::empty()).and_then(flock);
    matches!(outcome, Err(Errno::WOULDBLOCK | Errno::NOENT))
}

/// Whether `name` is that of a temporary file of this program.
pub fn is_temporary(name: &[u8]) -> bool {
    name.starts_with(PREFIX.as_bytes())
}

/// Removes the stale files in `directory` whose names pass `is_candidate` and whose content passes
/// `is_removable`.
///
/// A file that cannot be read or removed stays: a failed sweep does not fail the caller's work.
pub fn sweep(
    directory: BorrowedFd<'_>,
    is_candidate: impl Fn(&[u8]) -> bool,
    mut is_removable: impl FnMut(&mut File, &Stat) -> bool,
) {
    each_stale(directory, OFlags::RDONLY, is_candidate, |name, stale| {
        if let Ok((mut file, stat)) = stale
            && is_removable(&mut file, &stat)
        {
            let _ = calls::unlinkat(directory, name);
        }
    });
}

/// Calls `act` with each stale file in `directory` whose name passes `is_candidate`, or with the
/// error that prevents the check. The file is opened with `access` and stays locked until `act` has
/// returned: otherwise a file that its owner locks meanwhile could be removed.
pub(crate) fn each_stale(
    directory: BorrowedFd<'_>,
    access: OFlags,
    is_candidate: impl Fn(&[u8]) -> bool,
    mut act: impl FnMut(&CStr, Result<(File, Stat), Errno>),
) {
    each_name(directory, |name| {
        if is_candidate(name.to_bytes()) {
            match stale(directory, name, access) {
                Ok(None) | Err(Errno::NOENT) => {}
                Ok(Some(stale)) => act(name, Ok(stale)),
                Err(error) => act(name, Err(error)),
            }
        }
    });
}

/// Opens and locks the file `name`; `None` when its owner is alive or it was removed.
fn stale(
    directory: BorrowedFd<'_>,
    name: &CStr,
    access: OFlags,
) -> Result<Option<(File, Stat)>, Errno> {
    let flags = access | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(calls::openat(directory, name, flags, Mode::empty())?);
    match lock(&file) {
        Err(Errno::WOULDBLOCK) => return Ok(None),
        locked => locked?,
    }
    let stat = calls::fstat(&file)?;
    let is_file = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
    Ok((is_file && stat.st_nlink > 0).then_some((file, stat)))
}

/// Calls `act` with each name in `directory` except `.` and `..`.
pub(crate) fn each_name(directory: BorrowedFd<'_>, mut act: impl FnMut(&CStr)) {
    // A separate descriptor, because reading a directory moves its position.
    let Ok(listed) = open_directory(directory, ".", OFlags::empty()) else { return };
    let mut left = SWEEP_MAX;
    // What cannot be read is left for the next sweep.
    let _ = listing::each_name(listed.as_fd(), |name| {
        act(name);
        left -= 1;
        if left == 0 { Err(Errno::OVERFLOW) } else { Ok(()) }
    });
}

/// Opens the directory at `path` below `parent`, with the additional flags `also`. One that may not
/// be read is opened all the same, as git needs no right to read it: it can neither be listed nor
/// synced then.
pub fn open_directory(
    parent: BorrowedFd<'_>,
    path: impl Arg + Copy,
    also: OFlags,
) -> Result<OwnedFd, Errno> {
    let open = |access| {
        let flags = access | OFlags::DIRECTORY | OFlags::CLOEXEC | also;
        calls::openat(parent, path, flags, Mode::empty())
    };
    match open(OFlags::RDONLY) {
        Err(Errno::ACCESS) => open(UNREADABLE),
        opened => opened,
    }
}

/// The error number of the system; `EIO` for an error that does not come from the system.
pub fn errno(error: io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::IO, Errno::from_raw_os_error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    fn names(directory: &std::path::Path) -> usize {
        std::fs::read_dir(directory).expect("a directory").count()
    }

    #[test]
    fn a_sweep_removes_stale_files_and_leaves_owned_ones() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let opened = open_directory(rustix::fs::CWD, directory.path(), OFlags::empty())
            .expect("a directory");
        let (file, temporary) = Temporary::create(opened.as_fd(), Mode::RUSR).expect("writable");
        sweep(opened.as_fd(), is_temporary, |_, _| true);
        assert_eq!(names(directory.path()), 1, "its owner is alive");
        temporary.keep();
        drop(file);
        sweep(opened.as_fd(), is_temporary, |_, _| false);
        assert_eq!(names(directory.path()), 1, "the caller still needs it");
        std::fs::write(directory.path().join("tmp_pack_git"), "").expect("writable");
        sweep(opened.as_fd(), is_temporary, |_, _| true);
        assert_eq!(names(directory.path()), 1, "a file of git's stays, because git locks none");
    }

    #[test]
    fn a_sweep_holds_the_lock_of_a_file_until_it_is_removed() {
        // Regression: a sweep unlocked a file before it removed it, and removed a file that another
        // process had locked in between. Here a thread waits for the lock of each file during a
        // sweep, and must get it only after the removal.
        use std::sync::mpsc::channel;
        const ROUNDS: u32 = 1000;
        let directory = tempfile::tempdir().expect("a temporary directory");
        let opened = open_directory(rustix::fs::CWD, directory.path(), OFlags::empty())
            .expect("a directory");
        let (send, wanted) = channel::<File>();
        let (failed_once, has_failed) = channel();
        let lost = std::thread::scope(|scope| {
            let waiter = scope.spawn(move || {
                let mut lost = 0;
                for file in wanted {
                    let lock =
                        || rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive);
                    assert_eq!(lock(), Err(Errno::WOULDBLOCK), "the sweep holds the lock");
                    failed_once.send(()).expect("the sweep waits for it");
                    while lock().is_err() {
                        std::hint::spin_loop();
                    }
                    lost += u32::from(rustix::fs::fstat(&file).expect("it is open").st_nlink > 0);
                }
                lost
            });
            for _ in 0..ROUNDS {
                let path = directory.path().join(format!("{PREFIX}stale"));
                let file = File::create(&path).expect("writable");
                let mut file = Some(file);
                sweep(opened.as_fd(), is_temporary, |_, _| {
                    send.send(file.take().expect("one file")).expect("the waiter runs");
                    has_failed.recv().expect("the waiter runs");
                    true
                });
                assert!(!path.exists(), "it is stale");
            }
            drop(send);
            waiter.join().expect("it ends")
        });
        assert_eq!(lost, 0, "a file was removed after the sweep had unlocked it");
    }

    #[test]
    fn a_file_that_is_created_during_a_sweep_is_not_removed() {
        use std::sync::atomic::{AtomicBool, Ordering};
        let directory = tempfile::tempdir().expect("a temporary directory");
        let opened = open_directory(rustix::fs::CWD, directory.path(), OFlags::empty())
            .expect("a directory");
        let is_over = AtomicBool::new(false);
        let lost = std::thread::scope(|scope| {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    sweep(opened.as_fd(), is_temporary, |_, _| true);
                }
            });
            let mut lost = 0;
            for _ in 0..1_000 {
                let Ok((file, _temporary)) = Temporary::create(opened.as_fd(), Mode::RUSR) else {
                    continue;
                };
                let stat = rustix::fs::fstat(&file).expect("it is open");
                lost += usize::from(stat.st_nlink == 0);
            }
            is_over.store(true, Ordering::Relaxed);
            lost
        });
        assert_eq!(lost, 0);
    }
}
