//! Refs that are removed, loose and packed, with other writers beside.

use gitmind_git::{Error, Repository};
use gitmind_test_support::{TempRepository, message};
use std::time::Duration;

#[test]
fn only_the_named_refs_are_removed_packed_or_not() {
    let names = ["refs/a/1", "refs/a/2", "refs/a/22", "refs/b"];
    for packed in [&["--all"][..], &[]] {
        let repository = TempRepository::empty();
        let tip = repository.commit(&[], &message(&[(1, 2)]));
        names.iter().for_each(|name| drop(repository.git(&["update-ref", name, &tip])));
        let person = ["-c", "user.name=a", "-c", "user.email=a@b"];
        repository.git(&[&person[..], &["tag", "-am", "t", "t", &tip]].concat());
        packed.iter().for_each(|all| drop(repository.git(&["pack-refs", all])));
        // One is both packed and loose.
        let other = repository.commit(&[], b"");
        repository.git(&["update-ref", "refs/a/2", &other]);
        let gone = ["refs/a/1", "refs/a/2", "refs/a/none"].map(str::to_owned);
        repository.open().remove_refs(&gone).expect("no process holds a lock");
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
    let opened = repository.open();
    let lock = repository.path().join("packed-refs.lock");
    std::fs::write(&lock, "").expect("writable");
    let gone = ["refs/a/1".to_owned()];
    let outcome = opened.remove_refs(&gone);
    assert!(matches!(outcome, Err(Error::RefLocked { .. })), "{outcome:?}");
    assert!(lock.is_file(), "it is not ours");
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(100));
            std::fs::remove_file(&lock).expect("it is there");
        });
        opened.remove_refs(&gone).expect("the lock is released in time");
    });
    assert_eq!(repository.refs(), "");
}
