//! `unlink`: edges are taken back by tombstones, by paths and by ULID, and linking revives them.

use gitmind_test_support::{TempRepository, git, mind, temp_directory};
use serde_json::Value;
use std::fs;
use std::path::Path;

fn commit(directory: &Path, files: &[(&str, &str)]) {
    for (name, content) in files {
        fs::write(directory.join(name), content).expect("writable");
    }
    git(directory, &["add", "--all"]);
    git(directory, &["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "change"]);
}

fn repository(directory: &Path) {
    git(directory, &["init", "-q", "-b", "main", "."]);
    commit(directory, &[("a.c", "a"), ("b.md", "b"), ("c.md", "c"), ("copy.c", "a")]);
}

/// The edges that `list` or `query` shows, as source, target and type, in sorted order.
fn shown(directory: &Path, args: &[&str]) -> Vec<String> {
    let document = mind(directory, &[args, &["--json"]].concat()).json();
    let text = |edge: &Value, key: &str| edge[key].as_str().expect("text").to_owned();
    let line = |edge: &Value| {
        let standing = text(edge, "standing");
        let mark = if standing == "live" { String::new() } else { format!(" {standing}") };
        format!(
            "{} {} {}{mark}",
            text(edge, "source_path"),
            text(edge, "target_path"),
            edge["type"]
        )
    };
    let edges = document["edges"].as_array().expect("edges");
    let mut lines: Vec<_> = edges.iter().map(line).collect();
    lines.sort();
    lines
}

#[test]
fn an_edge_of_every_content_is_taken_back_and_the_last_equal_edge_decides() {
    let temp = temp_directory();
    let directory = temp.path();
    repository(directory);
    let link = |source, target, relation| {
        mind(directory, &["link", source, target, "--type", relation]).ok();
    };
    link("a.c", "b.md", "implements");
    commit(directory, &[("a.c", "second")]);
    link("a.c", "b.md", "implements");
    commit(directory, &[("b.md", "second")]);
    link("a.c", "b.md", "references");
    link("a.c", "c.md", "implements");
    mind(directory, &["cache-rebuild"]).ok();

    let said = mind(directory, &["unlink", "a.c", "b.md", "--type", "implements"]).ok();
    assert_eq!(said, "Took back: a.c ──implements──> b.md\n".repeat(2));
    let left = ["a.c b.md \"references\"", "a.c c.md \"implements\""];
    for cache in ["behind", "current"] {
        assert_eq!(shown(directory, &["list"]), left, "{cache}");
        assert_eq!(shown(directory, &["query", "a.c"]), left, "{cache}");
        assert_eq!(shown(directory, &["query", "--to", "b.md"]), left[..1], "{cache}");
        let all = shown(directory, &["query", "a.c", "--all"]);
        assert_eq!(all, shown(directory, &["list", "--all"]));
        let marked = |mark: &str| all.iter().filter(|line| line.ends_with(mark)).count();
        assert_eq!((all.len(), marked("taken_back"), marked("tombstone")), (6, 2, 2), "{all:?}");
        mind(directory, &["cache-rebuild"]).ok();
    }
    let again = mind(directory, &["unlink", "a.c", "b.md", "--type", "implements"]).error(1);
    assert!(again.contains("no valid edge of that type from `a.c` to `b.md` on `main`"), "{again}");
    assert!(again.contains("hint: "), "{again}");

    link("a.c", "b.md", "implements");
    let revived = ["a.c b.md \"implements\"", left[0], left[1]];
    assert_eq!(shown(directory, &["list"]), revived);
    assert_eq!(shown(directory, &["query", "--from", "a.c"]), revived);
    // Without a type, edges of every type.
    let document = mind(directory, &["unlink", "a.c", "b.md", "--json"]).json();
    assert_eq!((&document["schema"], &document["edges_taken_back"]), (&1.into(), &2.into()));
    assert_eq!(document["tombstones"][0]["attribution"]["flags"], 4);
    assert_eq!(document["tombstones"].as_array().map(Vec::len), Some(2));
    assert_eq!(shown(directory, &["list"]), left[1..]);
}

#[test]
fn equal_edges_are_those_between_the_same_objects_whatever_their_paths() {
    let temp = temp_directory();
    let directory = temp.path();
    repository(directory);
    mind(directory, &["link", "a.c", "b.md"]).ok();
    mind(directory, &["link", "copy.c", "b.md"]).ok();
    let both = shown(directory, &["query", "copy.c"]);
    assert_eq!(both, ["a.c b.md \"references\"", "copy.c b.md \"references\""]);
    let said = mind(directory, &["unlink", "copy.c", "b.md"]).ok();
    assert_eq!(said, "Took back: a.c ──references──> b.md\n");
    assert_eq!(shown(directory, &["list"]), [""; 0]);
}

#[test]
fn a_ulid_names_one_edge() {
    let temp = temp_directory();
    let directory = temp.path();
    repository(directory);
    mind(directory, &["link", "a.c", "b.md"]).ok();
    let linked = mind(directory, &["link", "a.c", "c.md", "--json"]).json();
    let ulid = linked["ulid"].as_str().expect("a ULID").to_owned();
    let said = mind(directory, &["unlink", "--ulid", &ulid]).ok();
    assert_eq!(said, "Took back: a.c ──references──> c.md\n");
    assert_eq!(shown(directory, &["list"]), ["a.c b.md \"references\""]);
    let again = mind(directory, &["unlink", "--ulid", &ulid]).error(1);
    assert!(again.contains(&format!("with the ULID `{ulid}`")), "{again}");
    for args in [&["unlink"][..], &["unlink", "a.c"], &["unlink", "a.c", "b.md", "--ulid", "x"]] {
        assert_eq!(mind(directory, args).code, 2, "{args:?}");
    }
    let none = mind(directory, &["unlink", "b.md", "a.c"]).error(1);
    assert!(none.contains("no valid edge from `b.md` to `a.c`"), "{none}");
}

/// What the C tool reads of a journal are the first parents, newest first; bitmaps know no flags.
#[test]
fn a_merge_and_a_tombstone_leave_the_c_tools_view_of_its_own_journals() {
    for fixture in ["small", "medium"] {
        let repository = TempRepository::fixture(fixture);
        let shards = |branch: &str, order: &str| {
            let args = ["cache-rebuild", "--force", "--json", "--branch", branch];
            let report = repository.mind(&[&args[..], &["--edge-order", order]].concat()).json();
            report["shards_tree"].clone()
        };
        let listed = repository.mind(&["list", "--json", "--limit", "8"]).json();
        let edge = &listed["edges"][7];
        for (branch, flags) in [("plain", 0), ("tombstone", 4)] {
            let journal = format!("refs/gitmind/edges/{branch}");
            repository.git(&["update-ref", &journal, "refs/gitmind/edges/main"]);
            let line = serde_json::json!({
                "source_oid": edge["source_oid"], "target_oid": edge["target_oid"],
                "type": edge["type_number"].to_string(),
                "attribution": {"source": "human", "author": "a@b", "flags": flags},
            });
            let file = repository.path().join(branch);
            fs::write(&file, line.to_string()).expect("writable");
            let file = file.to_str().expect("UTF-8");
            repository.mind(&["import", "--branch", branch, file]).ok();
        }
        for order in ["newest-first", "oldest-first"] {
            assert_eq!(shards("plain", order), shards("tombstone", order), "{fixture} {order}");
        }
        let before = shards("plain", "newest-first");
        repository.mind(&["merge", "--branch", "plain", "tombstone"]).ok();
        assert_eq!(shards("plain", "newest-first"), before, "{fixture}");
        let all = repository.mind(&["list", "--all", "--json", "--branch", "plain"]).json();
        let main = repository.mind(&["list", "--all", "--json"]).json();
        let [all, main] = [all, main].map(|list| list["edges_shown"].as_u64().expect("a number"));
        assert_eq!(all, main + 2, "{fixture}: ours sees both");
    }
}
