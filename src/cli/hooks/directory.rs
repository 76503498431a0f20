//! The files of hooks: what is there, and each change as one step that cannot be seen half done.

use super::Hook;
use super::script::{self, BEFORE, C_TOOL, Origin};
use crate::cli::failure::Failure;
use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Most bytes of a hook that are searched for marks.
const SEARCHED_BYTES_MAX: u64 = 64 << 10;

/// What a hook's file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// There is none.
    Nothing,
    /// The script that would be installed.
    Current,
    /// A script of another version, or one that cannot be run.
    Outdated,
    /// The C tool's script.
    CTool,
    /// Another hook.
    Other,
}

/// One hook in the directory of hooks.
pub(super) struct HookFile<'d> {
    pub(super) hook: Hook,
    directory: &'d Path,
    pub(super) path: PathBuf,
}

impl<'d> HookFile<'d> {
    pub(super) fn new(directory: &'d Path, hook: Hook) -> Self {
        Self { hook, directory, path: directory.join(hook.name()) }
    }

    /// The name that the hook is renamed to that was there before.
    fn aside(&self, suffix: &str) -> PathBuf {
        self.directory.join(format!("{}{suffix}", self.hook.name()))
    }

    /// What is there.
    pub(super) fn find(&self) -> Result<Found, Failure> {
        let fail = |error| failure("read", &self.path, &error);
        let metadata = match self.path.symlink_metadata() {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Found::Nothing),
            Err(error) => return Err(fail(error)),
        };
        if metadata.is_dir() {
            return Err(Failure::new(format!("{} is a directory", self.path.display()))
                .hint("move it away: git looks for a hook there"));
        }
        // A link, a pipe or a file that only its owner may read is a hook of the user.
        if !metadata.is_file() {
            return Ok(Found::Other);
        }
        let mut content = Vec::new();
        match fs::File::open(&self.path) {
            Ok(file) => file.take(SEARCHED_BYTES_MAX).read_to_end(&mut content).map_err(fail)?,
            Err(error) if error.kind() == ErrorKind::PermissionDenied => return Ok(Found::Other),
            Err(error) => return Err(fail(error)),
        };
        let is_run = metadata.permissions().mode() & 0o111 != 0;
        Ok(match script::origin(&content) {
            Origin::Ours if is_run && content == script::text(self.hook).as_bytes() => {
                Found::Current
            }
            Origin::Ours => Found::Outdated,
            Origin::CTool => Found::CTool,
            Origin::Other => Found::Other,
        })
    }

    /// The hook that was put aside, if there is one.
    pub(super) fn put_aside(&self) -> Option<PathBuf> {
        let mut names = [BEFORE, C_TOOL].into_iter().map(|suffix| self.aside(suffix));
        names.find(|name| name.symlink_metadata().is_ok())
    }

    /// Whether the hook that was put aside runs.
    pub(super) fn is_chained(&self) -> bool {
        self.aside(BEFORE).symlink_metadata().is_ok()
    }

    /// Fails when what is there cannot be put aside, because its new name is taken. An interrupted
    /// installation has given the hook that name already.
    pub(super) fn check(&self, found: Found) -> Result<(), Failure> {
        let id = |path: &Path| path.symlink_metadata().map(|found| (found.dev(), found.ino())).ok();
        let taken = self.put_aside().filter(|taken| id(taken) != id(&self.path));
        match (suffix(found), taken) {
            (Some(_), Some(taken)) => {
                let (hook, taken) = (self.path.display(), taken.display());
                let text = format!("{hook} cannot be renamed: {taken} is there already");
                Err(Failure::new(text).hint("move that file away, or back in place of the hook"))
            }
            _ => Ok(()),
        }
    }

    /// Puts the script where `found` is. What is there gets a second name first; then the script
    /// takes its place in one step.
    pub(super) fn install(&self, found: Found) -> Result<(), Failure> {
        let fail = |error| failure("write", &self.path, &error);
        let mut file = self.draft().map_err(fail)?;
        file.write_all(script::text(self.hook).as_bytes()).map_err(fail)?;
        file.as_file().sync_all().map_err(fail)?;
        if let Some(suffix) = suffix(found) {
            match fs::hard_link(&self.path, self.aside(suffix)) {
                Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                    return Err(failure("rename", &self.path, &error));
                }
                _ => self.check(found)?,
            }
        }
        let written = match found {
            Found::Nothing => file.persist_noclobber(&self.path),
            _ => file.persist(&self.path),
        };
        written.map(drop).map_err(|error| fail(error.error))
    }

    /// A file that anybody may run, as far as the umask lets them.
    fn draft(&self) -> io::Result<tempfile::NamedTempFile> {
        tempfile::Builder::new()
            .prefix(".git-mind-hook-")
            .permissions(fs::Permissions::from_mode(0o777))
            .tempfile_in(self.directory)
    }

    /// Puts back what was there before the script, or removes the script.
    pub(super) fn uninstall(&self) -> Result<(), Failure> {
        let done = match self.put_aside() {
            Some(aside) => fs::rename(aside, &self.path),
            None => fs::remove_file(&self.path),
        };
        done.map_err(|error| failure("restore", &self.path, &error))
    }
}

/// What ends the new name of what is there.
fn suffix(found: Found) -> Option<&'static str> {
    match found {
        Found::Nothing | Found::Current | Found::Outdated => None,
        Found::CTool => Some(C_TOOL),
        Found::Other => Some(BEFORE),
    }
}

/// The failure of a system call on a hook.
pub(super) fn failure(action: &str, path: &Path, error: &io::Error) -> Failure {
    Failure::new(format!("cannot {action} {}: {error}", path.display()))
}
