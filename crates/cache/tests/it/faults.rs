//! A fault at each call of the repository port: the rebuild fails and leaves the refs unchanged.

use gitmind_cache::{Mode, RebuildError, RebuildOptions};
use gitmind_git::fake::FakeRepository;
use gitmind_git::{Error, Repository};
use gitmind_journal::EdgeOrder;
use gitmind_test_support::record;
use gitmind_test_support::{message, rebuild_with};

const CACHE: &str = "refs/gitmind/cache/main";
const PORT: &str = "one call of the repository port fails";
const OPTIONS: RebuildOptions =
    RebuildOptions { edge_order: EdgeOrder::OldestFirst, force: false, strict: false };

fn journal(commits: u8) -> FakeRepository {
    let repository = FakeRepository::default();
    let mut tip = None;
    for byte in 0..commits {
        tip = Some(repository.commit(tip.as_slice(), &message(&[(byte, byte / 2)])));
    }
    repository.set_ref("refs/gitmind/edges/main", tip.expect("at least one commit"));
    repository
}

#[test]
fn a_fault_at_any_call_changes_nothing_and_the_next_run_succeeds() {
    let (mut faults, mut moved) = (0, 0);
    for call in 0.. {
        let repository = journal(6);
        let objects = repository.object_count();
        repository.fail_call(call);
        let outcome = rebuild_with(&repository, "main", OPTIONS);
        if !repository.has_failed() {
            outcome.expect("a run without a fault succeeds");
            break;
        }
        faults += 1;
        let error = outcome.expect_err("a fault is not swallowed");
        assert!(error.to_string().contains("memory"), "call {call}: {error}");
        let is_moved = matches!(error, RebuildError::Write(Error::RefUnsure { .. }));
        let cache = repository.resolve(CACHE).expect("one fault only");
        assert_eq!(cache.is_some(), is_moved, "call {call}: {error}");
        moved += u32::from(is_moved);
        if !repository.has_stored() {
            assert_eq!(repository.object_count(), objects, "call {call} left objects");
        }
        let report = rebuild_with(&repository, "main", OPTIONS).expect("the next run");
        assert_eq!(report.meta.edges, 6);
    }
    assert!(faults > 20, "the sweep saw only {faults} calls");
    assert_eq!(moved, 1, "one call is made when the ref has moved");
    let outcome =
        "an error, refs as before, or one that says the ref has moved; the next run succeeds";
    record(PORT, "rebuild", outcome);
}

#[test]
fn a_fault_while_reading_an_existing_cache_leads_to_a_rebuild_that_reports_it() {
    let reference = journal(3);
    let expected = rebuild_with(&reference, "main", OPTIONS).expect("a journal");
    let mut rebuilt = 0;
    for call in 0..8 {
        let repository = journal(3);
        rebuild_with(&repository, "main", OPTIONS).expect("a journal");
        repository.fail_call(call);
        if let Ok(report) = rebuild_with(&repository, "main", OPTIONS) {
            assert_eq!(report.root_tree, expected.root_tree);
            rebuilt += u32::from(report.replaced_because.is_some());
        }
    }
    assert_eq!(rebuilt, 3, "commit, tree and metadata");
    record(PORT, "rebuild that reads a cache", "an error, or a rebuild that says why");
}

#[test]
fn a_fault_at_any_call_after_a_merge_leaves_the_old_cache_or_a_right_one() {
    // The journal goes on from below the tip of its cache, which is the other parent of a merge.
    let merged = || {
        let repository = journal(6);
        let old = rebuild_with(&repository, "main", OPTIONS).expect("a journal").cache_commit;
        let tip = repository.resolve("refs/gitmind/edges/main").expect("no fault");
        let tip = tip.expect("a journal");
        let fork = repository.commit(&[], &message(&[(0, 0)]));
        let theirs = repository.commit(&[fork], &message(&[(7, 8)]));
        let empty = repository.commit(&[theirs], b"no base64");
        let merge = repository.commit(&[empty, tip], &message(&[]));
        repository.set_ref("refs/gitmind/edges/main", merge);
        (repository, old)
    };
    let expected = rebuild_with(&merged().0, "main", OPTIONS).expect("a journal");
    assert_eq!((expected.mode, expected.meta.edges), (Mode::Incremental, 7));
    let (mut faults, mut damaged) = (0, 0);
    for call in 0.. {
        let (repository, old) = merged();
        repository.fail_call(call);
        let outcome = rebuild_with(&repository, "main", OPTIONS);
        if !repository.has_failed() {
            break;
        }
        faults += 1;
        let cache = repository.resolve(CACHE).expect("one fault only");
        match outcome {
            Ok(report) => {
                assert_eq!(report.root_tree, expected.root_tree, "call {call}");
                damaged += u32::from(report.full_because.is_some());
            }
            Err(RebuildError::Write(Error::RefUnsure { .. })) => assert_ne!(cache, Some(old)),
            Err(error) => assert_eq!(cache, Some(old), "call {call}: {error}"),
        }
        let report = rebuild_with(&repository, "main", OPTIONS).expect("the next run");
        assert_eq!(report.root_tree, expected.root_tree, "call {call}");
    }
    assert!(faults > 40, "the sweep saw only {faults} calls");
    assert!(damaged > 10, "only {damaged} faults were in the cache");
    record(PORT, "rebuild after a merge", "an error, refs as before, or the right result");
}

#[test]
fn the_error_for_a_missing_journal_commit_names_it() {
    let repository = journal(4);
    let tip = repository.resolve("refs/gitmind/edges/main").expect("no fault").expect("a journal");
    repository.remove(tip);
    let error = rebuild_with(&repository, "main", OPTIONS).expect_err("the tip is gone");
    assert_eq!(error.to_string(), format!("object {tip} is missing"));
    record("the journal's tip is missing", "rebuild", "an error that names it, refs as before");
}
