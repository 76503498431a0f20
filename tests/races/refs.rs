//! Refs while other processes update, pack and lock them.

use gitmind::clock::Timestamp;
use gitmind::git::{Error, RefUpdate, Repository};
use gitmind::memory::{Alloc, System};
use gitmind::oid::Oid;
use gitmind_test_support::checkout::{Checkout, JOURNAL, append, length};
use gitmind_test_support::concurrent::meanwhile;

const NOW: Timestamp = Timestamp { seconds: 1_700_000_000, offset_seconds: 0 };

#[test]
fn a_ref_packed_while_its_lock_is_awaited_is_read_again_before_it_is_compared() {
    // Regression: packed refs were read before the lock was acquired, so an update overwrote a
    // value that was appended and packed while it waited: acknowledged edges were lost.
    let checkout = Checkout::new();
    let repository = checkout.open();
    let tip = |number| append(&repository, "main", number..number + 1).expect("free").tip;
    let (first, second, third) = (tip(1), tip(2), tip(3));
    checkout.git(&["update-ref", JOURNAL, &first.expect("an edge").to_string()]);
    checkout.git(&["pack-refs", "--all", "--prune"]);
    let packed = checkout.path().join(".git/packed-refs");
    let before = std::fs::read_to_string(&packed).expect("readable");
    let [first, second] = [first, second].map(|id| id.expect("an edge").to_string());
    let now = before.replace(&first, &second);
    assert_ne!(now, before, "the ref is packed");
    let expected = checkout.open().resolve(JOURNAL).expect("readable");
    let update = RefUpdate {
        name: JOURNAL,
        expected,
        new: third.expect("an edge"),
        time: NOW,
        reason: "test",
    };
    let with_second = packed.with_extension("next");
    std::fs::write(&with_second, now).expect("writable");
    let outcome = while_the_lock_is_awaited(&checkout, update, || {
        std::fs::rename(&with_second, &packed).expect("writable");
    });
    assert!(matches!(outcome, Err(Error::RefMoved(_))), "{outcome:?}");
    assert_eq!(checkout.git(&["rev-parse", JOURNAL]), second);
}

/// Updates a ref to an existing object.
fn move_ref(repository: &dyn Repository, update: RefUpdate<'_>) -> Result<(), Error> {
    let system = System::new();
    repository.begin(Alloc::new(&system), Some(0))?.commit(update).map(drop)
}

/// The result of an update when `act` runs while it waits for a lock that is then released.
fn while_the_lock_is_awaited(
    checkout: &Checkout,
    update: RefUpdate<'_>,
    act: impl FnOnce(),
) -> Result<(), Error> {
    let git_dir = checkout.path().join(".git");
    let lock = git_dir.join(format!("{}.lock", update.name));
    std::fs::create_dir_all(lock.parent().expect("it has one")).expect("writable");
    std::fs::write(&lock, "").expect("writable");
    // The next value, which is written before the lock is acquired.
    let is_waiting = || {
        let entries = std::fs::read_dir(&git_dir).expect("a directory");
        let mut names = entries.map(|entry| entry.expect("readable").file_name());
        names.any(|name| name.as_encoded_bytes().starts_with(b"tmp_gitmind_"))
    };
    std::thread::scope(|scope| {
        let update = scope.spawn(|| move_ref(&checkout.open(), update));
        while !is_waiting() && !update.is_finished() {
            std::thread::yield_now();
        }
        act();
        std::fs::remove_file(&lock).expect("writable");
        update.join().expect("no panic")
    })
}

#[test]
fn a_conflicting_ref_packed_while_a_lock_is_awaited_is_detected() {
    // Regression: conflicts were looked for only before the lock was acquired, so the new journal
    // was written where the directory of the other one had been, which was not found from then on.
    let checkout = Checkout::new();
    let tip = append(&checkout.open(), "a/b", 1..2).expect("free").tip.expect("an edge");
    checkout.git(&["pack-refs", "--all", "--prune"]);
    // Made in advance, since the update waits for 1 s only.
    let packed = checkout.path().join(".git/packed-refs");
    let with_it = packed.with_extension("next");
    std::fs::copy(&packed, &with_it).expect("writable");
    checkout.git(&["update-ref", "-d", "refs/gitmind/edges/a/b"]);
    let update = RefUpdate {
        name: "refs/gitmind/edges/a",
        expected: None,
        new: tip,
        time: NOW,
        reason: "test",
    };
    let outcome = while_the_lock_is_awaited(&checkout, update, || {
        std::fs::rename(&with_it, &packed).expect("writable");
    });
    assert!(matches!(outcome, Err(Error::RefConflict { .. })), "{outcome:?}");
    assert_eq!(checkout.open().resolve("refs/gitmind/edges/a/b").expect("readable"), Some(tip));
}

#[test]
fn refs_that_are_packed_twice_within_a_tick_of_the_clock_are_read_twice() {
    // Regression: the library detects new packed refs by their modification time; two changes
    // within one tick of the clock were taken for one, and the appends in between were lost.
    let checkout = Checkout::new();
    let repository = checkout.open();
    let packed = checkout.path().join(".git/packed-refs");
    append(&repository, "main", 1..2).expect("free");
    checkout.git(&["pack-refs", "--all", "--prune"]);
    let tick = packed.metadata().and_then(|file| file.modified()).expect("a time");
    repository.resolve(JOURNAL).expect("readable");
    let second = append(&checkout.open(), "main", 2..3).expect("free").tip.expect("an edge");
    checkout.git(&["pack-refs", "--all", "--prune"]);
    let file = std::fs::File::options().write(true).open(&packed).expect("writable");
    file.set_modified(tick).expect("writable");
    let third = append(&repository, "main", 3..4).expect("free").tip.expect("an edge");
    assert_eq!(checkout.git(&["rev-parse", &format!("{third}^")]), second.to_string());
}

#[test]
fn a_ref_stays_visible_while_git_packs_it() {
    // Regression: packed refs were read before the loose ref. When `git pack-refs` moved the ref in
    // between, an existing journal was reported as missing.
    let checkout = Checkout::new();
    let repository = checkout.open();
    let tip = append(&repository, "main", 0..1).expect("no other process writes").tip;
    let name = tip.expect("an edge").to_string();
    let pack = || {
        checkout.git(&["pack-refs", "--all", "--prune"]);
        // A loose ref again, as after an append.
        let loose = checkout.path().join(".git/refs/gitmind/edges/main");
        std::fs::create_dir_all(loose.parent().expect("it has one")).expect("writable");
        let new = checkout.path().join(".git/new-ref");
        std::fs::write(&new, format!("{name}\n")).expect("writable");
        std::fs::rename(new, loose).expect("writable");
    };
    meanwhile(pack, || {
        for _ in 0..length(10_000, 300_000) {
            assert_eq!(repository.resolve(JOURNAL).expect("readable"), tip);
        }
    });
}

#[test]
fn refs_that_end_in_the_name_of_a_journal_are_not_that_journal() {
    let checkout = Checkout::new();
    let head = checkout.git(&["rev-parse", "HEAD"]);
    for directory in ["refs/heads", "refs/tags", "refs/remotes"] {
        checkout.git(&["update-ref", &format!("{directory}/{JOURNAL}"), &head]);
    }
    let repository = checkout.open();
    assert_eq!(repository.resolve(JOURNAL).expect("readable"), None);
    append(&repository, "main", 0..1).expect("there is no such journal");
    checkout.git(&["pack-refs", "--all"]);
    checkout.git(&["update-ref", "-d", JOURNAL]);
    assert_eq!(checkout.open().resolve(JOURNAL).expect("readable"), None);
}

#[test]
fn empty_directories_of_deleted_branches_do_not_block_a_ref() {
    let checkout = Checkout::new();
    let left = checkout.path().join(".git").join(JOURNAL).join("deep/er");
    std::fs::create_dir_all(left).expect("writable");
    let repository = checkout.open();
    let appended = append(&repository, "main", 0..1).expect("they are empty");
    assert_eq!(repository.resolve(JOURNAL).expect("readable"), appended.tip);
}

#[test]
fn a_symbolic_ref_is_not_written_through() {
    let checkout = Checkout::new();
    checkout.git(&["symbolic-ref", JOURNAL, "refs/heads/main"]);
    let repository = checkout.open();
    let expected = repository.resolve(JOURNAL).expect("it is followed");
    assert_ne!(expected, None);
    let update =
        RefUpdate { name: JOURNAL, expected, new: Oid::new([1; 20]), time: NOW, reason: "test" };
    let error = move_ref(&repository, update).expect_err("it is another's").to_string();
    assert!(error.contains("it is a symbolic ref to refs/heads/main"), "{error}");
    assert!(!error.contains("another process"), "{error}");
}
