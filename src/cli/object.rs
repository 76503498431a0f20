//! Arguments that name an object: an object id, a path of HEAD's commit, or `REV:PATH`.

use super::failure::Failure;
use super::repository;
use super::revision::Revisions;
use crate::fs::OwnedPath;
use crate::git::{self, Commit, EntryMode, ObjectKind, Repository};
use crate::gitoxide::GitRepository;
use crate::memory::{Alloc, Vec};
use crate::oid::Oid;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// What an argument names.
pub(super) struct Named<'a> {
    /// The object: the one with this id, or the one at this path. The journal may know a path that
    /// HEAD's commit does not have.
    pub(super) object: Result<Oid, Failure>,
    /// The path from the top of the worktree.
    pub(super) path: Option<OwnedPath<'a>>,
}

/// The object or the path that `word` names. Forty hexadecimal digits are an id, even when the
/// object does not exist or a file has that name, so that a script does the same in every tree;
/// such a file is `./<name>`. Then come paths of HEAD's commit, relative to the current directory;
/// `REV:PATH`, the content of a path in another commit; and abbreviated ids. Anything else is a
/// path that HEAD's commit does not have.
pub(super) fn named<'a>(
    alloc: Alloc<'a>,
    repository: &GitRepository,
    word: &OsStr,
) -> Result<Named<'a>, Failure> {
    let bytes = word.as_bytes();
    if let Some(oid) = Oid::from_hex(bytes) {
        return Ok(Named { object: Ok(oid), path: None });
    }
    let path = repository::tree_path(alloc, repository.location(), Path::new(word));
    let head = git::head_tree(repository, alloc)?;
    if let (Ok(at), Some(head)) = (&path, head)
        && let Some(found) = git::find_path(repository, alloc, head, at.as_bytes())?
    {
        return Ok(Named { object: Ok(found.id), path: Some(path?) });
    }
    if let Some(object) = other_object(alloc, repository, bytes)? {
        return Ok(Named { object: Ok(object), path: None });
    }
    let path = path?;
    let missing = match head {
        None => no_files(),
        Some(_) => not_there(
            path.as_bytes(),
            ", and no edge has this path",
            "name other objects by their hexadecimal digits, or as REV:PATH",
        ),
    };
    Ok(Named { object: Err(missing), path: Some(path) })
}

/// The object that `word` names as `REV:PATH` or by an abbreviated id.
fn other_object(
    alloc: Alloc<'_>,
    repository: &GitRepository,
    word: &[u8],
) -> Result<Option<Oid>, Failure> {
    let Ok(text) = str::from_utf8(word) else { return Ok(None) };
    let revisions = Revisions { repository, alloc };
    if let Some((revision, path)) = text.split_once(':') {
        if revision.is_empty() {
            return Ok(None);
        }
        let Some(commit) = revisions.commit(revision)? else { return Ok(None) };
        let mut buffer = Vec::new(alloc);
        repository.read(commit.id, ObjectKind::Commit, &mut buffer)?;
        let tree = Commit::parse_stored(commit.id, &buffer)?.tree;
        // As in git: from the top of the tree, unless it starts with a dot.
        let path = match path.starts_with("./") || path.starts_with("../") {
            true => {
                let path = repository::tree_path(alloc, repository.location(), Path::new(path))?;
                git::find_path(repository, alloc, tree, path.as_bytes())?
            }
            false => git::find_path(repository, alloc, tree, path.as_bytes())?,
        };
        return match path {
            Some(found) => Ok(Some(found.id)),
            None => Err(Failure::new(format!("`{text}` is not a path of that commit"))
                .hint(format!("`git ls-tree -r {revision}` lists what is there"))),
        };
    }
    let is_id = (4..Oid::HEX_LEN).contains(&text.len())
        && text.bytes().all(|digit| digit.is_ascii_hexdigit());
    let named = if is_id { revisions.object(text)? } else { None };
    Ok(named.map(|named| named.id))
}

/// The tree of HEAD's commit, in which paths are looked up.
pub(super) fn head_tree(repository: &dyn Repository, alloc: Alloc<'_>) -> Result<Oid, Failure> {
    git::head_tree(repository, alloc)?.ok_or_else(no_files)
}

fn no_files() -> Failure {
    Failure::new("HEAD has no commit yet, so it has no files")
        .hint("commit them first, or name objects by their 40 hexadecimal digits")
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
    let found = git::find_path(repository, alloc, tree, path)?
        .ok_or_else(|| not_there(path, "", "commit it first"))?;
    if found.mode == EntryMode::Submodule {
        let path = String::from_utf8_lossy(path);
        let error = format!("path `{path}` is a submodule, which has files of its own");
        let hint = "link the directory that contains it, or link inside the submodule";
        return Err(Failure::new(error).hint(hint));
    }
    Ok(found.id)
}

/// The failure for a path that HEAD's commit does not have; `otherwise` ends the hint.
fn not_there(path: &[u8], more: &str, otherwise: &str) -> Failure {
    let path = String::from_utf8_lossy(path);
    Failure::new(format!("path `{path}` is not in HEAD's commit{more}"))
        .hint(format!("`git ls-tree -r HEAD` lists what is there; {otherwise}"))
}
