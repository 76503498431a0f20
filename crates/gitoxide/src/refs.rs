//! Reading refs as git does: a loose file, else the packed refs, which gitoxide's store reads.

mod log;
mod loose;
mod ref_file;
mod remove;
mod update;

pub(super) use self::log::RefLog;
pub(super) use self::remove::remove;
pub(super) use self::update::update;

use super::{Location, reason};
use gitmind_git::oid::Oid;
use gitmind_git::{Error, Head};
use gitmind_system::calls;
use gix_ref::file::Store;
use gix_ref::store::WriteReflog;
use gix_ref::{FullNameRef, Target};
use std::convert::Infallible;
use std::path::Path;

/// Most bytes of a loose ref's file; a ref name has at most 511.
const REF_FILE_BYTES_MAX: u64 = 64 << 10;
/// Refs below `refs/` that each worktree has for itself.
const WORKTREE_PREFIXES: [&str; 3] = ["refs/bisect/", "refs/worktree/", "refs/rewritten/"];
/// Longest chain of symbolic refs; git's limit.
const SYMBOLIC_DEPTH_MAX: usize = 5;

pub(super) fn open(location: &Location) -> Store {
    let options =
        gix_ref::store::init::Options { write_reflog: WriteReflog::Disable, ..Default::default() };
    let (git_dir, common_dir) = (location.git_dir.clone(), location.common_dir.clone());
    if git_dir == common_dir {
        Store::at_opts(git_dir, gix_hash::Kind::Sha1, options)
    } else {
        Store::for_linked_worktree_opts(git_dir, common_dir, gix_hash::Kind::Sha1, options)
    }
}

pub(super) fn head(store: &Store) -> Result<Head, Error> {
    match follow(store, "HEAD")? {
        (name, None) if name == "HEAD" => {
            Err(Error::RefRead { name, reason: "it does not exist".into() })
        }
        (name, _) if name == "HEAD" => Ok(Head::Detached),
        (name, _) => Ok(Head::Branch(name)),
    }
}

pub(super) fn resolve(store: &Store, name: &str) -> Result<Option<Oid>, Error> {
    Ok(follow(store, name)?.1)
}

/// The ref at the end of the symbolic refs that start at `name`, and its value.
fn follow(store: &Store, name: &str) -> Result<(String, Option<Oid>), Error> {
    let fail = |reason: &str| Error::RefRead { name: name.into(), reason: reason.into() };
    let mut current = name.to_owned();
    for _ in 0..SYMBOLIC_DEPTH_MAX {
        match find(store, &current)? {
            None => return Ok((current, None)),
            Some(Target::Object(id)) => {
                let id = id.as_bytes().try_into().map_err(|_| fail("not a SHA-1 id"))?;
                return Ok((current, Some(Oid::new(id))));
            }
            Some(Target::Symbolic(next)) => {
                current = String::from_utf8(next.as_bstr().to_vec())
                    .map_err(|_| fail("the name of the branch is not UTF-8"))?;
            }
        }
    }
    Err(fail("too many levels of symbolic refs"))
}

/// The value of the ref itself, whether it is loose or packed.
///
/// The packed refs are read after the loose file: `git pack-refs` writes the packed refs first and
/// then removes the file, so an existing ref is found in one of the two.
fn find(store: &Store, name: &str) -> Result<Option<Target>, Error> {
    let fail = |reason| Error::RefRead { name: name.into(), reason };
    let full: &FullNameRef =
        name.try_into().map_err(|error: gix_ref::name::Error| fail(reason(&error)))?;
    let is_of_worktree = !name.starts_with("refs/")
        || WORKTREE_PREFIXES.iter().any(|prefix| name.starts_with(prefix));
    let directory = match is_of_worktree {
        true => store.git_dir(),
        false => store.common_dir_resolved(),
    };
    if let Some(target) = loose::read(&directory.join(name)).map_err(fail)? {
        return Ok(Some(target));
    }
    check_file(&store.packed_refs_path(), u64::MAX).map_err(fail)?;
    // Opened anew, because `gix-ref` detects changes of its cached ones by their coarse mtime.
    let packed = store.open_packed_buffer().map_err(|error| fail(reason(&error)))?;
    let Some(packed) = packed else { return Ok(None) };
    // Not by the store, which would look for files of four other names first.
    let found = packed.try_find::<_, Infallible>(full).map_err(|error| fail(reason(&error)))?;
    // `gix-ref` also resolves short names, such as `refs/heads/refs/...`: require the full name.
    let found = found.filter(|found| found.name == full);
    Ok(found.map(|found| Target::Object(found.target())))
}

/// Rejects a file whose reading might not end, such as a pipe or a device, and one that is too
/// long.
fn check_file(path: &Path, bytes_max: u64) -> Result<(), String> {
    match calls::retried(|| path.metadata()) {
        Ok(file) if file.is_dir() => Ok(()),
        Ok(file) if !file.is_file() => Err(format!("{} is not a regular file", path.display())),
        Ok(file) if file.len() > bytes_max => {
            Err(format!("{} has more than {bytes_max} bytes", path.display()))
        }
        // An error of `metadata` is reported when the file is opened.
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Checks all files below a directory with [`check_file`], because `gix-ref` reads each of them.
fn check_files(directory: &Path) -> Result<(), String> {
    for entry in std::fs::read_dir(directory).into_iter().flatten().filter_map(Result::ok) {
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => check_files(&path)?,
            _ => check_file(&path, REF_FILE_BYTES_MAX)?,
        }
    }
    Ok(())
}

pub(super) fn list(store: &Store, prefix: &str, count_max: usize) -> Result<Vec<String>, Error> {
    let fail = |reason| Error::RefRead { name: format!("{prefix}*"), reason };
    check_file(&store.packed_refs_path(), u64::MAX).map_err(fail)?;
    // Refreshed for the same reason as above; it fails when there are no packed refs, which is no
    // error here.
    let _ = store.force_refresh_packed_buffer();
    let iteration = store.iter().map_err(|error| fail(reason(&error)))?;
    // `gix-ref` searches no directory whose name is invalid on Windows, such as `a"b`: search its
    // nearest valid parent instead.
    let mut directories = prefix.rmatch_indices('/').map(|(end, _)| &prefix[..=end]);
    let searched = directories.find_map(|directory| Some((directory, directory.try_into().ok()?)));
    let (directory, searched) = searched.ok_or_else(|| fail("not a directory of refs".into()))?;
    for root in [store.git_dir(), store.common_dir_resolved()] {
        check_files(&root.join(directory)).map_err(fail)?;
    }
    let refs = iteration.prefixed(searched).map_err(|error| fail(reason(&error)))?;
    let names = refs.filter_map(Result::ok).map(|reference| reference.name.as_bstr().to_string());
    Ok(names.filter(|name| name.starts_with(prefix)).take(count_max).collect())
}

/// An existing ref that conflicts with `name`, because one is a directory in the other's path.
/// `gix-ref` does not check packed refs for this.
fn conflict(store: &Store, name: &str) -> Result<Option<String>, Error> {
    let above = name.match_indices('/').map(|(end, _)| &name[..end]).skip(1);
    for directory in above {
        if find(store, directory)?.is_some() {
            return Ok(Some(directory.into()));
        }
    }
    // Listed twice: packed refs are opened before the loose files are read, and a ref that
    // `git pack-refs` moves in between is found by the second listing.
    let below = format!("{name}/");
    let mut first = list(store, &below, 1)?;
    if first.is_empty() {
        first = list(store, &below, 1)?;
    }
    Ok(first.pop())
}
