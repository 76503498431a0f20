//! `stats`: its counts against those of a naive model over `list --json`, and its outputs.

use gitmind_test_support::{TempRepository, encoded_message, message};
use serde_json::{Value, json};
use std::cmp::Reverse;
use std::collections::HashMap;

/// Keys with their counts, largest first; of equal ones, those met first.
fn ranked(keys: impl IntoIterator<Item = String>) -> Vec<(String, u64)> {
    let mut all: Vec<(String, u64)> = vec![];
    let mut places = HashMap::new();
    for key in keys {
        let place = *places.entry(key.clone()).or_insert(all.len());
        if place == all.len() {
            all.push((key, 0));
        }
        all[place].1 += 1;
    }
    all.sort_by_key(|(_, count)| Reverse(*count));
    all
}

fn rows(document: &Value, list: &str, key: &str, count: &str) -> Vec<(String, u64)> {
    let rows = document[list].as_array().expect("a list").iter();
    let row = |row: &Value| {
        let key = &row[key];
        (key.as_str().map_or(key.to_string(), str::to_owned), row[count].as_u64().expect("a count"))
    };
    rows.map(row).collect()
}

#[test]
fn every_number_is_that_of_a_count_over_the_list() {
    for (fixture, branch) in [("medium", "main"), ("small", "feature/x")] {
        let repository = TempRepository::fixture(fixture);
        let list = repository.mind(&["list", "--all", "--json", "--branch", branch]).json();
        let all = list["edges"].as_array().expect("edges");
        let with = |standing| all.iter().filter(move |edge| edge["standing"] == standing);
        let edges: Vec<_> = with("live").collect();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let texts = |of: fn(&Value) -> [&Value; 2]| {
            let all = edges.iter().flat_map(|edge| of(edge).map(text));
            ranked(all.filter(|text| !text.is_empty()))
        };
        let paths = texts(|edge| [&edge["source_path"], &edge["target_path"]]);
        let authors = texts(|edge| [&edge["attribution"]["author"], &Value::Null]);
        let sessions = texts(|edge| [&edge["attribution"]["session"], &Value::Null]);
        let types = ranked(edges.iter().map(|edge| edge["type_number"].to_string()));
        let kind = |edge: &Value| edge["attribution"]["source_number"].as_u64().unwrap_or(0);
        let sources = ranked(edges.iter().map(|edge| kind(edge).to_string()));
        assert!(paths.len() > 1 && !authors.is_empty(), "{fixture} says something");

        let stats = repository.mind(&["stats", "--json", "--branch", branch, "--limit", "7"]);
        let stats = stats.json();
        let commits =
            repository.git(&["rev-list", "--count", &format!("refs/gitmind/edges/{branch}")]);
        for (member, expected) in [
            ("schema", json!(1)),
            ("branch", json!(branch)),
            ("edges", json!(edges.len())),
            ("edges_taken_back", json!(with("taken_back").count())),
            ("tombstones", json!(with("tombstone").count())),
            ("commits", json!(commits.trim().parse::<u64>().expect("a number"))),
            ("commits_skipped", json!(0)),
            ("edges_truncated", json!(0)),
            ("paths", json!(paths.len())),
            ("authors", json!(authors.len())),
            ("sessions", json!(sessions.len())),
        ] {
            assert_eq!(stats[member], expected, "{member} of {fixture}");
        }
        assert_eq!(rows(&stats, "types", "type_number", "edges"), types);
        assert_eq!(rows(&stats, "sources", "source_number", "edges"), sources);
        assert_eq!(rows(&stats, "most_linked_paths", "path", "links"), paths[..paths.len().min(7)]);
        let authors = &authors[..authors.len().min(7)];
        assert_eq!(rows(&stats, "most_active_authors", "author", "edges"), authors);
        for row in stats["most_linked_paths"].as_array().expect("a list") {
            for (count, end) in [("outgoing", "source_path"), ("incoming", "target_path")] {
                let ends = edges.iter().filter(|edge| edge[end] == row["path"]).count();
                assert_eq!(row[count], ends, "{row}");
            }
        }
    }
}

#[test]
fn the_table_has_its_numbers_right_aligned_before_what_they_count() {
    let repository = TempRepository::empty();
    let mut named = vec![0xa2, 5, 0x63];
    named.extend(b"a\x1b\\");
    named.extend([6, 0x63]);
    named.extend(b"b.c");
    let root = repository.commit(&[], &encoded_message(&named));
    let middle = repository.commit(&[&root], b"*");
    let tip = repository.commit(&[&middle], &message(&[(3, 4), (5, 6)]));
    repository.git(&["update-ref", "refs/gitmind/edges/main", &tip]);
    let ran = repository.mind(&["stats"]);
    assert!(ran.stderr.contains("1 skipped, 0 cut short"), "{}", ran.stderr);
    let expected = "         3  edges
         0  edges taken back
         3  commits
         1  malformed commits
         6  paths
         0  authors
         0  sessions

     edges  type
         3  custom (0)

     edges  source
         3  human

     links  outgoing  incoming  path
         1         1         0  d
         1         0         1  g
         1         1         0  c
         1         0         1  e
         1         1         0  a\\x1b\\\\
         1         0         1  b.c

     edges  author
";
    assert_eq!(ran.ok(), expected);
    assert!(!repository.mind(&["stats", "--limit", "0"]).ok().contains("b.c"));
}

#[test]
fn a_path_that_is_not_utf8_is_hexadecimal_in_json_and_an_empty_list_is_one() {
    let repository = TempRepository::empty();
    let tip = repository.commit(&[], &encoded_message(&[0xa1, 5, 0x62, 0xff, b'x']));
    repository.git(&["update-ref", "refs/gitmind/edges/main", &tip]);
    let stats = repository.mind(&["stats", "--json"]).json();
    assert_eq!(stats["most_linked_paths"][0]["path"]["hex"], "ff78");
    assert_eq!(stats["most_active_authors"], json!([]));
    let error = repository.mind(&["stats", "--branch", "missing"]).error(1);
    assert!(error.contains("`missing` has no journal"), "{error}");
}
