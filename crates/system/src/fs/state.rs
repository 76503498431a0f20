//! The directory of the program's state: where it is, and whether it can be trusted.
//!
//! Its names are predictable, so another user who can write to it could plant symbolic links where
//! this program writes.

use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, fstat};
use rustix::io::Errno;
use rustix::process::Uid;

use crate::calls::{mkdirat, openat};
use crate::env::Environment;
use gitmind_ports::fs::FsError;

pub(super) const DIRECTORY: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
/// Mode 0700: access for the owner only.
pub(super) const PRIVATE: Mode = Mode::RWXU;

/// Candidates for the state directory, in order of preference: `~/.gitmind`, then a directory of
/// this user among temporary files.
pub(super) fn state_directories(env: &dyn Environment) -> Vec<PathBuf> {
    let temp = absolute(env, "TMPDIR").unwrap_or_else(|| "/tmp".into());
    let user = rustix::process::geteuid().as_raw();
    let fallback = temp.join(format!("gitmind-state-{user}"));
    home_state(env).into_iter().chain([fallback]).collect()
}

/// The state directory `~/.gitmind`. A `HOME` of `/` is ignored.
pub(super) fn home_state(env: &dyn Environment) -> Option<PathBuf> {
    let home = absolute(env, "HOME").filter(|home| home != Path::new("/"));
    home.map(|home| home.join(".gitmind"))
}

/// The value of a variable, if it is an absolute path.
fn absolute(env: &dyn Environment, name: &str) -> Option<PathBuf> {
    env.var(name).map(PathBuf::from).filter(|path| path.is_absolute())
}

/// Opens the first of `directories` that can be made, if only this user can write to it.
pub(super) fn open_state(directories: &[PathBuf]) -> Result<(&Path, OwnedFd), FsError> {
    let mut first_error = None;
    for path in directories {
        match mkdirat(CWD, path.as_path(), PRIVATE) {
            Ok(()) | Err(Errno::EXIST) => return Ok((path, trusted(path, open_directory(path))?)),
            Err(error) => {
                first_error.get_or_insert_with(|| FsError::io("make the directory", path, error));
            }
        }
    }
    Err(first_error.map_or(FsError::Stateless, |error| FsError::NoState(Box::new(error))))
}

fn open_directory(path: &Path) -> Result<OwnedFd, Errno> {
    openat(CWD, path, DIRECTORY, Mode::empty())
}

/// Opens, and makes where it is missing, the directory `name` of the state directory at
/// `state_path`.
pub(super) fn open_scope(
    state_path: &Path,
    state: &OwnedFd,
    name: &str,
) -> Result<OwnedFd, FsError> {
    let path = state_path.join(name);
    match mkdirat(state.as_fd(), name, PRIVATE) {
        Ok(()) | Err(Errno::EXIST) => {
            trusted(&path, openat(state.as_fd(), name, DIRECTORY, Mode::empty()))
        }
        Err(error) => Err(FsError::io("make the directory", &path, error)),
    }
}

/// Returns the directory if only this user can write to it.
pub(super) fn trusted(path: &Path, opened: Result<OwnedFd, Errno>) -> Result<OwnedFd, FsError> {
    trusted_by(rustix::process::geteuid(), path, opened)
}

/// Returns the directory if only `user` can write to it.
fn trusted_by(user: Uid, path: &Path, opened: Result<OwnedFd, Errno>) -> Result<OwnedFd, FsError> {
    let refuse = |reason: String, hint: String| FsError::Unsafe { path: path.into(), reason, hint };
    let shown = path.display();
    let directory = match opened {
        Err(Errno::LOOP | Errno::NOTDIR) => {
            let hint = format!("move `{shown}` away; a directory takes its place");
            return Err(refuse("is a link or a file, not a directory".into(), hint));
        }
        Err(error) => return Err(FsError::io("open the directory", path, error)),
        Ok(directory) => directory,
    };
    let found =
        fstat(&directory).map_err(|error| FsError::io("look at the directory", path, error))?;
    if found.st_uid != user.as_raw() {
        let user = user.as_raw();
        let reason = format!("belongs to user {}, and this is user {user}", found.st_uid);
        return Err(refuse(reason, "set HOME to a directory of your own".into()));
    }
    let writers = Mode::from_raw_mode(found.st_mode) & (Mode::WGRP | Mode::WOTH);
    if !writers.is_empty() {
        let writer = if writers.contains(Mode::WOTH) { "every user" } else { "its group" };
        let mode = found.st_mode & 0o7777;
        let reason = format!("can be written to by {writer} (mode {mode:04o})");
        return Err(refuse(reason, format!("chmod go-w '{shown}'")));
    }
    Ok(directory)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::FixedEnvironment;

    fn directories<const N: usize>(variables: [(&str, &str); N]) -> Vec<String> {
        let user = rustix::process::geteuid().as_raw().to_string();
        let directories = state_directories(&FixedEnvironment::from(variables));
        directories.iter().map(|path| path.display().to_string().replace(&user, "UID")).collect()
    }

    #[test]
    fn a_directory_of_another_user_is_refused() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let owner = rustix::process::geteuid();
        trusted_by(owner, directory.path(), open_directory(directory.path()))
            .expect("this user owns it");
        // A sandbox may have no directory of another user, so the test pretends to be that user.
        let other = Uid::from_raw(owner.as_raw() + 1);
        let error = trusted_by(other, directory.path(), open_directory(directory.path()));
        let error = error.expect_err("the other user does not own it");
        let (owner, other) = (owner.as_raw(), other.as_raw());
        let says = format!("belongs to user {owner}, and this is user {other}");
        assert!(error.to_string().contains(&says), "{error}");
        assert!(error.hint().is_some_and(|hint| hint.contains("HOME")), "{error:?}");
    }

    #[test]
    fn state_is_at_home_and_else_among_temporary_files() {
        let temp = "/tmp/gitmind-state-UID";
        assert_eq!(directories([("HOME", "/h")]), ["/h/.gitmind", temp]);
        assert_eq!(directories([]), [temp]);
        assert_eq!(directories([("HOME", "")]), [temp]);
        assert_eq!(directories([("HOME", "/")]), [temp]);
        assert_eq!(directories([("HOME", "relative")]), [temp]);
        assert_eq!(directories([("TMPDIR", "/t")]), ["/t/gitmind-state-UID"]);
    }
}
