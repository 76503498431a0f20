//! Where the worktree is, and where in it a command runs (setup.c, `setup_explicit_git_dir`).

use super::discover::{self, is_true};
use super::{cannot_open, config};
use gitmind_git::Error;
use gitmind_system::env::Environment;
use gix_config::File;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
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
    /// The current directory relative to the worktree's top; empty at the top and when there is no
    /// worktree, `None` outside of it.
    pub prefix: Option<PathBuf>,
    /// The git directory as it was named or found, which may be a link.
    pub(super) named_git_dir: PathBuf,
    /// The directory that git would have changed to: the top of the worktree, when in it.
    pub(super) current: PathBuf,
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
        let git_dir = git_dir.to_owned();
        Self {
            named_git_dir: git_dir.clone(),
            current: git_dir.clone(),
            common_dir: git_dir.clone(),
            objects_dir: git_dir.join("objects"),
            git_dir,
            worktree: None,
            prefix: Some(PathBuf::new()),
        }
    }

    fn of(git_dir: &Path, env: &dyn Environment) -> Result<Self, Error> {
        let git_dir = git_dir.canonicalize().map_err(cannot_open(git_dir))?;
        let common_dir = discover::common_dir(&git_dir, env)?;
        let common_dir = common_dir.canonicalize().map_err(cannot_open(&common_dir))?;
        let objects_dir = match env.var("GIT_OBJECT_DIRECTORY") {
            Some(directory) => PathBuf::from(directory),
            None => common_dir.join("objects"),
        };
        let (named_git_dir, current) = (git_dir.clone(), git_dir.clone());
        let (worktree, prefix) = (None, Some(PathBuf::new()));
        Ok(Self { git_dir, common_dir, objects_dir, worktree, prefix, named_git_dir, current })
    }

    /// The repository that git would use in the directory `start` with these variables, and the
    /// configuration of its own file.
    pub(super) fn find(start: &Path, env: &dyn Environment) -> Result<(Self, File), Error> {
        // With the dot it must be a directory.
        let start = start.join(".").canonicalize().map_err(Error::io("change to", start))?;
        let below = |start| Below { env, start };
        let (found, top) = match below(&start).var("GIT_DIR") {
            Some(git_dir) => (discover::named(Path::new(&git_dir), &below(&start))?, None),
            None => {
                let (found, top) = discover::upwards(&start, &below(&start))?;
                (found, Some(top))
            }
        };
        // git changes to the top that it has found, and then to that of the worktree.
        let found_at = top.iter().flatten().next().unwrap_or(&start);
        let mut location = Self::of(&found, &below(found_at))?;
        let local = config::read_local(&location)?;
        let settings = location.worktree_settings(&local)?;
        let worktree = location.worktree_top(&top, &start, &settings, &below(&start))?;
        let prefix = worktree.as_ref().map(|top| start.strip_prefix(top).ok().map(Path::to_owned));
        let current = match (&worktree, &prefix) {
            (Some(top), Some(Some(_))) => top,
            _ => &start,
        };
        if current != found_at {
            location = Self::of(&found, &below(current))?;
        }
        let is_plain = top.is_some()
            && env.var("GIT_WORK_TREE").is_none()
            && settings.string("core.worktree").is_none()
            && worktree.is_some();
        // As git, which makes the path absolute where it has left the directory that it is
        // relative to.
        if is_plain || current == &start && (top.is_none() || found_at == &start) {
            let named = match (&top, env.var("GIT_DIR")) {
                (Some(Some(top)), _) if found == top.join(".git") => ".git".into(),
                (Some(None), _) if found == start => ".".into(),
                (None, Some(named)) if found == start.join(&named) => named,
                _ => found.into(),
            };
            location.named_git_dir = here(found_at, env).join(named);
        }
        location.current = current.clone();
        location.worktree = worktree;
        location.prefix = prefix.unwrap_or(Some(PathBuf::new()));
        Ok((location, local))
    }

    /// The top of the worktree. `discovered` is `None` when `GIT_DIR` names the git directory, else
    /// it has the directory with the `.git` that was found.
    fn worktree_top(
        &self,
        discovered: &Option<Option<PathBuf>>,
        start: &Path,
        settings: &File,
        env: &dyn Environment,
    ) -> Result<Option<PathBuf>, Error> {
        if let Some(named) = env.var("GIT_WORK_TREE") {
            return real(Path::new(&named)).map(Some);
        }
        if config::boolean(settings, "core.bare")? == Some(true) {
            return Ok(None);
        }
        if let Some(named) = settings.string("core.worktree") {
            let named = Path::new(OsStr::from_bytes(&named));
            let joined = self.git_dir.join(named);
            return match named.is_absolute() {
                true => real(&joined).map(Some),
                false => joined.canonicalize().map(Some).map_err(cannot_open(&joined)),
            };
        }
        match discovered {
            Some(top) => Ok(top.clone()),
            None if is_true(env, "GIT_IMPLICIT_WORK_TREE", true)? => Ok(Some(start.to_owned())),
            None => Ok(None),
        }
    }

    /// The configuration whose `core.bare` and `core.worktree` apply here: in a linked worktree not
    /// that of the repository, but its own.
    fn worktree_settings(&self, local: &File) -> Result<File, Error> {
        // git dies of a value that is no boolean, whether it heeds it or not.
        config::boolean(local, "core.bare")?;
        config::boolean(local, "extensions.worktreeConfig")?;
        let own = config::read_worktree(self, local)?;
        let is_heeded = self.git_dir == self.common_dir || own.is_some();
        let mut settings = match is_heeded && config::is_known(local) {
            true => local.clone(),
            false => File::default(),
        };
        if let Some(own) = own {
            settings.append(own).map_err(cannot_open(&self.git_dir))?;
        }
        Ok(settings)
    }
}

/// The path without symbolic links; its last part need not exist.
fn real(path: &Path) -> Result<PathBuf, Error> {
    let found = path.canonicalize();
    let found = match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) => {
            found.or_else(|_| parent.canonicalize().map(|parent| parent.join(name)))
        }
        _ => found,
    };
    found.map_err(cannot_open(path))
}

/// The directory as the shell names it, which may be through links, if it is the current one.
fn here(directory: &Path, env: &dyn Environment) -> PathBuf {
    let id = |path: &Path| path.metadata().map(|found| (found.dev(), found.ino())).ok();
    let named = env.var("PWD").map(PathBuf::from);
    let named = named.filter(|named| named.is_absolute() && id(named) == id(directory));
    named.unwrap_or_else(|| directory.to_owned())
}

/// Variables of which those that name files and directories are relative to the directory `start`.
pub(super) struct Below<'e> {
    pub(super) env: &'e dyn Environment,
    pub(super) start: &'e Path,
}

impl Environment for Below<'_> {
    fn var(&self, name: &str) -> Option<OsString> {
        let value = self.env.var(name)?;
        let is_path = matches!(
            name,
            "GIT_DIR"
                | "GIT_WORK_TREE"
                | "GIT_COMMON_DIR"
                | "GIT_OBJECT_DIRECTORY"
                | "GIT_CONFIG_GLOBAL"
                | "GIT_CONFIG_SYSTEM"
                | "HOME"
                | "XDG_CONFIG_HOME"
        );
        let joined = || self.start.join(&value).into_os_string();
        Some(if is_path && !value.is_empty() { joined() } else { value })
    }
}
