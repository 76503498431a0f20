//! The configuration of a repository: which files and variables git reads, and in which order.

mod format;
mod include;
mod variables;

pub(super) use self::format::{check_format, is_known};

use self::include::Includes;
use super::{Location, reason};
use gitmind_git::Error;
use gitmind_system::env::Environment;
use gix_config::file::{Metadata, init};
use gix_config::{File, Source};
use gix_ref::FullName;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Most bytes of one configuration file.
const CONFIG_BYTES_MAX: u64 = 4 << 20;

/// Reads the repository's own file, without what it includes; empty when there is none.
pub(super) fn read_local(location: &Location) -> Result<File, Error> {
    read_own(location, &location.common_dir.join("config"), Source::Local)
}

/// Reads the worktree's own file, if the repository's file `local` says that there may be one.
pub(super) fn read_worktree(location: &Location, local: &File) -> Result<Option<File>, Error> {
    let is_read = is_known(local) && boolean(local, "extensions.worktreeConfig")? == Some(true);
    let path = location.git_dir.join("config.worktree");
    is_read.then(|| read_own(location, &path, Source::Worktree)).transpose()
}

fn read_own(location: &Location, path: &Path, source: Source) -> Result<File, Error> {
    load(path, source, false)
        .map_err(|reason| Error::Open { path: location.common_dir.clone(), reason })
}

/// The value of a boolean; an error for other values, on which git fails too.
pub(super) fn boolean(config: &File, key: &str) -> Result<Option<bool>, Error> {
    let invalid = |error| Error::Open { path: key.into(), reason: reason(&error) };
    config.boolean(key).map_err(invalid)
}

/// Reads all of the configuration: of the system, the user, the repository with its own file
/// `local`, the worktree and the variables, in rising precedence, with all that they include.
/// `branch` gives the branch that is checked out. The system configuration of a git that keeps it
/// elsewhere than in `/etc` is not read: only running that git would tell its path, which takes
/// longer than an append.
pub(super) fn read(
    location: &Location,
    local: File,
    branch: &dyn Fn() -> Option<FullName>,
    env: &dyn Environment,
) -> Result<File, Error> {
    let fail = |reason| Error::Open { path: location.common_dir.clone(), reason };
    let mut files = Vec::new();
    let mut variable = |name: &str| env.var(name);
    for source in [Source::System, Source::Git, Source::User] {
        let path = source.storage_location(&mut variable).filter(|path| path.is_file());
        // GIT_CONFIG_GLOBAL takes the place of both files of the user.
        let is_new = |path: &PathBuf| {
            files.iter().all(|(_, last): &(File, Option<PathBuf>)| last.as_ref() != Some(path))
        };
        if let Some(path) = path.filter(is_new) {
            let file = load(&path, source, source != Source::System).map_err(fail)?;
            files.push((file, Some(path)));
        }
    }
    let worktree = read_worktree(location, &local)?;
    files.push((local, Some(location.common_dir.join("config"))));
    let path = location.git_dir.join("config.worktree");
    files.extend(worktree.map(|file| (file, Some(path))));
    files.push((variables::read(env)?, None));
    Includes::new(location, branch, env).read(files).map_err(fail)
}

/// Reads one file without what it includes; empty when it does not exist, or when it
/// `may_be_denied` and is, as git takes that of a user whose home another user cannot read. A pipe
/// or a device is an error, since reading it might never end.
fn load(path: &Path, source: Source, may_be_denied: bool) -> Result<File, String> {
    let fail = |reason: &str| Err(format!("{}: {reason}", path.display()));
    let read = path.metadata().and_then(|found| {
        match found.is_file() && found.len() <= CONFIG_BYTES_MAX {
            true => std::fs::read(path).map(Some),
            false => Ok(None),
        }
    });
    let mut bytes = match read {
        Ok(Some(bytes)) => bytes,
        Ok(None) => {
            return fail(&format!("it is not a regular file of up to {CONFIG_BYTES_MAX} bytes"));
        }
        Err(error) => match error.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory => return Ok(File::default()),
            ErrorKind::PermissionDenied if may_be_denied => return Ok(File::default()),
            _ => return fail(&error.to_string()),
        },
    };
    let parsed =
        File::from_bytes_owned(&mut bytes, Metadata::from(source), init::Options::default());
    parsed.or_else(|error| fail(&reason(&error)))
}
