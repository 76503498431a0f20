//! Every command that allocates through the port, with the kill switch and without: the same
//! answers, exit codes, objects and refs, except dates of commits and the ids that depend on them.

use crate::support::{Place, Ran, SWITCH, Variables, files, fixtures};
use std::fmt::Write as _;

/// JSON members that depend on the time of day.
const TIMES: &[&str] = &["duration_ms", "cache_commit", "bytes_written"];
/// JSON members that depend on it after an append: ids of commits, and of objects that contain
/// them.
const TIMES_OF_APPENDS: &[&str] =
    &["duration_ms", "cache_commit", "bytes_written", "commit", "journal_tip", "root_tree"];

/// Two edges with every field given.
const LINES: &str = concat!(
    r#"{"source_path": "Makefile", "target_path": "docs/spec.md", "type": "implements","#,
    r#" "timestamp_ms": 1700000000000, "ulid": "01HF7YAT00000000000000000A"}"#,
    "\n",
    r#"{"source_path": "docs/spec.md", "target_path": "src/main.rs", "confidence": 0.25,"#,
    r#" "timestamp_ms": 1700000001000, "ulid": "01HF7YAT00000000000000000B"}"#,
    "\n",
);

/// Queries of a journal, run before and after it has a cache.
const QUESTIONS: &[&[&str]] = &[
    &["list"],
    &["list", "--json"],
    &["list", "--type", "implements"],
    &["list", "--from", "Makefile", "--json"],
    &["list", "--min-confidence", "0.5", "--limit", "7", "--json"],
    &["list", "--branch", "feature/x", "--json"],
    &["list", "--branch", "missing"],
    &["list", "--at", "refs/gitmind/edges/main~2"],
    &["status"],
    &["diff", "refs/gitmind/edges/main~9..", "--json"],
    &["export", "--format", "graphml", "--limit", "5"],
    &["stats"],
    &["stats", "--limit", "2", "--json"],
    &["stats", "--branch", "missing"],
    &["query", "--from", "Makefile"],
    &["query", "--to", "docs/spec.md", "--json"],
    &["query", "--from", "Makefile", "--type", "references", "--limit", "2", "--json"],
    &["query", "--from", "not/there"],
];

/// `text` without the values of these members of JSON.
fn without(text: &str, members: &[&str]) -> String {
    let mut text = text.to_owned();
    for member in members {
        let (key, mut rest, mut kept) = (format!("\"{member}\":"), &*text, String::new());
        while let Some((before, value)) = rest.split_once(&key) {
            let end = value.find([',', '\n', '}']).expect("a member ends");
            let _ = write!(kept, "{before}{key}...");
            rest = &value[end..];
        }
        kept.push_str(rest);
        text = kept;
    }
    text
}

/// `text` without the ids of commits in a warning.
fn without_ids(text: &str) -> String {
    let is_id = |word: &str| word.len() == 40 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let words =
        text.split(' ').map(|word| if is_id(word.trim_end_matches(',')) { "ID" } else { word });
    words.collect::<Vec<_>>().join(" ")
}

/// A repository, the variables of its commands, and their outputs.
struct Session<'v> {
    place: Place,
    variables: &'v Variables<'v>,
    said: Vec<(String, Ran)>,
}

impl<'v> Session<'v> {
    fn new(fixture: &str, variables: &'v Variables<'v>) -> Self {
        Self { place: Place::fixture(fixture), variables, said: vec![] }
    }

    /// Runs the program and keeps its output without these members.
    fn run(&mut self, args: &[&str], members: &[&str]) {
        let Ran { code, stdout, stderr } = self.place.mind(args, self.variables);
        let stdout = without(&stdout, members);
        let stderr = if members == TIMES_OF_APPENDS { without_ids(&stderr) } else { stderr };
        self.said.push((args.join(" "), Ran { code, stdout, stderr }));
    }

    /// As [`Self::run`], and it must succeed.
    fn done(&mut self, args: &[&str], members: &[&str]) {
        self.run(args, members);
        let (_, ran) = self.said.last().expect("it was just run");
        assert_eq!(ran.code, Some(0), "{args:?}: {ran:?}");
    }

    fn ask(&mut self, members: &[&str]) {
        QUESTIONS.iter().for_each(|args| self.run(args, members));
    }

    /// Refs with the trees of their commits, every object but commits, and files beside objects.
    fn look(&mut self) {
        let refs = self.place.git(&["for-each-ref", "--format=%(refname) %(tree)"]);
        let objects = self.place.git(&["cat-file", "--batch-all-objects", "--batch-check"]);
        let mut stdout = refs;
        objects.lines().filter(|line| !line.contains(" commit ")).for_each(|line| {
            let _ = writeln!(stdout, "{line}");
        });
        for (path, content) in files(&self.place.repository()) {
            let has_ids = path.starts_with("refs") || path.starts_with("objects");
            let content = if has_ids { &[][..] } else { &content };
            let path = path.display().to_string();
            if !path.starts_with("objects") {
                let _ = writeln!(stdout, "{path} {}", String::from_utf8_lossy(content));
            }
        }
        self.said.push(("files".into(), Ran { code: None, stdout, stderr: String::new() }));
    }
}

/// Fails unless `work` has the same output without the switch, with it off and with it on.
fn assert_same(work: impl Fn(&Variables<'_>) -> Vec<(String, Ran)>) {
    let expected = work(&[]);
    assert!(!expected.is_empty());
    for value in ["0", "1"] {
        let said = work(&[(SWITCH, value)]);
        assert_eq!(said.len(), expected.len());
        for (said, expected) in said.iter().zip(&expected) {
            assert_eq!(said, expected, "{SWITCH}={value}");
        }
    }
}

#[test]
fn commands_that_read_and_rebuild_answer_the_same_and_write_the_same_objects() {
    assert_same(|variables| {
        let mut session = Session::new("small", variables);
        // The cache of the fixture is the C tool's: the journal answers.
        session.ask(TIMES);
        session.done(&["cache-rebuild", "--json"], TIMES);
        session.look();
        // The cache answers.
        session.ask(TIMES);
        session.done(&["cache-rebuild", "--json"], TIMES);
        session.done(&["cache-rebuild", "--branch", "feature/x", "--json"], TIMES);
        let newest_first = ["cache-rebuild", "--edge-order", "newest-first", "--json"];
        session.done(&newest_first, TIMES);
        session.done(&["cache-rebuild", "--force", "--strict", "--json"], TIMES);
        session.look();
        session.said
    });
}

#[test]
fn appends_and_later_rebuilds_write_the_same_edges_and_caches() {
    assert_same(|variables| {
        let mut session = Session::new("small", variables);
        session.place.write("lines.jsonl", LINES);
        session.done(&["cache-rebuild", "--json"], TIMES);
        session.done(&["import", "../lines.jsonl", "--json"], TIMES_OF_APPENDS);
        // A stale cache, then an incremental rebuild.
        session.ask(TIMES_OF_APPENDS);
        session.done(&["cache-rebuild", "--json"], TIMES_OF_APPENDS);
        session.ask(TIMES_OF_APPENDS);
        // The edge contains the time and random bytes, so only text output is compared.
        session.done(&["link", "Makefile", "LICENSE", "--type", "augments"], &[]);
        session.run(&["link", "Makefile", "not/there"], &[]);
        session.done(&["merge", "feature/x", "--linear"], &[]);
        session.done(&["merge", "feature/x"], &[]);
        session.run(&["import", "../home", "--json"], &[]);
        session.done(&["hooks", "run", "post-commit"], &[]);
        session.done(&["list"], &[]);
        session.done(&["query", "--from", "Makefile"], TIMES_OF_APPENDS);
        session.said
    });
}

#[test]
fn a_spilling_rebuild_writes_the_same_cache() {
    assert_same(|variables| {
        let mut session = Session::new("medium", variables);
        let small = [
            &[("GM_ARENA_CAP_CACHE_REBUILD", "64KiB"), ("GM_ARENA_HINT_CACHE_REBUILD", "4KiB")],
            variables,
        ]
        .concat();
        session.done(&["cache-rebuild", "--json"], TIMES);
        let spilling = session.place.mind(&["cache-rebuild", "--force", "--json"], &small);
        // The number of spilled bytes differs, since single allocations have no slack.
        assert!(spilling.json()["spilled_bytes"].as_u64() > Some(0), "{spilling:?}");
        let stdout = without(&spilling.stdout, &[TIMES, &["spilled_bytes"]].concat());
        session.said.push(("spilling".into(), Ran { stdout, ..spilling }));
        session.look();
        session.said
    });
}

#[test]
fn fixture_make_writes_the_same_bytes() {
    let make = |variables: &Variables<'_>| {
        let place = Place::fixture("small");
        let args = ["fixture", "make", "--edges", "500", "--seed", "7", "--batch", "3", "made.git"];
        let made = place.mind(&args, variables);
        assert_eq!(made.code, Some(0), "{made:?}");
        (made.stdout, files(&place.repository().join("made.git")))
    };
    let expected = make(&[]);
    assert!(expected.1.len() > 3);
    for value in ["0", "1"] {
        assert!(make(&[(SWITCH, value)]) == expected, "{SWITCH}={value}");
    }
}

#[test]
fn the_budget_measures_the_same_work_within_its_caps() {
    let measure = |variables: &Variables<'_>| {
        let place = Place::fixture("small");
        let fixtures = fixtures();
        let fixtures = fixtures.to_str().expect("UTF-8");
        let args = ["budget", "--fixture", "small", "--json", "--fixtures-dir", fixtures];
        let document = place.mind(&args, variables).json();
        let rows = document["operations"].as_array().expect("a list").clone();
        let kept = ["op", "verdict", "problems", "failures_total", "leaked_bytes", "cap_bytes"];
        let of_row = |row: &serde_json::Value| kept.map(|member| row[member].clone());
        (document["fixture"].clone(), rows.iter().map(of_row).collect::<Vec<_>>())
    };
    let expected = measure(&[]);
    assert_eq!(expected.1.len(), 3);
    for value in ["0", "1"] {
        assert_eq!(measure(&[(SWITCH, value)]), expected, "{SWITCH}={value}");
    }
}
