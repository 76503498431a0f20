//! `query` by a path: edges that were recorded for other contents of it are found as well.

use gitmind_test_support::{git, mind, temp_directory};
use serde_json::Value;
use std::fs;
use std::path::Path;

/// The target paths of the edges of an answer, and how many are of other contents.
fn answer(directory: &Path, args: &[&str]) -> (Vec<String>, u64) {
    let document = mind(directory, &[&["query", "--json"], args].concat()).json();
    let edges = document["edges"].as_array().expect("edges");
    let path = |edge: &Value| edge["target_path"].as_str().expect("a path").to_owned();
    let others = document["edges_of_other_contents"].as_u64().expect("a number");
    (edges.iter().map(path).collect(), others)
}

fn write(directory: &Path, name: &str, content: &str) {
    fs::write(directory.join(name), content).expect("writable");
}

fn commit_all(directory: &Path) {
    git(directory, &["add", "--all"]);
    git(directory, &["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "change"]);
}

#[test]
fn a_path_keeps_its_edges_after_an_edit_and_a_rename_with_and_without_a_cache() {
    let temp = temp_directory();
    let directory = temp.path();
    git(directory, &["init", "-q", "-b", "main", "."]);
    for name in ["a.c", "b.md", "c.md"] {
        write(directory, name, &format!("first content of {name}\n"));
    }
    commit_all(directory);
    mind(directory, &["link", "a.c", "b.md"]).ok();
    write(directory, "a.c", "second content\n");
    commit_all(directory);
    mind(directory, &["link", "a.c", "c.md"]).ok();
    let both = || (vec!["b.md".to_owned(), "c.md".to_owned()], 1);
    for cache in ["missing", "current", "stale"] {
        match cache {
            "missing" => {}
            "current" => drop(mind(directory, &["cache-rebuild"]).ok()),
            _ => drop(mind(directory, &["link", "c.md", "b.md"]).ok()),
        }
        assert_eq!(answer(directory, &["--from", "a.c"]), both(), "{cache}");
        let exact = answer(directory, &["--from", "a.c", "--exact"]);
        assert_eq!(exact, (vec!["c.md".to_owned()], 0), "{cache}");
        let stderr = mind(directory, &["query", "--from", "a.c"]).stderr;
        let note = "note: 1 edge was recorded for other contents of `a.c` than HEAD's\n";
        assert!(stderr.contains(note), "{cache}: {stderr}");
    }
    // Renamed and edited in one commit: the old name has both, the new one has none.
    git(directory, &["mv", "a.c", "d.c"]);
    write(directory, "d.c", "third content\n");
    commit_all(directory);
    mind(directory, &["cache-rebuild"]).ok();
    let (edges, others) = answer(directory, &["--from", "a.c"]);
    assert_eq!((edges, others), (both().0, 2));
    let stderr = mind(directory, &["query", "--from", "a.c"]).stderr;
    assert!(stderr.contains("2 edges were recorded for `a.c`, which HEAD's commit does not have"));
    assert_eq!(answer(directory, &["--from", "d.c"]), (vec![], 0));
    let error = mind(directory, &["query", "--from", "no/such"]).error(1);
    assert!(
        error.contains("path `no/such` is not in HEAD's commit, and no edge has this path"),
        "{error}"
    );
    let error = mind(directory, &["query", "--from", "a.c", "--exact"]).error(1);
    assert!(error.contains("path `a.c` is not in HEAD's commit"), "{error}");
}

#[test]
fn a_path_has_the_edges_of_a_thousand_contents_also_incrementally() {
    let temp = temp_directory();
    let directory = temp.path();
    git(directory, &["init", "-q", "--bare", "-b", "main", "."]);
    let batch = |from: u32, to: u32| {
        let line = |number: u32| {
            format!(
                "{{\"source_oid\":\"{number:040x}\",\"source_path\":\"src/a.c\",\
                 \"target_oid\":\"{:040x}\",\"target_path\":\"t/{}\"}}\n",
                number % 7 + 5000,
                number % 11
            )
        };
        write(directory, "lines", &(from..to).map(line).collect::<String>());
        mind(directory, &["import", "lines"]).ok();
    };
    batch(1, 900);
    mind(directory, &["cache-rebuild"]).ok();
    batch(900, 1001);
    let report = mind(directory, &["cache-rebuild", "--json"]).json();
    assert_eq!(report["mode"], "incremental");
    let (edges, others) = answer(directory, &["--from", "src/a.c"]);
    assert_eq!((edges.len(), others), (1000, 1000));
    assert!(edges.iter().zip(1..).all(|(path, number)| *path == format!("t/{}", number % 11)));
    assert_eq!(answer(directory, &["--to", "t/3"]).0.len(), 91);
    let again = mind(directory, &["cache-rebuild", "--json", "--force"]).json();
    assert_eq!(again["root_tree"], report["root_tree"], "incremental equals full");
    let meta = git(directory, &["cat-file", "blob", "refs/gitmind/cache/main:meta"]);
    assert!(meta.ends_with("paths 12"), "{meta}");
}
