//! `list`: its edges, their order, filters, and its outputs as text and JSON.

use gitmind_test_support::{
    TempRepository, encoded_message, git, message, mind, mind_command, mind_with, temp_directory,
};
use serde_json::Value;

fn edges(repository: &TempRepository, args: &[&str]) -> Vec<Value> {
    let list = repository.mind(&[&["list", "--json"], args].concat()).json();
    assert_eq!(list["schema"], 1);
    let edges = list["edges"].as_array().expect("edges").clone();
    assert_eq!(list["edges_shown"], edges.len());
    edges
}

#[test]
fn edges_come_newest_first_with_every_field() {
    let repository = TempRepository::fixture("small");
    let text = std::fs::read_to_string(
        gitmind_test_support::fixtures_directory().join("small.expected.json"),
    );
    let expected: Value = serde_json::from_str(&text.expect("a fixture")).expect("JSON");
    let expected = expected["branches"]["main"]["edges"].as_array().expect("edges");
    let edges = edges(&repository, &["--all"]);
    assert_eq!(edges.len(), expected.len());
    // The C tool lists the newest commit first, and the edges of a commit oldest first.
    let newest_first = expected.chunk_by(|a, b| a["commit"] == b["commit"]);
    let newest_first = newest_first.flat_map(|commit| commit.iter().rev());
    for (edge, expected) in edges.iter().zip(newest_first) {
        for (ours, theirs) in [
            ("commit", "commit"),
            ("source_oid", "effective_src"),
            ("target_oid", "effective_tgt"),
            ("legacy_source_oid", "src_sha"),
            ("source_path", "src_path"),
            ("target_path", "tgt_path"),
            ("type_number", "rel_type"),
            ("confidence_stored", "confidence_raw"),
            ("timestamp_ms", "timestamp"),
            ("ulid", "ulid"),
        ] {
            assert_eq!(edge[ours], expected[theirs], "{ours} of {expected}");
        }
        if expected["form"] == "attributed" {
            assert_eq!(edge["attribution"]["author"], expected["author"]);
            assert_eq!(edge["attribution"]["session"], expected["session_id"]);
            assert_eq!(edge["attribution"]["source_number"], expected["source_type"]);
        }
    }
}

type Model = Box<dyn Fn(&Value) -> bool>;

/// Filters of the fixture `medium`, each with the same as a function of an edge as JSON.
fn filters() -> Vec<(&'static [&'static str], Model)> {
    fn text<'e>(edge: &'e Value, field: &str) -> &'e str {
        edge[field].as_str().unwrap_or_default()
    }
    fn ends(edge: &Value) -> [&str; 2] {
        ["source_path", "target_path"].map(|field| text(edge, field))
    }
    let source = |edge: &Value| edge["attribution"]["source_number"].as_u64().unwrap_or(0);
    let time = |edge: &Value| edge["timestamp_ms"].as_u64().unwrap_or(0);
    let below = |path: &str| path.starts_with("src/mod_07/");
    let is_pattern = |path: &str| path.starts_with("src/") && path.ends_with("5.rs");
    const FILE: &str = "src/mod_19/file_000795.rs";
    vec![
        (&[FILE], Box::new(|edge| ends(edge).contains(&FILE))),
        (&["--path", "src/mod_07"], Box::new(move |edge| ends(edge).into_iter().any(below))),
        (&["--from", "src/mod_07/"], Box::new(move |edge| below(ends(edge)[0]))),
        (&["--to", FILE], Box::new(|edge| ends(edge)[1] == FILE)),
        (&["--to", "src/**/*5.rs"], Box::new(move |edge| is_pattern(ends(edge)[1]))),
        (&["src/*5.rs"], Box::new(move |edge| ends(edge).into_iter().any(is_pattern))),
        (&["--type", "depends-on"], Box::new(|edge| edge["type_number"] == 3)),
        (&["--type", "custom"], Box::new(|edge| edge["type"] == "custom")),
        (&["--source", "ai"], Box::new(move |edge| source(edge) != 0)),
        (&["--source", "claude"], Box::new(move |edge| source(edge) == 1)),
        (&["--source", "human"], Box::new(move |edge| source(edge) == 0)),
        (
            &["--author", "AGENT-1"],
            Box::new(|edge| text(&edge["attribution"], "author").contains("agent-1")),
        ),
        (&["--since", "@1700003829"], Box::new(move |edge| time(edge) >= 1_700_003_829_000)),
        (&["--until", "2023-11-14 23:17:09"], Box::new(move |edge| time(edge) < 1_700_003_830_000)),
        (
            &["--min-confidence", "0.9"],
            Box::new(|edge| edge["confidence_stored"].as_u64() >= Some(13_824)),
        ),
    ]
}

#[test]
fn filters_agree_with_a_filter_over_everything() {
    let repository = TempRepository::fixture("medium");
    let all = edges(&repository, &["--all"]);
    let filters = filters();
    let agree = |args: &[&str], model: &dyn Fn(&Value) -> bool| {
        let expected: Vec<_> = all.iter().filter(|edge| model(edge)).cloned().collect();
        assert!(edges(&repository, &[args, &["--all"]].concat()) == expected, "{args:?}");
        expected.len()
    };
    for (args, model) in &filters {
        let found = agree(args, model);
        assert!(found > 0 && found < all.len(), "{args:?} says something");
    }
    let mut found = 0;
    for (number, (args, model)) in filters.iter().enumerate() {
        for (more, other) in filters[number + 1..].iter().step_by(3) {
            // There is one positional argument, and no option twice.
            if args[0] != more[0] && args.len() + more.len() > 2 {
                let both = |edge: &Value| model(edge) && other(edge);
                found += agree(&[*args, *more].concat(), &both);
            }
        }
    }
    assert!(found > 1000, "{found} edges pass two filters");
}

#[test]
fn an_author_is_found_by_the_name_and_the_address_of_the_commit_too() {
    let repository = TempRepository::fixture("medium");
    for (text, expected) in [("oracle TESTER", 10_000), ("@example.com>", 10_000), ("no one", 0)] {
        assert_eq!(edges(&repository, &["--author", text]).len(), expected, "{text}");
    }
}

#[test]
fn a_date_that_is_none_is_a_usage_error() {
    let repository = TempRepository::fixture("small");
    for option in ["--since", "--until"] {
        let error = repository.mind(&["list", option, "soon"]).error(2);
        assert!(
            error.contains("`soon` is not a date\nhint: dates are as in 2026-11-30"),
            "{error}"
        );
    }
    let days = ["2026-11-21", "2026-11-22", "2026-11-23"].map(|day| {
        [["--since", day], ["--until", day]].map(|range| edges(&repository, &range).len())
    });
    let all = edges(&repository, &[]).len();
    assert_eq!(days, [[all, 0], [all, all], [0, all]], "a day has all its hours");
    assert_eq!(edges(&repository, &["--until", "20 years ago"]).len(), 0);
}

#[test]
fn what_is_taken_back_and_tombstones_are_hidden_unless_all_is_asked_for() {
    let random = |number: u64, below: u64| ((number * 0x9E37_79B9) >> 16) % below;
    let lines: String = (1..=300)
        .map(|number| {
            let end = |salt| format!("{:040x}", 1 + random(number + salt, 3));
            let flags = if random(number + 9, 3) == 0 { 5 } else { 1 };
            format!(
                "{{\"source_oid\": \"{}\", \"target_oid\": \"{}\", \"type_number\": {}, \
                 \"attribution\": {{\"flags\": {flags}}}}}\n",
                end(2),
                end(5),
                1 + random(number + 7, 2)
            )
        })
        .collect();
    let repository = TempRepository::empty();
    let file = repository.path().join("lines");
    std::fs::write(&file, lines).expect("writable");
    repository.mind(&["import", "lines"]).ok();
    let all = edges(&repository, &["--all"]);
    let key = |edge: &Value| {
        ["source_oid", "target_oid", "type_number"].map(|field| edge[field].to_string())
    };
    let mut counts = [0; 3];
    for (at, edge) in all.iter().enumerate() {
        let takes_back = |later: &Value| later["attribution"]["flags"] == 5;
        let (number, standing) = match edge {
            edge if takes_back(edge) => (0, "tombstone"),
            _ if all[..at].iter().any(|later| takes_back(later) && key(later) == key(edge)) => {
                (1, "taken_back")
            }
            _ => (2, "live"),
        };
        assert_eq!(edge["standing"], standing, "{edge}");
        counts[number] += 1;
    }
    assert!(counts.iter().all(|count| *count > 9), "{counts:?}");
    let live: Vec<_> = all.into_iter().filter(|edge| edge["standing"] == "live").collect();
    assert!(edges(&repository, &[]) == live);
}

#[test]
fn a_limit_cuts_the_list_short() {
    let repository = TempRepository::fixture("small");
    let all = edges(&repository, &[]);
    for limit in [0, 1, 7, 50, 1000] {
        let cut = edges(&repository, &["--limit", &limit.to_string()]);
        assert_eq!(cut, all[..limit.min(all.len())]);
    }
}

#[test]
fn text_output_has_a_line_per_edge_and_a_count() {
    let repository = TempRepository::fixture("small");
    let list = repository.mind(&["list", "--limit", "3"]).ok();
    let lines: Vec<_> = list.lines().collect();
    let expected = [
        "2026-11-22 09:39  oracle@example.com    Makefile ──references──> docs/spec.md",
        "2026-11-22 09:39  oracle@example.com    README.md ──custom──> docs/spec.md",
        "2026-11-22 09:39  oracle@example.com    tests/t1.c ──custom──> 測試/文件.md",
        "3 edges",
    ];
    assert_eq!(lines, expected);
    let none = repository.mind(&["list", "--from", "no/such/path"]).ok();
    assert_eq!(none, "No edges that match on `main`\n");
    assert_eq!(repository.mind(&["list", "--limit", "0"]).ok(), "0 edges\n");
}

#[test]
fn control_characters_are_escaped_and_bytes_are_not_lost() {
    let repository = TempRepository::empty();
    let mut payload = vec![0xa2, 5, 0x66];
    payload.extend_from_slice(b"a\x1b[2J\n");
    payload.extend_from_slice(&[6, 0x63, 0xff, 0xfe, b'x']);
    let message = encoded_message(&payload);
    let tip = repository.commit(&[], &message);
    repository.git(&["update-ref", "refs/gitmind/edges/main", &tip]);
    let list = repository.mind(&["list"]).ok();
    let line = "1970-01-01 00:00  a@b                   a\\x1b[2J\\x0a ──custom──> \\xff\\xfex\n";
    assert!(list.starts_with(line), "{list:?}");
    let edges = edges(&repository, &[]);
    assert_eq!(edges[0]["source_path"], "a\u{1b}[2J\n");
    assert_eq!(edges[0]["target_path"]["hex"], "fffe78");
}

#[test]
fn malformed_commits_are_reported_and_do_not_end_the_list() {
    let repository = TempRepository::empty();
    let oldest = repository.commit(&[], &message(&[(1, 2)]));
    let middle = repository.commit(&[&oldest], b"*");
    let tip = repository.commit(&[&middle], &message(&[(3, 4)]));
    repository.git(&["update-ref", "refs/gitmind/edges/main", &tip]);
    let ran = repository.mind(&["list"]);
    assert!(ran.stderr.contains(&middle) && ran.stderr.contains("1 skipped"), "{}", ran.stderr);
    assert!(ran.ok().ends_with("2 edges\n"));
}

#[test]
fn a_journal_of_june_2025_is_read_as_far_as_it_was_stored() {
    let ids = [[&[0x54][..], &[0xaa; 20]].concat(), [&[0x54][..], &[0xbb; 20]].concat()].concat();
    // Type 1, confidence 100 of 100, a time in seconds, both paths.
    let old = |source: &str| {
        let rest = [b"\x01\x18\x64\x1a\x68\x4e\xb5\xc1\x65", source.as_bytes(), b"\x65b.txt"];
        [&[0x87][..], &ids, &rest.concat()].concat()
    };
    let repository = TempRepository::empty();
    let whole = repository.commit(&[], &[old("a.txt"), old("c.txt")].concat());
    // The C tool cut an array of 13 at its first zero.
    let cut = repository.commit(&[&whole], &[&[0x8d][..], &ids, &[2]].concat());
    let tip = repository.commit(&[&cut], &message(&[(3, 4)]));
    repository.git(&["update-ref", "refs/gitmind/edges/main", &tip]);
    let ran = repository.mind(&["list", "--until", "2025-06-15"]);
    let expected = format!(
        "git-mind: warning: journal commit {cut} is in the old format of June 2025: 0 of its edges \
         can be read, the rest was lost when it was written\n\
         git-mind: warning: journal commits in the old format of June 2025: 1\n"
    );
    assert_eq!(ran.stderr, expected);
    let lines = "2025-06-15 12:00  a@b                   c.txt ──implements──> b.txt\n\
                 2025-06-15 12:00  a@b                   a.txt ──implements──> b.txt\n\
                 3 edges that match\n";
    assert!(ran.ok().ends_with(lines));
    let document = repository.mind(&["list", "--json"]).json();
    assert_eq!(
        (&document["edges_shown"], &document["commits_of_old_format"]),
        (&3.into(), &1.into())
    );
    repository.mind(&["cache-rebuild"]).ok();
    let object = "aa".repeat(20);
    let query = repository.mind(&["query", "--from", &object, "--json"]).json();
    assert_eq!((&query["from_cache"], &query["edges_shown"]), (&true.into(), &2.into()));
    let error = repository.mind(&["cache-rebuild", "--force", "--strict"]).error(1);
    assert!(error.contains("is in the old format of June 2025"), "{error}");
}

#[test]
fn a_closed_stdout_is_not_a_failure() {
    let repository = TempRepository::fixture("medium");
    for args in [&["list"][..], &["list", "--json"]] {
        let mut child = mind_command(repository.path(), args)
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .expect("the program was built");
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), Some(0), "{args:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{args:?}");
    }
}

#[test]
fn a_document_needs_no_more_of_the_budget_than_the_lines() {
    let repository = TempRepository::fixture("medium");
    let is_enough = |bytes: u32, format: &[&str]| {
        let variables = [("GM_ARENA_CAP_ATTR_QUERY", &*bytes.to_string())];
        let args = [&["list", "--type", "references"], format].concat();
        mind_with(repository.path(), &args, &variables).code == 0
    };
    let (mut too_few, mut enough) = (0, 16 << 20);
    while enough - too_few > 4096 {
        let middle = u32::midpoint(too_few, enough);
        *if is_enough(middle, &[]) { &mut enough } else { &mut too_few } = middle;
    }
    assert!(too_few > 0);
    // What one text more or less, or another order of threads, takes is far below the texts.
    assert!(is_enough(enough + 4096, &["--json"]), "{enough} bytes are not enough");
}

#[test]
fn paths_are_relative_to_the_current_directory() {
    let (repository, checkout) = (TempRepository::fixture("small"), temp_directory());
    let edges = repository.mind(&["list", "--json"]).json();
    let path =
        edges["edges"].as_array().expect("a list").iter().find_map(|edge| {
            edge["source_path"].as_str().filter(|path| path.split('/').count() == 2)
        });
    let (directory, name) =
        path.expect("a path in a directory").split_once('/').expect("it has one");
    let work = checkout.path();
    git(work, &["init", "-q", "-b", "main"]);
    let from = repository.path().to_str().expect("UTF-8");
    git(work, &["fetch", "-q", from, "refs/gitmind/*:refs/gitmind/*"]);
    let inside = work.join(directory);
    std::fs::create_dir(&inside).expect("a new directory");
    let count = |directory: &std::path::Path, path: &str| {
        let args = ["list", "--branch", "main", "--json", "--from", path];
        mind(directory, &args).json()["edges"].as_array().expect("a list").len()
    };
    let expected = count(work, &format!("{directory}/{name}"));
    assert!(expected > 0);
    for (typed_in, path) in [
        (inside.as_path(), name.to_owned()),
        (&inside, format!("./{name}")),
        (&inside, format!("../{directory}/{name}")),
        (&inside, format!("{directory}/{name}")),
        (work, format!("./{directory}//{name}")),
    ] {
        assert_eq!(count(typed_in, &path), expected, "{path} in {}", typed_in.display());
    }
    assert_eq!(count(work, name), 0);
    let of_directory = count(work, directory);
    assert!(of_directory >= expected);
    for (typed_in, path) in [
        (inside.as_path(), ".".to_owned()),
        (&inside, "./".to_owned()),
        (&inside, format!("../{directory}/")),
        (work, format!("{directory}/*")),
        (&inside, "*".to_owned()),
        (&inside, format!("../{}?/*", &directory[..directory.len() - 1])),
    ] {
        assert_eq!(count(typed_in, &path), of_directory, "{path} in {}", typed_in.display());
    }
    let list = mind(work, &["list", "--branch", "main", "--json"]).json();
    assert_eq!(count(work, "."), list["edges"].as_array().expect("a list").len());
}

#[test]
fn a_path_that_exists_is_no_pattern() {
    let checkout = temp_directory();
    let work = checkout.path();
    git(work, &["init", "-q", "-b", "main"]);
    std::fs::create_dir_all(work.join("[ab]/deep")).expect("writable");
    for file in ["[ab].c", "a.c", "b.c", "[ab]/x.c", "[ab]/deep/y.c"] {
        std::fs::write(work.join(file), file).expect("writable");
    }
    git(work, &["add", "."]);
    git(work, &["-c", "commit.gpgsign=false", "commit", "-q", "-m", "files"]);
    for file in ["[ab].c", "a.c", "b.c", "[ab]/x.c", "[ab]/deep/y.c"] {
        mind(work, &["link", file, file]).ok();
    }
    let found = |directory: &std::path::Path, path: &str| {
        let list = mind(directory, &["list", path, "--json"]).json();
        let edges = list["edges"].as_array().expect("edges").iter().rev();
        let paths = edges.map(|edge| edge["source_path"].as_str().expect("text").to_owned());
        paths.collect::<Vec<_>>()
    };
    assert_eq!(found(work, "[ab].c"), ["[ab].c"]);
    assert_eq!(found(work, "[abc].c"), ["a.c", "b.c"]);
    assert_eq!(found(work, "[ab]"), ["[ab]/x.c", "[ab]/deep/y.c"]);
    assert_eq!(found(&work.join("[ab]"), "*.c"), ["[ab]/x.c", "[ab]/deep/y.c"]);
    assert_eq!(found(&work.join("[ab]/deep"), "../?.c"), ["[ab]/x.c"]);
}

#[test]
fn list_shows_merged_edges_newest_first() {
    let repository = TempRepository::empty();
    let root = repository.commit(&[], &message(&[(1, 9)]));
    let ours = repository.commit(&[&root], &message(&[(2, 9)]));
    let theirs = repository.commit(&[&root], &message(&[(3, 9)]));
    let merge = repository.commit(&[&ours, &theirs], b"");
    repository.git(&["update-ref", "refs/gitmind/edges/main", &merge]);
    let list = repository.mind(&["list", "--json"]).json();
    let sources = list["edges"].as_array().expect("edges").iter();
    let sources: Vec<_> = sources.map(|edge| edge["source_oid"].clone()).collect();
    assert_eq!(sources, [3, 2, 1].map(|byte: u8| format!("{byte:02x}").repeat(20)));
}

/// Regression: the time of a commit was a text of its own for each edge.
#[test]
fn a_list_takes_no_more_small_blocks_for_more_edges() {
    let repository = TempRepository::fixture("medium");
    for output in [&["list"][..], &["list", "--json"]] {
        let small_blocks = |limit: &str| -> u64 {
            let args = [output, &["--limit", limit]].concat();
            let ran = mind_with(repository.path(), &args, &[("GM_ALLOC_TRACE", "1")]);
            assert_eq!(ran.code, 0, "{ran:?}");
            let (before, _) = ran.stderr.split_once(" of up to 256 bytes").expect("counts");
            let digits = before.rsplit('(').next().expect("a number").replace(',', "");
            digits.parse().expect("a number")
        };
        let (few, many) = (small_blocks("1000"), small_blocks("3000"));
        assert!(many < few + 20, "{output:?}: {few} blocks, then {many}");
    }
}
