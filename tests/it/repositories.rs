//! Every layout of a repository, and every way to discover it.

use gitmind_test_support::{TempRepository, git, message, mind, mind_command, temp_directory};
use std::fs;
use std::path::Path;

/// The shards tree that a rebuild in `directory` gives.
fn shards_tree(directory: &Path, args: &[&str]) -> String {
    let json = mind(directory, &[args, &["cache-rebuild", "--force", "--json"]].concat()).json();
    json["shards_tree"].as_str().expect("an id").to_owned()
}

const SMALL_MAIN: &str = "1942afa139eba50506b04c97a8bd41ee191ea544";
const SMALL_FEATURE: &str = "d5c65793018a79d156cd1d7734629ea8e0013e11";

/// A checkout of the small fixture in a temporary directory.
fn checkout(branch: &str) -> tempfile::TempDir {
    let origin = TempRepository::fixture("small");
    let directory = temp_directory();
    let path = origin.path().to_str().expect("UTF-8");
    git(directory.path(), &["clone", "-q", "--branch", branch, path, "work"]);
    git(
        &directory.path().join("work"),
        &["fetch", "-q", "origin", "refs/gitmind/*:refs/gitmind/*"],
    );
    directory
}

#[test]
fn a_checkout_is_found_from_its_directories() {
    let directory = checkout("main");
    let work = directory.path().join("work");
    let deep = work.join("a/b");
    fs::create_dir_all(&deep).expect("writable");
    assert_eq!(shards_tree(&work, &[]), SMALL_MAIN);
    assert_eq!(shards_tree(&deep, &[]), SMALL_MAIN);
    assert_eq!(shards_tree(&work.join(".git"), &[]), SMALL_MAIN);
    assert_eq!(shards_tree(directory.path(), &["-C", "work"]), SMALL_MAIN);
    assert_eq!(shards_tree(directory.path(), &["-C", "work", "-C", "a/b"]), SMALL_MAIN);
    assert_eq!(git(&work, &["fsck", "--strict", "--no-dangling"]), "");
}

#[test]
fn the_branch_is_that_of_head() {
    let directory = checkout("feature/x");
    let work = directory.path().join("work");
    assert_eq!(shards_tree(&work, &[]), SMALL_FEATURE);
    git(&work, &["checkout", "-q", "--detach"]);
    let error = mind(&work, &["cache-rebuild"]).error(1);
    assert!(error.contains("branch `HEAD` has no journal"), "{error}");
    git(&work, &["update-ref", "refs/gitmind/edges/HEAD", "refs/gitmind/edges/main"]);
    assert_eq!(shards_tree(&work, &[]), SMALL_MAIN);
    git(&work, &["checkout", "-q", "--orphan", "main"]);
    assert_eq!(shards_tree(&work, &[]), SMALL_MAIN, "an unborn branch can have a journal");
}

#[test]
fn a_linked_worktree_shares_journals_and_has_its_own_head() {
    let directory = checkout("main");
    let work = directory.path().join("work");
    git(&work, &["worktree", "add", "-q", "-b", "feature/x", "../linked"]);
    assert_eq!(shards_tree(&directory.path().join("linked"), &[]), SMALL_FEATURE);
    assert_eq!(shards_tree(&work, &[]), SMALL_MAIN);
    let refs = git(&work, &["for-each-ref", "refs/gitmind/cache"]);
    assert_eq!(refs.lines().count(), 2, "both caches are in the shared repository: {refs}");
}

#[test]
fn git_dir_names_the_repository_as_for_git() {
    let repository = TempRepository::fixture("small");
    let elsewhere = temp_directory();
    let ran = mind_command(elsewhere.path(), &["cache-rebuild"])
        .env("GIT_DIR", repository.path())
        .output()
        .expect("the program was built");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let ran = mind_command(repository.path(), &["cache-rebuild"])
        .env("GIT_DIR", elsewhere.path())
        .output()
        .expect("the program was built");
    assert_eq!(ran.status.code(), Some(1), "a GIT_DIR that is none is not searched for");
}

#[test]
fn an_invalid_git_file_is_an_error() {
    let directory = checkout("main");
    let inner = directory.path().join("work/inner");
    fs::create_dir_all(inner.join("deep")).expect("writable");
    let refs = git(&directory.path().join("work"), &["show-ref"]);
    for content in ["gitdir: ../nowhere\n", "no link\n"] {
        fs::write(inner.join(".git"), content).expect("writable");
        for start in [&inner, &inner.join("deep")] {
            let error = mind(start, &["cache-rebuild"]).error(1);
            assert!(error.contains("work/inner/.git"), "{error}");
        }
    }
    assert_eq!(git(&directory.path().join("work"), &["show-ref"]), refs);
}

#[test]
fn git_dir_may_be_a_link() {
    let directory = checkout("main");
    let work = directory.path().join("work");
    git(&work, &["worktree", "add", "-q", "-b", "feature/x", "../linked"]);
    let ran = mind_command(directory.path(), &["cache-rebuild", "--json"])
        .env("GIT_DIR", "linked/.git")
        .output()
        .expect("the program was built");
    assert!(String::from_utf8_lossy(&ran.stdout).contains(SMALL_FEATURE), "{ran:?}");
}

#[test]
fn packed_and_loose_journals_and_refs_give_the_same_cache() {
    let packed = TempRepository::fixture("small");
    assert_eq!(shards_tree(packed.path(), &[]), SMALL_MAIN);

    let loose = TempRepository::empty();
    let pack = fs::read_dir(packed.path().join("objects/pack")).expect("a directory");
    for file in pack.map(|entry| entry.expect("readable").path()) {
        if file.extension().is_some_and(|kind| kind == "pack") {
            let content = fs::File::open(&file).expect("readable");
            let status = std::process::Command::new("git")
                .current_dir(loose.path())
                .args(["unpack-objects", "-q"])
                .stdin(content)
                .status();
            assert!(status.expect("git runs").success());
        }
    }
    let tip = packed.git(&["rev-parse", "refs/gitmind/edges/main"]);
    loose.git(&["update-ref", "refs/gitmind/edges/main", &tip]);
    assert!(loose.git(&["count-objects", "-v"]).contains("packs: 0\n"));
    assert_eq!(shards_tree(loose.path(), &[]), SMALL_MAIN);
    loose.assert_sound();

    loose.git(&["pack-refs", "--all"]);
    assert_eq!(shards_tree(loose.path(), &[]), SMALL_MAIN);
    loose.git(&["gc", "-q", "--prune=now"]);
    assert_eq!(shards_tree(loose.path(), &[]), SMALL_MAIN);
}

#[test]
fn many_packs_deltas_alternates_and_a_multi_pack_index_give_the_same_cache() {
    let origin = TempRepository::fixture("medium");
    let expected = shards_tree(origin.path(), &[]);

    origin.git(&["repack", "-q", "-adf", "--depth=50", "--window=50"]);
    assert_eq!(shards_tree(origin.path(), &[]), expected, "deltas");

    let borrower = TempRepository::empty();
    let objects = origin.path().join("objects");
    fs::create_dir_all(borrower.path().join("objects/info")).expect("writable");
    fs::write(
        borrower.path().join("objects/info/alternates"),
        format!("{}\n", objects.to_str().expect("UTF-8")),
    )
    .expect("writable");
    let tip = origin.git(&["rev-parse", "refs/gitmind/edges/main"]);
    borrower.git(&["update-ref", "refs/gitmind/edges/main", &tip]);
    assert_eq!(shards_tree(borrower.path(), &[]), expected, "alternates");

    origin.git(&["multi-pack-index", "write"]);
    assert_eq!(shards_tree(origin.path(), &[]), expected, "multi-pack index");
    origin.assert_sound();
}

#[test]
fn cache_commits_have_the_configured_identity_or_a_default() {
    let repository = TempRepository::fixture("small");
    let author = |repository: &TempRepository| {
        repository.git(&["log", "-1", "--format=%an <%ae>, %cn <%ce>", "refs/gitmind/cache/main"])
    };
    shards_tree(repository.path(), &[]);
    let stand_in = "gitmind <gitmind@example.invalid>";
    assert_eq!(author(&repository), format!("{stand_in}, {stand_in}"));
    repository.git(&["config", "user.name", "Ada"]);
    repository.git(&["config", "user.email", "ada@example.org"]);
    shards_tree(repository.path(), &[]);
    assert_eq!(author(&repository), "Ada <ada@example.org>, Ada <ada@example.org>");
}

#[test]
fn no_reflog_is_written() {
    let directory = checkout("main");
    let work = directory.path().join("work");
    shards_tree(&work, &[]);
    assert!(!work.join(".git/logs/refs/gitmind").exists());
}

/// Regression: a loose journal commit with a flipped bit was read without an error.
#[test]
fn a_loose_object_with_a_flipped_bit_is_an_error_that_names_it() {
    let repository = TempRepository::empty();
    // Stored without compression, as our own loose objects are.
    repository.git(&["config", "core.compression", "0"]);
    let id = repository.commit(&[], &message(&[(1, 2), (3, 4)]));
    repository.git(&["update-ref", "refs/gitmind/edges/main", &id]);
    repository.mind(&["list"]).ok();
    let file = repository.path().join("objects").join(&id[..2]).join(&id[2..]);
    let mut content = fs::read(&file).expect("a loose object");
    let changed = content.len() - 20;
    content[changed] ^= 1;
    fs::remove_file(&file).expect("it is ours");
    fs::write(&file, content).expect("writable");
    for command in [&["list"][..], &["cache-rebuild"]] {
        let error = repository.mind(command).error(1);
        assert!(error.contains(&format!("object {id} is corrupt")), "{error}");
    }
}
