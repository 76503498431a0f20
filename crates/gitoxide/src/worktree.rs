//! Where the worktree is, and where in it a command runs (setup.c, `setup_explicit_git_dir`).

use super::discover::{self, is_true};
use super::{cannot_open, config};
use gitmind_git::Error;
use gitmind_system::env::Environment;
use gix_config::File;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The directories of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The directory that holds this worktree's HEAD.
    pub git_dir: PathBuf,
    /// The directory that holds shared refs and configuration; the same as `git_dir`, except in a
    /// linked worktree.
    pub common_dir: PathBuf,
    /// The directory of objects: in `common_dir`, or the one that `GIT_OBJECT_DIRECTORY` names.
    pub objects_dir: PathBuf,
    /// The top of the worktree, without symbolic links; `None` when there is no worktree.
    pub worktree: Option<PathBuf>,
    /// The current directory relative to the worktree's top; empty at the top, outside of the
    /// worktree and without one.
    pub prefix: PathBuf,
    /// The git directory as it was named or found, which may be a link.
    pub(super) named_git_dir: PathBuf,
}

impl Location {
    /// The repository with the git directory `git_dir`, as if it were bare.
    ///
    /// # Errors
    /// [`Error::NotARepository`] when it is not one, [`Error::Open`] when it is damaged.
    pub fn at(git_dir: &Path) -> Result<Self, Error> {
        let env = gitmind_system::env::FixedEnvironment::default();
        Self::of(&discover::named(git_dir, &env)?, &env)
    }

    /// A bare repository at `git_dir`, whatever is there.
    #[cfg(test)]
    pub(super) fn bare(git_dir: &Path) -> Self {
        let (git_dir, common_dir) = (git_dir.to_owned(), git_dir.to_owned());
        let objects_dir = git_dir.join("objects");
        Self {
            named_git_dir: git_dir.clone(),
            git_dir,
            common_dir,
            objects_dir,
            worktree: None,
            prefix: PathBuf::new(),
        }
    }

    fn of(git_dir: &Path, env: &dyn Environment) -> Result<Self, Error> {
        let named_git_dir = std::path::absolute(git_dir).map_err(cannot_open(git_dir))?;
        let git_dir = git_dir.canonicalize().map_err(cannot_open(git_dir))?;
        let common_dir = discover::common_dir(&git_dir, env)?;
        let common_dir = common_dir.canonicalize().map_err(cannot_open(&common_dir))?;
        let objects_dir = match env.var("GIT_OBJECT_DIRECTORY") {
            Some(directory) => PathBuf::from(directory),
            None => common_dir.join("objects"),
        };
        let (worktree, prefix) = (None, PathBuf::new());
        Ok(Self { git_dir, common_dir, objects_dir, worktree, prefix, named_git_dir })
    }

    /// The repository that git would use in the directory `start` with these variables, and the
    /// configuration of its own file.
    pub(super) fn find(start: &Path, env: &dyn Environment) -> Result<(Self, File), Error> {
        // Every relative path of a variable is relative to the directory that -C names.
        let env = &Below { env, start };
        // With the dot it must be a directory.
        let start = start.join(".").canonicalize().map_err(Error::io("change to", start))?;
        let (found, top) = match env.var("GIT_DIR") {
            Some(git_dir) => (discover::named(Path::new(&git_dir), env)?, None),
            None => {
                let (found, top) = discover::upwards(&start, env)?;
                (found, Some(top))
            }
        };
        let mut location = Self::of(&found, env)?;
        let local = config::read_local(&location, env)?;
        location.worktree = location.worktree_top(top, &start, &local, env)?;
        let prefix = location.worktree.as_ref().and_then(|top| start.strip_prefix(top).ok());
        location.prefix = prefix.unwrap_or(Path::new("")).to_owned();
        Ok((location, local))
    }

    /// The top of the worktree. `discovered` is `None` when `GIT_DIR` names the git directory, else
    /// it has the directory with the `.git` that was found.
    fn worktree_top(
        &self,
        discovered: Option<Option<PathBuf>>,
        start: &Path,
        local: &File,
        env: &dyn Environment,
    ) -> Result<Option<PathBuf>, Error> {
        if let Some(named) = env.var("GIT_WORK_TREE") {
            return Ok(Some(real(Path::new(&named))));
        }
        let own = self.worktree_settings(local, env)?;
        let boolean = |key| own.boolean(key).ok().flatten();
        if boolean("core.bare") == Some(true) {
            return Ok(None);
        }
        if let Some(named) = own.string("core.worktree") {
            let named = self.git_dir.join(OsStr::from_bytes(&named));
            return named.canonicalize().map(Some).map_err(cannot_open(&named));
        }
        match discovered {
            Some(top) => Ok(top),
            None if is_true(env, "GIT_IMPLICIT_WORK_TREE", true)? => Ok(Some(start.to_owned())),
            None => Ok(None),
        }
    }

    /// The configuration whose `core.bare` and `core.worktree` apply here: in a linked worktree not
    /// that of the repository, but its own.
    fn worktree_settings(&self, local: &File, env: &dyn Environment) -> Result<File, Error> {
        let own = config::read_worktree(self, local, env)?;
        let mut settings = match self.git_dir == self.common_dir || own.is_some() {
            true => local.clone(),
            false => File::default(),
        };
        if let Some(own) = own {
            settings.append(own).map_err(cannot_open(&self.git_dir))?;
        }
        Ok(settings)
    }
}

/// The path without symbolic links, as far as it exists.
fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// Variables of which those that name directories are relative to the directory `start`.
struct Below<'e> {
    env: &'e dyn Environment,
    start: &'e Path,
}

impl Environment for Below<'_> {
    fn var(&self, name: &str) -> Option<std::ffi::OsString> {
        let value = self.env.var(name)?;
        let is_path =
            matches!(name, "GIT_DIR" | "GIT_WORK_TREE" | "GIT_COMMON_DIR" | "GIT_OBJECT_DIRECTORY");
        let joined = || self.start.join(&value).into_os_string();
        Some(if is_path && !value.is_empty() { joined() } else { value })
    }
}
