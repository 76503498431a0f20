//! The rebuild: current and forced caches, the pack, the tree, unreadable existing caches, threads.

use gitmind_cache::{Mode, RebuildOptions};
use gitmind_git::fake::FakeRepository;
use gitmind_journal::EdgeOrder;
use gitmind_test_support::{TempRepository, ids_of, message, read_object, rebuild, rebuild_with};
use proptest::prelude::*;
use std::collections::BTreeMap;

const DEFAULT: RebuildOptions =
    RebuildOptions { edge_order: EdgeOrder::OldestFirst, force: false, strict: false };

#[test]
fn a_second_rebuild_finds_the_cache_current_and_force_gives_the_same_tree() {
    let temp = TempRepository::fixture("small");
    let repository = temp.open();
    let first = rebuild_with(&repository, "main", DEFAULT).expect("a journal");
    let second = rebuild_with(&repository, "main", DEFAULT).expect("a journal");
    assert_eq!((first.mode, second.mode), (Mode::Full, Mode::Current));
    assert_eq!(second.written, None);
    assert_eq!(second.meta, first.meta);
    assert_eq!(second.root_tree, first.root_tree);
    assert_eq!(second.shards_tree, first.shards_tree);
    assert_eq!(second.cache_commit, first.cache_commit);
    let forced = RebuildOptions { force: true, ..DEFAULT };
    let third = rebuild_with(&repository, "main", forced).expect("a journal");
    assert_eq!((third.mode, third.root_tree), (Mode::Full, first.root_tree));
    temp.assert_sound();
}

#[test]
fn a_cache_in_the_other_order_is_not_current() {
    let repository = TempRepository::fixture("small").open_kept();
    let first = rebuild_with(&repository.1, "main", DEFAULT).expect("a journal");
    let newest = RebuildOptions { edge_order: EdgeOrder::NewestFirst, ..DEFAULT };
    let second = rebuild_with(&repository.1, "main", newest).expect("a journal");
    assert_eq!(second.mode, Mode::Full);
    assert_ne!(second.root_tree, first.root_tree);
}

#[test]
fn a_cache_is_one_pack_and_its_commit_has_no_parent() {
    let temp = TempRepository::fixture("small");
    let packs = |temp: &TempRepository| temp.git(&["count-objects", "-v"]);
    assert!(packs(&temp).contains("packs: 1\n"));
    for (build, packed) in [(1, "packs: 2\n"), (2, "packs: 3\n")] {
        let edge_order = if build == 1 { EdgeOrder::OldestFirst } else { EdgeOrder::NewestFirst };
        let report = temp.rebuild("main", edge_order);
        let counted = packs(&temp);
        assert!(counted.contains(packed) && counted.contains("count: 0\n"), "{counted}");
        let commit = temp.git(&["cat-file", "commit", &report.cache_commit.to_string()]);
        assert!(!commit.contains("parent ") && commit.ends_with("\n\nCache metadata"), "{commit}");
        let tree = temp.git(&["rev-parse", "refs/gitmind/cache/main^{tree}"]);
        assert_eq!(tree, report.root_tree.to_string());
    }
    assert_eq!(temp.temporary_files(), [""; 0]);
}

#[test]
fn the_shards_tree_is_the_root_tree_without_its_other_entries() {
    let temp = TempRepository::fixture("medium");
    let report = temp.rebuild("main", EdgeOrder::OldestFirst);
    let listing = temp.git(&["ls-tree", &report.root_tree.to_string()]);
    let shards: String = listing
        .lines()
        .filter(|line| line.contains(" tree "))
        .filter(|line| !line.ends_with("\tcommits") && !line.ends_with("\tpaths"))
        .map(|line| format!("{line}\n"))
        .collect();
    assert_eq!(shards.lines().count() + 4, listing.lines().count(), "commits, marks, meta, paths");
    std::fs::write(temp.path().join("listing"), shards).expect("writable");
    let file = std::fs::File::open(temp.path().join("listing")).expect("just written");
    let output = std::process::Command::new("git")
        .current_dir(temp.path())
        .arg("mktree")
        .stdin(file)
        .output()
        .expect("git runs");
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), report.shards_tree.to_string());
}

#[test]
fn the_metadata_is_readable_text() {
    let temp = TempRepository::fixture("small");
    let report = temp.rebuild("main", EdgeOrder::OldestFirst);
    let meta = temp.git(&["cat-file", "blob", &format!("{}:meta", report.root_tree)]);
    let expected = "git-mind-cache 5\n\
        journal-tip f9f798fb5e44a704fcfffe0f0e9d140f2ed6f3f8\n\
        edge-order oldest-first\nedges 50\ncommits 45\ncommits-skipped 0\nedges-truncated 0\n\
        shard-bits 8\ncommits-indexed 45\ncommits-per-chunk 256\npaths 19";
    assert_eq!(meta, expected);
}

#[test]
fn an_unreadable_cache_is_replaced_and_the_report_has_the_reason() {
    let temp = TempRepository::fixture("small");
    let blob = temp.git(&["rev-parse", "refs/heads/main:Makefile"]);
    for (target, reason) in [
        (blob.as_str(), "is a blob, not a commit"),
        ("refs/heads/main", ""),
        ("refs/gitmind/cache/feature/x", ""),
    ] {
        let target = temp.git(&["rev-parse", target]);
        std::fs::create_dir_all(temp.path().join("refs/gitmind/cache")).expect("writable");
        std::fs::write(temp.path().join("refs/gitmind/cache/main"), format!("{target}\n"))
            .expect("writable");
        let report = rebuild_with(&temp.open(), "main", DEFAULT).expect("a journal");
        assert_eq!(report.mode, Mode::Full, "{target}");
        let given = report.replaced_because.map(|why| why.to_string()).unwrap_or_default();
        assert!(given.contains(reason) && given.is_empty() == reason.is_empty(), "{given}");
    }
    temp.assert_sound();
}

#[test]
fn an_object_in_the_place_of_one_of_the_cache_is_not_read_as_part_of_it() {
    let temp = TempRepository::fixture("small");
    let first = temp.rebuild("main", EdgeOrder::OldestFirst);
    let meta = temp.git(&["rev-parse", &format!("{}:meta", first.root_tree)]);
    let other = temp.git(&["cat-file", "blob", &meta]).replace("paths 19", "paths 18") + "\n";
    std::fs::write(temp.path().join("other"), other).expect("writable");
    let other = temp.git(&["hash-object", "-w", "other"]);
    temp.git(&["replace", &meta, &other]);
    let report = rebuild_with(&temp.open(), "main", DEFAULT).expect("a journal");
    assert_eq!((report.mode, report.root_tree), (Mode::Full, first.root_tree));
    let reason = report.replaced_because.map(|why| why.to_string()).expect("it is not valid");
    assert!(reason.contains(&meta) && reason.contains("another hash"), "{reason}");
}

#[test]
fn a_cache_of_a_future_version_is_rebuilt_and_the_report_has_the_version() {
    let temp = TempRepository::fixture("small");
    let meta = temp.path().join("future");
    std::fs::write(&meta, "git-mind-cache 6\nwhatever\n").expect("writable");
    let blob = temp.git(&["hash-object", "-w", "future"]);
    std::fs::write(temp.path().join("listing"), format!("100644 blob {blob}\tmeta\n")).expect("ok");
    let file = std::fs::File::open(temp.path().join("listing")).expect("just written");
    let mktree = std::process::Command::new("git")
        .current_dir(temp.path())
        .arg("mktree")
        .stdin(file)
        .output()
        .expect("git runs");
    let tree = String::from_utf8(mktree.stdout).expect("ASCII");
    let commit = temp.git(&["commit-tree", "-m", "x", tree.trim()]);
    temp.git(&["update-ref", "refs/gitmind/cache/main", &commit]);
    let report = rebuild_with(&temp.open(), "main", DEFAULT).expect("a journal");
    assert_eq!(report.mode, Mode::Full);
    let reason = report.replaced_because.map(|why| why.to_string());
    assert_eq!(reason.as_deref(), Some("cache format 6 is not known, only 5"));
}

#[test]
fn a_journal_without_edges_gives_a_cache_without_shards() {
    let repository = FakeRepository::default();
    repository.set_ref("refs/gitmind/edges/main", repository.commit(&[], b""));
    let report = rebuild(&repository, "main", EdgeOrder::OldestFirst).expect("a journal");
    assert_eq!((report.meta.edges, report.meta.commits), (0, 1));
    assert_eq!(report.shards_tree.to_string(), gitmind_test_support::EMPTY_TREE);
    assert_eq!(
        report.written.map(|written| written.objects),
        Some(3),
        "metadata, root tree, commit"
    );
}

#[test]
fn a_rebuild_after_an_append_is_incremental() {
    let repository = FakeRepository::default();
    let first = repository.commit(&[], &message(&[(1, 2)]));
    repository.set_ref("refs/gitmind/edges/main", first);
    rebuild_with(&repository, "main", DEFAULT).expect("a journal");
    let second = repository.commit(&[first], &message(&[(1, 3)]));
    repository.set_ref("refs/gitmind/edges/main", second);
    let report = rebuild_with(&repository, "main", DEFAULT).expect("a journal");
    assert_eq!((report.mode, report.meta.edges), (Mode::Incremental, 2));
}

/// Edges between few objects, so that equal forward and reverse lists are common.
fn journals() -> impl Strategy<Value = Vec<Vec<(u8, u8)>>> {
    let edge = (0..6_u8, 0..6_u8);
    prop::collection::vec(prop::collection::vec(edge, 0..5), 1..20)
}

proptest! {
    #[test]
    fn the_files_have_the_ids_of_a_naive_scan(journal in journals(), newest_first: bool) {
        let repository = FakeRepository::default();
        let mut tip = None;
        for edges in &journal {
            tip = Some(repository.commit(tip.as_slice(), &message(edges)));
        }
        repository.set_ref("refs/gitmind/edges/main", tip.expect("at least one commit"));
        let mut commits: Vec<_> = journal.iter().collect();
        let edge_order = if newest_first {
            commits.reverse();
            EdgeOrder::NewestFirst
        } else {
            EdgeOrder::OldestFirst
        };
        let mut model: BTreeMap<String, Vec<u32>> = BTreeMap::new();
        for (id, (source, target)) in (0_u32..).zip(commits.into_iter().flatten()) {
            let hex = |byte: &u8| format!("{byte:02x}/{}", format!("{byte:02x}").repeat(20));
            model.entry(format!("{}.forward", hex(source))).or_default().push(id);
            model.entry(format!("{}.reverse", hex(target))).or_default().push(id);
        }
        // The fake fails on a pack with a duplicate, or with another number of objects than
        // announced.
        let report = rebuild(&repository, "main", edge_order).expect("a journal");
        prop_assert_eq!(files(&repository, report.root_tree), model);
    }
}

/// The lists of a cache by path.
fn files(repository: &FakeRepository, root: gitmind_git::oid::Oid) -> BTreeMap<String, Vec<u32>> {
    use gitmind_git::{ObjectKind, entries};
    let read = |id, kind| read_object(repository, id, kind);
    let text = |name: &[u8]| String::from_utf8(name.to_vec()).expect("ASCII");
    let mut files = BTreeMap::new();
    for shard in entries(&read(root, ObjectKind::Tree)).map(|entry| entry.expect("well-formed")) {
        if [&b"meta"[..], b"commits", b"marks", b"paths"].contains(&shard.name) {
            continue;
        }
        for file in entries(&read(shard.id, ObjectKind::Tree)).map(|entry| entry.expect("whole")) {
            let ids = ids_of(&read(file.id, ObjectKind::Blob));
            let path = format!("{}/{}", text(shard.name), text(file.name));
            files.insert(path, ids);
        }
    }
    files
}
