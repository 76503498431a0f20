//! Where linked files went that a commit removed: what moved unchanged is known, files that moved
//! with an edit are determined by git, and directories went where most of their files did.

use super::changes::{Changes, Content, Trees};
use crate::cli::failure::Failure;
use crate::context::Context;
use crate::git::{EntryMode, find_path};
use crate::memory::{Map, MemoryError, Vec};
use crate::oid::Oid;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

/// Most bytes of one field of git's answer; a path has fewer.
const FIELD_BYTES_MAX: u64 = 64 << 10;
/// The command that finds renamed files.
const DIFF_TREE: [&str; 11] = [
    "diff-tree",
    "-r",
    "-M",
    "--diff-filter=R",
    "--raw",
    "-z",
    "--no-abbrev",
    "--no-ext-diff",
    "--no-textconv",
    "--no-color",
    "--ignore-submodules=all",
];

/// Finds what replaces each linked content that is gone. git runs only for trees of which a linked
/// file is gone without being elsewhere, or a linked directory.
pub(super) fn find<'a>(
    context: &Context<'a>,
    git_dir: &Path,
    changes: &mut Changes<'a>,
    linked: &[bool],
) -> Result<(), Failure> {
    let mut numbers = Vec::new(context.alloc);
    let gone = changes.replaced.iter().zip(linked);
    let gone = gone.filter(|(gone, is_linked)| **is_linked && gone.new.is_none());
    numbers.try_extend(gone.map(|(gone, _)| gone.trees))?;
    numbers.dedup();
    for number in numbers {
        let trees = changes.trees[number];
        for (at, new) in ask_git(context, git_dir, changes, number)? {
            changes.replaced[at].new = Some(new);
        }
        for (at, is_linked) in linked.iter().enumerate() {
            let gone = &changes.replaced[at];
            if *is_linked && gone.is_directory && gone.trees == number {
                changes.replaced[at].new = directory(context, changes, trees, at)?;
            }
        }
    }
    Ok(())
}

/// The directory to which most files went of the directory `at`, with the same path below.
fn directory<'a>(
    context: &Context<'a>,
    changes: &Changes<'a>,
    trees: Trees,
    at: usize,
) -> Result<Option<Content<'a>>, Failure> {
    let (top, number) = (&changes.replaced[at].old.path, changes.replaced[at].trees);
    let mut votes: Map<'_, &[u8], u32> = Map::new(context.alloc);
    for gone in changes.replaced.iter().filter(|gone| gone.trees == number && !gone.is_directory) {
        let below = gone.old.path.strip_prefix(top.as_slice());
        let below = below.filter(|below| below.starts_with(b"/"));
        let Some((below, new)) = below.zip(gone.new.as_ref()) else { continue };
        if let Some(new_top) = new.path.strip_suffix(below) {
            *votes.try_get_or_insert_with(new_top, || 0)? += 1;
        }
    }
    // Of two with as many votes the first by name, whatever the order of the map.
    let winner = votes.iter().max_by(|a, b| a.1.cmp(b.1).then(b.0.cmp(a.0)));
    let Some((new_top, _)) = winner else { return Ok(None) };
    let found = find_path(context.repository, context.alloc, trees.new, new_top)?;
    let found = found.filter(|found| found.mode == EntryMode::Tree && !new_top.is_empty());
    Ok(found.map(|found| content(context, found.id, new_top)).transpose()?)
}

fn content<'a>(context: &Context<'a>, id: Oid, path: &[u8]) -> Result<Content<'a>, MemoryError> {
    let mut copy = Vec::new(context.alloc);
    copy.try_extend_from_slice(path)?;
    Ok(Content { id, path: copy })
}

/// What replaces the files that are gone from the trees `number`, by position: the files that git
/// takes for renamed. Whatever the configuration says, this git runs no other program and fetches
/// nothing.
fn ask_git<'a>(
    context: &Context<'a>,
    git_dir: &Path,
    changes: &Changes<'a>,
    number: usize,
) -> Result<Vec<'a, (usize, Content<'a>)>, Failure> {
    let mut found = Vec::new(context.alloc);
    let mut gone = Map::new(context.alloc);
    for (at, replaced) in changes.replaced.iter().enumerate() {
        if replaced.trees == number && replaced.new.is_none() && !replaced.is_directory {
            gone.try_insert(replaced.old.path.as_slice(), at)?;
        }
    }
    let Trees { old: Some(old), new } = changes.trees[number] else { return Ok(found) };
    let failed = |error: &dyn std::fmt::Display| {
        Failure::new(format!("git diff-tree, which finds renamed files, failed: {error}"))
    };
    let mut git = Command::new("git")
        // It reads the index, for which it would ask the file system's monitor.
        .args(["--no-pager", "-c", "core.fsmonitor=false", "--git-dir"])
        .arg(git_dir)
        .args(DIFF_TREE)
        .args([old.to_string(), new.to_string()])
        .env("GIT_NO_LAZY_FETCH", "1")
        // No transport is allowed, for a git that does not know that variable.
        .env("GIT_ALLOW_PROTOCOL", "")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| failed(&error))?;
    let mut answer = BufReader::new(git.stdout.take().expect("this holds because it is piped"));
    let mut read = || {
        // `:MODE MODE ID ID R90`, the old path and the new one, each with a NUL.
        while let Some(header) = field(&mut answer)? {
            let id = header.split(|byte| *byte == b' ').nth(3).and_then(Oid::from_hex);
            let paths = (field(&mut answer)?, field(&mut answer)?);
            let (Some(id), (Some(old), Some(new))) = (id, paths) else {
                return Err(failed(&"its answer is cut short"));
            };
            if let Some(at) = gone.get(old.as_slice()) {
                found.try_push((*at, content(context, id, &new)?))?;
            }
        }
        Ok(())
    };
    let read = read();
    // A git that still writes ends when its pipe is closed.
    drop(answer);
    let status = git.wait().map_err(|error| failed(&error))?;
    read?;
    if status.success() { Ok(found) } else { Err(failed(&status)) }
}

/// The bytes up to the next NUL; `None` at the end.
fn field(answer: impl BufRead) -> Result<Option<std::vec::Vec<u8>>, Failure> {
    let mut field = std::vec::Vec::new();
    answer.take(FIELD_BYTES_MAX).read_until(0, &mut field)?;
    Ok(field.pop().map(|_| field))
}
