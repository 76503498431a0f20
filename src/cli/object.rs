//! Arguments that name an object: an object id, or a path of HEAD's commit.

use super::failure::Failure;
use super::repository;
use crate::context::Context;
use crate::git::{self, EntryMode, Found, Repository};
use crate::gitoxide::Location;
use crate::memory::Alloc;
use crate::oid::Oid;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The object that `word` names. Forty hexadecimal digits are an id, even when the object does not
/// exist or a file has that name, so that a script does the same in every tree; such a file is
/// `./<name>`. Anything else is a path relative to the current directory.
pub(super) fn named(
    context: &Context<'_>,
    location: &Location,
    word: &OsStr,
) -> Result<Oid, Failure> {
    if let Some(oid) = Oid::from_hex(word.as_bytes()) {
        return Ok(oid);
    }
    let Context { alloc, repository, .. } = *context;
    let path = repository::tree_path(alloc, location, Path::new(word))?;
    let tree = head_tree(repository, alloc)?;
    let otherwise = "name other objects by their 40 hexadecimal digits";
    Ok(find(repository, alloc, tree, path.as_bytes(), otherwise)?.id)
}

/// The tree of HEAD's commit, in which paths are looked up.
pub(super) fn head_tree(repository: &dyn Repository, alloc: Alloc<'_>) -> Result<Oid, Failure> {
    git::head_tree(repository, alloc)?.ok_or_else(|| {
        Failure::new("HEAD has no commit yet, so it has no files")
            .hint("commit them first, or name objects by their 40 hexadecimal digits")
    })
}

/// The object at `path`, from the top of `tree`, as an end of a new edge. A submodule cannot be
/// one, since its object is a commit of another repository. Queries still find edges of other tools
/// that have a submodule as an end.
pub(super) fn linkable(
    repository: &dyn Repository,
    alloc: Alloc<'_>,
    tree: Oid,
    path: &[u8],
) -> Result<Oid, Failure> {
    let found = find(repository, alloc, tree, path, "commit it first")?;
    if found.mode == EntryMode::Submodule {
        let path = String::from_utf8_lossy(path);
        let error = format!("path `{path}` is a submodule, which has files of its own");
        let hint = "link the directory that contains it, or link inside the submodule";
        return Err(Failure::new(error).hint(hint));
    }
    Ok(found.id)
}

/// The entry at `path`, from the top of `tree`; `otherwise` ends the hint when there is none.
fn find(
    repository: &dyn Repository,
    alloc: Alloc<'_>,
    tree: Oid,
    path: &[u8],
    otherwise: &str,
) -> Result<Found, Failure> {
    git::find_path(repository, alloc, tree, path)?.ok_or_else(|| {
        let path = String::from_utf8_lossy(path);
        Failure::new(format!("path `{path}` is not in HEAD's commit"))
            .hint(format!("`git ls-tree -r HEAD` lists what is there; {otherwise}"))
    })
}
