//! Transactions: the files that they leave, and a gc at each step of a commit.

use super::*;
use crate::Location;
use gitmind_git::Repository;
use gitmind_memory::System;
use gitmind_ports::clock::Timestamp;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

const REF: &str = "refs/gitmind/edges/main";

fn empty() -> (TempDir, GitRepository) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    for part in ["objects/pack", "refs/heads"] {
        fs::create_dir_all(directory.path().join(part)).expect("writable");
    }
    fs::write(directory.path().join("HEAD"), "ref: refs/heads/main\n").expect("writable");
    let config = "[core]\n\trepositoryformatversion = 0\n\tbare = true\n";
    fs::write(directory.path().join("config"), config).expect("writable");
    let location = Location::at(directory.path()).expect("a repository");
    let repository = GitRepository::open(location).expect("a repository");
    (directory, repository)
}

/// A transaction with these objects, and their ids.
fn begin<'t>(
    repository: &'t GitRepository,
    alloc: Alloc<'t>,
    objects: &[(ObjectKind, &str)],
) -> (GitTransaction<'t>, std::vec::Vec<Oid>) {
    let count = u32::try_from(objects.len()).expect("few");
    let mut transaction = GitTransaction::new(repository, alloc, Some(count));
    let add = |(kind, data): &(_, &str)| transaction.add(*kind, data.as_bytes()).expect("room");
    let ids = objects.iter().map(add).collect();
    (transaction, ids)
}

const NOW: Timestamp = Timestamp { seconds: 0, offset_seconds: 0 };

const fn to(new: Oid) -> RefUpdate<'static> {
    RefUpdate { name: REF, expected: None, new, time: NOW, reason: "test" }
}

/// The extensions of the files in the pack directory, sorted.
fn packs(top: &Path) -> std::vec::Vec<String> {
    let entries = fs::read_dir(top.join("objects/pack")).expect("a directory");
    let names = entries.map(|entry| entry.expect("readable").path());
    let extension = |path: std::path::PathBuf| path.extension().map(|it| it.display().to_string());
    let mut found: std::vec::Vec<_> = names.map(|path| extension(path).expect("one")).collect();
    found.sort();
    found
}

fn pretend_gc_runs(top: &Path) {
    let uname = rustix::system::uname();
    let host = uname.nodename().to_str().expect("a name");
    fs::write(top.join("gc.pid"), format!("{} {host}", std::process::id())).expect("writable");
}

const TREE: (ObjectKind, &str) = (ObjectKind::Tree, "");
const FIRST: (ObjectKind, &str) = (ObjectKind::Blob, "first");
const SECOND: (ObjectKind, &str) = (ObjectKind::Blob, "second");

#[test]
fn one_object_besides_the_empty_tree_is_loose_and_more_are_packed() {
    let system = System::new();
    let alloc = Alloc::new(&system);
    for (objects, files, packed) in [
        (&[FIRST][..], 1, 0),
        (&[TREE, FIRST], 2, 0),
        (&[FIRST, TREE], 2, 0),
        (&[FIRST, SECOND], 0, 2),
        (&[TREE, FIRST, SECOND], 0, 2),
    ] {
        for is_committed in [false, true] {
            let (directory, repository) = empty();
            let (mut transaction, ids) = begin(&repository, alloc, objects);
            if is_committed {
                let stored = transaction.commit(to(ids[0])).expect("room");
                assert_eq!(stored.objects as usize, objects.len());
                assert!(stored.size > Bytes::ZERO);
                assert_eq!(repository.resolve(REF).expect("readable"), Some(ids[0]));
            }
            drop(transaction);
            let at = directory.path().join("objects");
            let found = ids.iter().filter(|id| loose::is_there(&at, **id)).count();
            let expected = if is_committed { (files, packed) } else { (0, 0) };
            assert_eq!((found, packs(directory.path()).len()), expected, "{objects:?}");
        }
    }
}

#[test]
fn objects_that_gc_removes_while_their_ref_moves_are_written_again() {
    let system = System::new();
    for moment in 0..2 {
        let (directory, repository) = empty();
        let objects = directory.path().join("objects");
        let (mut transaction, ids) = begin(&repository, Alloc::new(&system), &[TREE, FIRST]);
        let mut moments = 0;
        let committed = transaction.commit_with(to(ids[1]), &mut || {
            if moments == moment {
                for id in &ids {
                    let name = loose::name(*id);
                    let name = str::from_utf8(&name).expect("hex digits");
                    fs::remove_file(objects.join(name)).expect("it was written before");
                }
            }
            moments += 1;
        });
        committed.expect("a gc does not fail a commit");
        assert_eq!(moments, 2, "under the lock, and when the ref has moved");
        assert!(ids.iter().all(|id| loose::is_there(&objects, *id)), "moment {moment}");
    }
}

#[test]
fn objects_are_in_a_kept_pack_when_gc_starts_at_any_step_of_a_commit() {
    let system = System::new();
    let alloc = Alloc::new(&system);
    for moment in 0..3 {
        let (directory, repository) = empty();
        let (mut transaction, ids) = begin(&repository, alloc, &[TREE, FIRST]);
        let mut moments = 0;
        let mut arrive = || {
            if moments == moment {
                pretend_gc_runs(directory.path());
            }
            moments += 1;
        };
        arrive();
        transaction.commit_with(to(ids[1]), &mut arrive).expect("no reason to fail");
        assert_eq!(packs(directory.path()), ["idx", "keep", "pack"], "moment {moment}");
        drop(transaction);
        assert_eq!(packs(directory.path()), ["idx", "pack"], "its ref reaches it");
        let mut buffer = Vec::new(alloc);
        repository.read(ids[1], FIRST.0, &mut buffer).expect("it is there");
    }
}

#[test]
fn a_pack_is_kept_until_its_ref_has_moved() {
    let system = System::new();
    let (directory, repository) = empty();
    let (mut transaction, ids) = begin(&repository, Alloc::new(&system), &[FIRST, SECOND]);
    let mut moments = 0;
    let committed = transaction.commit_with(to(ids[1]), &mut || {
        assert_eq!(packs(directory.path()), ["idx", "keep", "pack"]);
        moments += 1;
    });
    committed.expect("there is room");
    assert_eq!(moments, 2, "under the lock, and when the ref has moved");
    drop(transaction);
    assert_eq!(packs(directory.path()), ["idx", "pack"]);
}

#[test]
fn a_transaction_does_not_unprotect_the_pack_of_another() {
    // Regression: any ref update removed all `.keep` files, also those of a pack that a lost race
    // had left and that was still being read.
    let system = System::new();
    let alloc = Alloc::new(&system);
    let (directory, repository) = empty();
    let (mut slow, ids) = begin(&repository, alloc, &[FIRST, SECOND]);
    let (mut fast, others) = begin(&repository, alloc, &[FIRST, SECOND, TREE]);
    fast.commit(to(others[0])).expect("the ref is as expected");
    let moved = slow.commit(to(ids[0]));
    assert!(matches!(moved, Err(Error::RefMoved(_))), "{moved:?}");
    assert_eq!(packs(directory.path()), ["idx", "idx", "keep", "keep", "pack", "pack"]);
    drop(fast);
    assert_eq!(packs(directory.path()), ["idx", "idx", "keep", "pack", "pack"]);
    let again = RefUpdate { expected: Some(others[0]), ..to(ids[0]) };
    slow.commit(again).expect("it is stored, and the ref is as expected");
    drop(slow);
    assert_eq!(packs(directory.path()), ["idx", "idx", "pack", "pack"]);
}

#[test]
fn a_failed_store_ends_the_transaction_and_moves_no_ref() {
    let system = System::new();
    for objects in [&[FIRST][..], &[FIRST, SECOND]] {
        let (directory, repository) = empty();
        let mut transaction = GitTransaction::new(&repository, Alloc::new(&system), Some(7));
        for (kind, data) in objects {
            transaction.add(*kind, data.as_bytes()).expect("there is room");
        }
        for _ in 0..2 {
            let failed = transaction.commit(to(Oid::ZERO));
            assert!(matches!(failed, Err(Error::Pack(_))), "{failed:?}");
        }
        assert_eq!(repository.resolve(REF).expect("readable"), None);
        assert!(packs(directory.path()).is_empty());
    }
    let (_directory, repository) = empty();
    let (mut transaction, ids) = begin(&repository, Alloc::new(&system), &[FIRST, SECOND]);
    transaction.commit(to(ids[0])).expect("there is room");
    let late = transaction.add(TREE.0, b"");
    assert!(matches!(late, Err(Error::Pack(PackError::Ended))), "{late:?}");
}
