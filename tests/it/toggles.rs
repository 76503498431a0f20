//! The variables of the memory layer: listed, checked, and without effect on results.

use gitmind_test_support::{TempRepository, mind_with, temp_directory};
use serde_json::Value;

/// The root tree of a forced rebuild of `small` under these variables, and its stderr.
fn rebuild(variables: &[(&str, &str)]) -> (String, String) {
    let repository = TempRepository::fixture("small");
    let args = ["cache-rebuild", "--force", "--json"];
    let ran = mind_with(repository.path(), &args, variables);
    assert_eq!(ran.code, 0, "{variables:?}: {ran:?}");
    let document: Value = serde_json::from_str(&ran.stdout).expect("one JSON document");
    (document["root_tree"].as_str().expect("an id").into(), ran.stderr)
}

#[test]
fn toggles_do_not_change_the_root_tree() {
    let (expected, silence) = rebuild(&[]);
    assert_eq!(silence, "");
    for variables in [
        &[("GM_ALLOC_TRACE", "1")][..],
        &[("GM_ALLOC_TRACE", "sites"), ("GM_ALLOC_ZEROIZE", "1")],
        &[("GM_ARENA_HINT_CACHE_REBUILD", "4KiB"), ("GM_ARENA_CAP_CACHE_REBUILD", "64MiB")],
    ] {
        assert_eq!(rebuild(variables).0, expected, "{variables:?}");
    }
}

#[test]
fn tracing_prints_the_counters_of_process_and_operation() {
    let (_, said) = rebuild(&[("GM_ALLOC_TRACE", "1")]);
    assert!(said.contains("note: process: peak "), "{said}");
    assert!(said.contains("note: cache.rebuild: 1 runs, peak "), "{said}");
}

#[test]
fn env_lists_every_variable_with_value_and_origin() {
    let directory = temp_directory();
    let variables = [("GM_ARENA_CAP_ATTR_QUERY", "96MiB"), ("GM_ALLOC_TRACE", "sites")];
    let document = mind_with(directory.path(), &["env", "--json"], &variables).json();
    assert_eq!(document["schema"], 1);
    let toggles = document["toggles"].as_array().expect("a list");
    assert_eq!(toggles.len(), 18);
    for toggle in toggles {
        let expected = match toggle["name"].as_str().expect("a name") {
            "GM_ARENA_CAP_ATTR_QUERY" => ("100663296", "environment"),
            "GM_ALLOC_TRACE" => ("sites", "environment"),
            _ => (toggle["value"].as_str().expect("a value"), "default"),
        };
        assert_eq!((toggle["value"].as_str(), toggle["origin"].as_str()), {
            (Some(expected.0), Some(expected.1))
        });
    }
    let human = mind_with(directory.path(), &["env"], &variables).ok();
    assert_eq!(human.lines().count(), 18);
    assert!(human.contains("GM_ALLOC_TRACE                 sites      environment"), "{human}");
    assert!(human.lines().all(|line| line.chars().count() <= 100), "{human}");
}

#[test]
fn an_invalid_value_is_an_error_of_every_command() {
    let repository = TempRepository::fixture("small");
    let before = repository.refs();
    for command in [&["cache-rebuild"][..], &["list"], &["env"], &["budget"]] {
        let variables = [("GM_ARENA_CAP_CACHE_REBUILD", "lots")];
        let error = mind_with(repository.path(), command, &variables).error(2);
        assert!(error.contains("GM_ARENA_CAP_CACHE_REBUILD is `lots`; it accepts "), "{error}");
    }
    assert_eq!(repository.refs(), before);
}

/// Whether the program is the shipped one, which lacks both features, instead of that of these
/// tests.
fn is_program_named() -> bool {
    std::env::var_os("GITMIND_PROGRAM").is_some()
}

#[test]
fn a_variable_of_a_missing_feature_is_an_error() {
    let directory = temp_directory();
    for (name, value, is_there) in [
        ("GM_ALLOC_HISTO", "1", cfg!(feature = "histogram") && !is_program_named()),
        (
            "GM_TEST_OOM_N",
            "37",
            cfg!(any(debug_assertions, feature = "fault-toggle")) && !is_program_named(),
        ),
    ] {
        let ran = mind_with(directory.path(), &["env"], &[(name, value)]);
        if is_there {
            assert!(ran.ok().contains(name));
        } else {
            let error = ran.error(2);
            assert!(error.contains(&format!("{name} is `{value}`, which this build cannot do")));
        }
    }
}

#[cfg(feature = "histogram")]
#[test]
fn a_histogram_names_the_environment_that_it_was_made_in() {
    let repository = TempRepository::fixture("small");
    let variables = [("GM_ALLOC_HISTO", "on")];
    let fixtures = gitmind_test_support::fixtures_directory();
    let fixtures = fixtures.to_str().expect("UTF-8");
    let args = ["budget", "--fixture", "small", "--fixtures-dir", fixtures, "--json"];
    let budget = mind_with(repository.path(), &args, &variables);
    let list = mind_with(repository.path(), &["list"], &variables).stderr;
    let environment = &budget.json()["environment"];
    let pages = format!("{}-byte pages", environment["page_size_bytes"]);
    let words = ["version", "revision", "rustc", "target", "kernel"].map(|word| &environment[word]);
    let words = words.into_iter().map(|word| word.as_str().expect("text"));
    assert!(list.contains("p99 "), "{list}");
    for word in words.chain([&*pages, "toggles GM_ALLOC_HISTO=1"]) {
        assert!(list.contains(word), "{word} in {list}");
    }
}

#[test]
fn each_command_has_the_budget_of_its_operation() {
    let repository = TempRepository::fixture("small");
    let state = repository.path().to_str().expect("UTF-8");
    let queries = ("GM_ARENA_CAP_ATTR_QUERY", "1KiB");
    let rebuilds = ("GM_ARENA_CAP_CACHE_REBUILD", "1KiB");
    for (args, limits) in [
        (&["list", "--type", "implements"][..], &[queries][..]),
        (&["query", "--from", &"0".repeat(40)], &[queries]),
        (&["cache-rebuild", "--force"], &[rebuilds]),
        (&["list"], &[]),
    ] {
        for limit in [queries, rebuilds] {
            let ran = mind_with(repository.path(), args, &[limit, ("HOME", state)]);
            if limits.contains(&limit) {
                let says = ran.stderr.contains("would exceed the ");
                let says = says && ran.stderr.contains("of 1.0 KiB");
                assert!(ran.code == 1 && says, "{args:?}: {ran:?}");
            } else {
                ran.ok();
            }
        }
    }
}

#[test]
fn wherever_an_allocation_exceeds_the_budget_the_hint_names_the_variable() {
    let repository = TempRepository::fixture("small");
    let (id, query_cap, cap) =
        ("1".repeat(40), "GM_ARENA_CAP_ATTR_QUERY", "GM_ARENA_CAP_CACHE_REBUILD");
    let commands: [(&[&str], &str); 3] = [
        (&["query", "--from", &id], query_cap),
        (&["list", "--type", "implements"], query_cap),
        (&["cache-rebuild", "--no-spill"], cap),
    ];
    for (args, variable) in commands {
        let mut exceeded = 0;
        for bytes in (1..400).step_by(13).chain((400..4000).step_by(301)) {
            let size = format!("{bytes}B");
            let variables = [(query_cap, size.as_str()), (cap, size.as_str())];
            let ran = mind_with(repository.path(), args, &variables);
            if ran.code == 0 {
                continue;
            }
            exceeded += 1;
            assert_eq!(ran.code, 1, "{args:?} {size}: {ran:?}");
            assert!(
                ran.stderr.contains("hint: ") && ran.stderr.contains(variable),
                "{args:?} {size}: {ran:?}"
            );
        }
        assert!(exceeded > 3, "{args:?} failed {exceeded} times");
    }
}

#[test]
fn with_call_sites_a_command_that_exceeds_its_budget_says_who_held_the_memory() {
    let journal = TempRepository::fixture("small");
    let variables = [("GM_ALLOC_TRACE", "sites"), ("GM_ARENA_CAP_ATTR_QUERY", "26KiB")];
    let error = mind_with(journal.path(), &["list", "--type", "augments"], &variables);
    assert_eq!(error.code, 1, "{error:?}");
    let said =
        |text: &str| error.stderr.lines().find(|line| line.contains(text)).map(str::to_owned);
    let refused = said("note: failed: ").expect("what was refused");
    assert!(refused.contains(" bytes, requested by gitmind"), "{refused}");
    assert!(said("held at the peak:").is_some(), "{}", error.stderr);
    let holder = said(" %, allocated by ").expect("a holder");
    assert!(holder.contains("gitmind_gitoxide::"), "{holder}");
    assert!(said("GM_ALLOC_TRACE=sites lists the call sites that hold the memory").is_some());
}
