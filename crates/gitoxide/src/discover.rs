//! Finding a repository as git does.

use super::cannot_open;
use gitmind_git::Error;
use std::path::{Path, PathBuf};

/// The directories of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The directory that holds this worktree's HEAD.
    pub git_dir: PathBuf,
    /// The directory that holds objects, shared refs and configuration; the same as `git_dir`,
    /// except in a linked worktree.
    pub common_dir: PathBuf,
    /// The start of the search, relative to the worktree's top; empty at the top, in a bare
    /// repository and when the git directory was given.
    pub prefix: PathBuf,
}

impl Location {
    /// Searches `start` and the directories above it, up to a mount point or one of `ceilings`.
    ///
    /// # Errors
    /// [`Error::NotARepository`] when none is found, [`Error::Open`] when it is damaged.
    pub fn discover(start: &Path, ceilings: &[PathBuf]) -> Result<Self, Error> {
        let options = gix_discover::upwards::Options {
            ceiling_dirs: ceilings.to_vec(),
            match_ceiling_dir_or_error: false,
            ..Default::default()
        };
        let not_found = || Error::NotARepository { path: start.to_owned() };
        // An absolute path, because the search takes `.` inside a git directory for its worktree.
        let absolute = start.canonicalize().map_err(|_| not_found())?;
        for directory in absolute.ancestors() {
            reject_special(directory)?;
            reject_special(&directory.join(".git"))?;
            if directory.join(".git").exists()
                || ceilings.iter().any(|ceiling| ceiling == directory)
            {
                break;
            }
        }
        let found = gix_discover::upwards_opts(&absolute, options);
        let found = found.map(|(found, _trust)| found.into_repository_and_work_tree_directories());
        let top = match &found {
            Ok((_, Some(worktree))) => Some(worktree.as_path()),
            Ok((git_dir, None)) => Some(git_dir.as_path()),
            Err(_) => None,
        };
        reject_broken_links(&absolute, top, ceilings)?;
        let (git_dir, worktree) = found.map_err(|_| not_found())?;
        let prefix = worktree.and_then(|top| absolute.strip_prefix(top).ok().map(Path::to_owned));
        Ok(Self { prefix: prefix.unwrap_or_default(), ..Self::at(&git_dir)? })
    }

    /// The repository whose git directory is `git_dir`, such as the value of `GIT_DIR`.
    ///
    /// # Errors
    /// [`Error::NotARepository`] when it is not one, [`Error::Open`] when it is damaged.
    pub fn at(git_dir: &Path) -> Result<Self, Error> {
        reject_special(git_dir)?;
        gix_discover::is_git(git_dir)
            .map_err(|_| Error::NotARepository { path: git_dir.to_owned() })?;
        let git_dir = match git_dir.is_file() {
            true => linked(git_dir)?,
            false => git_dir.to_owned(),
        };
        let git_dir = git_dir.canonicalize().map_err(cannot_open(&git_dir))?;
        let link = git_dir.join("commondir");
        let common_dir = match std::fs::read_to_string(&link) {
            Ok(target) => {
                let target = git_dir.join(target.trim_end_matches(['\n', '\r']));
                target.canonicalize().map_err(cannot_open(&target))?
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => git_dir.clone(),
            Err(error) => return Err(cannot_open(&link)(error)),
        };
        Ok(Self { git_dir, common_dir, prefix: PathBuf::new() })
    }
}

/// Rejects a directory whose HEAD or `commondir` is a pipe or a device, which might never end:
/// `gix-discover` reads both files to recognise a git directory.
fn reject_special(directory: &Path) -> Result<(), Error> {
    for file in ["HEAD", "commondir"].map(|name| directory.join(name)) {
        if file.metadata().is_ok_and(|found| !found.is_file() && !found.is_dir()) {
            return Err(Error::Open { path: file, reason: "it is not a regular file".into() });
        }
    }
    Ok(())
}

/// The git directory that `link`, a `.git` file with a `gitdir:` line, points to.
fn linked(link: &Path) -> Result<PathBuf, Error> {
    let target = gix_discover::path::from_gitdir_file(link)
        .map_err(|error| Error::Open { path: link.to_owned(), reason: error.to_string() })?;
    reject_special(&target)?;
    Ok(target)
}

/// Rejects a broken `.git` file between `start` and `top`, as git does: `gix-discover` skips it and
/// would find an enclosing repository instead of the intended one.
fn reject_broken_links(
    start: &Path,
    top: Option<&Path>,
    ceilings: &[PathBuf],
) -> Result<(), Error> {
    let below_top = |directory: &&Path| top.is_none_or(|top| directory.starts_with(top));
    for directory in start.ancestors().take_while(below_top) {
        if directory != start && ceilings.iter().any(|ceiling| ceiling == directory) {
            break;
        }
        let link = directory.join(".git");
        if link.is_file() && gix_discover::is_git(&link).is_err() {
            let target = linked(&link)?;
            let reason = format!("it leads to {}, which is not a repository", target.display());
            return Err(Error::Open { path: link, reason });
        }
    }
    Ok(())
}
