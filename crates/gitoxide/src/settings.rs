//! Settings of the configuration that the program asks for: values, and where hooks are.

use super::{GitRepository, config, reason};
use gitmind_git::Error;
use gitmind_system::env::Environment;
use gix_config::path::interpolate;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

impl GitRepository {
    /// The value of a number, as git reads it; `None` when it is not set.
    ///
    /// # Errors
    /// [`Error::Open`] when it is no number.
    pub fn number(&self, key: &str) -> Result<Option<i64>, Error> {
        let invalid = |error| Error::Open { path: key.into(), reason: reason(&error) };
        self.config.integer(key).map_err(invalid)
    }

    /// Whether a setting is on, as git reads it; `None` when it is not set.
    ///
    /// # Errors
    /// [`Error::Open`] when the value is no boolean.
    pub fn switch(&self, key: &str) -> Result<Option<bool>, Error> {
        config::boolean(&self.config, key)
    }

    /// The value of a text; the inner `None` is a key without a value, which means that it is on.
    pub fn text(&self, key: &str) -> Option<Option<String>> {
        self.config.string_implicit(key).map(|value| value.map(|value| value.to_string()))
    }

    /// Whether the repository belongs to the user of the process. The programs that the
    /// configuration of another user's repository names must not be executed, which git prevents
    /// by `safe.directory`.
    pub fn is_own(&self) -> bool {
        let owner = self.location().common_dir.metadata().map(|found| found.uid());
        owner.is_ok_and(|owner| owner == rustix::process::geteuid().as_raw())
    }

    /// The directory that git runs hooks from, which need not exist: `core.hooksPath`, relative to
    /// the top of the worktree, or `hooks` in the directory that worktrees share.
    ///
    /// # Errors
    /// [`Error::Open`] when git would not accept the value of `core.hooksPath`.
    pub fn hooks_directory(&self, env: &dyn Environment) -> Result<PathBuf, Error> {
        const KEY: &str = "core.hooksPath";
        let location = self.location();
        let Some(value) = self.config.path(KEY) else {
            return Ok(location.common_dir.join("hooks"));
        };
        let invalid = |reason| Error::Open { path: KEY.into(), reason };
        if value.is_empty() {
            return Err(invalid("it is empty".into()));
        }
        let home = env.var("HOME").map(PathBuf::from);
        let context = interpolate::Context {
            home_dir: home.as_deref(),
            home_for_user: Some(interpolate::home_for_user),
            ..interpolate::Context::default()
        };
        let path = value.interpolate(context).map_err(|error| invalid(reason(&error)))?;
        let top: &Path = location.worktree.as_deref().unwrap_or(&location.git_dir);
        Ok(top.join(path))
    }
}
