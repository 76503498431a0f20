//! `query` on the command line: its outputs, names of objects, messages on stderr.

use gitmind_test_support::{TempRepository, git, message, mind, mind_with, temp_directory};
use serde_json::Value;
use std::collections::BTreeSet;

const CACHE: &str = "refs/gitmind/cache/main";

/// The edges of an answer, and the answer.
fn edges(repository: &TempRepository, args: &[&str]) -> (Vec<Value>, Value) {
    let document = repository.mind(&[&["query", "--json"], args].concat()).json();
    let edges = document["edges"].as_array().expect("edges").clone();
    assert_eq!((&document["schema"], &document["edges_shown"]), (&1.into(), &edges.len().into()));
    (edges, document)
}

/// The fixture `small` with a cache of this program.
fn small() -> TempRepository {
    let repository = TempRepository::fixture("small");
    repository.mind(&["cache-rebuild"]).ok();
    repository
}

/// The edges of all contents of a file at one end, by a naive model of `listed`, without those that
/// connect two of the contents.
fn of_file(listed: &[Value], key: &str, oid: &str, path: &str) -> Vec<Value> {
    let text = |edge: &Value, key: &str| edge[key].as_str().expect("text").to_owned();
    let mut contents = BTreeSet::from([oid.to_owned()]);
    for _ in listed {
        for edge in listed.iter().filter(|edge| edge["type"] == "augments") {
            if text(edge, "target_path") == path {
                contents.insert(text(edge, "target_oid"));
            }
            if contents.contains(&text(edge, "target_oid")) {
                contents.insert(text(edge, "source_oid"));
            }
        }
    }
    let is_in = |edge: &Value, key: &str| contents.contains(&text(edge, key));
    let path_key = key.replace("_oid", "_path");
    let wanted = listed.iter().filter(|edge| {
        let connects = is_in(edge, "source_oid") && is_in(edge, "target_oid");
        (is_in(edge, key) || text(edge, &path_key) == path) && !connects
    });
    wanted.cloned().collect()
}

/// The edges of an answer without what only a query knows.
fn without_answer(edges: &[Value]) -> Vec<Value> {
    let mut edges = edges.to_vec();
    for edge in &mut edges {
        for of_answer in ["id", "content", "edits_ago", "end"] {
            edge.as_object_mut().expect("an object").remove(of_answer);
        }
    }
    edges
}

#[test]
fn edges_are_those_of_the_list_with_their_ids() {
    let repository = small();
    let list = repository.mind(&["list", "--all", "--json"]).json();
    let mut listed = list["edges"].as_array().expect("edges").clone();
    listed.reverse();
    for (side, key) in [("--from", "source_oid"), ("--to", "target_oid")] {
        let mut seen = 0;
        for path in ["Makefile", "LICENSE", "docs/spec.md", "src/main.rs", "docs"] {
            let oid = repository.git(&["rev-parse", &format!("HEAD:{path}")]);
            let mut expected: Vec<_> = listed.iter().filter(|edge| edge[key] == *oid).collect();
            let (answered, document) = edges(&repository, &[side, path, "--exact"]);
            assert_eq!(
                (&document["from_cache"], &document["cache"]),
                (&true.into(), &"current".into())
            );
            assert_eq!(document["edge_order"], "oldest-first");
            assert!(answered.is_sorted_by_key(|edge| edge["id"].as_u64()));
            for edge in without_answer(&answered) {
                let at = expected.iter().position(|listed| **listed == edge);
                expected.remove(at.unwrap_or_else(|| panic!("the list has no {edge}")));
            }
            assert_eq!(expected, [&Value::Null; 0], "{side} {path}");
            assert_eq!(edges(&repository, &[side, &oid]).0, answered, "an id says the same");
            assert_eq!(edges(&repository, &[side, &oid.to_uppercase()]).0, answered);
            let file = without_answer(&edges(&repository, &[side, path]).0);
            assert_eq!(file, of_file(&listed, key, &oid, path), "any content");
            seen += answered.len();
        }
        assert!(seen > 7, "{side}: {seen}");
    }
}

#[test]
fn text_output_has_a_line_per_edge_with_its_id_and_a_count() {
    let repository = small();
    let answer = repository.mind(&["query", "--from", "Makefile"]).ok();
    let lines: Vec<_> = answer.lines().collect();
    let line =
        "      11  2026-11-22 09:39  user@local            Makefile ──implements──> src/main.rs";
    assert_eq!(lines[0], format!("{line}  [0.25]"));
    let line =
        "      49  2026-11-22 09:39  oracle@example.com    Makefile ──references──> docs/spec.md";
    assert_eq!(lines[6..], [line, "7 edges from it"]);
    let none = repository.mind(&["query", "--to", "Makefile", "--type", "augments"]).ok();
    assert_eq!(none, "No edges that match on `main`\n");
    let none = "ee".repeat(20);
    assert_eq!(repository.mind(&["query", "--to", &none]).ok(), "No edges to it on `main`\n");
}

#[test]
fn types_and_limits_do_not_change_ids() {
    let repository = small();
    let (all, _) = edges(&repository, &["--from", "Makefile"]);
    for (name, number) in [("references", 2), ("implements", 1), ("2", 2)] {
        let expected: Vec<_> =
            all.iter().filter(|edge| edge["type_number"] == number).cloned().collect();
        assert!(!expected.is_empty() && expected.len() < all.len());
        let args = ["--from", "Makefile", "--type", name];
        assert_eq!(edges(&repository, &args).0, expected);
        let first = edges(&repository, &[&args[..], &["--limit", "1"]].concat()).0;
        assert_eq!(first, expected[..1]);
    }
    for limit in 0..=8 {
        let cut = edges(&repository, &["--from", "Makefile", "--limit", &limit.to_string()]).0;
        assert_eq!(cut, all[..limit.min(all.len())]);
    }
}

#[test]
fn an_unusable_cache_is_a_warning_and_the_answer_is_the_same() {
    let repository = small();
    let (right, _) = edges(&repository, &["--from", "Makefile"]);
    let tree = repository.git(&["rev-parse", &format!("{CACHE}^{{tree}}")]);
    let oid = repository.git(&["rev-parse", "HEAD:Makefile"]);
    let list = repository.git(&["rev-parse", &format!("{tree}:{}/{oid}.forward", &oid[..2])]);
    let chunk = repository.git(&["rev-parse", &format!("{tree}:commits/00000000")]);
    let (theirs, _) = (TempRepository::fixture("small"), ());
    let foreign = theirs.git(&["rev-parse", CACHE]);
    let check = |cache: &str, words: &str, hint: &str| {
        let ran = repository.mind(&["query", "--json", "--from", "Makefile"]);
        let stderr = ran.stderr.clone();
        assert!(stderr.starts_with("git-mind: warning: ") && stderr.lines().count() == 2);
        assert!(stderr.contains(words) && stderr.contains(hint), "{cache}: {stderr}");
        assert!(stderr.contains("so the whole journal was read\nhint: "), "{stderr}");
        let document = ran.json();
        assert_eq!((&document["cache"], &document["from_cache"]), (&cache.into(), &false.into()));
        assert_eq!(document["edges"], Value::Array(right.clone()), "{cache}");
    };
    // Loose objects, so that each can be damaged alone.
    let packs: Vec<_> = std::fs::read_dir(repository.path().join("objects/pack"))
        .expect("ok")
        .map(|file| file.expect("readable").path())
        .filter(|file| file.extension().is_some_and(|kind| kind == "pack"))
        .collect();
    for pack in packs {
        let moved = repository.path().join("moved.pack");
        std::fs::rename(&pack, &moved).expect("writable");
        for extension in ["idx", "rev"] {
            let _ = std::fs::remove_file(pack.with_extension(extension));
        }
        let fed = std::fs::File::open(&moved).expect("just moved");
        let unpacked = std::process::Command::new("git")
            .current_dir(repository.path())
            .args(["unpack-objects", "-q"])
            .stdin(fed)
            .status()
            .expect("git runs");
        assert!(unpacked.success());
        std::fs::remove_file(moved).expect("writable");
    }
    for id in [&list, &chunk, &tree] {
        let file = repository.path().join(format!("objects/{}/{}", &id[..2], &id[2..]));
        let sound = std::fs::read(&file).expect("a loose object");
        std::fs::remove_file(&file).expect("writable");
        check("damaged", &format!("the cache is damaged: object {id} is missing"), "--force");
        let mut flipped = sound.clone();
        flipped[sound.len() / 2] ^= 4;
        std::fs::write(&file, flipped).expect("writable");
        check("damaged", &format!("the cache is damaged: object {id} is corrupt"), "--force");
        std::fs::remove_file(&file).expect("writable");
        std::fs::write(&file, sound).expect("writable");
    }
    assert_eq!(edges(&repository, &["--from", "Makefile"]).1["cache"], "current");
    repository.git(&["update-ref", CACHE, &foreign]);
    check("other-tool", "was written by another tool", "`git mind cache-rebuild` makes");
    repository.git(&["update-ref", "-d", CACHE]);
    check("missing", "there is no cache", "`git mind cache-rebuild` makes");
    repository.mind(&["cache-rebuild"]).ok();
    repository.assert_sound();
}

#[test]
fn a_cache_of_an_earlier_state_answers_with_the_commits_that_are_newer() {
    let repository = small();
    let tip = repository.git(&["rev-parse", "refs/gitmind/edges/main"]);
    let newer = repository.commit(&[&tip], &message(&[(1, 2)]));
    repository.git(&["update-ref", "refs/gitmind/edges/main", &newer]);
    let (_, document) = edges(&repository, &["--from", "Makefile"]);
    assert_eq!((&document["cache"], &document["from_cache"]), (&"behind".into(), &true.into()));
    assert_eq!(document["commits_newer_than_cache"], 1);
    // A journal that does not contain what the cache was built from.
    let root = repository.git(&["rev-list", "--max-parents=0", &tip]);
    repository.git(&["update-ref", "refs/gitmind/edges/main", &root]);
    let stale = repository.mind(&["query", "--from", "Makefile", "--json"]);
    assert!(stale.stderr.contains(&format!("from journal commit {tip}, not {root}")), "{stale:?}");
    assert_eq!(stale.json()["cache"], "stale");
    repository.git(&["update-ref", "refs/gitmind/edges/main", &newer]);
    repository.mind(&["cache-rebuild"]).ok();
    repository.assert_sound();
}

#[test]
fn an_object_may_be_an_abbreviated_id_or_a_path_of_another_commit_and_either_end() {
    let repository = small();
    let oid = repository.git(&["rev-parse", "HEAD:docs/spec.md"]);
    let (right, _) = edges(&repository, &["--to", &oid]);
    assert!(right.len() > 3);
    for word in [&oid[..7], &oid[..39], "HEAD:docs/spec.md", "main^{commit}:docs/spec.md"] {
        assert_eq!(edges(&repository, &["--to", word]).0, right, "{word}");
    }
    let missing = repository.mind(&["query", "HEAD:no/such"]).error(1);
    assert!(missing.contains("`HEAD:no/such` is not a path of that commit"), "{missing}");
    let missing = repository.mind(&["query", "nowhere:docs/spec.md"]).error(1);
    assert!(missing.contains("path `nowhere:docs/spec.md` is not in HEAD's commit"), "{missing}");
    let of = |side: &[&str]| edges(&repository, &[side, &["--all"]].concat()).0;
    let (from, to) = (of(&["--from", &oid]), of(&["--to", &oid]));
    let ids = |edges: &[Value]| -> BTreeSet<u64> {
        edges.iter().map(|edge| edge["id"].as_u64().expect("an id")).collect()
    };
    let either = ids(&of(&[&oid]));
    assert_eq!(either, ids(&from).union(&ids(&to)).copied().collect());
}

#[test]
fn malformed_commits_are_counted_with_and_without_a_cache() {
    let repository = TempRepository::empty();
    let oldest = repository.commit(&[], &message(&[(1, 2)]));
    let middle = repository.commit(&[&oldest], b"*");
    let tip = repository.commit(&[&middle], &message(&[(1, 4)]));
    repository.git(&["update-ref", "refs/gitmind/edges/main", &tip]);
    let from = "01".repeat(20);
    let scanned = repository.mind(&["query", "--from", &from]);
    assert!(
        scanned.stderr.contains(&middle) && scanned.stderr.contains("1 skipped"),
        "{scanned:?}"
    );
    repository.mind(&["cache-rebuild"]).ok();
    let cached = repository.mind(&["query", "--from", &from]);
    let warning = "git-mind: warning: malformed journal commits: 1 skipped, 0 cut short\n";
    assert_eq!((cached.stderr.as_str(), &cached.stdout), (warning, &scanned.stdout));
}

#[test]
fn newest_first_ids_are_named_and_are_those_of_the_cache() {
    let repository = TempRepository::fixture("small");
    repository.mind(&["cache-rebuild", "--edge-order", "newest-first"]).ok();
    let (answered, document) = edges(&repository, &["--from", "Makefile"]);
    assert_eq!((&document["edge_order"], &answered[0]["id"]), (&"newest-first".into(), &0.into()));
}

#[test]
fn an_object_is_a_path_of_the_current_directory_or_an_id() {
    let (origin, checkout) = (small(), temp_directory());
    let work = checkout.path();
    git(work, &["clone", "-q", origin.path().to_str().expect("UTF-8"), "."]);
    git(work, &["fetch", "-q", "origin", "refs/gitmind/*:refs/gitmind/*"]);
    let digits = "0123456789abcdef0123456789abcdef01234567";
    git(work, &["mv", "Makefile", digits]);
    git(work, &["commit", "-q", "-m", "a file that looks like an id"]);
    let count = |directory: &std::path::Path, word: &str| {
        let document = mind(directory, &["query", "--json", "--from", word]).json();
        document["edges"].as_array().expect("edges").len()
    };
    assert_eq!(count(work, &format!("./{digits}")), 7);
    assert_eq!(count(work, digits), 0, "forty digits are an id");
    let inside = work.join("src");
    assert_eq!(count(&inside, &format!("../{digits}")), 7);
    let expected = count(work, "src/main.rs");
    assert_eq!(count(&inside, "main.rs"), expected);
    for (word, words) in [
        ("nowhere", "path `nowhere` is not in HEAD's commit, and no edge has this path\nhint: "),
        ("src/main.rs/x", "is not in HEAD's commit"),
        (&digits[..39], "is not in HEAD's commit"),
    ] {
        let error = mind(work, &["query", "--to", word]).error(1);
        assert!(error.contains(words) && error.contains("as REV:PATH"), "{error}");
    }
    let outside = mind(work, &["query", "--to", "../x"]).error(2);
    assert!(outside.contains("leads out of the worktree"), "{outside}");
}

#[test]
fn invalid_queries_have_hints() {
    let repository = small();
    for args in [
        &["query"][..],
        &["query", "--from", "Makefile", "--to", "LICENSE"],
        &["query", "--from", "Makefile", "--type", "65536"],
        &["query", "Makefile", "--from", "LICENSE"],
    ] {
        let ran = repository.mind(args);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{args:?}");
        assert!(ran.stderr.contains("Usage") || ran.stderr.contains("--help"), "{ran:?}");
    }
    let args = ["query", "--from", "Makefile", "--branch", "nowhere"];
    let error = repository.mind(&args).error(1);
    assert!(error.contains("branch `nowhere` has no journal"), "{error}");
    assert!(error.contains("hint: name one with --branch NAME; there are"), "{error}");
    let empty = TempRepository::empty();
    let error = empty.mind(&["query", "--from", "x"]).error(1);
    assert!(error.contains("branch `main` has no journal"), "{error}");
    let edge = empty.commit(&[], &message(&[(1, 2)]));
    empty.git(&["update-ref", "refs/gitmind/edges/main", &edge]);
    let error = empty.mind(&["query", "--from", "x"]).error(1);
    assert!(error.contains("HEAD has no commit yet") && error.contains("40 hex"), "{error}");
}

#[test]
fn events_and_metrics_of_a_query_say_whether_the_cache_answered() {
    let repository = small();
    let directory = temp_directory();
    let file = directory.path().join("gitmind.prom");
    let variables =
        [("GITMIND_LOG_LEVEL", "INFO"), ("GITMIND_METRICS_FILE", file.to_str().expect("UTF-8"))];
    for (cache, from_cache) in [("current", "true"), ("missing", "false")] {
        if cache == "missing" {
            repository.git(&["update-ref", "-d", CACHE]);
        }
        let ran = mind_with(repository.path(), &["query", "--from", "Makefile"], &variables);
        let ok = format!(
            "event=query_ok branch=main mode=query from_cache={from_cache} cache={cache} edges=7 "
        );
        assert!(ran.stderr.contains("cache: event=query_start branch=main mode=query"), "{ran:?}");
        assert!(ran.stderr.contains(&ok), "{ran:?}");
        let text = std::fs::read_to_string(&file).expect("it was written");
        openmetrics_parser::openmetrics::parse_openmetrics(&text).expect("OpenMetrics");
        let edges = "gitmind_cache_query_edges_total{branch=\"main\",mode=\"query\"} 7\n";
        assert!(text.contains(edges) && text.contains("alloc_op=\"cache.query\""), "{text}");
        assert!(text.contains("gitmind_cache_query_duration_ms{"), "{text}");
    }
    let args = ["query", "--from", "Makefile", "--type", "references"];
    mind_with(repository.path(), &args, &variables).ok();
    let text = std::fs::read_to_string(&file).expect("it was written");
    assert!(text.contains("alloc_op=\"attr.query\""), "{text}");
}

#[test]
fn a_query_that_fails_is_an_event() {
    let repository = small();
    let variables = [("GITMIND_LOG_LEVEL", "INFO"), ("GM_ARENA_CAP_ATTR_QUERY", "1KiB")];
    let ran = mind_with(repository.path(), &["query", "--from", &"01".repeat(20)], &variables);
    assert_eq!((ran.code, ran.stdout.as_str()), (1, ""), "{ran:?}");
    assert!(!ran.stderr.contains("damaged"), "an allocation failure is no damage: {ran:?}");
}
