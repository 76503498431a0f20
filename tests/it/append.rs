//! `link`, `import` and what is below them: edges that are there in full, or not at all.

use crate::edges::edge;
use crate::injection::record;
use crate::support::{
    Ran, TempRepository, git, mind, mind_command, mind_with, read_object, temp_folder,
};
use gitmind::branch::BranchName;
use gitmind::clock::{Clock, FixedClock, Timestamp};
use gitmind::git::fake::FakeRepository;
use gitmind::git::{self, Commit, EMPTY_TREE, ObjectKind, RefUpdate, Repository};
use gitmind::journal::{
    Append, AppendError, Appended, Batch, Confidence, Edge, Met, Origin, Relation, WalkError,
    Writer, read_newest,
};
use gitmind::memory::{Alloc, System};
use gitmind::oid::Oid;
use gitmind::random::CountingRandom;
use serde_json::Value;
use std::cell::{Cell, RefCell};
use std::io::Write;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tempfile::TempDir;

const JOURNAL: &str = "refs/gitmind/edges/main";
const CLOCK: FixedClock = FixedClock(Timestamp { seconds: 1_796_000_000, offset_seconds: 0 });

fn branch() -> BranchName {
    BranchName::new("main").expect("a name")
}

/// A checkout of `main` with these files committed.
fn checkout(files: &[&str]) -> TempDir {
    let folder = temp_folder();
    git(folder.path(), &["init", "-q", "-b", "main"]);
    for file in files {
        let path = folder.path().join(file);
        std::fs::create_dir_all(path.parent().expect("it has one")).expect("writable");
        std::fs::write(path, file).expect("writable");
    }
    git(folder.path(), &["add", "."]);
    git(folder.path(), &["-c", "commit.gpgsign=false", "commit", "-q", "-m", "files"]);
    folder
}

/// Edges whose payloads fill two commits.
fn many(alloc: Alloc<'_>, count: u64) -> Result<Batch<'_>, gitmind::journal::BatchError> {
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

/// The times of a journal's edges, oldest commit first, each one's edges as written.
fn times(repository: &dyn Repository) -> Vec<u64> {
    let Some(tip) = repository.resolve(JOURNAL).expect("readable") else { return Vec::new() };
    let system = System::new();
    let (mut commits, mut last) = (Vec::new(), None);
    let read = read_newest(repository, Alloc::new(&system), tip, |met| {
        let Met::Edge(commit, edge) = met else { panic!("a malformed commit") };
        if last.replace(commit.id) != Some(commit.id) {
            commits.push(Vec::new());
        }
        commits.last_mut().expect("just pushed").push(edge.timestamp_ms);
        Ok::<_, WalkError>(ControlFlow::Continue(()))
    });
    read.expect("a whole journal");
    commits.into_iter().rev().flatten().collect()
}

#[test]
fn an_edge_of_link_is_laid_out_as_the_c_tool_does() {
    // The payload that the format's description shows, but for time and name.
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
fn appends_go_on_top_of_each_other_in_as_few_commits_as_they_fit() {
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
fn a_fault_at_any_call_appends_nothing_or_says_so_and_the_next_append_works() {
    // What is there before, and what is appended.
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

/// A repository where others append before each of the first `races` updates of ours.
struct Contended<'r> {
    inner: &'r FakeRepository,
    races: Cell<u32>,
}

impl Repository for Contended<'_> {
    fn head(&self) -> Result<git::Head, git::Error> {
        self.inner.head()
    }
    fn resolve(&self, name: &str) -> Result<Option<Oid>, git::Error> {
        self.inner.resolve(name)
    }
    fn refs(&self, prefix: &str, count_max: usize) -> Result<Vec<String>, git::Error> {
        self.inner.refs(prefix, count_max)
    }
    fn read(
        &self,
        id: Oid,
        kind: ObjectKind,
        buffer: &mut gitmind::memory::Vec<'_, u8>,
    ) -> Result<(), git::Error> {
        self.inner.read(id, kind, buffer)
    }
    fn identity(&self) -> git::Identity {
        self.inner.identity()
    }
    fn begin<'t>(
        &'t self,
        alloc: Alloc<'t>,
        objects: Option<u32>,
    ) -> Result<git::BoxedTransaction<'t>, git::Error> {
        Ok(Box::new(ContendedTransaction { ours: self.inner.begin(alloc, objects)?, all: self }))
    }
}

struct ContendedTransaction<'t> {
    ours: git::BoxedTransaction<'t>,
    all: &'t Contended<'t>,
}

impl git::Transaction for ContendedTransaction<'_> {
    fn add_named(&mut self, kind: ObjectKind, id: Oid, data: &[u8]) -> Result<(), git::Error> {
        self.ours.add_named(kind, id, data)
    }

    fn commit(&mut self, update: RefUpdate<'_>) -> Result<git::Stored, git::Error> {
        let Contended { inner, races } = self.all;
        if races.get() > 0 {
            races.set(races.get() - 1);
            let parents: Vec<_> = update.expected.into_iter().collect();
            let theirs = inner.commit(&parents, b"oA==");
            inner.set_ref(update.name, theirs);
        }
        self.ours.commit(update)
    }
}

/// A clock that only counts what it is asked to wait.
#[derive(Default)]
struct Waits(RefCell<Vec<Duration>>);

impl Clock for Waits {
    fn now(&self) -> Timestamp {
        CLOCK.now()
    }
    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }
    fn sleep(&self, time: Duration) {
        self.0.borrow_mut().push(time);
    }
}

#[test]
fn a_lost_race_is_run_again_on_top_of_the_winner_after_a_wait_that_grows() {
    let system = System::new();
    let alloc = Alloc::new(&system);
    for (races, count) in [(0, 2), (1, 2), (7, 2), (3, 700)] {
        let inner = FakeRepository::default();
        let repository = Contended { inner: &inner, races: Cell::new(races) };
        let (waits, random) = (Waits::default(), CountingRandom::new(200));
        let service = Append { alloc, repository: &repository, clock: &waits, random: &random };
        let batch = many(alloc, count).expect("within limits");
        let appended = service.run(&branch(), &batch).expect("it is its turn at last");
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
fn who_never_wins_is_told_so_and_nothing_is_appended() {
    let inner = FakeRepository::default();
    let repository = Contended { inner: &inner, races: Cell::new(u32::MAX) };
    let system = System::new();
    let alloc = Alloc::new(&system);
    let batch = many(alloc, 1).expect("within limits");
    let error = append(&repository, alloc, &batch).expect_err("others always win");
    assert!(matches!(error, AppendError::Contended { attempts: 40 }));
    assert_eq!(times(&inner), [0; 40], "only the others' edges");
}

#[test]
fn link_records_what_head_has_and_git_finds_everything_in_order() {
    let folder = checkout(&["src/a.c", "docs/a b.md"]);
    let work = folder.path();
    // Neither the index nor the worktree counts.
    std::fs::write(work.join("src/a.c"), "changed").expect("writable");
    git(work, &["add", "."]);
    let said = mind(work, &["link", "src/a.c", "./docs//a b.md", "--type", "Implements"]).ok();
    assert_eq!(said, "Created link: src/a.c ──implements──> docs/a b.md\n");
    let edge = &mind(work, &["list", "--json"]).json()["edges"][0];
    assert_eq!(edge["source_oid"], git(work, &["rev-parse", "HEAD:src/a.c"]).as_str());
    assert_eq!(edge["target_oid"], git(work, &["rev-parse", "HEAD:docs/a b.md"]).as_str());
    assert_eq!(edge["legacy_source_oid"], edge["source_oid"]);
    assert_eq!((&edge["type_number"], &edge["confidence_stored"]), (&1.into(), &15360.into()));
    assert_eq!(edge["attribution"]["author"], "user@local");
    assert_eq!(edge["ulid"].as_str().map(str::len), Some(26));
    let time = edge["timestamp_ms"].as_u64().expect("a number");
    assert_eq!(time % 1000, 0);
    assert_eq!(git(work, &["fsck", "--strict", "--full", "--no-dangling"]), "");
    assert_eq!(
        git(work, &["log", "-1", "--format=%an <%ae>", JOURNAL]).as_str(),
        "gitmind <gitmind@example.invalid>"
    );
    assert_eq!(git(work, &["for-each-ref", "--format=%(refname)"]).lines().count(), 2);
}

#[test]
fn link_from_a_folder_means_what_is_there_and_prints_one_document() {
    let folder = checkout(&["src/a.c", "docs/a.md"]);
    let inside = folder.path().join("src");
    let variables =
        [("GIT_MIND_SOURCE", "claude"), ("GIT_MIND_AUTHOR", "me"), ("GIT_MIND_SESSION", "s1")];
    let args = ["link", "a.c", "../docs", "--type", "augments", "--json"];
    let link = mind_with(&inside, &args, &variables).json();
    assert_eq!(link["schema"], 1);
    assert_eq!((&link["source_path"], &link["target_path"]), (&"src/a.c".into(), &"docs".into()));
    assert_eq!(link["target_oid"], git(folder.path(), &["rev-parse", "HEAD:docs"]).as_str());
    assert_eq!(link["legacy_source_oid"], "0".repeat(40));
    assert_eq!(link["confidence_stored"], 0x3666);
    let who = &link["attribution"];
    assert_eq!((&who["source"], &who["author"]), (&"claude".into(), &"me".into()));
    assert_eq!(who["session"], "s1");
    let listed = &mind(folder.path(), &["list", "--json"]).json()["edges"][0];
    for (key, value) in listed.as_object().expect("an edge") {
        assert_eq!(&link[key], value, "{key}");
    }
    let said = mind_with(&inside, &["link", "a.c", "a.c"], &variables).ok();
    assert_eq!(said, "Created link: src/a.c ──references──> src/a.c [claude: me, conf: 0.91]\n");
}

#[test]
fn what_cannot_be_linked_is_named_and_nothing_is_written() {
    let folder = checkout(&["src/a.c"]);
    let work = folder.path();
    let before = git(work, &["for-each-ref"]);
    let long = "x".repeat(64);
    let cases: [(&[&str], i32, &str); 7] = [
        (&["link", "src/a.c", "no.c"], 1, "path `no.c` is not in HEAD's commit"),
        (&["link", "src/a.c", "../x"], 2, "leads out of the worktree"),
        (&["link", "/etc/passwd", "src/a.c"], 2, "is absolute"),
        (&["link", ".", "src/a.c"], 2, "is the top of the tree itself"),
        (&["link", "src/a.c", "src/a.c", "--branch", "a..b"], 2, "is not a branch name"),
        (&["link", "src/a.c", "src/a.c/x"], 1, "is not in HEAD's commit"),
        (&["import", "no.jsonl"], 1, "cannot read no.jsonl"),
    ];
    for (args, code, says) in cases {
        let error = mind(work, args).error(code);
        assert!(error.contains(says), "{args:?}: {error}");
    }
    for (name, limit) in
        [("GIT_MIND_SOURCE", 15), ("GIT_MIND_AUTHOR", 63), ("GIT_MIND_SESSION", 31)]
    {
        let error = mind_with(work, &["link", "src", "src"], &[(name, &long)]).error(2);
        assert!(error.contains(&format!("{name} has 64 bytes, the limit is {limit}")), "{error}");
    }
    for usage in
        [&["link", "src"][..], &["link", "", "src"], &["link", "src", "src", "--type", "likes"]]
    {
        assert_eq!(mind(work, usage).code, 2);
    }
    assert_eq!(git(work, &["for-each-ref"]), before);
    let unborn = TempRepository::empty();
    let error = unborn.mind(&["link", "a", "b"]).error(1);
    assert!(error.contains("HEAD has no commit yet"), "{error}");
}

#[test]
fn a_submodule_is_not_linked_since_its_commit_is_elsewhere() {
    let folder = checkout(&["a.c"]);
    let work = folder.path();
    let entry = format!("160000,{},lib/other", "1".repeat(40));
    git(work, &["update-index", "--add", "--cacheinfo", &entry]);
    git(work, &["-c", "commit.gpgsign=false", "commit", "-q", "-m", "a submodule"]);
    let says = "path `lib/other` is a submodule";
    for ends in [["a.c", "lib/other"], ["lib/other", "a.c"]] {
        let error = mind(work, &["link", ends[0], ends[1]]).error(1);
        assert!(error.contains(says) && error.contains("hint: link the folder"), "{error}");
    }
    let line = br#"{"source_path": "a.c", "target_path": "lib/other"}"#;
    let error = import(work, &[], line).error(1);
    assert!(error.contains("line 1: ") && error.contains(says), "{error}");
    assert_eq!(git(work, &["for-each-ref", "refs/gitmind"]), "");
    mind(work, &["link", "a.c", "lib"]).ok();

    // What another tool wrote is found by its path.
    let line = format!(r#"{{"source_path": "a.c", "target_oid": "{}"}}"#, "1".repeat(40));
    import(work, &[], line.as_bytes()).ok();
    let edges = mind(work, &["query", "--to", "lib/other", "--json"]);
    assert_eq!(edges.code, 0, "{edges:?}");
    let edges: Value = serde_json::from_str(&edges.stdout).expect("one JSON document");
    assert_eq!(edges["edges"].as_array().map(Vec::len), Some(1));
}

#[test]
fn an_append_says_when_it_starts_and_how_it_ended() {
    let folder = checkout(&["a.c"]);
    let work = folder.path();
    let metrics = work.join("metrics.prom");
    let variables =
        [("GITMIND_LOG_LEVEL", "INFO"), ("GITMIND_METRICS_FILE", metrics.to_str().expect("UTF-8"))];
    let run = || mind_with(work, &["link", "a.c", "a.c"], &variables);
    let logged = run();
    assert_eq!(logged.code, 0);
    let about = "branch=main mode=append";
    let text = &logged.stderr;
    assert!(text.contains(&format!("journal: event=journal_append_start {about}\n")), "{text}");
    let ok = format!("journal: event=journal_append_ok {about} edges=1 duration_ms=");
    assert!(text.contains(&ok), "{text}");
    let numbers = std::fs::read_to_string(&metrics).expect("it was written");
    let edges = "gitmind_journal_append_edges_total{branch=\"main\",mode=\"append\"} 1\n";
    assert!(numbers.contains(edges), "{numbers}");
    assert!(numbers.contains("gitmind_journal_append_duration_ms{"), "{numbers}");

    // A journal below ours leaves no room for its ref.
    git(work, &["update-ref", "-d", JOURNAL]);
    git(work, &["update-ref", &format!("{JOURNAL}/below"), "HEAD"]);
    let refused = run();
    let text = &refused.stderr;
    assert_eq!(refused.code, 1, "{text}");
    let failed = format!("journal: event=journal_append_failed {about} edges=1 duration_ms=");
    assert!(text.contains(&failed), "{text}");
    assert!(!text.contains("journal_append_ok"), "{text}");
    let numbers = std::fs::read_to_string(&metrics).expect("it was written");
    assert!(!numbers.contains("gitmind_journal_append_edges_total{"), "{numbers}");
}

fn import(folder: &Path, args: &[&str], input: &[u8]) -> Ran {
    let mut command = mind_command(folder, &[&["import", "-"], args].concat());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program was built");
    let mut stdin = child.stdin.take().expect("it is piped");
    // A program that has seen an error does not read the rest.
    let _ = stdin.write_all(input);
    drop(stdin);
    Ran::new(child.wait_with_output().expect("it ends"))
}

#[test]
fn what_list_prints_can_be_imported_without_a_difference() {
    for fixture in ["small", "medium"] {
        let repository = TempRepository::fixture(fixture);
        let all = repository.mind(&["list", "--json"]).json();
        let edges = all["edges"].as_array().expect("edges").clone();
        // Newest commit first, each one's edges as written: group them, then turn the groups.
        let mut lines = String::new();
        for commit in edges.chunk_by(|a, b| a["commit"] == b["commit"]).rev() {
            commit.iter().for_each(|edge| lines += &format!("{edge}\n"));
        }
        let said = import(repository.path(), &["--branch", "copy", "--json"], lines.as_bytes());
        let document = said.json();
        assert_eq!(document["edges"], edges.len());
        let copied = repository.mind(&["list", "--branch", "copy", "--json"]).json();
        let copied = copied["edges"].as_array().expect("edges");
        let mut copied: Vec<Value> =
            copied.chunk_by(|a, b| a["commit"] == b["commit"]).rev().flatten().cloned().collect();
        let groups = edges.chunk_by(|a, b| a["commit"] == b["commit"]).rev();
        let mut originals: Vec<Value> = groups.flatten().cloned().collect();
        for edge in copied.iter_mut().chain(&mut originals) {
            edge.as_object_mut().expect("an edge").remove("commit");
        }
        assert!(copied == originals, "{fixture}");
        repository.assert_sound();
    }
}

#[test]
fn an_import_looks_paths_up_once_and_fills_in_what_is_missing() {
    let folder = checkout(&["src/a.c", "docs/a.md"]);
    let work = folder.path();
    let line = r#"{"source_path": "src/a.c", "target_path": "docs/a.md", "type": "Depends-On"}"#;
    let input = format!("{line}\n\n  {line}  \n{line}");
    let document = import(work, &["--json"], input.as_bytes()).json();
    let expected = [("edges", 3), ("commits", 1), ("paths_met", 6), ("paths_looked_up", 2)];
    for (key, value) in expected {
        assert_eq!(document[key], value, "{key}");
    }
    assert_eq!(document["journal_tip"], git(work, &["rev-parse", JOURNAL]).as_str());
    let edges = mind(work, &["list", "--json"]).json();
    for edge in edges["edges"].as_array().expect("edges") {
        assert_eq!(edge["source_oid"], git(work, &["rev-parse", "HEAD:src/a.c"]).as_str());
        assert_eq!((&edge["type_number"], &edge["confidence"]), (&3.into(), &1.0.into()));
    }
    assert_eq!(import(work, &[], b"\n\n").ok(), "No edges to import\n");
    assert_eq!(git(work, &["fsck", "--strict", "--full", "--no-dangling"]), "");
}

#[test]
fn a_line_that_is_no_edge_is_numbered_and_nothing_is_imported() {
    let folder = checkout(&["a.c"]);
    let work = folder.path();
    let good = r#"{"source_path": "a.c", "target_path": "a.c"}"#;
    let long = format!(r#"{{"source_path": "{}"}}"#, "x".repeat(70_000));
    let path = format!(r#"{{"source_path": "{}", "target_path": "a.c"}}"#, "x".repeat(5000));
    let oid = "1".repeat(40);
    let with_oids = |more: &str| format!(r#"{{"source_oid":"{oid}","target_oid":"{oid}"{more}}}"#);
    for (bad, says) in [
        ("x".to_owned(), "not an edge"),
        ("{}".to_owned(), "neither source_path nor source_oid"),
        (r#"{"source_path": "a.c"}"#.to_owned(), "neither target_path nor target_oid"),
        (r#"{"source": "a.c"}"#.to_owned(), "unknown field `source`"),
        (r#"{"source_path": "b.c", "target_path": "a.c"}"#.to_owned(), "`b.c` is not in HEAD's"),
        (long, "longer than 65536 bytes"),
        (path, "is not in HEAD's commit"),
        (with_oids(r#", "type": "likes""#), "a type is one of implements"),
        (with_oids(r#", "confidence": 1.5"#), "a confidence is a number from 0 to 1"),
        (with_oids(r#", "type_number": 65536"#), "expected u16"),
        (with_oids(r#", "ulid": "012345678901234567890123456""#), "the ULID has 27 bytes"),
        (with_oids(r#", "source_path": "a\u001bb""#), "has control characters"),
        (with_oids(r#", "attribution": {"source": "robot"}"#), "is no kind of writer"),
        (with_oids(r#", "source_oid": "12""#), "duplicate field"),
        (r#"{"source_oid": "12"}"#.to_owned(), "40 hexadecimal digits"),
    ] {
        let input = format!("{good}\n{bad}\n{good}\n");
        let error = import(work, &[], input.as_bytes()).error(1);
        assert!(error.contains("error: line 2: ") && error.contains(says), "{bad}: {error}");
    }
    let error = import(work, &[], b"{\"source_path\": \"\xff\"}").error(1);
    assert!(error.contains("line 1: not an edge"), "{error}");
    assert_eq!(git(work, &["for-each-ref", "refs/gitmind"]), "");
}

#[test]
fn processes_that_link_at_once_lose_nothing() {
    const PROCESSES: usize = 6;
    const LINKS: usize = 8;
    let folder = checkout(&["a.c", "b.c"]);
    let work = folder.path();
    let runs = || {
        for _ in 0..LINKS {
            mind(work, &["link", "a.c", "b.c"]).ok();
        }
    };
    std::thread::scope(|scope| {
        (0..PROCESSES).for_each(|_| drop(scope.spawn(runs)));
    });
    let edges = mind(work, &["list", "--json"]).json();
    assert_eq!(edges["edges_shown"], PROCESSES * LINKS);
    assert_eq!(git(work, &["fsck", "--strict", "--full", "--no-dangling"]), "");
    let origin = Origin::HUMAN.name();
    assert_eq!(edges["edges"][0]["attribution"]["source"], origin);
}
