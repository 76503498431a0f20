//! Malformed messages: each is counted and reported, and no other commit is affected.

use gitmind_cache::{RebuildError, RebuildOptions};
use gitmind_git::Repository;
use gitmind_git::fake::FakeRepository;
use gitmind_git::oid::Oid;
use gitmind_journal::{CborError, Confidence, Edge, EdgeOrder, Edges, Malformed, decode_message};
use gitmind_memory::{Alloc, System};
use gitmind_test_support::{fixtures_directory, rebuild_with};
use serde_json::Value;

struct Case {
    name: String,
    message: Vec<u8>,
    /// The edges that the C tool's basic reader decoded.
    read: Value,
    /// Whether the C tool reported that it skipped the rest of the commit.
    is_cut: bool,
}

/// Every line of the fixture.
fn cases() -> Vec<Case> {
    let text = std::fs::read_to_string(fixtures_directory().join("malformed.jsonl"));
    let text = text.expect("a fixture");
    let cases: Vec<Case> = text
        .lines()
        .map(|line| {
            let line: Value = serde_json::from_str(line).expect("JSON");
            let behaviour = &line["c_tool_behaviour"];
            let summary = behaviour["summary"].as_str().expect("a sentence");
            let message = line["message_base64"].as_str().expect("a string").as_bytes();
            Case {
                name: line["name"].as_str().expect("a string").into(),
                message: data_encoding::BASE64.decode(message).expect("base64"),
                read: behaviour["read"].clone(),
                is_cut: summary.starts_with("rest of commit skipped"),
            }
        })
        .collect();
    assert_eq!(cases.len(), 94);
    cases
}

impl Case {
    /// Whether the C tool decodes bytes that are not ASCII, by a quirk of its base64 library; here
    /// the message is malformed.
    fn has_high_bytes(&self) -> bool {
        self.message.iter().any(|byte| !byte.is_ascii())
    }

    fn is_skipped(&self) -> bool {
        self.read["rc"] != 0 || self.has_high_bytes()
    }

    fn edges(&self) -> u64 {
        let edges = self.read["edges_from_this_commit"].as_u64().expect("a count");
        if self.is_skipped() { 0 } else { edges }
    }

    fn good_message() -> Vec<u8> {
        cases().into_iter().find(|case| case.name == "ok_attributed").expect("listed").message
    }

    /// A journal of three commits with this one in the middle.
    fn journal(&self) -> (FakeRepository, Oid) {
        let repository = FakeRepository::default();
        let good = Self::good_message();
        let oldest = repository.commit(&[], &good);
        let middle = repository.commit(&[oldest], &self.message);
        repository.set_ref("refs/gitmind/edges/main", repository.commit(&[middle], &good));
        (repository, middle)
    }
}

#[test]
fn the_edges_of_every_message_are_those_of_the_c_tools_basic_reader() {
    for case in cases().iter().filter(|case| !case.is_skipped()) {
        let system = System::new();
        let mut payload = gitmind_memory::Vec::new(Alloc::new(&system));
        decode_message(&case.message, &mut payload).expect(&case.name);
        let edges: Vec<Edge<'_>> = Edges::new(&payload).filter_map(Result::ok).collect();
        assert_eq!(edges.len() as u64, case.edges(), "{}", case.name);
        let expected = case.read["decoded"].as_array().expect("edges");
        for (edge, expected) in edges.iter().zip(expected) {
            check(&case.name, edge, expected);
        }
    }
}

fn check(name: &str, edge: &Edge<'_>, expected: &Value) {
    let hex = |bytes: &[u8]| Value::String(data_encoding::HEXLOWER.encode(bytes));
    assert_eq!(hex(edge.source.as_bytes()), expected["src_oid"], "{name}");
    assert_eq!(hex(edge.target.as_bytes()), expected["tgt_oid"], "{name}");
    assert_eq!(hex(edge.legacy_source.as_bytes()), expected["src_sha"], "{name}");
    assert_eq!(hex(edge.legacy_target.as_bytes()), expected["tgt_sha"], "{name}");
    assert_eq!(Value::from(edge.relation.0), expected["rel_type"], "{name}");
    assert_eq!(Value::from(edge.timestamp_ms), expected["timestamp"], "{name}");
    assert_eq!(hex(edge.source_path), expected["src_path_hex"], "{name}");
    assert_eq!(hex(edge.target_path), expected["tgt_path_hex"], "{name}");
    assert_eq!(hex(edge.ulid), expected["ulid_hex"], "{name}");
    // The C tool's two readers disagree on an absent confidence, which means certainty here. The
    // expectation is 0 exactly for the cases without the field.
    let certain = Value::from(Confidence::CERTAIN.0);
    let is_absent = expected["confidence_raw"] == 0;
    let confidence = if is_absent { &certain } else { &expected["confidence_raw"] };
    assert_eq!(Value::from(edge.confidence.0), *confidence, "{name}");
}

#[test]
fn no_malformed_commit_hides_an_older_one() {
    for case in cases() {
        let (repository, _) = case.journal();
        let options =
            RebuildOptions { edge_order: EdgeOrder::OldestFirst, force: false, strict: false };
        let report = rebuild_with(&repository, "main", options).expect(&case.name);
        assert_eq!(u64::from(report.meta.edges), 2 + case.edges(), "{}", case.name);
        assert_eq!(report.meta.commits, 3, "{}", case.name);
        assert_eq!(report.meta.commits_skipped, u32::from(case.is_skipped()), "{}", case.name);
        assert_eq!(report.meta.edges_truncated, u32::from(case.is_cut), "{}", case.name);
    }
}

#[test]
fn in_strict_mode_the_error_names_the_commit_and_nothing_is_written() {
    let (mut skipped, mut cut) = (0, 0);
    for case in cases() {
        let (repository, middle) = case.journal();
        let objects = repository.object_count();
        let options =
            RebuildOptions { edge_order: EdgeOrder::OldestFirst, force: false, strict: true };
        match rebuild_with(&repository, "main", options) {
            Ok(_) => assert!(!case.is_skipped() && !case.is_cut, "{}", case.name),
            Err(RebuildError::Malformed(Malformed::Skipped { commit, .. })) => {
                assert!(case.is_skipped() && commit == middle, "{}", case.name);
                skipped += 1;
            }
            Err(RebuildError::Malformed(Malformed::Truncated { commit, edges_read, problem })) => {
                assert_eq!(commit, middle, "{}", case.name);
                assert_eq!(u64::from(edges_read), case.edges(), "{}", case.name);
                let CborError { offset, .. } = problem;
                assert!(offset < case.message.len(), "{}", case.name);
                cut += 1;
            }
            Err(RebuildError::Malformed(Malformed::OldFormat { commit, edges_read })) => {
                assert_eq!(commit, middle, "{}", case.name);
                assert_eq!(u64::from(edges_read), case.edges(), "{}", case.name);
                cut += 1;
            }
            Err(error) => panic!("{}: {error}", case.name),
        }
        let cache = repository.resolve("refs/gitmind/cache/main").expect("no fault is planned");
        if cache.is_none() {
            assert_eq!(repository.object_count(), objects, "{}", case.name);
        }
    }
    assert_eq!((skipped, cut), (15, 40));
}

#[test]
fn in_strict_mode_a_current_cache_of_a_malformed_journal_is_not_reused() {
    let repository = FakeRepository::default();
    repository.set_ref("refs/gitmind/edges/main", repository.commit(&[], b"not base64"));
    let options =
        RebuildOptions { edge_order: EdgeOrder::OldestFirst, force: false, strict: false };
    rebuild_with(&repository, "main", options).expect("malformed commits are skipped");
    let strict = RebuildOptions { strict: true, ..options };
    let outcome = rebuild_with(&repository, "main", strict);
    assert!(matches!(outcome, Err(RebuildError::Malformed(_))), "{outcome:?}");
}
