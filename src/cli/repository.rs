//! Opening the repository and the branch that a command means.

use super::args::Args;
use super::failure::Failure;
use super::memory::refusal_hint;
use crate::branch::BranchName;
use crate::context::Context;
use crate::env::Environment;
use crate::fs::{Canonical, FileSystem, OwnedPath, PosixFileSystem};
use crate::git::{Error, Repository};
use crate::gitoxide::{GitRepository, Location};
use crate::journal::WalkError;
use crate::memory::Alloc;
use std::path::{Component, Path, PathBuf};

/// Journals that a hint lists.
const BRANCHES_NAMED_MAX: usize = 8;

/// The folder that a command runs in: the current one and every `-C` in turn.
pub(super) fn start_folder(args: &Args) -> PathBuf {
    args.directories.iter().fold(PathBuf::new(), |folder, next| folder.join(next))
}

/// Opens the repository that the command is run in.
pub(super) fn open(args: &Args, env: &dyn Environment) -> Result<GitRepository, Failure> {
    let start = start_folder(args);
    let start = if start.as_os_str().is_empty() { Path::new(".") } else { &start };
    // git resolves a relative GIT_DIR after -C.
    let location = match env.var("GIT_DIR").filter(|folder| !folder.is_empty()) {
        Some(folder) => Location::at(&start.join(folder)),
        None => Location::discover(start, &ceilings(env)),
    };
    location.and_then(GitRepository::open).map_err(|error| match error {
        Error::NotARepository { .. } => {
            Failure::new(error).hint("run it inside a git repository, or name one with -C DIR")
        }
        error => Failure::new(error),
    })
}

/// Folders that the search does not go above, as git reads them.
fn ceilings(env: &dyn Environment) -> Vec<PathBuf> {
    let folders = env.var("GIT_CEILING_DIRECTORIES").unwrap_or_default();
    std::env::split_paths(&folders).filter(|folder| folder.is_absolute()).collect()
}

/// What to type when a walk failed.
pub(super) fn walk_hint(error: &WalkError) -> Option<&'static str> {
    match error {
        WalkError::Repository(Error::Shallow { .. }) => Some(
            "`git fetch --unshallow ORIGIN 'refs/gitmind/edges/*:refs/gitmind/edges/*'` \
                 brings the rest",
        ),
        WalkError::Repository(Error::Memory(refused)) | WalkError::Memory(refused) => {
            refusal_hint(*refused)
        }
        WalkError::Repository(Error::Unreadable { .. } | Error::Open { .. } | Error::Io { .. })
        | WalkError::TooManyCommits => None,
        _ => Some("`git fsck` lists what is damaged or missing"),
    }
}

/// What to do about a ref that is locked, by someone who is known to live or not.
pub(super) fn lock_hint(is_living: bool) -> &'static str {
    if is_living {
        "wait until it is done, then run this again; its lock goes with it"
    } else {
        "if no git process is running, delete the lock file"
    }
}

/// What to type when the ref of a cache cannot be read.
pub(super) fn broken_cache_hint(name: &str) -> String {
    format!(
        "a cache can always be built again: delete the file that `git rev-parse --git-path {name}` \
         prints, then run `git mind cache-rebuild`"
    )
}

/// The branch that is named, or the one that is checked out.
pub(super) fn branch(context: &Context<'_>, name: Option<&str>) -> Result<BranchName, Failure> {
    match name {
        Some(name) => BranchName::new(name).map_err(|error| Failure::new(error).unknown()),
        None => context
            .head_branch()
            .map_err(|error| Failure::new(error).hint("name a branch with --branch NAME")),
    }
}

/// The path from the top of the worktree that `path`, typed in a folder of it, stands for. Nothing
/// needs to be there.
pub(super) fn tree_path<'a>(
    alloc: Alloc<'a>,
    location: &Location,
    path: &Path,
) -> Result<OwnedPath<'a>, Failure> {
    let refuse = |problem| {
        let error = Failure::new(format!("path `{}` {problem}", path.display()));
        error.unknown().hint("name a file or folder as from the current folder, such as src/main.c")
    };
    if path.as_os_str().is_empty() {
        return Err(refuse("is empty"));
    }
    if path.is_absolute() {
        return Err(refuse("is absolute, not one of the tree"));
    }
    let joined = location.prefix.join(path);
    let fs = PosixFileSystem::default();
    let clean = fs.canonicalize(&joined, Canonical::Logical, alloc)?;
    match clean.components().next() {
        Some(Component::ParentDir) => Err(refuse("leads out of the worktree")),
        Some(Component::CurDir) | None => Err(refuse("is the top of the tree itself")),
        _ => Ok(clean),
    }
}

/// What to type when a branch has no journal.
pub(super) fn journals_hint(repository: &dyn Repository) -> String {
    let prefix = BranchName::journal_prefix();
    let names = repository.refs(prefix, BRANCHES_NAMED_MAX + 1).unwrap_or_default();
    let branches: Vec<_> = names.iter().filter_map(|name| name.strip_prefix(prefix)).collect();
    match branches.get(..BRANCHES_NAMED_MAX) {
        _ if branches.is_empty() => {
            "this repository has no journals; `git mind link` starts one, `git fetch ORIGIN \
             'refs/gitmind/edges/*:refs/gitmind/edges/*'` brings those of another"
                .into()
        }
        Some(first) if branches.len() > BRANCHES_NAMED_MAX => {
            format!("name one with --branch NAME; there are {} and others", first.join(", "))
        }
        _ => format!("name one with --branch NAME; there are {}", branches.join(", ")),
    }
}
