//! Temporary directories of a scope, each with a lock file beside it.
//!
//! The lock file is made first and removed last, and is an owned file ([`crate::owned_file`]): a
//! stale one was left by a killed process, and a directory without a lock file was made by another
//! program.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::remove::{Removal, remove_entry};
use crate::calls::{mkdirat, openat};
use crate::fs::state::{DIRECTORY, PRIVATE, trusted};
use crate::owned_file::{create, each_name, each_stale, short_text, with_new_name};
use gitmind_ports::fs::{Claim, FsError, Held, OwnedPath, SafeName, Swept};

const LOCK_SUFFIX: &str = ".lock";

/// Makes a directory for `label` in the directory `scope`, which is at `path`.
pub(super) fn make<'a>(
    scope: OwnedFd,
    path: OwnedPath<'a>,
    scope_name: &SafeName,
    label: &SafeName,
) -> Result<(OwnedPath<'a>, Claim), FsError> {
    let made = with_new_name(format_args!("{label}-"), |name| {
        let name = SafeName::new(name.as_str()).map_err(|_| Errno::NAMETOOLONG)?;
        let mode = Mode::RUSR | Mode::WUSR;
        let lock = short_text(format_args!("{name}{LOCK_SUFFIX}"))?;
        let (lock, locked) = create(scope.as_fd(), lock.as_str(), mode)?;
        let made = locked.and_then(|()| mkdirat(scope.as_fd(), name.as_str(), PRIVATE));
        // Remove the lock file too; if that fails, the next run sweeps it.
        made.inspect_err(|_| drop(remove_lock(&scope, name.as_str())))?;
        Ok((name, lock))
    });
    let (name, lock) = made.map_err(|errno| FsError::io("make a directory in", &path, errno))?;
    let joined = path.try_join(name.as_str().as_bytes());
    let path = joined.inspect_err(|_| drop(remove(&scope, name.as_str())))?;
    let held = Some(Held { scope, lock: lock.into() });
    Ok((path, Claim { scope: *scope_name, name, held }))
}

/// The name of the directory that the lock file `file` belongs to.
fn directory_of(file: &[u8]) -> Option<&str> {
    let name = str::from_utf8(file).ok()?.strip_suffix(LOCK_SUFFIX)?;
    SafeName::new(name).is_ok().then_some(name)
}

/// Removes the directory `name` of `scope`, then its lock file, whose lock the caller holds.
pub(super) fn remove(scope: &OwnedFd, name: &str) -> Result<(), Removal> {
    remove_entry(scope, name, 0)?;
    remove_lock(scope, name)
}

fn remove_lock(scope: &OwnedFd, name: &str) -> Result<(), Removal> {
    remove_entry(scope, short_text(format_args!("{name}{LOCK_SUFFIX}"))?.as_str(), 0)
}

/// Removes the stale temporary directories of all scopes in the state directory.
///
/// What cannot be read stays: a failed sweep does not fail the caller's work.
pub(super) fn sweep_state(state: &OwnedFd) -> Swept {
    let mut swept = Swept::default();
    each_name(state.as_fd(), |name| {
        let opened = openat(state.as_fd(), name, DIRECTORY, Mode::empty());
        if let Ok(scope) = trusted(Path::new(""), opened) {
            sweep_scope(&scope, &mut swept);
        }
    });
    swept
}

fn sweep_scope(scope: &OwnedFd, swept: &mut Swept) {
    let is_lock = |name: &[u8]| directory_of(name).is_some();
    each_stale(scope.as_fd(), OFlags::RDWR, is_lock, |file, stale| {
        // The lock is held until the directory is removed, which excludes a second sweep of it.
        let name = directory_of(file.to_bytes());
        let is_removed = || name.is_some_and(|name| remove(scope, name).is_ok());
        match stale {
            Ok(_lock) if is_removed() => swept.removed += 1,
            Ok(_) | Err(_) => swept.failed += 1,
        }
    });
}
