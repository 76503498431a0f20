//! Opens the repository of a command and finds its branch, its journal and paths of its tree.

use super::args::Args;
use super::failure::Failure;
use super::nearest::nearest;
use super::output::Output;
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
/// Most branches that a name is compared with.
const BRANCHES_COMPARED_MAX: usize = 4096;

/// The directory that a command runs in: the current one and every `-C` in turn.
/// An empty one changes nothing, as in git.
pub(super) fn start_directory(args: &Args) -> PathBuf {
    let named = args.directories.iter().filter(|next| !next.is_empty());
    named.fold(PathBuf::new(), |directory, next| directory.join(next))
}

/// Opens the repository that git would use in the directory of the command.
pub(super) fn open(args: &Args, env: &dyn Environment) -> Result<GitRepository, Failure> {
    let start = start_directory(args);
    let start = if start.as_os_str().is_empty() { Path::new(".") } else { &start };
    Ok(GitRepository::find(start, env, |text| Output::new().warning(text))?)
}

/// As [`open`], for a command that writes a journal: warns of what will overwrite or delete it.
pub(super) fn open_to_write(
    args: &Args,
    env: &dyn Environment,
    output: &mut Output,
) -> Result<GitRepository, Failure> {
    let repository = open(args, env)?;
    for danger in repository.remotes().dangers() {
        output.advise(&danger.problem, &format!("`{}` corrects it", danger.repair));
    }
    Ok(repository)
}

/// The branch that is named, or the one that is checked out.
pub(super) fn branch(context: &Context<'_>, name: Option<&str>) -> Result<BranchName, Failure> {
    Ok(match name {
        Some(name) => BranchName::new(name)?,
        None => context.head_branch()?,
    })
}

/// The path from the top of the worktree for `path`, which is relative to the current directory. It
/// need not exist, and is not the top itself.
pub(super) fn tree_path<'a>(
    alloc: Alloc<'a>,
    location: &Location,
    path: &Path,
) -> Result<OwnedPath<'a>, Failure> {
    let below = place(alloc, location, path)?;
    below.ok_or_else(|| refuse(path, "is the top of the tree itself"))
}

fn refuse(path: &Path, problem: &str) -> Failure {
    let error = Failure::new(format!("path `{}` {problem}", path.display()));
    error
        .unknown()
        .hint("name a file or directory relative to the current directory, such as src/main.c")
}

/// The path from the top of the worktree for `path`, which is relative to the current directory;
/// `None` for the top itself. It need not exist.
pub(super) fn place<'a>(
    alloc: Alloc<'a>,
    location: &Location,
    path: &Path,
) -> Result<Option<OwnedPath<'a>>, Failure> {
    let refuse = |problem| refuse(path, problem);
    let outside = || {
        let top = location.worktree.as_deref().unwrap_or(Path::new(""));
        refuse("is relative, but the current directory is outside of the worktree").hint(format!(
            "name the directory with -C {}, or an absolute path below it",
            top.display()
        ))
    };
    if path.as_os_str().is_empty() {
        return Err(refuse("is empty"));
    }
    let joined = match path.is_absolute() {
        true => below(alloc, location, path).ok_or_else(|| refuse("is outside of the worktree"))?,
        false => location.prefix.as_ref().ok_or_else(outside)?.join(path),
    };
    let fs = PosixFileSystem::default();
    let clean = fs.canonicalize(&joined, Canonical::Logical, alloc)?;
    match clean.components().next() {
        Some(Component::ParentDir) => Err(refuse("leads out of the worktree")),
        Some(Component::CurDir) | None => Ok(None),
        _ => Ok(Some(clean)),
    }
}

/// The part of an absolute path below the top of the worktree, which the path may name through
/// symbolic links (setup.c, `abspath_part_inside_repo`).
fn below(alloc: Alloc<'_>, location: &Location, path: &Path) -> Option<PathBuf> {
    let top = location.worktree.as_deref()?;
    let clean = PosixFileSystem::default().canonicalize(path, Canonical::Logical, alloc).ok()?;
    if let Ok(below) = clean.strip_prefix(top) {
        return Some(below.to_owned());
    }
    let is_top = |above: &&Path| above.canonicalize().is_ok_and(|above| above == top);
    let above = clean.ancestors().collect::<Vec<_>>().into_iter().rev().find(is_top)?;
    clean.strip_prefix(above).ok().map(Path::to_owned)
}

/// The newest commit of the journal of `branch`.
pub(super) fn journal_tip(
    repository: &dyn Repository,
    branch: &BranchName,
) -> Result<Oid, Failure> {
    repository.resolve(&branch.journal_ref())?.ok_or_else(|| {
        let missing =
            format!("branch `{branch}` has no journal ({} does not exist)", branch.journal_ref());
        Failure::new(missing).hint(journals_hint(repository, branch))
    })
}

/// The name of a ref below one of `prefixes`, without it, that is nearly that of `branch`.
pub(super) fn near_branch(
    repository: &dyn Repository,
    branch: &BranchName,
    prefixes: &[&str],
) -> Option<String> {
    // Unreadable refs are no error, because this is for a hint.
    let refs = |prefix| repository.refs(prefix, BRANCHES_COMPARED_MAX).unwrap_or_default();
    let refs: Vec<_> = prefixes.iter().map(|prefix| (prefix, refs(prefix))).collect();
    let below = refs
        .iter()
        .flat_map(|(prefix, refs)| refs.iter().filter_map(move |name| name.strip_prefix(**prefix)));
    nearest(branch.as_str(), below).map(str::to_owned)
}

/// The hint when `branch` has no journal.
pub(super) fn journals_hint(repository: &dyn Repository, branch: &BranchName) -> String {
    let prefix = BranchName::journal_prefix();
    let names = repository.refs(prefix, BRANCHES_NAMED_MAX + 1).unwrap_or_default();
    let branches: Vec<_> = names.iter().filter_map(|name| name.strip_prefix(prefix)).collect();
    let near = near_branch(repository, branch, &[prefix]);
    let near = near.map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
    let others = match branches.get(..BRANCHES_NAMED_MAX) {
        _ if branches.is_empty() => {
            return "this repository has no journals; `git mind link` starts one, `git mind sync` \
                    fetches those of a remote"
                .into();
        }
        Some(first) if branches.len() > BRANCHES_NAMED_MAX => {
            format!("{} and others", first.join(", "))
        }
        _ => branches.join(", "),
    };
    format!(
        "{near}name one with --branch NAME; there are {others}; `git mind merge NAME` brings its \
         edges to this branch"
    )
}
