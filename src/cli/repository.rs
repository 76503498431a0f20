//! Opens the repository of a command and finds its branch, its journal and paths of its tree.

use super::args::Args;
use super::failure::Failure;
use crate::branch::BranchName;
use crate::context::Context;
use crate::env::Environment;
use crate::fs::{Canonical, FileSystem, OwnedPath, PosixFileSystem};
use crate::git::Repository;
use crate::gitoxide::{GitRepository, Location};
use crate::memory::Alloc;
use crate::oid::Oid;
use std::path::{Component, Path, PathBuf};

/// Most journals that a hint lists.
const BRANCHES_NAMED_MAX: usize = 8;

/// The directory that a command runs in: the current one and every `-C` in turn.
pub(super) fn start_directory(args: &Args) -> PathBuf {
    args.directories.iter().fold(PathBuf::new(), |directory, next| directory.join(next))
}

/// Opens the repository that contains the directory of the command.
pub(super) fn open(args: &Args, env: &dyn Environment) -> Result<GitRepository, Failure> {
    let start = start_directory(args);
    let start = if start.as_os_str().is_empty() { Path::new(".") } else { &start };
    // git resolves a relative GIT_DIR after -C.
    let location = match env.var("GIT_DIR").filter(|directory| !directory.is_empty()) {
        Some(directory) => Location::at(&start.join(directory)),
        None => Location::discover(start, &ceilings(env)),
    };
    Ok(location.and_then(GitRepository::open)?)
}

/// Directories above which the repository is not searched, in git's format.
fn ceilings(env: &dyn Environment) -> Vec<PathBuf> {
    let directories = env.var("GIT_CEILING_DIRECTORIES").unwrap_or_default();
    std::env::split_paths(&directories).filter(|directory| directory.is_absolute()).collect()
}

/// The branch that is named, or the one that is checked out.
pub(super) fn branch(context: &Context<'_>, name: Option<&str>) -> Result<BranchName, Failure> {
    Ok(match name {
        Some(name) => BranchName::new(name)?,
        None => context.head_branch()?,
    })
}

/// The path from the top of the worktree for `path`, which is relative to the current directory. It
/// need not exist.
pub(super) fn tree_path<'a>(
    alloc: Alloc<'a>,
    location: &Location,
    path: &Path,
) -> Result<OwnedPath<'a>, Failure> {
    let refuse = |problem| {
        let error = Failure::new(format!("path `{}` {problem}", path.display()));
        error
            .unknown()
            .hint("name a file or directory relative to the current directory, such as src/main.c")
    };
    if path.as_os_str().is_empty() {
        return Err(refuse("is empty"));
    }
    if path.is_absolute() {
        return Err(refuse("is absolute"));
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

/// The newest commit of the journal of `branch`.
pub(super) fn journal_tip(
    repository: &dyn Repository,
    branch: &BranchName,
) -> Result<Oid, Failure> {
    repository.resolve(&branch.journal_ref())?.ok_or_else(|| {
        let missing =
            format!("branch `{branch}` has no journal ({} does not exist)", branch.journal_ref());
        Failure::new(missing).hint(journals_hint(repository))
    })
}

/// The hint when a branch has no journal.
pub(super) fn journals_hint(repository: &dyn Repository) -> String {
    let prefix = BranchName::journal_prefix();
    let names = repository.refs(prefix, BRANCHES_NAMED_MAX + 1).unwrap_or_default();
    let branches: Vec<_> = names.iter().filter_map(|name| name.strip_prefix(prefix)).collect();
    match branches.get(..BRANCHES_NAMED_MAX) {
        _ if branches.is_empty() => {
            "this repository has no journals; `git mind link` starts one, `git fetch ORIGIN \
             'refs/gitmind/edges/*:refs/gitmind/edges/*'` fetches those of another repository"
                .into()
        }
        Some(first) if branches.len() > BRANCHES_NAMED_MAX => {
            format!("name one with --branch NAME; there are {} and others", first.join(", "))
        }
        _ => format!("name one with --branch NAME; there are {}", branches.join(", ")),
    }
}
