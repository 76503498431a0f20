//! `git-mind cache-rebuild`: its messages and the cache that it writes.

use gitmind::journal::EdgeOrder;
use gitmind_test_support::{
    TempRepository, git, message, mind, mind_command, mind_with, temp_directory,
};

const JOURNAL: &str = "refs/gitmind/edges/main";
/// Attempts to kill a rebuild while it spills.
const KILLS_MAX: u32 = 20;

#[test]
fn the_command_warns_counts_and_exits_0_or_fails_with_strict() {
    let repository = TempRepository::empty();
    let oldest = repository.commit(&[], &message(&[(1, 2)]));
    let tip = repository.commit(&[&oldest], b"plain text");
    repository.git(&["update-ref", "refs/gitmind/edges/main", &tip]);

    let error = repository.mind(&["cache-rebuild", "--strict"]).error(1);
    assert!(error.contains(&tip) && error.contains("not base64"), "{error}");
    assert!(!repository.refs().contains("cache"), "nothing was written");

    let ran = repository.mind(&["cache-rebuild", "--json"]);
    assert!(ran.stderr.contains(&tip) && ran.stderr.contains("1 skipped"), "{}", ran.stderr);
    let report = ran.json();
    assert_eq!((&report["edges"], &report["commits_skipped"]), (&1.into(), &1.into()));
    repository.assert_sound();
}

#[test]
fn a_cache_without_an_index_is_rebuilt() {
    let repository = TempRepository::fixture("small");
    let current = repository.rebuild("main", EdgeOrder::OldestFirst);
    let old = repository.git(&["cat-file", "blob", &format!("{}:meta", current.root_tree)]);
    let old = old.replace("git-mind-cache 5", "git-mind-cache 1");
    let old: String = old.lines().take(8).map(|line| format!("{line}\n")).collect();
    assert!(old.ends_with("shard-bits 8\n"));
    std::fs::write(repository.path().join("old"), old).expect("writable");
    let blob = repository.git(&["hash-object", "-w", "old"]);
    repository.git(&["update-index", "--add", "--cacheinfo", &format!("100644,{blob},meta")]);
    let tree = repository.git(&["write-tree"]);
    let commit = repository.git(&["commit-tree", "-m", "Cache metadata", &tree]);
    repository.git(&["update-ref", "refs/gitmind/cache/main", &commit]);
    let ran = repository.mind(&["cache-rebuild", "--json"]);
    assert!(ran.stderr.contains("cache format 1 is not known, only 5"), "{}", ran.stderr);
    assert_eq!(ran.json()["root_tree"], current.root_tree.to_string());
}

#[test]
fn the_command_prints_a_report_and_git_fsck_passes() {
    let repository = TempRepository::fixture("small");
    repository.mind(&["cache-rebuild"]).ok();
    let tip = repository.git(&["rev-parse", JOURNAL]);
    let new = repository.commit(&[&tip], &message(&[(1, 2)]));
    repository.git(&["update-ref", JOURNAL, &new]);
    let updated = repository.mind(&["cache-rebuild", "--json"]).json();
    assert_eq!((&updated["mode"], &updated["edges"]), (&"incremental".into(), &51.into()));
    assert!(updated["full_because"].is_null());
    let full = repository.mind(&["cache-rebuild", "--force", "--json"]).json();
    assert_eq!((&full["mode"], &full["root_tree"]), (&"full".into(), &updated["root_tree"]));
    let merge = repository.commit(&[&new, &tip], &message(&[(3, 4)]));
    repository.git(&["update-ref", JOURNAL, &merge]);
    let ran = repository.mind(&["cache-rebuild"]);
    assert_eq!(ran.stderr, "", "a merge of what is indexed is an update");
    let report = "Brought the cache of `main` up to date: 52 edges from 47 commits in ";
    assert!(ran.ok().starts_with(report));
    repository.assert_sound();
}

#[test]
fn a_note_names_git_gc_when_git_would_join_the_packs_and_gc_drops_replaced_caches() {
    let repository = TempRepository::fixture("small");
    repository.git(&["config", "gc.autoPackLimit", "3"]);
    let mut trees = vec![];
    let mut force = || {
        let ran = repository.mind(&["cache-rebuild", "--force", "--json"]);
        let said = ran.stderr.clone();
        trees.push(ran.json()["root_tree"].clone());
        said
    };
    let before = packs(&repository);
    for written in before + 1..=3 {
        assert_eq!(force(), "", "{written} packs are as many as git leaves");
        assert_eq!(packs(&repository), written);
    }
    let note = force();
    assert!(note.contains("there are 4 packs") && note.contains("`git gc`"), "{note}");
    repository.git(&["config", "gc.auto", "0"]);
    assert_eq!(force(), "", "git joins none by itself, as it was told");
    repository.git(&["config", "--unset", "gc.auto"]);
    let kept = packs(&repository);
    repository.git(&["gc", "--quiet", "--prune=now"]);
    assert!(kept > 4 && packs(&repository) == 1, "{} packs", packs(&repository));
    assert_eq!(force(), "", "two packs");
    assert!(trees.iter().all(|tree| *tree == trees[0]));
    let current = repository.mind(&["cache-rebuild"]);
    assert_eq!(current.stderr, "", "nothing was written");
    repository.assert_sound();
}

/// The number of packs.
fn packs(repository: &TempRepository) -> usize {
    let counted = repository.git(&["count-objects", "-v"]);
    let packs = counted.lines().find_map(|line| line.strip_prefix("packs: "));
    packs.and_then(|packs| packs.parse().ok()).expect("git counts them")
}

#[test]
fn the_command_spills_at_the_cap_or_hints_how_to() {
    let repository = TempRepository::fixture("medium");
    let whole = repository.mind(&["cache-rebuild", "--json"]).json();
    assert_eq!(whole["spilled_bytes"], 0);
    let state = temp_directory();
    let state_path = state.path().to_str().expect("UTF-8");
    let variables = [("GM_ARENA_CAP_CACHE_REBUILD", "65536"), ("HOME", state_path)];
    let run = |args: &[&str]| mind_with(repository.path(), args, &variables);
    let error = run(&["cache-rebuild", "--force", "--no-spill"]).error(1);
    assert!(error.contains("65536") || error.contains("64.0 KiB"), "{error}");
    assert!(error.contains("without --no-spill"), "{error}");
    let spilled = run(&["cache-rebuild", "--force", "--json"]).json();
    assert!(spilled["spilled_bytes"].as_u64() > Some(100_000), "{spilled}");
    assert_eq!(spilled["root_tree"], whole["root_tree"]);
    assert_eq!(spilled["objects_written"], whole["objects_written"]);
    assert!(run(&["cache-rebuild", "--force"]).ok().contains("exceed the memory limit"));
    repository.assert_sound();
    let scope = state.path().join(".gitmind/rebuild");
    let left = std::fs::read_dir(&scope).expect("it was made").flatten();
    let left: Vec<_> = left.filter(|entry| entry.path().is_dir()).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn the_next_rebuild_removes_the_scratch_files_of_a_killed_one() {
    let directory = temp_directory();
    let make = ["fixture", "make", "--edges", "30000", "--seed", "3", "journal.git"];
    mind(directory.path(), &make).ok();
    let path = directory.path().join("journal.git");
    let state = directory.path().to_str().expect("UTF-8");
    let variables = [("GM_ARENA_CAP_CACHE_REBUILD", "256KiB"), ("HOME", state)];
    let scope = directory.path().join(".gitmind/rebuild");
    let spills = || {
        let entries = std::fs::read_dir(&scope).into_iter().flatten().flatten();
        entries.filter(|entry| entry.path().join("edges").is_file()).count()
    };
    let kill_one_that_spills = || {
        let mut killed = mind_command(&path, &["cache-rebuild"])
            .envs(variables)
            .stdout(std::process::Stdio::null())
            .spawn()
            .expect("the program was built");
        while spills() == 0 && killed.try_wait().expect("a child").is_none() {
            std::thread::yield_now();
        }
        killed.kill().expect("it is a child of ours");
        let status = killed.wait().expect("a child");
        assert!(status.success() || status.code().is_none(), "{status}");
        let refs = git(&path, &["for-each-ref", "refs/gitmind/cache"]);
        // One directory for edges and, when the rebuild came that far, one for commit ids.
        !status.success() && (1..=2).contains(&spills()) && refs.is_empty()
    };
    // On a busy machine the kill may come after the cache is complete.
    let is_killed = (0..KILLS_MAX).any(|_| {
        kill_one_that_spills() || {
            git(&path, &["update-ref", "-d", "refs/gitmind/cache/main"]);
            std::fs::remove_dir_all(&scope).expect("ours");
            false
        }
    });
    assert!(is_killed, "a killed process removes nothing, and has no cache before all is there");
    mind_with(&path, &["cache-rebuild"], &variables).ok();
    assert_eq!(spills(), 0);
    git(&path, &["fsck", "--strict"]);
}

#[test]
fn any_number_of_threads_gives_the_same_cache() {
    let directory = temp_directory();
    let path = directory.path().join("journal.git");
    let made = ["fixture", "make", "--edges", "8000", "--seed", "7", "journal.git"];
    mind(directory.path(), &made).ok();
    let rebuild = |threads: &str, order: &str| {
        let args = ["cache-rebuild", "--force", "--json", "--edge-order", order];
        let document = mind(&path, &[&args[..], &["--threads", threads]].concat()).json();
        (document["root_tree"].to_string(), document["objects_written"].to_string())
    };
    for order in ["oldest-first", "newest-first"] {
        let alone = rebuild("1", order);
        for threads in ["2", "3", "9"] {
            assert_eq!(rebuild(threads, order), alone, "{threads} threads, {order}");
        }
    }
    let refused = mind(&path, &["cache-rebuild", "--threads", "0"]);
    assert!(refused.code == 2 && refused.stderr.contains("--threads"), "{refused:?}");
}

#[test]
fn numbered_caches_of_summer_2025_make_way_for_a_cache() {
    for packed in [false, true] {
        let repository = TempRepository::fixture("small");
        repository.git(&["update-ref", "-d", "refs/gitmind/cache/main"]);
        let set = |name: &str| repository.git(&["update-ref", name, "refs/gitmind/edges/main"]);
        for number in ["1", "20250801", "1754006400"] {
            set(&format!("refs/gitmind/cache/main/{number}"));
        }
        set("refs/gitmind/cache/other/1");
        set("refs/gitmind/cache/main/is-not-a-number");
        if packed {
            repository.git(&["pack-refs", "--all"]);
        }
        // Another ref is in the way as well: none is removed.
        let refs = repository.refs();
        let error = repository.mind(&["cache-rebuild"]).error(1);
        assert!(
            error.contains("cannot exist together with ref refs/gitmind/cache/main/"),
            "{error}"
        );
        assert_eq!(repository.refs(), refs);
        // Nor when the rebuild fails for another reason.
        repository.git(&["update-ref", "-d", "refs/gitmind/cache/main/is-not-a-number"]);
        let refs = repository.refs();
        let small = [("GM_ARENA_CAP_CACHE_REBUILD", "4096")];
        assert_ne!(mind_with(repository.path(), &["cache-rebuild"], &small).code, 0);
        assert_eq!(repository.refs(), refs);

        repository.mind(&["cache-rebuild"]).ok();
        let caches = repository.git(&["for-each-ref", "--format=%(refname)", "refs/gitmind/cache"]);
        let expected = [
            "refs/gitmind/cache/feature/x",
            "refs/gitmind/cache/main",
            "refs/gitmind/cache/other/1",
        ];
        assert_eq!(caches.lines().collect::<Vec<_>>(), expected);
        let oid = "1".repeat(40);
        let query = repository.mind(&["query", "--from", &oid, "--json"]).json();
        assert_eq!(query["cache"], "current");
        repository.assert_sound();
    }
}
