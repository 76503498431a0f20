//! Commits that were rewritten: which contents of the old commit became which of the new one.

use super::changes::{Changes, Compared, Node, Trees, node, tree_of};
use crate::cli::failure::Failure;
use crate::context::Context;
use crate::git::Error;
use crate::oid::Oid;
use std::io::BufRead;

/// Most bytes that are read: the lines of a rebase of 500 000 commits.
const INPUT_BYTES_MAX: u64 = 64 << 20;

/// Calls `visit` with the pairs of the hook's input: lines with two commit ids.
pub(super) fn pairs(
    input: impl BufRead,
    mut visit: impl FnMut(Oid, Oid) -> Result<(), Failure>,
) -> Result<(), Failure> {
    for line in input.take(INPUT_BYTES_MAX).split(b'\n') {
        let line = line?;
        let mut ids = line.split(|byte| *byte == b' ').map(Oid::from_hex);
        let (Some(Some(old)), Some(Some(new))) = (ids.next(), ids.next()) else {
            let line = String::from_utf8_lossy(&line).into_owned();
            return Err(Failure::new(format!("`{line}` is not a pair of commit ids"))
                .unknown()
                .hint("git gives the hook post-rewrite lines `OLD NEW` (git help githooks)"));
        };
        visit(old, new)?;
    }
    Ok(())
}

/// Adds the contents of the commit `old` that are others in `new`: at the paths that one of the two
/// changes. What a merge changes cannot be told, unless the first parent is still the same.
pub(super) fn compare<'a>(
    context: &Context<'a>,
    changes: &mut Changes<'a>,
    old: Oid,
    new: Oid,
) -> Result<Compared, Error> {
    let (old, new) = (node(context, old)?, node(context, new)?);
    let trees = Trees { old: Some(old.tree), new: new.tree };
    if old.first_parent == new.first_parent {
        return changes.compare(context.repository, trees);
    }
    if old.is_merge || new.is_merge {
        return Ok(Compared::Whole);
    }
    let paths = |changes: &Changes<'a>, node: Node| {
        let before = tree_of(context, node.first_parent)?;
        changes.paths(context.repository, Trees { old: before, new: node.tree })
    };
    let (of_old, of_new) = (paths(changes, old)?, paths(changes, new)?);
    let (Some(mut all), Some(mut more)) = (of_old, of_new) else { return Ok(Compared::TooMany) };
    all.try_append(&mut more)?;
    changes.compare_paths(context.repository, trees, all).map(|()| Compared::Whole)
}
