//! `link` and `import`: an append is visible in full or not at all.

use gitmind::journal::Origin;
use gitmind_test_support::{
    Ran, TempRepository, git, mind, mind_command, mind_with, temp_directory,
};
use serde_json::Value;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use tempfile::TempDir;

const JOURNAL: &str = "refs/gitmind/edges/main";

/// A checkout of `main` with these files committed.
fn checkout(files: &[&str]) -> TempDir {
    let directory = temp_directory();
    git(directory.path(), &["init", "-q", "-b", "main"]);
    for file in files {
        let path = directory.path().join(file);
        std::fs::create_dir_all(path.parent().expect("it has one")).expect("writable");
        std::fs::write(path, file).expect("writable");
    }
    git(directory.path(), &["add", "."]);
    git(directory.path(), &["-c", "commit.gpgsign=false", "commit", "-q", "-m", "files"]);
    directory
}

#[test]
fn an_edge_whose_answer_cannot_be_written_is_said_to_be_there() {
    // Who is told of an error only does it again, and has the edge twice.
    let directory = checkout(&["a", "edges"]);
    let work = directory.path();
    mind(work, &["link", "a", "a"]).ok();
    let edge = r#"{"source_path": "a", "target_path": "a", "type": "implements"}"#;
    std::fs::write(work.join("edges"), edge).expect("writable");
    for (args, said) in [
        (&["link", "a", "a"][..], "the edge was added"),
        (&["import", "edges"], "all edges were added"),
    ] {
        let count = || git(work, &["rev-list", "--count", JOURNAL]);
        let before = count();
        let full = std::fs::File::options().write(true).open("/dev/full").expect("Linux has it");
        let ran = mind_command(work, args).stdout(full).output().expect("it was built");
        let stderr = String::from_utf8_lossy(&ran.stderr);
        assert_eq!(ran.status.code(), Some(1), "{stderr}");
        assert!(stderr.contains(&format!("error: {said}, but cannot write")), "{stderr}");
        assert_ne!(count(), before);
    }
}

#[test]
fn link_records_objects_of_head_and_git_fsck_passes() {
    let directory = checkout(&["src/a.c", "docs/a b.md"]);
    let work = directory.path();
    // Only HEAD's commit counts, not the index or the worktree.
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
fn link_prints_the_lines_of_the_c_tool_when_asked() {
    let directory = checkout(&["a.c"]);
    let args = ["link", "--porcelain", "a.c", "a.c", "--type", "augments", "--confidence", "0.25"];
    let lines = mind(directory.path(), &args).ok();
    let start = "status=created\nsource=a.c\ntarget=a.c\ntype=4\nconfidence=0.250\nulid=01";
    assert!(lines.starts_with(start) && lines.lines().count() == 6, "{lines}");
}

#[test]
fn link_resolves_paths_from_the_current_directory_and_prints_one_document() {
    let directory = checkout(&["src/a.c", "docs/a.md"]);
    let inside = directory.path().join("src");
    let variables =
        [("GIT_MIND_SOURCE", "claude"), ("GIT_MIND_AUTHOR", "me"), ("GIT_MIND_SESSION", "s1")];
    let args = ["link", "a.c", "../docs", "--type", "augments", "--json"];
    let link = mind_with(&inside, &args, &variables).json();
    assert_eq!(link["schema"], 1);
    assert_eq!((&link["source_path"], &link["target_path"]), (&"src/a.c".into(), &"docs".into()));
    assert_eq!(link["target_oid"], git(directory.path(), &["rev-parse", "HEAD:docs"]).as_str());
    assert_eq!(link["legacy_source_oid"], "0".repeat(40));
    assert_eq!(link["confidence_stored"], 0x3666);
    let who = &link["attribution"];
    assert_eq!((&who["source"], &who["author"]), (&"claude".into(), &"me".into()));
    assert_eq!(who["session"], "s1");
    let listed = &mind(directory.path(), &["list", "--json"]).json()["edges"][0];
    for (key, value) in listed.as_object().expect("an edge") {
        assert_eq!(&link[key], value, "{key}");
    }
    let said = mind_with(&inside, &["link", "a.c", "a.c"], &variables).ok();
    assert_eq!(said, "Created link: src/a.c ──references──> src/a.c [claude: me, conf: 0.91]\n");
}

#[test]
fn an_error_names_the_path_that_cannot_be_linked_and_writes_nothing() {
    let directory = checkout(&["src/a.c"]);
    let work = directory.path();
    let before = git(work, &["for-each-ref"]);
    let long = "x".repeat(64);
    let cases: [(&[&str], i32, &str); 7] = [
        (&["link", "src/a.c", "no.c"], 1, "path `no.c` is not in HEAD's commit"),
        (&["link", "src/a.c", "../x"], 2, "leads out of the worktree"),
        (&["link", "/etc/passwd", "src/a.c"], 2, "is outside of the worktree"),
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
fn a_submodule_cannot_be_linked() {
    let directory = checkout(&["a.c"]);
    let work = directory.path();
    let entry = format!("160000,{},lib/other", "1".repeat(40));
    git(work, &["update-index", "--add", "--cacheinfo", &entry]);
    git(work, &["-c", "commit.gpgsign=false", "commit", "-q", "-m", "a submodule"]);
    let says = "path `lib/other` is a submodule";
    for ends in [["a.c", "lib/other"], ["lib/other", "a.c"]] {
        let error = mind(work, &["link", ends[0], ends[1]]).error(1);
        assert!(error.contains(says) && error.contains("hint: link the directory"), "{error}");
    }
    let line = br#"{"source_path": "a.c", "target_path": "lib/other"}"#;
    let error = import(work, &[], line).error(1);
    assert!(error.contains("line 1: ") && error.contains(says), "{error}");
    assert_eq!(git(work, &["for-each-ref", "refs/gitmind"]), "");
    mind(work, &["link", "a.c", "lib"]).ok();

    // An edge to the submodule that another tool wrote is found by its path.
    let line = format!(r#"{{"source_path": "a.c", "target_oid": "{}"}}"#, "1".repeat(40));
    import(work, &[], line.as_bytes()).ok();
    let edges = mind(work, &["query", "--to", "lib/other", "--json"]);
    assert_eq!(edges.code, 0, "{edges:?}");
    let edges: Value = serde_json::from_str(&edges.stdout).expect("one JSON document");
    assert_eq!(edges["edges"].as_array().map(Vec::len), Some(1));
}

#[test]
fn an_append_logs_its_start_and_its_outcome() {
    let directory = checkout(&["a.c"]);
    let work = directory.path();
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

    // A ref below the journal's name conflicts with the journal's ref.
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

#[test]
fn the_author_is_gits_identity_unless_the_environment_says_otherwise() {
    let directory = checkout(&["a"]);
    let work = directory.path();
    let author_of = |variables: &[(&str, &str)]| {
        let link = mind_with(work, &["link", "a", "a", "--json"], variables).json();
        let line = b"{\"source_path\": \"a\", \"target_path\": \"a\"}";
        let mut command = mind_command(work, &["import", "-"]);
        command.envs(variables.iter().copied()).stdin(Stdio::piped()).stdout(Stdio::null());
        let mut child = command.spawn().expect("the program was built");
        child.stdin.take().expect("it is piped").write_all(line).expect("it reads");
        assert!(child.wait().expect("it ends").success());
        let imported = mind(work, &["list", "--limit", "1", "--json"]).json();
        let author = link["attribution"]["author"].as_str().expect("text").to_owned();
        assert_eq!(imported["edges"][0]["attribution"]["author"], author);
        author
    };
    assert_eq!(author_of(&[]), "user@local");
    git(work, &["config", "user.name", "Ann"]);
    assert_eq!(author_of(&[]), "Ann");
    git(work, &["config", "user.email", "ann@example.org"]);
    assert_eq!(author_of(&[]), "ann@example.org");
    let long = format!("{}é@example.org", "é".repeat(31));
    for (variables, expected) in [
        (&[("GIT_AUTHOR_EMAIL", "ben@example.org")][..], "ben@example.org"),
        (&[("GIT_AUTHOR_EMAIL", "")], "Ann"),
        (&[("GIT_AUTHOR_EMAIL", &long)], &long[..62]),
        (&[("GIT_AUTHOR_EMAIL", "\u{1b}[1mben\n")], "[1mben"),
        (&[("GIT_MIND_AUTHOR", "me")], "me"),
        (&[("GIT_MIND_SOURCE", "human")], "ann@example.org"),
        (&[("GIT_MIND_SOURCE", "claude")], "claude@anthropic"),
        (&[("GIT_MIND_SOURCE", "robot")], "unknown@unknown"),
    ] {
        assert_eq!(author_of(variables), expected, "{variables:?}");
    }
}

#[test]
fn an_unknown_source_or_branch_is_a_warning_with_a_near_name() {
    let directory = checkout(&["a"]);
    let work = directory.path();
    git(work, &["branch", "topic"]);
    for (args, variables, expected) in [
        (&[][..], [("GIT_MIND_SOURCE", "claude")], None),
        (
            &[],
            [("GIT_MIND_SOURCE", "Cluade")],
            Some(
                "GIT_MIND_SOURCE is `Cluade`, which is recorded as unknown\nhint: did you mean \
                  `claude`?",
            ),
        ),
        (
            &[],
            [("GIT_MIND_SOURCE", "robot")],
            Some(
                "GIT_MIND_SOURCE is `robot`, which is recorded as unknown\nhint: there are human, \
                  claude, gpt, ai, other, system, import",
            ),
        ),
        (&["--branch", "topic"], [("TZ", "")], None),
        (
            &["--branch", "Topci"],
            [("TZ", "")],
            Some(
                "there is no branch `Topci`: this begins a journal of that name\nhint: did you \
                  mean `topic`?",
            ),
        ),
        // It has a journal now.
        (&["--branch", "Topci"], [("TZ", "")], None),
        (
            &["--branch", "elsewhere"],
            [("TZ", "")],
            Some("there is no branch `elsewhere`: this begins a journal of that name"),
        ),
    ] {
        let ran = mind_with(work, &[&["link", "a", "a"], args].concat(), &variables);
        let warning = expected.map(|text| format!("git-mind: warning: {text}\n"));
        assert_eq!(ran.stderr, warning.unwrap_or_default(), "{args:?} {variables:?}");
        ran.ok();
    }
}

#[test]
fn a_detached_head_says_into_which_journal_it_wrote() {
    let directory = checkout(&["a"]);
    let work = directory.path();
    mind(work, &["link", "a", "a"]).ok();
    git(work, &["checkout", "-q", "--detach"]);
    let note = "git-mind: note: HEAD is detached, so this goes into the journal of `HEAD` \
                (refs/gitmind/edges/HEAD); --branch NAME is for that of a branch\n";
    let line = b"{\"source_path\": \"a\", \"target_path\": \"a\"}";
    assert_eq!(mind(work, &["link", "a", "a"]).stderr, note);
    assert_eq!(import(work, &[], line).stderr, note);
    for args in [&["link", "a", "a", "--branch", "main"][..], &["list"]] {
        let ran = mind(work, args);
        assert_eq!((ran.code, &*ran.stderr), (0, ""), "{args:?}");
    }
    assert!(mind(work, &["list"]).ok().ends_with("2 edges\n"));
}

#[test]
fn a_branch_of_any_length_that_is_appended_to_can_be_rebuilt() {
    let directory = checkout(&["a"]);
    let work = directory.path();
    for bytes in [63, 64, 200] {
        let name = "b".repeat(bytes);
        mind(work, &["link", "a", "a", "--branch", &name]).ok();
        mind(work, &["cache-rebuild", "--branch", &name]).ok();
        let query = ["query", "--from", "a", "--branch", &name, "--json"];
        assert_eq!(mind(work, &query).json()["from_cache"], true);
    }
}

fn import(directory: &Path, args: &[&str], input: &[u8]) -> Ran {
    let mut command = mind_command(directory, &[&["import", "-"], args].concat());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program was built");
    let mut stdin = child.stdin.take().expect("it is piped");
    // The program stops reading its input at the first error.
    let _ = stdin.write_all(input);
    drop(stdin);
    Ran::new(child.wait_with_output().expect("it ends"))
}

#[test]
fn json_of_list_can_be_imported_unchanged() {
    for fixture in ["small", "medium"] {
        let repository = TempRepository::fixture(fixture);
        let all = repository.mind(&["list", "--all", "--json"]).json();
        let mut edges = all["edges"].as_array().expect("edges").clone();
        let lines: String = edges.iter().rev().map(|edge| format!("{edge}\n")).collect();
        let said = import(repository.path(), &["--branch", "copy", "--json"], lines.as_bytes());
        let document = said.json();
        assert_eq!(document["edges"], edges.len());
        let copied = repository.mind(&["list", "--all", "--branch", "copy", "--json"]).json();
        let mut copied = copied["edges"].as_array().expect("edges").clone();
        for edge in copied.iter_mut().chain(&mut edges) {
            for field in ["commit", "commit_author", "commit_time"] {
                edge.as_object_mut().expect("an edge").remove(field);
            }
        }
        assert!(copied == edges, "{fixture}");
        repository.assert_sound();
    }
}

#[test]
fn an_import_looks_up_each_path_once_and_adds_defaults() {
    let directory = checkout(&["src/a.c", "docs/a.md"]);
    let work = directory.path();
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
fn edges_that_are_there_already_are_skipped_by_their_ulid() {
    let directory = checkout(&["a"]);
    let work = directory.path();
    let line = |ulid: &str| {
        format!("{{\"source_path\": \"a\", \"target_path\": \"a\", \"ulid\": \"{ulid}\"}}\n")
    };
    let run = |args: &[&str], ulids: &[&str]| {
        let lines: String = ulids.iter().map(|ulid| line(ulid)).collect();
        import(work, &[&["--skip-existing"], args].concat(), lines.as_bytes())
    };
    let ulids = || {
        let list = mind(work, &["list", "--all", "--json"]).json();
        let edges = list["edges"].as_array().expect("edges").iter().rev();
        let ulids = edges.map(|edge| edge["ulid"].as_str().expect("text").to_owned());
        ulids.collect::<Vec<_>>()
    };
    // A journal that is not there yet has no edges; a line that is there twice is one edge.
    assert_eq!(
        run(&[], &["A", "B", "A", ""]).ok(),
        "Imported 3 edges into `main` in 1 commit; 1 was there already\n"
    );
    assert_eq!(ulids(), ["A", "B", ""]);
    // An edge without a ULID is always new, and case counts.
    let document = run(&["--json"], &["C", "A", "", "b", "B"]).json();
    assert_eq!((&document["edges"], &document["edges_skipped"]), (&3.into(), &2.into()));
    assert_eq!(ulids(), ["A", "B", "", "C", "", "b"]);
    assert_eq!(run(&[], &["C", "A"]).ok(), "No edges to import; 2 were there already\n");
    // Without the option they are appended again.
    let document = import(work, &["--json"], line("C").as_bytes()).json();
    assert_eq!((&document["edges"], &document["edges_skipped"]), (&1.into(), &0.into()));

    // All of a journal is there already, merged or taken back.
    for fixture in ["small", "medium"] {
        let repository = TempRepository::fixture(fixture);
        let all = repository.mind(&["list", "--all", "--json"]).json();
        let edges = all["edges"].as_array().expect("edges");
        let lines: String = edges.iter().map(|edge| format!("{edge}\n")).collect();
        let again = import(repository.path(), &["--skip-existing", "--json"], lines.as_bytes());
        let document = again.json();
        assert_eq!(document["edges_skipped"], edges.len(), "{fixture}");
        assert_eq!(document["journal_tip"], Value::Null);
    }
}

#[test]
fn an_invalid_line_is_reported_by_number_and_nothing_is_imported() {
    let directory = checkout(&["a.c"]);
    let work = directory.path();
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
        (with_oids(r#", "attribution": {"source": "robot"}"#), "is not a source"),
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
fn a_journal_in_the_way_is_to_be_renamed_and_keeps_its_edges() {
    let directory = checkout(&["a"]);
    let work = directory.path();
    mind(work, &["link", "a", "a", "--branch", "main/deep"]).ok();
    let error = mind(work, &["link", "a", "a"]).error(1);
    let (_, hint) = error.split_once("hint: `").expect("a hint");
    let (command, says) = hint.split_once("` ").expect("a command");
    assert_eq!(says, "gives that journal the name NEW");
    let sh = std::process::Command::new("sh").args(["-c", command]).current_dir(work).status();
    assert!(sh.expect("it runs").success(), "{command}");
    mind(work, &["link", "a", "a"]).ok();
    for branch in ["main", "NEW"] {
        assert!(mind(work, &["list", "--branch", branch]).ok().ends_with("1 edge\n"), "{branch}");
    }
}

#[test]
fn concurrent_links_lose_no_edge() {
    const PROCESSES: usize = 6;
    const LINKS: usize = 8;
    let directory = checkout(&["a.c", "b.c"]);
    let work = directory.path();
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
