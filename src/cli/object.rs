//! The object that a word of the command line means: an id, or a path at HEAD.

use super::failure::Failure;
use super::repository;
use crate::context::Context;
use crate::git::{self, gitoxide::Location};
use crate::oid::Oid;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The object that `word` means. Forty hexadecimal digits are an id, whether the object is there or
/// not and whatever the tree holds, so that a script means the same in every tree; a file that is
/// called so is `./<name>`. Anything else is a path, as seen from the current folder.
pub(super) fn named(
    context: &Context<'_>,
    location: &Location,
    word: &OsStr,
) -> Result<Oid, Failure> {
    if let Some(oid) = Oid::from_hex(word.as_bytes()) {
        return Ok(oid);
    }
    let path = repository::tree_path(context.alloc, location, Path::new(word))?;
    let tree = git::head_tree(context.repository, context.alloc)?.ok_or_else(|| {
        Failure::new("HEAD has no commit yet, so it has no files")
            .hint("name the object by its 40 hexadecimal digits")
    })?;
    let found = git::find_path(context.repository, context.alloc, tree, path.as_bytes())?;
    found.map(|found| found.id).ok_or_else(|| {
        let missing = format!("path `{}` is not in HEAD's commit", path.display());
        Failure::new(missing).hint(
            "`git ls-tree -r HEAD` lists what is there; an object that is not is named by its 40 \
             hexadecimal digits",
        )
    })
}
