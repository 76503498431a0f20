//! `budget --profile` and `--against`: who holds the heap at the peak, and what grew.

use super::{OPERATIONS, number};
use gitmind_test_support::{Ran, fixtures_directory, mind_with, temp_directory};
use serde_json::Value;
use std::path::Path;

/// Measures the small fixture with one thread.
fn budget(more: &[&str]) -> Ran {
    let args = [&["budget", "--fixture", "small", "--threads", "1"], more].concat();
    mind_with(&fixtures_directory(), &args, &[])
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).expect("it was written")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

#[test]
fn a_profile_adds_up_to_the_peak() {
    let directory = temp_directory();
    let path = directory.path().join("now.json");
    let measured = budget(&["--json", "--profile", text(&path)]).json();
    let recording: Value = serde_json::from_str(&read(&path)).expect("one JSON document");
    assert_eq!(recording["schema"], 1);
    let profiles = recording["profiles"].as_array().expect("a list");
    let rows = measured["operations"].as_array().expect("a list");
    assert_eq!((profiles.len(), rows.len()), (OPERATIONS.len(), OPERATIONS.len()));
    for (profile, row) in profiles.iter().zip(rows) {
        assert_eq!(profile["name"], row["op"]);
        let stacks = profile["stacks"].as_array().expect("a list");
        let held: u64 = stacks.iter().filter_map(|stack| stack["peak"]["bytes"].as_u64()).sum();
        assert_eq!(held, number(row, "peak_bytes"), "{}", row["op"]);
        assert_eq!(number(&profile["peak"], "bytes"), held);
    }
}

#[test]
fn the_name_of_the_file_says_how_a_profile_is_written() {
    let directory = temp_directory();
    let [svg, folded, lines] =
        ["a.svg", "a.folded", "a.txt"].map(|name| directory.path().join(name));
    let files = [&svg, &folded, &lines].map(|path| ["--profile", text(path)]);
    let ran = budget(&files.concat());
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
    let [svg, folded, lines] = [svg, folded, lines].map(|path| read(&path));
    assert!(svg.contains("<svg") && svg.contains("cache.rebuild"), "{svg}");
    let stack = folded.lines().find(|line| line.starts_with("cache.rebuild;")).expect("a stack");
    assert!(stack.contains("gitmind"), "{stack}");
    for op in OPERATIONS {
        assert!(lines.contains(&format!("\n{op} peak_bytes ")), "{lines}");
        assert!(lines.contains(&format!("\n{op} site gitmind_gitoxide::follow::")), "{lines}");
    }
    assert!(!lines.contains(".rs:"), "lines of sources move: {lines}");
    let error = budget(&["--profile", "profile.pdf"]);
    assert_eq!(error.code, 2);
    assert!(error.stderr.contains(".svg, .json, .folded or .txt"), "{error:?}");
}

#[test]
fn a_peak_that_grew_by_more_than_the_tolerance_fails_with_the_call_site_and_its_line() {
    let directory = temp_directory();
    let (now, base) = (directory.path().join("now.txt"), directory.path().join("base.txt"));
    budget(&["--profile", text(&now)]).ok();
    let same = budget(&["--against", text(&now)]);
    assert_eq!(same.code, 0, "{same:?}");
    assert!(same.stdout.contains("cache.rebuild: peak ") && same.stdout.contains("unchanged"));
    // A base in which one call site held 1000 bytes less.
    let lower = |line: &str| {
        let is_wanted = line.starts_with("cache.rebuild peak_bytes ")
            || line.starts_with("cache.rebuild site gitmind_cache::edge_columns::");
        let (key, value) = line.rsplit_once(' ').expect("a value");
        let value = value.parse::<u64>().ok().filter(|_| is_wanted);
        value.map_or_else(|| line.to_owned(), |value| format!("{key} {}", value - 1000))
    };
    let lines: Vec<String> = read(&now).lines().map(lower).collect();
    std::fs::write(&base, lines.join("\n") + "\n").expect("it can be written");
    let grew = budget(&["--against", text(&base)]);
    assert_eq!(grew.code, 1, "{grew:?}");
    let site = grew.stdout.lines().find(|line| line.contains("EdgeColumns")).expect("the site");
    assert!(site.contains("grew") && site.contains("+1,000 B"), "{site}");
    assert!(site.contains("crates/cache/src/edge_columns.rs:"), "{site}");
    assert!(grew.stderr.contains("more than the tolerance of 0"), "{grew:?}");
    assert_eq!(budget(&["--against", text(&base), "--tolerance", "50%"]).code, 0);
    let table = budget(&["--against", text(&base), "--markdown"]);
    assert!(table.stdout.contains("| profile |") && !table.stdout.contains("heap peak"));
    assert_eq!(table.code, 1, "{table:?}");
}

#[test]
fn what_cannot_be_compared_is_said_with_exit_code_two() {
    let directory = temp_directory();
    let base = directory.path().join("base.json");
    budget(&["--profile", text(&base)]).ok();
    let more = ["budget", "--fixture", "small", "--threads", "2", "--against", text(&base)];
    let error = mind_with(&fixtures_directory(), &more, &[]).error(2);
    assert!(error.contains("threads is `1` in the base and `2` now"), "{error}");
    let capped = budget(&["--cap", "64MiB", "--against", text(&base)]).error(2);
    assert!(capped.contains("rebuild_cap_bytes"), "{capped}");
    for (name, text) in [("a.json", "{"), ("b.txt", "schema 99\n"), ("c.txt", "\u{0}")] {
        let path = directory.path().join(name);
        std::fs::write(&path, text).expect("it can be written");
        let error = budget(&["--against", self::text(&path)]).error(2);
        assert!(error.contains(name) && error.contains("hint: "), "{error}");
    }
    budget(&["--against", "absent.json"]).error(2);
    let useless = budget(&["--markdown"]);
    assert_eq!(useless.code, 2, "{useless:?}");
}
