//! Appends are atomic: all edges of a batch become visible, or none.

use crate::contended::{CLOCK, Contended, Waits};
use gitmind_git::branch::BranchName;
use gitmind_git::fake::FakeRepository;
use gitmind_git::oid::Oid;
use gitmind_git::{self as git, Commit, EMPTY_TREE, ObjectKind, Repository};
use gitmind_journal::{
    Append, AppendError, Appended, Batch, Confidence, Edge, JournalItem, Relation, WalkError,
    Writer, read_newest,
};
use gitmind_memory::{Alloc, System};
use gitmind_ports::random::CountingRandom;
use gitmind_test_support::{edge, read_object, record};
use std::cell::Cell;
use std::ops::ControlFlow;
use std::time::Duration;

const JOURNAL: &str = "refs/gitmind/edges/main";

fn branch() -> BranchName {
    BranchName::new("main").expect("a name")
}

/// Edges whose payloads fill two commits.
fn many(alloc: Alloc<'_>, count: u64) -> Result<Batch<'_>, gitmind_journal::BatchError> {
    let mut batch = Batch::new(alloc);
    (0..count).try_for_each(|number| batch.push(&edge(number)))?;
    Ok(batch)
}

fn append(
    repository: &dyn Repository,
    alloc: Alloc<'_>,
    batch: &Batch<'_>,
) -> Result<Appended, AppendError> {
    let random = CountingRandom::new(0);
    Append { alloc, repository, clock: &CLOCK, random: &random }.run(&branch(), batch)
}

/// The timestamps of a journal's edges, oldest first.
fn times(repository: &dyn Repository) -> Vec<u64> {
    let Some(tip) = repository.resolve(JOURNAL).expect("readable") else { return Vec::new() };
    let system = System::new();
    let mut times = Vec::new();
    let read = read_newest(repository, Alloc::new(&system), tip, |item| {
        let JournalItem::Edge(_, edge) = item else { panic!("a malformed commit") };
        times.push(edge.timestamp_ms);
        Ok::<_, WalkError>(ControlFlow::Continue(()))
    });
    read.expect("a whole journal");
    times.reverse();
    times
}

#[test]
fn an_edge_of_link_has_the_bytes_that_the_c_tool_writes() {
    // The payload of the example in docs/journal-format.md, with another time and ULID.
    let hex = "af005 4f8da015 8da7bef23ff0db54abcf86aa4b1452547 01546609ebfa7b055907f1f517244f5bd2\
               0fce7b9e3a 0201 03193c00 041b000001a202a00820 056c7372632f636f72652f612e63 066c646f\
               63732f737065632e6d64 07781a30314d383141303235454e595131 4a424b42535058314539344 7 08\
               54f8da0158da7bef23ff0db54abcf86aa4b1452547 095466 09ebfa7b055907f1f517244f5bd20fce7\
               b9e3a 0a00 0b6a75736572406c6f63616c 0c60 0d00 0e00";
    let hex: String = hex.split_whitespace().collect();
    let expected = data_encoding::HEXLOWER.decode(hex.as_bytes()).expect("hexadecimal");
    let id = |hex: &str| Oid::from_hex(hex.as_bytes()).expect("40 digits");
    let source = id("f8da0158da7bef23ff0db54abcf86aa4b1452547");
    let target = id("6609ebfa7b055907f1f517244f5bd20fce7b9e3a");
    let writer = Writer::new(b"", b"", b"").expect("short values");
    let edge = Edge {
        legacy_source: source,
        legacy_target: target,
        relation: Relation::IMPLEMENTS,
        confidence: Confidence::CERTAIN,
        timestamp_ms: 0x1a2_02a0_0820,
        source_path: b"src/core/a.c",
        target_path: b"docs/spec.md",
        ulid: b"01M81A025ENYQ1JBKBSPX1E94G",
        source,
        target,
        attribution: Some(writer.attribution()),
    };
    let system = System::new();
    let alloc = Alloc::new(&system);
    let mut batch = Batch::new(alloc);
    batch.push(&edge).expect("within limits");
    let repository = FakeRepository::default();
    let tip = append(&repository, alloc, &batch).expect("no fault").tip.expect("an edge");
    let bytes = read_object(&repository, tip, ObjectKind::Commit);
    let commit = Commit::parse(tip, &bytes).expect("a commit");
    assert_eq!(commit.tree, EMPTY_TREE);
    assert_eq!(commit.parents().count(), 0);
    let payload = data_encoding::BASE64.decode(commit.message).expect("base64, and no more");
    assert_eq!(payload, expected);
}

#[test]
fn each_append_adds_as_few_commits_as_possible_on_top_of_the_one_before() {
    let repository = FakeRepository::default();
    let system = System::new();
    let alloc = Alloc::new(&system);
    let mut expected = Vec::new();
    for (count, commits) in [(1, 1), (700, 2), (0, 0), (3, 1), (2000, 5)] {
        let batch = many(alloc, count).expect("within limits");
        let appended = append(&repository, alloc, &batch).expect("no fault");
        assert_eq!(appended.commits, commits, "{count} edges");
        expected.extend(0..count);
        assert_eq!(times(&repository), expected);
    }
}

#[test]
fn a_fault_at_any_call_appends_nothing_or_reports_a_moved_ref_and_the_next_append_works() {
    // The number of edges before, and of those that are appended.
    for (start, count) in [(0, 1), (1, 1), (1, 700)] {
        let (mut faults, mut moved) = (0, 0);
        for call in 0.. {
            let repository = FakeRepository::default();
            let system = System::new();
            let alloc = Alloc::new(&system);
            let first = many(alloc, start).expect("within limits");
            append(&repository, alloc, &first).expect("no fault");
            let before = repository.resolve(JOURNAL).expect("no fault");
            let batch = many(alloc, count).expect("within limits");
            repository.fail_call(call);
            let outcome = append(&repository, alloc, &batch);
            if !repository.has_failed() {
                outcome.expect("no fault");
                break;
            }
            faults += 1;
            let error = outcome.expect_err("a fault is not swallowed");
            let is_moved = matches!(error, AppendError::Repository(git::Error::RefUnsure { .. }));
            let now = repository.resolve(JOURNAL).expect("one fault");
            assert_eq!(now != before, is_moved, "call {call}: {error}");
            moved += u32::from(is_moved);
            append(&repository, alloc, &batch).expect("the next one");
            let runs = 1 + u64::from(is_moved);
            assert_eq!(times(&repository).len() as u64, start + runs * count);
        }
        assert!(faults >= 3, "{count} edges: only {faults} calls");
        assert_eq!(moved, 1, "{count} edges on top of {start}");
    }
    let outcome =
        "an error, refs as before, or one that says the ref has moved; the next run succeeds";
    record("one call of the repository port fails", "append", outcome);
}

#[test]
fn an_append_that_lost_the_race_is_retried_on_the_new_tip_after_a_growing_wait() {
    let system = System::new();
    let alloc = Alloc::new(&system);
    for (races, count) in [(0, 2), (1, 2), (7, 2), (3, 700)] {
        let inner = FakeRepository::default();
        let repository = Contended { inner: &inner, races: Cell::new(races) };
        let (waits, random) = (Waits::default(), CountingRandom::new(200));
        let service = Append { alloc, repository: &repository, clock: &waits, random: &random };
        let batch = many(alloc, count).expect("within limits");
        let appended = service.run(&branch(), &batch).expect("it wins after the last race");
        assert_eq!(appended.attempts, races + 1);
        let mut expected = vec![0; races as usize];
        expected.extend(0..count);
        assert_eq!(times(&inner), expected);
        let waits = waits.0.into_inner();
        assert_eq!(waits.len(), races as usize);
        assert!(waits.is_sorted() && waits.iter().all(|wait| *wait > Duration::ZERO), "{waits:?}");
    }
}

#[test]
fn an_append_that_always_loses_the_race_fails_with_contended() {
    let inner = FakeRepository::default();
    let repository = Contended { inner: &inner, races: Cell::new(u32::MAX) };
    let system = System::new();
    let alloc = Alloc::new(&system);
    let batch = many(alloc, 1).expect("within limits");
    let error = append(&repository, alloc, &batch).expect_err("another process always wins");
    assert!(matches!(error, AppendError::Contended { attempts: 40 }));
    assert_eq!(times(&inner), [0; 40], "only the edges of the other process");
}
