//! `export`: each format holds what `list --json` holds, as parsers of another language read it.

use gitmind::journal::{Attribution, Edge, Relation, encode_edge};
use gitmind::memory::{self, Alloc, System};
use gitmind_test_support::{TempRepository, edge, encoded_message, mind, temp_directory};
use std::io::Write;
use std::path::Path;
use std::process::Command;

const COMPARE: &str = include_str!("export/compare.py");
const FORMATS: [&str; 6] = ["jsonl", "csv", "dot", "graphml", "mermaid", "html"];

/// Names that a format may take for something else.
const NAMES: [&[u8]; 38] = [
    b"plain.c",
    b"%c",
    b"&lt;",
    b"</script><script>alert(1)</script>",
    b"<!--<script>",
    b"with space",
    b"a\"b",
    b"\"",
    b"a\nb",
    b"a\r\nb",
    b"\ttab",
    b"a\\b",
    b"a\\",
    b"\\n",
    b"a,b",
    b"a;b",
    b"=1+1",
    b"+page",
    b"-x",
    b"@types/x",
    b"'q",
    b"a]b",
    b"a[b",
    b"<b>&amp;",
    b"]]>",
    b"#35;",
    b"`a`",
    b"a|b",
    b"end",
    b"}",
    b"n0",
    b"\x01\x1b[31m",
    b"\xff\xfe",
    b"a\xc0\xaf",
    "測試/файл é".as_bytes(),
    "a\u{202e}b\u{feff}".as_bytes(),
    "\u{ffff}\u{85}".as_bytes(),
    b"",
];

/// Compares an export with the list of the same edges; returns how many there are, or `None` with a
/// message where there is no Python.
fn compare(directory: &Path, format: &str, args: &[&str]) -> Option<u64> {
    let temp = temp_directory();
    let [list, export] = ["list", "export"].map(|name| temp.path().join(name));
    let listed = mind(directory, &[&["list", "--json"], args].concat()).ok();
    std::fs::write(&list, listed).expect("writable");
    let path = export.to_str().expect("UTF-8");
    let to = ["export", "--format", format, "--output", path];
    mind(directory, &[&to, args].concat()).ok();
    let streamed = mind(directory, &[&["export", "--format", format], args].concat()).ok();
    assert_eq!(streamed.as_bytes(), std::fs::read(&export).expect("it was written"), "{format}");
    let mut python = Command::new("python3");
    python.args(["-c", COMPARE, format]).args([&list, &export]);
    let Ok(ran) = python.output() else {
        let skipped = "skipped: there is no python3 that would read the export";
        writeln!(std::io::stderr(), "{skipped}").expect("stderr is open");
        return None;
    };
    let problem = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{format} {args:?}: {problem}");
    Some(String::from_utf8_lossy(&ran.stdout).trim().parse().expect("a number"))
}

/// A journal in which each name is a path, an author and a session, and some edges are taken back.
fn hostile() -> TempRepository {
    let repository = TempRepository::empty();
    let system = System::new();
    let mut tip: Vec<String> = vec![];
    let mut append = |edge: &Edge<'_>| {
        let mut payload = memory::Vec::new(Alloc::new(&system));
        encode_edge(edge, &mut payload).expect("within limits");
        let parents: Vec<_> = tip.iter().map(String::as_str).collect();
        tip = vec![repository.commit(&parents, &encoded_message(&payload))];
        repository.git(&["update-ref", "refs/gitmind/edges/main", &tip[0]]);
    };
    for (index, name) in NAMES.into_iter().enumerate() {
        let attribution = Attribution {
            author: name,
            session: &name[..name.len().min(31)],
            ..Attribution::default()
        };
        let target_path = NAMES[(index + 1) % NAMES.len()];
        let relation = Relation([1, 2, 3, 4, 1000, 77][index % 6]);
        let attribution = (index % 5 > 0).then_some(attribution);
        let plain = edge(index as u64);
        let edge = Edge { source_path: name, target_path, relation, attribution, ..plain };
        append(&edge);
        if index % 7 == 0 {
            let flags = Attribution::REJECTED;
            let rejected = Attribution { flags, ..Attribution::default() };
            append(&Edge { attribution: Some(rejected), ..edge });
        }
    }
    repository
}

#[test]
fn every_format_holds_what_list_prints_whatever_the_names_are() {
    let repository = hostile();
    for format in FORMATS {
        let live = compare(repository.path(), format, &[]);
        let all = compare(repository.path(), format, &["--all"]);
        assert!(live.is_none_or(|live| live == 32), "{format}: {live:?}");
        assert!(all.is_none_or(|all| all == 44), "{format}: {all:?}");
    }
}

#[test]
fn filters_and_limits_select_as_in_list() {
    let repository = TempRepository::fixture("small");
    for (number, args) in (0..).zip([
        &[][..],
        &["--type", "depends_on"],
        &["--source", "ai", "--limit", "17"],
        &["--limit", "0"],
        &["--at", "refs/gitmind/edges/main~3", "--min-confidence", "0.9"],
    ]) {
        compare(repository.path(), FORMATS[number % FORMATS.len()], args);
        compare(repository.path(), FORMATS[(number + 2) % FORMATS.len()], args);
    }
}

#[test]
fn lines_of_jsonl_are_imported_as_the_same_edges() {
    let repository = TempRepository::fixture("small");
    let file = repository.path().join("edges.jsonl");
    let path = file.to_str().expect("UTF-8");
    let exported = repository.mind(&["export"]).ok();
    let lines: Vec<_> = exported.lines().rev().map(|line| format!("{line}\n")).collect();
    std::fs::write(&file, lines.concat()).expect("writable");
    repository.mind(&["import", path, "--branch", "copy"]).ok();
    let edges = |branch: &str| {
        let document = repository.mind(&["list", "--json", "--branch", branch]).json();
        let mut edges = document["edges"].as_array().expect("edges").clone();
        for edge in &mut edges {
            let edge = edge.as_object_mut().expect("an object");
            edge.retain(|name, _| !name.starts_with("commit"));
        }
        edges
    };
    assert!(edges("copy") == edges("main"));
}

#[test]
fn a_file_is_replaced_only_by_a_whole_export() {
    let repository = TempRepository::fixture("small");
    let temp = temp_directory();
    let file = temp.path().join("edges.csv");
    std::fs::write(&file, "before").expect("writable");
    let path = file.to_str().expect("UTF-8");
    let export = |args: &[&str]| {
        repository.mind(&[&["export", "--format", "csv", "--output"], args].concat())
    };
    export(&[path, "--branch", "nowhere"]).error(1);
    assert_eq!(std::fs::read_to_string(&file).expect("it is there"), "before");
    assert_eq!(export(&[path]).ok(), "");
    assert!(std::fs::read_to_string(&file).expect("it is there").starts_with("source_path,"));
    assert_eq!(std::fs::read_dir(temp.path()).expect("readable").count(), 1, "no draft is left");
    for place in [temp.path().to_str().expect("UTF-8"), "/nonexistent/edges.csv"] {
        let error = export(&[place]).error(1);
        assert!(error.contains("cannot write the export") && error.contains(place), "{error}");
    }
}
