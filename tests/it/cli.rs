//! Conventions of the command line: help, colours, one JSON document per answer.

use gitmind_test_support::{TempRepository, mind, mind_command, temp_directory};

pub(crate) const COMMANDS: [&[&str]; 21] = [
    &["cache-rebuild"],
    &["list"],
    &["stats"],
    &["query"],
    &["status"],
    &["diff"],
    &["export"],
    &["link"],
    &["unlink"],
    &["import"],
    &["hooks", "install"],
    &["hooks", "uninstall"],
    &["hooks", "status"],
    &["hooks", "run"],
    &["merge"],
    &["sync"],
    &["budget"],
    &["env"],
    &["fixture", "make"],
    &["completions"],
    &["man"],
];

#[test]
fn every_command_has_help_with_an_example() {
    let directory = temp_directory();
    let general = mind(directory.path(), &["--help"]).ok();
    assert!(general.contains("Examples:") && general.contains("Exit status:"), "{general}");
    for command in COMMANDS {
        assert!(general.contains(command[0]), "{command:?}");
        let help = mind(directory.path(), &[command, &["--help"]].concat()).ok();
        assert!(
            help.contains("Usage: git-mind ") && help.contains("Example"),
            "{command:?}: {help}"
        );
        assert!(help.lines().all(|line| line.chars().count() <= 100), "{command:?}");
    }
    assert!(mind(directory.path(), &["--version"]).ok().starts_with("git-mind 0."));
}

#[test]
fn json_answers_are_one_document_with_a_schema_number() {
    let repository = TempRepository::fixture("small");
    let out = temp_directory();
    let made = out.path().join("made");
    for args in [
        &["cache-rebuild", "--json"][..],
        &["list", "--json"],
        &["diff", "..", "--json"],
        &["stats", "--json"],
        &["status", "--json"],
        &[
            "fixture",
            "make",
            "--edges",
            "3",
            "--seed",
            "1",
            "--json",
            made.to_str().expect("UTF-8"),
        ],
    ] {
        assert_eq!(repository.mind(args).json()["schema"], 1, "{args:?}");
    }
}

#[test]
fn a_rebuild_document_has_every_key() {
    let repository = TempRepository::fixture("small");
    let expected = [
        "branch",
        "bytes_written",
        "cache_commit",
        "commits",
        "commits_skipped",
        "duration_ms",
        "edge_order",
        "edges",
        "edges_truncated",
        "full_because",
        "journal_tip",
        "mode",
        "objects_written",
        "paths",
        "root_tree",
        "schema",
        "shards_tree",
        "spilled_bytes",
    ];
    for mode in ["full", "current"] {
        let document = repository.mind(&["cache-rebuild", "--json"]).json();
        let mut keys: Vec<_> = document.as_object().expect("an object").keys().collect();
        keys.sort_unstable();
        assert_eq!(keys, expected);
        assert_eq!(document["mode"], mode);
    }
}

#[test]
fn colours_are_for_terminals_or_when_forced_and_never_against_no_color() {
    let directory = temp_directory();
    let run = |variables: &[(&str, &str)]| {
        let mut command = mind_command(directory.path(), &["list"]);
        command.env("GIT_CEILING_DIRECTORIES", directory.path()).envs(variables.iter().copied());
        let output = command.output().expect("the program was built");
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).expect("UTF-8")
    };
    assert!(!run(&[]).contains('\x1b'), "a pipe gets no colours");
    assert!(run(&[("CLICOLOR_FORCE", "1")]).contains('\x1b'));
    assert!(!run(&[("NO_COLOR", "1")]).contains('\x1b'));
}

#[test]
fn a_full_disk_on_stdout_is_a_failure() {
    let repository = TempRepository::fixture("small");
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("Linux has it");
    let output = mind_command(repository.path(), &["list", "--json"]).stdout(full).output();
    let output = output.expect("the program was built");
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(stderr.starts_with("git-mind: error: "), "{stderr}");
}

#[test]
fn options_of_the_c_tool_work_anywhere_on_the_line() {
    let repository = TempRepository::fixture("small");
    let run = |args: &[&str]| repository.mind(args);
    let json = run(&["list", "--json"]).ok();
    assert_eq!(run(&["--json", "list"]).ok(), json);
    assert_eq!(run(&["-C", ".", "--json", "list"]).ok(), json);
    let lines = run(&["list", "--limit", "2", "--porcelain"]).ok();
    let first = "source=Makefile\ntarget=docs/spec.md\ntype=2\nconfidence=1.000\nulid=01";
    assert!(lines.starts_with(first), "{lines}");
    assert!(lines.ends_with("\nstatus=success\ncount=2\n"), "{lines}");
    assert_eq!(lines.lines().count(), 12);
    assert_eq!(run(&["--porcelain", "list", "--limit", "2"]).ok(), lines);
    let rebuilt = run(&["--porcelain", "cache-rebuild"]).ok();
    assert!(rebuilt.starts_with("status=success\nbranch=main\nedges=50\ncache_size_kb="));
    assert!(rebuilt.contains("\nbuild_time_seconds=0."), "{rebuilt}");
    let current = run(&["cache-rebuild", "--porcelain"]).ok();
    assert_eq!(current, "status=up-to-date\nbranch=main\n");

    let plain = run(&["list"]).ok();
    for (option, says) in [
        ("--show-augments", "note: augments edges are always shown"),
        ("--show-attribution", "note: authors are always shown"),
        ("--verbose", "[INFO] journal: event=journal_read_start"),
    ] {
        let ran = run(&["list", option]);
        assert!(ran.stderr.contains(says), "{option}: {}", ran.stderr);
        assert_eq!(ran.ok(), plain);
    }
    for (args, says) in [
        (&["--porcelain", "stats"][..], "--porcelain works with link, list and cache-rebuild"),
        (&["--json", "man"], "--json works with commands that have a document"),
    ] {
        assert!(run(args).error(2).contains(says), "{args:?}");
    }
}
