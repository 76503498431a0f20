//! Parity with the C tool: its journals are decoded, and caches written, byte for byte as by it.

use gitmind_git::oid::Oid;
use gitmind_git::{ObjectKind, Repository, entries};
use gitmind_journal::{
    Attribution, EdgeOrder, PayloadBuffer, WalkError, decode_message, encode_edge, encode_message,
    walk,
};
use gitmind_memory::{Alloc, System};
use gitmind_test_support::{TempRepository, fixture_list, fixtures_directory, ids_of, read_object};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Read;

#[test]
fn newest_first_gives_the_c_tools_shards_trees() {
    for fixture in fixture_list().fixtures() {
        let repository = TempRepository::fixture(&fixture.name);
        for journal in &fixture.journals {
            let report = repository.rebuild(&journal.branch, EdgeOrder::NewestFirst);
            let name = (&fixture.name, &journal.branch);
            assert_eq!(
                report.shards_tree.to_string(),
                journal.shards_tree_newest_first,
                "{name:?}"
            );
            assert_eq!(report.meta.edges, journal.edges, "{name:?}");
            assert_eq!(report.meta.commits, journal.commits, "{name:?}");
        }
        repository.assert_sound();
    }
}

#[test]
fn oldest_first_gives_the_shards_trees_of_an_independent_program() {
    for fixture in fixture_list().fixtures() {
        let repository = TempRepository::fixture(&fixture.name);
        for journal in &fixture.journals {
            let report = repository.rebuild(&journal.branch, EdgeOrder::OldestFirst);
            let name = (&fixture.name, &journal.branch);
            assert_eq!(
                report.shards_tree.to_string(),
                journal.shards_tree_oldest_first,
                "{name:?}"
            );
        }
        repository.assert_sound();
    }
}

/// What the C tool read from a fixture, by branch.
fn expected(fixture: &str) -> Value {
    let plain = fixtures_directory().join(format!("{fixture}.expected.json"));
    let packed = fixtures_directory().join(format!("{fixture}.expected.json.gz"));
    let text = std::fs::read_to_string(plain).unwrap_or_else(|_| {
        let mut text = String::new();
        let file = std::fs::File::open(packed).expect("one of the two is there");
        flate2::read::GzDecoder::new(file).read_to_string(&mut text).expect("gzip");
        text
    });
    serde_json::from_str(&text).expect("JSON")
}

fn oid(value: &Value) -> Oid {
    Oid::from_hex(value.as_str().expect("a string").as_bytes()).expect("40 digits")
}

fn check_edge(expected: &Value, edge: &gitmind_journal::Edge<'_>) {
    let text = |key: &str| expected[key].as_str().expect("a string").as_bytes();
    let number = |key: &str| expected[key].as_u64().expect("a number");
    assert_eq!(edge.source, oid(&expected["effective_src"]), "{expected}");
    assert_eq!(edge.target, oid(&expected["effective_tgt"]), "{expected}");
    assert_eq!(edge.legacy_source, oid(&expected["src_sha"]), "{expected}");
    assert_eq!(edge.legacy_target, oid(&expected["tgt_sha"]), "{expected}");
    assert_eq!(u64::from(edge.relation.0), number("rel_type"), "{expected}");
    assert_eq!(u64::from(edge.confidence.0), number("confidence_raw"), "{expected}");
    assert_eq!(edge.timestamp_ms, number("timestamp"), "{expected}");
    assert_eq!(edge.source_path, text("src_path"), "{expected}");
    assert_eq!(edge.target_path, text("tgt_path"), "{expected}");
    assert_eq!(edge.ulid, text("ulid"), "{expected}");
    assert_eq!(edge.attribution.is_some(), expected["form"] == "attributed", "{expected}");
    if let Some(Attribution { origin, author, session, flags, lane }) = edge.attribution {
        assert_eq!(u64::from(origin.0), number("source_type"), "{expected}");
        assert_eq!(author, text("author"), "{expected}");
        assert_eq!(session, text("session_id"), "{expected}");
        assert_eq!((u64::from(flags), u64::from(lane)), (number("flags"), number("lane")));
    }
}

#[test]
fn every_field_of_every_edge_is_what_the_c_tool_read() {
    let mut checked = 0;
    for fixture in ["small", "medium"] {
        let repository = TempRepository::fixture(fixture).open_kept();
        for (branch, expected) in expected(fixture)["branches"].as_object().expect("branches") {
            let tip = oid(&expected["journal_tip"]);
            let mut edges = expected["edges"].as_array().expect("edges").iter();
            let system = System::new();
            let mut payload = PayloadBuffer::new(Alloc::new(&system));
            walk(&repository.1, Alloc::new(&system), tip, EdgeOrder::NewestFirst, |commit| {
                for edge in payload.edges(commit).expect("whole commits") {
                    let expected = edges.next().expect("as many edges as the C tool read");
                    assert_eq!(commit.id, oid(&expected["commit"]));
                    check_edge(expected, &edge.expect("whole edges"));
                    checked += 1;
                }
                Ok::<(), WalkError>(())
            })
            .expect("a whole journal");
            assert!(edges.next().is_none(), "{fixture} {branch}: too few edges");
        }
    }
    assert_eq!(checked, 50 + 4 + 10_000);
}

#[test]
fn encoding_what_was_decoded_gives_the_same_message() {
    for fixture in fixture_list().fixtures() {
        let (_directory, repository) = TempRepository::fixture(&fixture.name).open_kept();
        for journal in &fixture.journals {
            let tip = Oid::from_hex(journal.tip.as_bytes()).expect("40 digits");
            let system = System::new();
            let mut payload = gitmind_memory::Vec::new(Alloc::new(&system));
            let mut again = gitmind_memory::Vec::new(Alloc::new(&system));
            let mut message = gitmind_memory::Vec::new(Alloc::new(&system));
            walk(&repository, Alloc::new(&system), tip, EdgeOrder::NewestFirst, |commit| {
                decode_message(commit.message, &mut payload).expect("whole commits");
                again.clear();
                for edge in gitmind_journal::Edges::new(&payload) {
                    encode_edge(&edge.expect("whole edges"), &mut again).expect("within limits");
                }
                message.clear();
                encode_message(&again, &mut message).expect("within limits");
                assert!(*message == *commit.message, "commit {} of {}", commit.id, fixture.name);
                Ok::<(), WalkError>(())
            })
            .expect("a whole journal");
        }
    }
}

/// The files of the shards of a cache: path to id and content.
fn cache_files(repository: &dyn Repository, root: Oid) -> BTreeMap<String, (Oid, Vec<u8>)> {
    let read = |id, kind| read_object(repository, id, kind);
    let name = |name: &[u8]| String::from_utf8(name.to_vec()).expect("ASCII");
    let mut files = BTreeMap::new();
    for shard in entries(&read(root, ObjectKind::Tree)) {
        let shard = shard.expect("well-formed");
        if [&b"meta"[..], b"commits", b"marks", b"paths"].contains(&shard.name) {
            continue;
        }
        for file in entries(&read(shard.id, ObjectKind::Tree)) {
            let file = file.expect("well-formed");
            let path = format!("{}/{}", name(shard.name), name(file.name));
            files.insert(path, (file.id, read(file.id, ObjectKind::Blob)));
        }
    }
    files
}

#[test]
fn every_cache_file_has_the_c_tools_bytes() {
    for fixture in ["small", "medium"] {
        let repository = TempRepository::fixture(fixture);
        for (branch, expected) in expected(fixture)["branches"].as_object().expect("branches") {
            let report = repository.rebuild(branch, EdgeOrder::NewestFirst);
            let ours = cache_files(&repository.open(), report.root_tree);
            let theirs = expected["cache"]["entries"].as_array().expect("entries");
            assert_eq!(ours.len(), theirs.len(), "{fixture} {branch}");
            for entry in theirs {
                let path = entry[0].as_str().expect("a path");
                let (id, file) = &ours[path];
                assert_eq!(*id, oid(&entry[1]), "{fixture} {branch} {path}");
                assert_eq!(Value::from(file.len()), entry[2], "{fixture} {branch} {path}");
            }
        }
    }
}

#[test]
fn oldest_first_lists_are_the_c_tools_lists_renumbered() {
    for fixture in ["small", "medium"] {
        let repository = TempRepository::fixture(fixture);
        for (branch, expected) in expected(fixture)["branches"].as_object().expect("branches") {
            let report = repository.rebuild(branch, EdgeOrder::OldestFirst);
            let files = cache_files(&repository.open(), report.root_tree);
            let oldest_first = oldest_first_ids(expected["edges"].as_array().expect("edges"));
            let mut lists = 0;
            for (suffix, side) in [("forward", "forward"), ("reverse", "reverse")] {
                for (oid, ids) in expected[side].as_object().expect("lists") {
                    let ids = ids
                        .as_array()
                        .expect("ids")
                        .iter()
                        .map(|id| oldest_first[&id.as_u64().expect("an id")]);
                    let mut ids: Vec<u32> = ids.collect();
                    ids.sort_unstable();
                    let path = format!("{}/{oid}.{suffix}", &oid[..2]);
                    let decoded = ids_of(&files[&path].1);
                    assert_eq!(decoded, ids, "{fixture} {branch} {path}");
                    lists += 1;
                }
            }
            assert_eq!(lists, files.len(), "{fixture} {branch}");
        }
    }
}

/// For each id of the C tool, the id in the order oldest first: the commits are reversed, and the
/// edges of each stay in the order of the payload.
fn oldest_first_ids(edges: &[Value]) -> BTreeMap<u64, u32> {
    let mut commits: Vec<Vec<u64>> = Vec::new();
    for edge in edges {
        let id = edge["id"].as_u64().expect("an id");
        if edge["index_in_commit"] == 0 {
            commits.push(Vec::new());
        }
        commits.last_mut().expect("the first edge of a commit comes first").push(id);
    }
    commits.into_iter().rev().flatten().zip(0..).collect()
}
