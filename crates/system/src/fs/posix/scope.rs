//! Temporary folders of a scope, each with a lock file beside it.
//!
//! The lock file is made first and removed last, and is locked as long as the owner lives: the
//! kernel unlocks it when a process ends, however that is. So a lock file that can be locked is of
//! somebody dead, and a folder without one is none of ours.

use std::fmt::{self, Write};
use std::os::fd::OwnedFd;

use arrayvec::ArrayString;
use rustix::fs::{FlockOperation, Mode, OFlags, RawDir, flock, fstat, mkdirat, openat};
use rustix::io::Errno;
use rustix::rand::{GetRandomFlags, getrandom};

use super::remove::{Removal, remove_entry};
use crate::fs::error::FsError;
use crate::fs::name::SafeName;
use crate::fs::path::OwnedPath;
use crate::fs::state::{FOLDER, PRIVATE, trusted};
use crate::fs::temp_dir::{Claim, Held, Swept};

/// Names that are tried; each has 64 random bits.
const TRIES_MAX: usize = 16;
/// Scopes and folders that one sweep looks at.
const SWEEP_MAX: u32 = 10_000;
const LOCK_SUFFIX: &str = ".lock";
const LOCK_FLAGS: OFlags = OFlags::RDWR.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// Makes a folder for `label` in the folder `scope`, which is at `path`.
pub(super) fn make<'a>(
    scope: OwnedFd,
    path: OwnedPath<'a>,
    scope_name: &SafeName,
    label: &SafeName,
) -> Result<(OwnedPath<'a>, Claim), FsError> {
    let failed = |action, path: &OwnedPath<'_>, errno: Errno| FsError::io(action, path, errno);
    for _ in 0..TRIES_MAX {
        let name = random_name(label).map_err(|errno| failed("name a folder in", &path, errno))?;
        let folder_path = path.try_clone()?.try_join(name.as_str().as_bytes())?;
        let taken = take_lock(&scope, name.as_str());
        let Some(lock) = taken.map_err(|errno| failed("lock a file in", &path, errno))? else {
            continue;
        };
        match mkdirat(&scope, name.as_str(), PRIVATE) {
            Ok(()) => {
                let held = Some(Held { scope, lock });
                return Ok((folder_path, Claim { scope: *scope_name, name, held }));
            }
            Err(errno) => {
                // Nothing is left behind; a lock file that stays is swept by the next run.
                let _ = remove_lock(&scope, name.as_str());
                if errno != Errno::EXIST {
                    return Err(failed("make a folder in", &path, errno));
                }
            }
        }
    }
    Err(failed("find a free name in", &path, Errno::EXIST))
}

/// Makes and locks the lock file of `name`; `None` when somebody was faster.
fn take_lock(scope: &OwnedFd, name: &str) -> Result<Option<OwnedFd>, Errno> {
    let flags = LOCK_FLAGS | OFlags::CREATE | OFlags::EXCL;
    let lock = match openat(scope, lock_name(name)?.as_str(), flags, Mode::RUSR | Mode::WUSR) {
        Err(Errno::EXIST) => return Ok(None),
        other => other?,
    };
    // Between the two calls a sweep may have taken it for somebody dead's.
    if try_lock(&lock)? && fstat(&lock)?.st_nlink > 0 { Ok(Some(lock)) } else { Ok(None) }
}

fn try_lock(lock: &OwnedFd) -> Result<bool, Errno> {
    match flock(lock, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(true),
        Err(Errno::WOULDBLOCK) => Ok(false),
        Err(errno) => Err(errno),
    }
}

/// `<label>-` and 16 random hex digits.
fn random_name(label: &SafeName) -> Result<SafeName, Errno> {
    let mut random = [0; 8];
    getrandom(&mut random, GetRandomFlags::empty())?;
    let name = short_text(format_args!("{label}-{:016x}", u64::from_ne_bytes(random)))?;
    SafeName::new(name.as_str()).map_err(|_| Errno::NAMETOOLONG)
}

fn lock_name(name: &str) -> Result<ShortText, Errno> {
    short_text(format_args!("{name}{LOCK_SUFFIX}"))
}

type ShortText = ArrayString<96>;

fn short_text(text: fmt::Arguments<'_>) -> Result<ShortText, Errno> {
    let mut short = ShortText::new();
    short.write_fmt(text).map_err(|_| Errno::NAMETOOLONG)?;
    Ok(short)
}

/// Removes the folder `name` of `scope`, then its lock file, whose lock the caller has.
pub(super) fn remove(scope: &OwnedFd, name: &str) -> Result<(), Removal> {
    remove_entry(scope, name, 0)?;
    remove_lock(scope, name)
}

fn remove_lock(scope: &OwnedFd, name: &str) -> Result<(), Removal> {
    remove_entry(scope, lock_name(name)?.as_str(), 0)
}

/// Removes what killed processes have left anywhere in the state folder.
///
/// What it may not read it leaves alone: that is no reason to fail the work at hand.
pub(super) fn sweep_state(state: &OwnedFd) -> Swept {
    let mut swept = Swept::default();
    each_name(state, |name| {
        let Ok(opened) = openat(state, name, FOLDER, Mode::empty()).map_err(drop) else { return };
        if let Ok(scope) = trusted(name.as_ref(), Ok(opened)) {
            sweep_scope(&scope, &mut swept);
        }
    });
    swept
}

fn sweep_scope(scope: &OwnedFd, swept: &mut Swept) {
    each_name(scope, |file| {
        let Some(name) = file.strip_suffix(LOCK_SUFFIX) else { return };
        if SafeName::new(name).is_err() {
            return;
        }
        match is_dead(scope, file) {
            Ok(None) | Err(Errno::NOENT) => {}
            // The lock is held until the folder is gone, so that two sweeps do not meet.
            Ok(Some(_lock)) if remove(scope, name).is_ok() => swept.removed += 1,
            Ok(Some(_)) | Err(_) => swept.failed += 1,
        }
    });
}

/// The locked lock file `file`, when its owner is dead.
fn is_dead(scope: &OwnedFd, file: &str) -> Result<Option<OwnedFd>, Errno> {
    let lock = openat(scope, file, LOCK_FLAGS, Mode::empty())?;
    Ok((try_lock(&lock)? && fstat(&lock)?.st_nlink > 0).then_some(lock))
}

/// Calls `act` with the names in `folder` that are UTF-8, as all of ours are.
fn each_name(folder: &OwnedFd, mut act: impl FnMut(&str)) {
    let mut buffer = [const { std::mem::MaybeUninit::uninit() }; 4096];
    let mut entries = RawDir::new(folder, &mut buffer);
    for _ in 0..SWEEP_MAX {
        let Some(Ok(entry)) = entries.next() else { return };
        match entry.file_name().to_str() {
            Ok("." | "..") | Err(_) => {}
            Ok(name) => act(name),
        }
    }
}
