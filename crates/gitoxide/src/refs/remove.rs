//! Removing refs that are obsolete, whatever their values are, as git does: first from the packed
//! refs, under their lock, then their files.
//!
//! The transaction of `gix-ref` is not used: it reads the packed refs before it holds their lock,
//! so that refs which `git pack-refs` has packed meanwhile would be lost.

use super::ref_file::parent;
use super::update::link_above;
use crate::SharedMode;
use gitmind_git::Error;
use gitmind_system::calls;
use gitmind_system::owned_file::{errno, open_directory};
use gix_ref::file::Store;
use rustix::fs::{CWD, OFlags};
use rustix::io::Errno;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Time between two attempts to lock the packed refs, and the number of attempts: 1 s.
const LOCK_WAIT: Duration = Duration::from_millis(20);
const LOCK_TRIES: u32 = 50;

/// Removes the refs with these full names; one that does not exist is no error.
pub(crate) fn remove(
    store: &Store,
    shared_mode: SharedMode,
    names: &[String],
) -> Result<(), Error> {
    let Some(first) = names.first() else { return Ok(()) };
    let write = |name: &str, reason| Error::RefWrite { name: name.into(), reason };
    let common_dir = store.common_dir_resolved();
    for name in names {
        if let Some(link) = link_above(common_dir, name) {
            let reason = format!("{} is a link, which is not followed", link.display());
            return Err(write(name, reason));
        }
    }
    let packed = store.packed_refs_path();
    if packed.is_file() {
        remove_packed(&packed, shared_mode, names).map_err(|errno| match errno {
            Errno::EXIST => Error::RefLocked {
                name: first.clone(),
                reason: format!("another process holds or has left {}", lock_of(&packed).display()),
                holder_is_alive: false,
            },
            errno => write(first, format!("cannot rewrite {}: {errno}", packed.display())),
        })?;
    }
    for name in names {
        match calls::unlinkat(CWD, &common_dir.join(name)) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(errno) => return Err(write(name, errno.to_string())),
        }
    }
    Ok(())
}

fn lock_of(packed: &Path) -> PathBuf {
    packed.with_added_extension("lock")
}

/// Rewrites the packed refs without the refs `names`. [`Errno::EXIST`] when another process holds
/// the lock.
fn remove_packed(packed: &Path, shared_mode: SharedMode, names: &[String]) -> Result<(), Errno> {
    let lock_path = lock_of(packed);
    let mut file = lock(&lock_path)?;
    let written = (|| {
        let old = std::fs::read(packed)?;
        let new = without(&old, names);
        if new.len() == old.len() {
            return Ok(false);
        }
        file.write_all(&new)?;
        Ok::<_, io::Error>(true)
    })();
    let replaced = written.map_err(errno).and_then(|is_changed| {
        if !is_changed {
            return Ok(false);
        }
        shared_mode.adjust(&file)?;
        calls::sync_file(&file)?;
        calls::renameat((CWD, &*lock_path), (CWD, packed))?;
        Ok(true)
    });
    if !matches!(replaced, Ok(true)) {
        let _ = calls::unlinkat(CWD, &*lock_path);
    }
    if replaced? {
        calls::sync_directory(open_directory(CWD, parent(packed), OFlags::empty())?)?;
    }
    Ok(())
}

/// Makes the lock file, which must not exist.
fn lock(path: &Path) -> Result<File, Errno> {
    let mut tries = LOCK_TRIES;
    loop {
        match calls::retried(|| File::create_new(path)) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && tries > 0 => {
                tries -= 1;
                std::thread::sleep(LOCK_WAIT);
            }
            made => return made.map_err(errno),
        }
    }
}

/// The lines of `packed` without those of the refs `names`, and without what these peel to.
fn without(packed: &[u8], names: &[String]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(packed.len());
    let mut is_removed = false;
    for line in packed.split_inclusive(|byte| *byte == b'\n') {
        // A line `^ID` is what the tag of the line before peels to.
        if !line.starts_with(b"^") {
            let name = line.split(|byte| *byte == b' ').nth(1).unwrap_or_default().trim_ascii_end();
            let is_header = line.starts_with(b"#");
            is_removed = !is_header && names.iter().any(|removed| removed.as_bytes() == name);
        }
        if !is_removed {
            kept.extend_from_slice(line);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Location;
    use gitmind_test_support::{TempRepository, message};

    #[test]
    fn only_the_named_refs_are_removed_packed_or_not() {
        let names = ["refs/a/1", "refs/a/2", "refs/a/22", "refs/b"];
        for packed in [&["--all"][..], &[]] {
            let repository = TempRepository::empty();
            let tip = repository.commit(&[], &message(&[(1, 2)]));
            names.iter().for_each(|name| drop(repository.git(&["update-ref", name, &tip])));
            repository.git(&[
                "-c",
                "user.name=a",
                "-c",
                "user.email=a@b",
                "tag",
                "-am",
                "t",
                "t",
                &tip,
            ]);
            packed.iter().for_each(|all| drop(repository.git(&["pack-refs", all])));
            // One is both packed and loose.
            let other = repository.commit(&[], b"");
            repository.git(&["update-ref", "refs/a/2", &other]);
            let store = super::super::open(&Location::bare(repository.path()));
            let gone = ["refs/a/1", "refs/a/2", "refs/a/none"].map(str::to_owned);
            remove(&store, SharedMode::Umask, &gone).expect("nobody holds a lock");
            let left = repository.git(&["for-each-ref", "--format=%(refname) %(*objectname)"]);
            assert_eq!(left, format!("refs/a/22 \nrefs/b \nrefs/tags/t {tip}"));
            repository.assert_sound();
        }
    }

    #[test]
    fn a_lock_of_the_packed_refs_is_waited_for_and_then_an_error() {
        let repository = TempRepository::empty();
        let tip = repository.commit(&[], b"");
        repository.git(&["update-ref", "refs/a/1", &tip]);
        repository.git(&["pack-refs", "--all"]);
        let store = super::super::open(&Location::bare(repository.path()));
        let lock = repository.path().join("packed-refs.lock");
        std::fs::write(&lock, "").expect("writable");
        let gone = ["refs/a/1".to_owned()];
        let outcome = remove(&store, SharedMode::Umask, &gone);
        assert!(matches!(outcome, Err(Error::RefLocked { .. })), "{outcome:?}");
        assert!(lock.is_file(), "it is not ours");
        std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(Duration::from_millis(100));
                std::fs::remove_file(&lock).expect("it is there");
            });
            remove(&store, SharedMode::Umask, &gone).expect("the lock is released in time");
        });
        assert_eq!(repository.refs(), "");
    }
}
