//! The configuration of a repository: which files and variables git reads, and in which order.

mod format;
mod variables;

pub(super) use self::format::check_format;

use super::{Location, reason};
use gitmind_git::Error;
use gitmind_system::env::Environment;
use gix_config::file::{Metadata, includes, init};
use gix_config::{File, Source, path};
use gix_ref::FullName;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Most bytes of one configuration file of a repository.
const CONFIG_BYTES_MAX: u64 = 4 << 20;
/// Deepest nesting of included files; the limit of `gix-config` and of git.
const INCLUDE_DEPTH_MAX: u8 = 10;
/// Most inclusions, counted once per `include`: a few files that include each other several times
/// would expand to millions.
const INCLUDES_MAX: u32 = 1000;

/// Reads the repository's own file, without what it includes; empty when there is none.
pub(super) fn read_local(location: &Location, env: &dyn Environment) -> Result<File, Error> {
    read_own(location, location.common_dir.join("config"), Source::Local, env)
}

/// Reads the worktree's own file, if the repository's file `local` says that there may be one.
pub(super) fn read_worktree(
    location: &Location,
    local: &File,
    env: &dyn Environment,
) -> Result<Option<File>, Error> {
    if !matches!(local.boolean("extensions.worktreeConfig"), Ok(Some(true))) {
        return Ok(None);
    }
    let path = location.git_dir.join("config.worktree");
    read_own(location, path, Source::Worktree, env).map(Some)
}

/// Reads a file of the repository, which may be of another user.
fn read_own(
    location: &Location,
    path: PathBuf,
    source: Source,
    env: &dyn Environment,
) -> Result<File, Error> {
    let home = env.var("HOME").map(PathBuf::from);
    Includes { home: home.as_deref(), left: INCLUDES_MAX }.check(&path, 0)?;
    load(path, source, false)
        .map_err(|reason| Error::Open { path: location.common_dir.clone(), reason })
}

/// Reads all of the configuration: of the system, the user, the repository with its own file
/// `local`, the worktree and the variables, in rising precedence, with all that they include.
/// `branch` gives the branch that is checked out. The system configuration of a git that keeps it
/// elsewhere than in `/etc` is not read: only running that git would tell its path, which takes
/// longer than an append.
pub(super) fn read(
    location: &Location,
    local: File,
    branch: impl FnOnce() -> Option<FullName>,
    env: &dyn Environment,
) -> Result<File, Error> {
    let fail = |reason| Error::Open { path: location.common_dir.clone(), reason };
    let mut config = File::default();
    let mut add = |file| config.append(file).map(drop).map_err(|error| fail(reason(&error)));
    let mut variable = |name: &str| env.var(name);
    let mut last = None;
    for source in [Source::System, Source::Git, Source::User] {
        let path = source.storage_location(&mut variable).filter(|path| path.is_file());
        // GIT_CONFIG_GLOBAL takes the place of both files of the user.
        if let Some(path) = path.filter(|path| last.as_ref() != Some(path)) {
            last = Some(path.clone());
            add(load(path, source, source != Source::System).map_err(fail)?)?;
        }
    }
    let worktree = read_worktree(location, &local, env)?;
    add(local)?;
    worktree.map_or(Ok(()), &mut add)?;
    add(variables::read(env)?)?;
    let is_conditional = config.sections_by_name("includeIf").is_some();
    let branch = if is_conditional { branch() } else { None };
    follow(config, location, branch, env).map_err(fail)
}

/// Adds what the configuration includes.
fn follow(
    mut config: File,
    location: &Location,
    branch: Option<FullName>,
    env: &dyn Environment,
) -> Result<File, String> {
    let home = env.var("HOME").map(PathBuf::from);
    let conditions = includes::conditional::Context {
        git_dir: Some(&location.named_git_dir),
        branch_name: branch.as_ref().map(FullName::as_ref),
    };
    let context = path::interpolate::Context { home_dir: home.as_deref(), ..Default::default() };
    let includes = includes::Options::follow(context, conditions);
    let options = init::Options { includes, ..Default::default() };
    config.resolve_includes(options).map_err(|error| reason(&error))?;
    Ok(config)
}

/// Reads one file without what it includes; empty when it does not exist, or when it
/// `may_be_denied` and is, as git takes that of a user whose home another user cannot read.
fn load(path: PathBuf, source: Source, may_be_denied: bool) -> Result<File, String> {
    let mut bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) => match error.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory => return Ok(File::default()),
            ErrorKind::PermissionDenied if may_be_denied => return Ok(File::default()),
            _ => return Err(format!("{}: {error}", path.display())),
        },
    };
    let metadata = Metadata { path: Some(path.clone()), ..Metadata::from(source) };
    let parsed = File::from_bytes_owned(&mut bytes, metadata, init::Options::default());
    parsed.map_err(|error| format!("{}: {}", path.display(), reason(&error)))
}

/// The budget of inclusions of a repository's configuration.
struct Includes<'h> {
    home: Option<&'h Path>,
    left: u32,
}

impl Includes<'_> {
    /// Rejects a configuration whose reading might not end, such as one that includes a pipe, a
    /// device or itself. A missing or malformed file is reported by the later read.
    fn check(&mut self, path: &Path, depth: u8) -> Result<(), Error> {
        let reject = |reason| Err(Error::Open { path: path.into(), reason });
        let Ok(found) = path.metadata() else { return Ok(()) };
        if !found.is_file() || found.len() > CONFIG_BYTES_MAX {
            return reject(format!("it is not a regular file of up to {CONFIG_BYTES_MAX} bytes"));
        }
        if depth > INCLUDE_DEPTH_MAX {
            return reject(format!("it is included more than {INCLUDE_DEPTH_MAX} files deep"));
        }
        let Some(left) = self.left.checked_sub(u32::from(depth > 0)) else {
            return reject(format!("more than {INCLUDES_MAX} files are included"));
        };
        self.left = left;
        let Ok(config) = load(path.to_owned(), Source::Local, false) else { return Ok(()) };
        self.check_included(&config, path, depth)
    }

    /// Checks the files that the file `config` at `path` includes.
    fn check_included(&mut self, config: &File, path: &Path, depth: u8) -> Result<(), Error> {
        let names = ["include", "includeIf"];
        for section in names.iter().flat_map(|name| config.sections_by_name(name)).flatten() {
            for value in section.values("path") {
                let value = value.to_string();
                let target = match (value.strip_prefix("~/"), self.home) {
                    (Some(below), Some(home)) => home.join(below),
                    _ => path.parent().unwrap_or(Path::new("/")).join(&value),
                };
                self.check(&target, depth + 1)?;
            }
        }
        Ok(())
    }
}
