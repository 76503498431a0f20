//! Updating a ref as git does: take its lock, compare its current value, write the new one.
//!
//! The transaction of `gix-ref` is not used, because it reads the packed refs before it holds the
//! lock: if `git pack-refs` moves the ref meanwhile, it compares an old value, and an append of
//! another process would be lost. It also locks `packed-refs`.

use super::ref_file::{RefFile, RefPaths, ReplaceError};
use super::{RefLog, conflict, find};
use gitmind_git::oid::Oid;
use gitmind_git::{Error, RefUpdate};
use gitmind_system::calls;
use gix_ref::Target;
use gix_ref::file::Store;
use std::path::{Path, PathBuf};

/// Symbolic links in this directory are not followed to write. A directory above may be a link,
/// which some tools use to share refs.
const OWN_DIRECTORY: &str = "refs/gitmind";

/// Changes a ref; calls `confirm` before and after, and `warn` when the change may not last.
pub(crate) fn update(
    store: &Store,
    log: RefLog<'_>,
    update: RefUpdate<'_>,
    warn: fn(&str),
    confirm: &mut dyn FnMut() -> Result<(), Error>,
) -> Result<(), Error> {
    let RefUpdate { name, expected, new, .. } = update;
    let write = |reason| Error::RefWrite { name: name.into(), reason };
    let common_dir = store.common_dir_resolved();
    let logs = common_dir.join("logs");
    if let Some(link) = link_above(common_dir, name).or_else(|| link_above(&logs, name)) {
        return Err(write(format!("{} is a link, which is not followed", link.display())));
    }
    // This also checks the name.
    is_expected(find(store, name)?.as_ref(), name, expected)?;
    let is_free = || match expected {
        Some(_) => Ok(()),
        None => match conflict(store, name)? {
            Some(other) => Err(Error::RefConflict { name: name.into(), other }),
            None => Ok(()),
        },
    };
    // Checked first because a conflicting ref would keep the lock's directory from being made, and
    // again under the lock.
    is_free()?;
    let path = common_dir.join(name);
    let lock = common_dir.join(format!("{name}.lock"));
    let paths = RefPaths { common_dir, path: &path, lock: &lock, shared_mode: log.shared_mode };
    let replaced = RefFile::lock(paths, new, |file| {
        is_expected(find(store, name)?.as_ref(), name, expected)?;
        is_free()?;
        confirm()?;
        log.append(common_dir, update)?;
        let directory = file.rename().map_err(|errno| write(errno.to_string()))?;
        let unsure = |reason| Error::RefUnsure { name: name.into(), reason };
        if let Err(errno) = calls::sync_directory(directory) {
            // No error, because what has been done would be done again.
            let reason = format!("a power cut may undo it: cannot sync its directory: {errno}");
            warn(&unsure(reason).to_string());
        }
        confirm().map_err(|error| unsure(error.to_string()))
    });
    replaced.map_err(|error| match error {
        ReplaceError::Failed(error) => error,
        ReplaceError::System(errno) => write(errno.to_string()),
        ReplaceError::Locked { holder_is_alive } => match find(store, name) {
            Ok(now) if is_expected(now.as_ref(), name, expected).is_err() => moved(name),
            _ => {
                let holder = if holder_is_alive {
                    "a running git-mind holds"
                } else {
                    "another process holds or has left"
                };
                let reason = format!("{holder} its lock file ({})", lock.display());
                Error::RefLocked { name: name.into(), reason, holder_is_alive }
            }
        },
    })
}

/// Fails when a ref does not have the expected value.
fn is_expected(now: Option<&Target>, name: &str, expected: Option<Oid>) -> Result<(), Error> {
    let is_same = match (now, expected) {
        (Some(Target::Object(now)), Some(expected)) => now.as_bytes() == expected.as_bytes(),
        (Some(Target::Symbolic(other)), _) => {
            let reason = format!("it is a symbolic ref to {}", other.as_bstr());
            return Err(Error::RefWrite { name: name.into(), reason });
        }
        (now, expected) => now.is_none() && expected.is_none(),
    };
    if is_same { Ok(()) } else { Err(moved(name)) }
}

fn moved(name: &str) -> Error {
    Error::RefMoved(name.into())
}

/// The first symbolic link among the directories of the ref `name` below [`OWN_DIRECTORY`].
pub(super) fn link_above(common_dir: &Path, name: &str) -> Option<PathBuf> {
    let directories = name.match_indices('/').map(|(end, _)| &name[..end]);
    let own = directories.filter(|directory| directory.starts_with(OWN_DIRECTORY));
    own.map(|directory| common_dir.join(directory)).find(|directory| directory.is_symlink())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Location, SharedMode};
    use gitmind_git::Identity;
    use gitmind_memory::{Alloc, System};
    use gitmind_ports::clock::Timestamp;
    use gitmind_system::owned_file::{Temporary, open_directory};
    use rustix::fs::{CWD, Mode, OFlags};
    use std::os::fd::AsFd;
    use std::sync::Barrier;
    use std::time::{Duration, Instant};

    const ROUNDS: u32 = 2_000;
    const JOURNAL: &str = "refs/gitmind/edges/main";

    fn store(git_dir: &Path) -> Store {
        super::super::open(&Location::bare(git_dir))
    }

    #[test]
    fn a_lock_whose_holder_is_alive_is_waited_for() {
        // Regression: after 1 s the error advised to delete the lock, which admitted two writers.
        let directory = tempfile::tempdir().expect("a temporary directory");
        let lock = directory.path().join(format!("{JOURNAL}.lock"));
        std::fs::create_dir_all(directory.path().join("refs/gitmind/edges")).expect("writable");
        let opened = open_directory(CWD, directory.path(), OFlags::empty()).expect("a directory");
        let (file, owner) = Temporary::create(opened.as_fd(), Mode::RWXU).expect("writable");
        std::fs::hard_link(directory.path().join(owner.name()), &lock).expect("writable");
        let (new, git_dir) = (Oid::new([1; Oid::LEN]), directory.path().to_owned());
        let updated = std::thread::scope(|scope| {
            let time = Timestamp { seconds: 0, offset_seconds: 0 };
            let update = RefUpdate { name: JOURNAL, expected: None, new, time, reason: "test" };
            let update = move || {
                let (system, committer) = (System::new(), &Identity::default());
                let (alloc, shared_mode) = (Alloc::new(&system), SharedMode::Umask);
                let log = RefLog { is_made: false, committer, shared_mode, alloc };
                super::update(&store(&git_dir), log, update, |_| (), &mut || Ok(()))
            };
            let updating = scope.spawn(update);
            std::thread::sleep(Duration::from_millis(1_500));
            std::fs::remove_file(&lock).expect("only the test removes it");
            drop((owner, file));
            updating.join().expect("no panic")
        });
        assert!(updated.is_ok(), "{updated:?}");
    }

    #[test]
    fn a_ref_that_is_packed_during_the_check_is_a_conflict() {
        // Regression: a ref that was packed between reading packed refs and files was not found.
        let directory = tempfile::tempdir().expect("a temporary directory");
        let [file, packed, next] =
            ["refs/heads/a/b", "packed-refs", "next"].map(|name| directory.path().join(name));
        let store = store(directory.path());
        std::fs::create_dir_all(directory.path().join("refs/heads/a")).expect("writable");
        let look = || matches!(conflict(&store, "refs/heads/a"), Ok(Some(_)));
        let value = "1".repeat(40);
        let started = Instant::now();
        (0..100).for_each(|_| assert!(!look(), "there is none yet"));
        let longest = started.elapsed() / 50;
        let is_at = Barrier::new(2);
        let mut missed = 0;
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for round in 0..ROUNDS {
                    let lines = format!("# pack-refs with: sorted \n{value} refs/heads/a/b\n");
                    std::fs::write(&next, lines).expect("writable");
                    is_at.wait();
                    let started = Instant::now();
                    while started.elapsed() < longest * (round % 100) / 100 {
                        std::hint::spin_loop();
                    }
                    std::fs::rename(&next, &packed).expect("writable");
                    std::fs::remove_file(&file).expect("it is there");
                    is_at.wait();
                }
            });
            for _ in 0..ROUNDS {
                let _ = std::fs::remove_file(&packed);
                std::fs::write(&file, format!("{value}\n")).expect("writable");
                is_at.wait();
                missed += u32::from(!look());
                is_at.wait();
            }
        });
        assert_eq!(missed, 0);
    }
}
