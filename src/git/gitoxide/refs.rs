//! Refs through gitoxide's file store: loose, packed, worktrees, transactions.

use super::{Location, reason};
use crate::git::{Error, Head, RefUpdate};
use crate::oid::Oid;
use gix_lock::acquire::Fail;
use gix_ref::file::Store;
use gix_ref::store::WriteReflog;
use gix_ref::transaction::{Change, LogChange, PreviousValue, RefEdit, RefLog};
use gix_ref::{FullName, FullNameRef, Target};
use std::time::Duration;

/// How long to wait for someone else's lock.
const LOCK_WAIT: Duration = Duration::from_secs(1);
/// Symbolic refs that may point to each other; git's own limit.
const SYMBOLIC_DEPTH_MAX: usize = 5;

pub(super) fn open(location: &Location) -> Store {
    // git writes no reflog for refs outside heads, remotes and notes unless told to.
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
    let fail = |reason| Error::RefRead { name: "HEAD".into(), reason };
    match find(store, "HEAD")? {
        None => Err(fail("it does not exist".into())),
        Some(Target::Object(_)) => Ok(Head::Detached),
        Some(Target::Symbolic(name)) => match String::from_utf8(name.as_bstr().to_vec()) {
            Ok(name) => Ok(Head::Branch(name)),
            Err(_) => Err(fail("the branch name is not UTF-8".into())),
        },
    }
}

pub(super) fn resolve(store: &Store, name: &str) -> Result<Option<Oid>, Error> {
    let mut current = name.to_owned();
    let sha1 = |bytes: &[u8]| match bytes.try_into() {
        Ok(bytes) => Ok(Oid::new(bytes)),
        Err(_) => Err(Error::RefRead { name: name.into(), reason: "not a SHA-1 id".into() }),
    };
    for _ in 0..SYMBOLIC_DEPTH_MAX {
        match find(store, &current)? {
            None => return Ok(None),
            Some(Target::Object(id)) => return Ok(Some(sha1(id.as_bytes())?)),
            Some(Target::Symbolic(next)) => current = next.as_bstr().to_string(),
        }
    }
    Err(Error::RefRead { name: name.into(), reason: "too many symbolic refs in a row".into() })
}

/// What the ref itself holds, whether it is loose or packed.
fn find(store: &Store, name: &str) -> Result<Option<Target>, Error> {
    let fail = |reason| Error::RefRead { name: name.into(), reason };
    let full: &FullNameRef =
        name.try_into().map_err(|error: gix_ref::name::Error| fail(reason(&error)))?;
    let found = store.try_find(full).map_err(|error| fail(reason(&error)))?;
    Ok(found.map(|reference| reference.target))
}

pub(super) fn list(store: &Store, prefix: &str, count_max: usize) -> Result<Vec<String>, Error> {
    let fail = |reason| Error::RefRead { name: format!("{prefix}*"), reason };
    let iteration = store.iter().map_err(|error| fail(reason(&error)))?;
    // The library searches no folder whose name Windows refuses, such as `a"b`: take one above it.
    let mut folders = prefix.rmatch_indices('/').map(|(end, _)| &prefix[..=end]);
    let searched = folders.find_map(|folder| folder.try_into().ok());
    let searched = searched.ok_or_else(|| fail("not a folder of refs".into()))?;
    let refs = iteration.prefixed(searched).map_err(|error| fail(reason(&error)))?;
    let names = refs.filter_map(Result::ok).map(|reference| reference.name.as_bstr().to_string());
    Ok(names.filter(|name| name.starts_with(prefix)).take(count_max).collect())
}

/// A ref that cannot be beside `name`: one is a folder in the other's path. The library does not
/// look among the packed ones.
fn conflict(store: &Store, name: &str) -> Result<Option<String>, Error> {
    let above = name.match_indices('/').map(|(end, _)| &name[..end]).skip(1);
    for folder in above {
        if find(store, folder)?.is_some() {
            return Ok(Some(folder.into()));
        }
    }
    Ok(list(store, &format!("{name}/"), 1)?.pop())
}

pub(super) fn update(store: &Store, update: RefUpdate<'_>) -> Result<(), Error> {
    let RefUpdate { name, expected, new } = update;
    let write = |reason| Error::RefWrite { name: name.into(), reason };
    let full: FullName =
        name.try_into().map_err(|error: gix_ref::name::Error| write(reason(&error)))?;
    if expected.is_none()
        && let Some(other) = conflict(store, name)?
    {
        return Err(Error::RefConflict { name: name.into(), other });
    }
    let object = |id: Oid| Target::Object(gix_hash::ObjectId::Sha1(*id.as_bytes()));
    let expected_value = match expected {
        Some(id) => PreviousValue::MustExistAndMatch(object(id)),
        None => PreviousValue::MustNotExist,
    };
    let log = LogChange {
        mode: RefLog::AndReference,
        force_create_reflog: false,
        message: Default::default(),
    };
    let change = Change::Update { log, expected: expected_value, new: object(new) };
    let wait = Fail::AfterDurationWithBackoff(LOCK_WAIT);
    let outcome = store
        .transaction()
        .prepare([RefEdit::new(full, change)], wait, wait)
        .and_then(|transaction| transaction.commit(None));
    let Err(error) = outcome else { return Ok(()) };
    // The library's error does not tell a lost race from other failures; the ref itself does.
    if resolve(store, name)? != expected {
        return Err(Error::RefMoved { name: name.into() });
    }
    let reason = reason(&error);
    let lock = store.common_dir_resolved().join(format!("{name}.lock"));
    if lock.exists() {
        let reason = format!("{reason} ({})", lock.display());
        return Err(Error::RefLocked { name: name.into(), reason });
    }
    Err(write(reason))
}
