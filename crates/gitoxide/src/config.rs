//! The parts of a repository's configuration that are used: format, extensions and identity.

use super::{Location, reason};
use gitmind_git::{Error, Identity};
use gix_config::file::{Metadata, includes, init};
use gix_config::{File, Source, path};
use std::path::{Path, PathBuf};

/// Most bytes of one configuration file of a repository.
const CONFIG_BYTES_MAX: u64 = 4 << 20;
/// Deepest nesting of included files; the limit of `gix-config` and of git.
const INCLUDE_DEPTH_MAX: u8 = 10;
/// Most inclusions, counted once per `include`: a few files that include each other several times
/// would expand to millions.
const INCLUDES_MAX: u32 = 1000;

/// Reads the configuration of the system, the user, the repository and the worktree, in rising
/// precedence. The system configuration of a git that keeps it elsewhere than in `/etc` is not
/// read: only running that git would tell its path, which takes longer than an append.
pub(super) fn read(location: &Location) -> Result<File, Error> {
    let fail = |error: &dyn std::error::Error| Error::Open {
        path: location.common_dir.clone(),
        reason: reason(error),
    };
    let mut variable = |name: &str| std::env::var_os(name);
    let home = variable("HOME").map(PathBuf::from);
    let conditions =
        includes::conditional::Context { git_dir: Some(&location.git_dir), branch_name: None };
    let context = path::interpolate::Context { home_dir: home.as_deref(), ..Default::default() };
    let includes = includes::Options::follow(context, conditions);
    let options = init::Options { includes, ..Default::default() };
    let file = |source, path| {
        let metadata = Metadata { path, ..Metadata::from(source) };
        File::from_paths_metadata([metadata], options).map(Option::unwrap_or_default)
    };

    let mut config = File::default();
    for source in [Source::System, Source::Git, Source::User] {
        let path = source.storage_location(&mut variable).filter(|path| path.is_file());
        let read = path.map(|path| file(source, Some(path))).transpose();
        if let Some(read) = read.map_err(|error| fail(&error))? {
            config.append(read).map_err(|error| fail(&error))?;
        }
    }
    let mut includes = Includes { home: home.as_deref(), left: INCLUDES_MAX };
    let local_path = location.common_dir.join("config");
    includes.check(&local_path, 0)?;
    let local = file(Source::Local, Some(local_path));
    let local = local.map_err(|error| fail(&error))?;
    let has_worktree = matches!(local.boolean("extensions.worktreeConfig"), Ok(Some(true)));
    config.append(local).map_err(|error| fail(&error))?;
    let worktree = Some(location.git_dir.join("config.worktree"));
    if let Some(path) = worktree.filter(|path| has_worktree && path.exists()) {
        includes.check(&path, 0)?;
        let worktree = file(Source::Worktree, Some(path)).map_err(|error| fail(&error))?;
        config.append(worktree).map_err(|error| fail(&error))?;
    }
    let overrides = File::from_environment_overrides().map_err(|error| fail(&error))?;
    config.append(overrides).map_err(|error| fail(&error))?;
    Ok(config)
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
        let metadata = Metadata { path: Some(path.into()), ..Metadata::from(Source::Local) };
        let includes = includes::Options::no_follow();
        let options = init::Options { includes, ..Default::default() };
        let read = File::from_paths_metadata([metadata], options);
        let Ok(Some(config)) = read else { return Ok(()) };
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

/// Rejects a repository whose format or extensions are not supported
/// (`git help gitrepository-layout`).
pub(super) fn check_format(location: &Location, config: &gix_config::File) -> Result<(), Error> {
    let path = || location.common_dir.clone();
    let version = config.string("core.repositoryformatversion");
    let version = version.map_or_else(|| "0".into(), |version| version.to_string());
    if !matches!(version.as_str(), "0" | "1") {
        let extension = format!("core.repositoryFormatVersion={version}");
        return Err(Error::Extension { path: path(), extension });
    }
    let sections = config.sections_by_name("extensions").into_iter().flatten();
    for section in sections {
        for key in section.value_names() {
            let value = config.string(format!("extensions.{key}").as_str()).unwrap_or_default();
            let (key, value) = (key.to_string().to_lowercase(), value.to_string());
            match (key.as_str(), value.to_lowercase().as_str()) {
                ("objectformat", "sha1") | ("refstorage", "files") => {}
                ("objectformat", format) => {
                    return Err(Error::ObjectFormat { path: path(), format: format.into() });
                }
                ("noop" | "noop-v1" | "partialclone" | "preciousobjects", _)
                | ("worktreeconfig" | "relativeworktrees", _) => {}
                _ if version == "0" && key != "refstorage" => {}
                _ => {
                    let extension = format!("extensions.{key}={value}");
                    return Err(Error::Extension { path: path(), extension });
                }
            }
        }
    }
    Ok(())
}

/// The configured committer. `GIT_AUTHOR_*` and `GIT_COMMITTER_*` do not apply to journals.
pub(super) fn identity(config: &gix_config::File) -> Identity {
    let value = |key: &str| config.string(key).map(|value| value.to_string());
    match (value("user.name"), value("user.email")) {
        (Some(name), Some(email)) if !name.is_empty() && !email.is_empty() => {
            Identity { name, email }
        }
        _ => Identity::default(),
    }
}
