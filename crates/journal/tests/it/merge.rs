//! Merges of journals, against a model of sets of commits.

use crate::contended::{CLOCK, Contended, Waits};
use gitmind_git::branch::BranchName;
use gitmind_git::fake::FakeRepository;
use gitmind_git::oid::Oid;
use gitmind_git::{self as git, Authors, Commit, CommitDraft, EMPTY_TREE, ObjectKind, Repository};
use gitmind_journal::{
    Append, AppendError, EdgeOrder, JournalItem, MergeError, MergeForm, Merged, Outcome, WalkError,
    encode_edge, read_newest, walk, walk_newest,
};
use gitmind_memory::{Alloc, System};
use gitmind_ports::clock::Timestamp;
use gitmind_ports::random::{CountingRandom, Random, RandomError};
use gitmind_test_support::{edge, encoded_message, read_object, record};
use proptest::prelude::*;
use std::cell::Cell;
use std::collections::BTreeSet;
use std::ops::ControlFlow;

const JOURNAL: &str = "refs/gitmind/edges/main";

fn main() -> BranchName {
    BranchName::new("main").expect("a name")
}

/// No jitter at all.
struct NoWait;

impl Random for NoWait {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomError> {
        bytes.fill(0);
        Ok(())
    }
}

fn merge<'a>(
    repository: &'a dyn Repository,
    alloc: Alloc<'a>,
    others: &[Oid],
    form: MergeForm,
) -> Result<Merged<'a>, MergeError> {
    Append { alloc, repository, clock: &CLOCK, random: &NoWait }.merge(&main(), others, form)
}

/// Outcomes and the new tip of a merge that must succeed.
fn merged(
    repository: &FakeRepository,
    others: &[Oid],
    form: MergeForm,
) -> (Vec<Outcome>, Option<Oid>) {
    let system = System::new();
    let merged = merge(repository, Alloc::new(&system), others, form).expect("no fault");
    (merged.outcomes.to_vec(), merged.after)
}

/// Adds a commit with this date and message.
fn commit(repository: &FakeRepository, parents: &[Oid], seconds: i64, message: &[u8]) -> Oid {
    let time = Timestamp { seconds, offset_seconds: 0 };
    let (tree, authors) = (repository.insert(ObjectKind::Tree, b""), &Authors::default());
    let draft = CommitDraft { tree, parents, authors, time, message };
    let system = System::new();
    let mut bytes = gitmind_memory::Vec::new(Alloc::new(&system));
    draft.encode(&mut bytes).expect("there is memory");
    repository.insert(ObjectKind::Commit, &bytes)
}

/// The message of an edge with this time and ULID.
fn message(number: u64, ulid: &str) -> Vec<u8> {
    let system = System::new();
    let mut payload = gitmind_memory::Vec::new(Alloc::new(&system));
    let edge = gitmind_journal::Edge { ulid: ulid.as_bytes(), ..edge(number) };
    encode_edge(&edge, &mut payload).expect("a short edge");
    encoded_message(&payload)
}

fn parents(repository: &dyn Repository, id: Oid) -> Vec<Oid> {
    let bytes = read_object(repository, id, ObjectKind::Commit);
    Commit::parse(id, &bytes).expect("a commit").parents().collect()
}

/// The model: all commits that `tip` reaches.
fn reach(repository: &dyn Repository, tip: Oid) -> BTreeSet<Oid> {
    let (mut reached, mut left) = (BTreeSet::new(), vec![tip]);
    while let Some(id) = left.pop() {
        if reached.insert(id) {
            left.extend(parents(repository, id));
        }
    }
    reached
}

/// The commits in the order of their edges.
fn in_order(repository: &dyn Repository, tip: Oid) -> Vec<Oid> {
    let system = System::new();
    let visit = |_: &Commit<'_>| Ok::<_, WalkError>(());
    let order = EdgeOrder::OldestFirst;
    let history = walk(repository, Alloc::new(&system), tip, order, visit).expect("a journal");
    history.numbered().map(|visit| history.commits()[visit as usize]).collect()
}

/// The first commits of a walk from the newest one.
fn newest_first(repository: &dyn Repository, tip: Oid, count: usize) -> Vec<Oid> {
    let (system, mut visited) = (System::new(), vec![]);
    let walked = walk_newest(repository, Alloc::new(&system), tip, |commit| {
        visited.push(commit.id);
        let is_enough = visited.len() == count;
        let flow = if is_enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
        Ok::<_, WalkError>(flow)
    });
    walked.expect("a journal");
    visited
}

/// Times of the edges, oldest first.
fn times(repository: &dyn Repository) -> Vec<u64> {
    let tip = repository.resolve(JOURNAL).expect("no fault").expect("a journal");
    let (system, mut times) = (System::new(), vec![]);
    let read = read_newest(repository, Alloc::new(&system), tip, |item| {
        if let JournalItem::Edge(_, edge) = item {
            times.push(edge.timestamp_ms);
        }
        Ok::<_, WalkError>(ControlFlow::Continue(()))
    });
    read.expect("a journal");
    times.reverse();
    times
}

/// A history at random: the parents of each commit, as distances to older ones, and its date,
/// which need not be later than those of its parents.
fn histories() -> impl Strategy<Value = Vec<(Vec<usize>, i64)>> {
    prop::collection::vec((prop::collection::vec(1..6_usize, 0..3), 0..20_i64), 2..40)
}

fn build(repository: &FakeRepository, history: &[(Vec<usize>, i64)]) -> Vec<Oid> {
    let mut ids: Vec<Oid> = vec![];
    for (number, (distances, date)) in history.iter().enumerate() {
        let older = distances.iter().filter_map(|distance| ids.len().checked_sub(*distance));
        let older: BTreeSet<_> = older.collect();
        let parents: Vec<_> = older.into_iter().map(|index| ids[index]).collect();
        let message = message(number as u64, &format!("ULID{number}"));
        ids.push(commit(repository, &parents, *date, &message));
    }
    ids
}

proptest! {
    #[test]
    fn a_merge_has_the_union_of_all_commits_moves_no_id_and_is_done_once(
        history in histories(),
        ours in any::<Option<prop::sample::Index>>(),
        others in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
    ) {
        let repository = FakeRepository::default();
        let ids = build(&repository, &history);
        let ours = ours.map(|ours| *ours.get(&ids));
        if let Some(ours) = ours {
            repository.set_ref(JOURNAL, ours);
        }
        let others: Vec<_> = others.iter().map(|other| *other.get(&ids)).collect();
        let all = ours.iter().chain(&others).flat_map(|tip| reach(&repository, *tip));
        let all: BTreeSet<_> = all.collect();
        let (outcomes, after) = merged(&repository, &others, MergeForm::Commit);
        let own = ours.map(|ours| reach(&repository, ours)).unwrap_or_default();
        for (other, outcome) in others.iter().zip(&outcomes) {
            prop_assert_eq!(own.contains(other), *outcome == Outcome::UpToDate);
        }
        let Some(after) = after else { return Ok(()) };
        let mut now = reach(&repository, after);
        if !ids.contains(&after) {
            prop_assert!(now.remove(&after), "a merge commit");
            let parents = parents(&repository, after);
            prop_assert_eq!(ours.unwrap_or(parents[0]), parents[0]);
            // No parent but the first is an ancestor of another.
            for (index, parent) in parents.iter().enumerate().skip(1) {
                let others = parents.iter().enumerate().filter(|(other, _)| *other != index);
                let mut others = others.map(|(_, other)| reach(&repository, *other));
                prop_assert!(others.all(|other| !other.contains(parent)));
            }
            let (before, order) = (in_order(&repository, parents[0]), in_order(&repository, after));
            prop_assert!(order.starts_with(&before), "ids have moved");
            prop_assert!(parents.len() > 1);
        }
        prop_assert_eq!(now, all);
        let (outcomes, again) = merged(&repository, &others, MergeForm::Commit);
        prop_assert!(outcomes.iter().all(|outcome| *outcome == Outcome::UpToDate));
        prop_assert_eq!(again, Some(after));
    }

    #[test]
    fn a_walk_from_the_newest_commit_is_the_reverse_of_the_order_whatever_the_clocks_say(
        history in histories(),
    ) {
        let repository = FakeRepository::default();
        for id in build(&repository, &history) {
            let mut expected = in_order(&repository, id);
            expected.reverse();
            prop_assert_eq!(newest_first(&repository, id, usize::MAX), expected);
        }
    }

    #[test]
    fn a_linear_merge_has_each_edge_once_on_first_parents(
        history in histories(),
        ours in any::<prop::sample::Index>(),
        others in prop::collection::vec(any::<prop::sample::Index>(), 1..3),
    ) {
        let repository = FakeRepository::default();
        let ids = build(&repository, &history);
        let ours = *ours.get(&ids);
        repository.set_ref(JOURNAL, ours);
        let others: Vec<_> = others.iter().map(|other| *other.get(&ids)).collect();
        let all: BTreeSet<_> =
            others.iter().chain([&ours]).flat_map(|tip| reach(&repository, *tip)).collect();
        let before = times(&repository);
        let (outcomes, after) = merged(&repository, &others, MergeForm::Linear);
        let now = times(&repository);
        prop_assert_eq!(now.len(), all.len());
        prop_assert_eq!(now.iter().collect::<BTreeSet<_>>().len(), now.len(), "an edge twice");
        if outcomes.contains(&Outcome::Appended) {
            prop_assert!(now.starts_with(&before));
            let after = after.expect("a journal");
            prop_assert_eq!(parents(&repository, after), [ours]);
        }
        let (outcomes, again) = merged(&repository, &others, MergeForm::Linear);
        prop_assert!(outcomes.iter().all(|outcome| *outcome == Outcome::UpToDate));
        prop_assert_eq!(again, after);
    }
}

/// Two journals that diverge after `shared` commits, by `own` commits each.
fn diverged(repository: &FakeRepository, shared: u64, own: u64) -> (Oid, Oid) {
    let add = |tip: Option<Oid>, number: u64| {
        let date = 1_700_000_000 + i64::try_from(number).expect("it is small");
        Some(commit(repository, tip.as_slice(), date, &message(number, &format!("U{number}"))))
    };
    let base = (0..shared).fold(None, add);
    let ours = (10_000..10_000 + own).fold(base, add).expect("not empty");
    let theirs = (20_000..20_000 + own).fold(base, add).expect("not empty");
    repository.set_ref(JOURNAL, ours);
    (ours, theirs)
}

#[test]
fn crossed_and_repeated_merges_add_nothing_that_is_there() {
    let repository = FakeRepository::default();
    let (ours, theirs) = diverged(&repository, 1, 1);
    let (_, one) = merged(&repository, &[theirs], MergeForm::Commit);
    repository.set_ref(JOURNAL, theirs);
    let (_, other) = merged(&repository, &[ours], MergeForm::Commit);
    let (one, other) = (one.expect("merged"), other.expect("merged"));
    assert_ne!(one, other, "each has its own first parent");
    repository.set_ref(JOURNAL, one);
    let (outcomes, both) = merged(&repository, &[other], MergeForm::Commit);
    assert_eq!(outcomes, [Outcome::Merged]);
    assert_eq!(times(&repository), [0, 10_000, 20_000]);
    repository.set_ref(JOURNAL, other);
    let (outcomes, now) = merged(&repository, &[both.expect("merged"), one], MergeForm::Commit);
    assert_eq!((outcomes, now), (vec![Outcome::FastForward; 2], both));
}

#[test]
fn edges_without_a_ulid_are_compared_by_all_bytes_and_a_tombstone_is_no_double() {
    let system = System::new();
    let repository = FakeRepository::default();
    let rejected = |number: u64| {
        let who = gitmind_journal::Attribution { flags: 4, ..Default::default() };
        let edge = gitmind_journal::Edge { ulid: b"U1", attribution: Some(who), ..edge(number) };
        let mut payload = gitmind_memory::Vec::new(Alloc::new(&system));
        encode_edge(&edge, &mut payload).expect("a short edge");
        encoded_message(&payload)
    };
    let control = gitmind_journal::Edge { source_path: b"\x1b[1m", ..edge(9) };
    let mut payload = gitmind_memory::Vec::new(Alloc::new(&system));
    encode_edge(&control, &mut payload).expect("a short edge");
    let chain = |messages: &[Vec<u8>]| {
        let add =
            |tip: Option<Oid>, message: &Vec<u8>| Some(repository.commit(tip.as_slice(), message));
        messages.iter().fold(None, add).expect("not empty")
    };
    let ours = chain(&[message(1, ""), message(2, "U1")]);
    let theirs = chain(&[
        message(7, ""),
        message(1, ""),
        b"no base64".to_vec(),
        message(3, "U1"),
        rejected(4),
        message(7, ""),
        encoded_message(&payload),
    ]);
    repository.set_ref(JOURNAL, ours);
    let alloc = Alloc::new(&system);
    let merged = merge(&repository, alloc, &[theirs], MergeForm::Linear).expect("no fault");
    assert_eq!(times(&repository), [1, 2, 7, 4]);
    assert_eq!((merged.appended, merged.left_out, merged.malformed.skipped), (2, 1, 1));
}

#[test]
fn what_is_no_journal_is_an_error_and_nothing_is_merged() {
    let repository = FakeRepository::default();
    let (ours, theirs) = diverged(&repository, 1, 1);
    let blob = repository.insert(ObjectKind::Blob, b"text");
    let bytes = read_object(&repository, ours, ObjectKind::Commit);
    let text = String::from_utf8(bytes).expect("ASCII");
    let (headers, _) = text.split_once("\n\n").expect("a message");
    let code = headers.replacen(&EMPTY_TREE.to_string(), &blob.to_string(), 1) + "\n\nFix it\n";
    let code = repository.insert(ObjectKind::Commit, code.as_bytes());
    let system = System::new();
    for (other, says) in [
        (blob, format!("object {blob} is a blob, not a commit")),
        (Oid::new([7; 20]), format!("object {} is missing", Oid::new([7; 20]))),
        (code, format!("commit {code} is not a journal commit")),
    ] {
        for form in [MergeForm::Commit, MergeForm::Linear] {
            let outcome = merge(&repository, Alloc::new(&system), &[theirs, other], form);
            let error = outcome.expect_err("it is no journal").to_string();
            assert!(error.contains(&says), "{error}");
            assert_eq!(repository.resolve(JOURNAL).expect("no fault"), Some(ours));
        }
    }
}

#[test]
fn a_walk_over_a_merge_is_in_order_whether_it_adds_few_commits_or_many() {
    for own in [1, 50, 1500] {
        let repository = FakeRepository::default();
        let (_, theirs) = diverged(&repository, 100, own);
        let (_, tip) = merged(&repository, &[theirs], MergeForm::Commit);
        let tip = tip.expect("merged");
        let mut expected = in_order(&repository, tip);
        expected.reverse();
        assert_eq!(newest_first(&repository, tip, usize::MAX), expected, "{own}");
        if own == 50 {
            // The merge and the newest of theirs cost what differs, not the 100 that are shared.
            repository.fail_call(own * 4);
            assert_eq!(newest_first(&repository, tip, 2), [tip, theirs]);
            assert!(!repository.has_failed());
        }
    }
}

#[test]
fn a_merge_reads_about_as_many_commits_as_differ() {
    let repository = FakeRepository::default();
    let (_, theirs) = diverged(&repository, 900, 50);
    let (mut low, mut high) = (0, 10_000);
    // The number of calls is the first that is not reached.
    while low < high {
        let call = u64::midpoint(low, high);
        let before = repository.resolve(JOURNAL).expect("no fault").expect("a journal");
        repository.fail_call(call);
        let system = System::new();
        drop(merge(&repository, Alloc::new(&system), &[theirs], MergeForm::Commit));
        if repository.has_failed() {
            low = call + 1;
        } else {
            high = call;
        }
        repository.fail_call(u64::MAX);
        repository.set_ref(JOURNAL, before);
    }
    assert!((100..120).contains(&low), "{low} calls");
}

#[test]
fn a_fault_at_any_call_merges_nothing_or_reports_a_moved_ref_and_the_next_merge_works() {
    for form in [MergeForm::Commit, MergeForm::Linear] {
        let (mut faults, mut moved) = (0, 0);
        for call in 0.. {
            let repository = FakeRepository::default();
            let (ours, theirs) = diverged(&repository, 2, 2);
            repository.fail_call(call);
            let system = System::new();
            let outcome = merge(&repository, Alloc::new(&system), &[theirs], form);
            if !repository.has_failed() {
                outcome.expect("no fault");
                break;
            }
            faults += 1;
            let error = outcome.expect_err("a fault is not swallowed");
            let is_moved = matches!(
                error,
                MergeError::Append(AppendError::Repository(git::Error::RefUnsure { .. }))
            );
            let now = repository.resolve(JOURNAL).expect("one fault");
            assert_eq!(now != Some(ours), is_moved, "call {call}: {error}");
            moved += u32::from(is_moved);
            merged(&repository, &[theirs], form);
            assert_eq!(times(&repository).len(), 6);
        }
        assert!(faults > 8, "{form:?}: only {faults} calls");
        assert_eq!(moved, 1, "{form:?}");
    }
    let outcome =
        "an error, refs as before, or one that says the ref has moved; the next run succeeds";
    record("one call of the repository port fails", "merge", outcome);
}

#[test]
fn a_merge_that_lost_the_race_is_retried_on_the_new_tip() {
    for form in [MergeForm::Commit, MergeForm::Linear] {
        for races in [0, 1, 7] {
            let inner = FakeRepository::default();
            let (_, theirs) = diverged(&inner, 1, 2);
            let repository = Contended { inner: &inner, races: Cell::new(races) };
            let (waits, random) = (Waits::default(), CountingRandom::new(200));
            let system = System::new();
            let alloc = Alloc::new(&system);
            let service = Append { alloc, repository: &repository, clock: &waits, random: &random };
            let merged = service.merge(&main(), &[theirs], form).expect("it wins in the end");
            assert_eq!(merged.attempts, races + 1);
            assert_eq!(times(&inner).len(), 5 + races as usize);
        }
    }
}
