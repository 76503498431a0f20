//! Which repository a command uses, and which file a path means.

use crate::world::{JOURNAL, Variables, World};
use gitmind_test_support::program;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::symlink;

#[test]
fn a_path_means_the_file_that_git_means_by_it() {
    // Regression: with GIT_DIR set, `f` in a directory meant the file at the top.
    let world = World::new();
    world.git("", &["clone", "-q", "--bare", "r", "bare.git"]);
    world.git("", &["clone", "-q", "--bare", "r", "dot.git"]);
    world.set("dot.git", "core.bare", "false");
    world.set("dot.git", "core.worktree", "../r");
    world.git("r", &["worktree", "add", "-q", "-b", "other", "../linked"]);
    symlink(world.path("r"), world.path("alias")).expect("writable");
    let r: (&str, &str) = ("GIT_DIR", "W/r/.git");
    let dot = ("GIT_DIR", "W/dot.git");
    let bare = ("GIT_DIR", "W/bare.git");
    for (at, path, variables) in [
        ("r/d", "f", &[][..]),
        ("r/d", "../g", &[]),
        ("alias/d", "f", &[]),
        ("linked/d", "f", &[]),
        ("r/d", "f", &[r, ("GIT_WORK_TREE", "W/r")]),
        ("r/d", "../g", &[r, ("GIT_WORK_TREE", "W/r")]),
        ("r/d", "f", &[r, ("GIT_WORK_TREE", "..")]),
        ("r/d", "f", &[r]),
        ("r/d", "f", &[("GIT_WORK_TREE", "W/r")]),
        ("r/d", "f", &[("GIT_WORK_TREE", "W/alias")]),
        ("r/d", "f", &[dot]),
        ("r", "d/f", &[dot]),
        ("r/d", "f", &[bare, ("GIT_WORK_TREE", "W/r")]),
        ("r/d", "f", &[("GIT_DIR", "../.git"), ("GIT_WORK_TREE", "..")]),
    ] {
        let expected = world.names(at, path, variables).expect("git finds it");
        assert_eq!(world.link(at, path, variables), Ok(expected), "{at} {path} {variables:?}");
    }
}

#[test]
fn an_absolute_path_is_one_of_the_worktree_or_an_error() {
    let world = World::new();
    symlink(world.path("r"), world.path("alias")).expect("writable");
    let file = format!("d/f {}", world.git("r", &["rev-parse", "HEAD:d/f"]));
    for named in ["r/d/f", "r/./d/../d/f", "alias/d/f"] {
        let named = world.path(named);
        let named = named.to_str().expect("UTF-8");
        assert_eq!(world.link("r/d", named, &[]).as_ref(), Ok(&file), "{named}");
    }
    for outside in ["home", "r", "rest/d/f"] {
        let outside = world.path(outside);
        let failed = world.link("r/d", outside.to_str().expect("UTF-8"), &[]);
        assert!(failed.is_err_and(|error| error.contains("path `")), "{outside:?}");
    }
}

#[test]
fn a_repository_is_searched_up_to_a_ceiling_as_by_git() {
    // Regression: the ceiling itself was searched, and a link to it was none.
    let world = World::new();
    fs::create_dir_all(world.path("r/a/b")).expect("writable");
    symlink(world.path("r"), world.path("alias")).expect("writable");
    let root = world.path("");
    let at = |below: &str| root.join(below).to_str().expect("UTF-8").to_owned();
    let list = |parts: &[&str]| parts.join(":");
    for ceilings in [
        at("r"),
        at("r/a"),
        at("r/a/b"),
        at("alias"),
        at("."),
        "/".into(),
        String::new(),
        "relative".into(),
        list(&[&at("."), &at("r")]),
        list(&["", &at("alias")]),
        list(&["", &at("r")]),
        list(&[&at("none"), &at("alias")]),
    ] {
        for directory in ["r/a/b", "r/a", "r"] {
            let variables = [("GIT_CEILING_DIRECTORIES", ceilings.as_str())];
            let git = world.ask(directory, &["rev-parse", "--git-dir"], &variables).is_some();
            let ours = world.run(&program(), directory, &["list"], &variables).status.success();
            assert_eq!(ours, git, "{directory} below {ceilings}");
        }
    }
}

#[test]
fn a_directory_that_does_not_exist_is_named() {
    let world = World::new();
    for (name, reason) in [("none", "No such file or directory"), ("f", "Not a directory")] {
        let ran = world.run(&program(), "r", &["-C", name, "list"], &[]);
        let said = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert!(said.contains(&format!("cannot change to {name}: {reason}")), "{said}");
        let git = world.run(OsStr::new("git"), "r", &["-C", name, "status"], &[]);
        assert!(String::from_utf8_lossy(&git.stderr).contains(reason), "{git:?}");
    }
}

#[test]
fn the_format_of_a_repository_is_what_its_own_file_says() {
    for (at, key, value) in [
        ("home", "extensions.objectFormat", "sha256"),
        ("home", "core.repositoryFormatVersion", "7"),
        ("home", "extensions.unknown", "true"),
        ("r", "core.repositoryFormatVersion", "01"),
        ("r", "core.repositoryFormatVersion", "0x1"),
        ("r", "core.repositoryFormatVersion", "2"),
        ("r", "core.repositoryFormatVersion", "one"),
        ("r", "extensions.unknown", "true"),
        ("r", "extensions.partialClone", "origin"),
        ("r", "extensions.objectFormat", "sha1"),
        ("r", "include.path", "nowhere"),
    ] {
        let world = World::new();
        let file = if at == "home" { "home/.gitconfig" } else { "r/.git/config" };
        let path = world.path(file);
        world.git("", &["config", "-f", path.to_str().expect("UTF-8"), key, value]);
        let git = world.ask("r", &["rev-parse", "HEAD"], &[]).is_some();
        let ours = world.run(&program(), "r", &["list"], &[]);
        assert_eq!(ours.status.success(), git, "{key}={value}: {ours:?}");
    }
    let world = World::new();
    fs::remove_file(world.path("r/.git/config")).expect("it is there");
    assert!(world.link("r", "f", &[]).is_ok(), "no file");
}

#[test]
fn without_a_format_version_the_file_of_a_repository_is_not_heeded_for_its_format() {
    // Regression: core.bare counted, and `f` in a directory meant the file at the top.
    let world = World::new();
    world.git("r", &["config", "--unset", "core.repositoryFormatVersion"]);
    fs::create_dir(world.path("o")).expect("writable");
    world.git("r", &["worktree", "add", "-q", "-b", "other", "../linked"]);
    let config = fs::read(world.path("r/.git/config")).expect("readable");
    fs::write(world.path("r/.git/config.worktree"), "[core]\n\tbare = true\n").expect("writable");
    for (key, value) in [
        ("core.bare", "true"),
        ("core.worktree", "../../o"),
        ("extensions.worktreeConfig", "true"),
        ("extensions.objectFormat", "sha256"),
        ("extensions.refStorage", "reftable"),
        ("extensions.unknown", "true"),
    ] {
        fs::write(world.path("r/.git/config"), &config).expect("writable");
        world.set("r", key, value);
        for at in ["r/d", "linked/d"] {
            let expected = world.names(at, "f", &[]).expect("git finds it");
            assert!(expected.starts_with("d/f "), "{key}: {expected}");
            assert_eq!(world.link(at, "f", &[]), Ok(expected), "{at} {key}={value}");
        }
    }
}

#[test]
fn outside_of_the_worktree_a_relative_path_is_an_error_and_an_absolute_one_is_not() {
    // Regression: it meant the file at the top.
    let world = World::new();
    fs::create_dir_all(world.path("out/d")).expect("writable");
    let named = [("GIT_DIR", "W/r/.git"), ("GIT_WORK_TREE", "W/r")];
    let refused = |at: &str, variables: &Variables<'_>| {
        let git = world.ask(at, &["rev-parse", "HEAD:./f"], variables);
        assert_eq!(git, None, "git refuses it at {at}");
        let commands: [&[&str]; 3] =
            [&["link", "f", "g"], &["list", "--from", "f"], &["query", "--from", "f"]];
        for args in commands {
            let ran = world.run(&program(), at, args, variables);
            let said = String::from_utf8_lossy(&ran.stderr).into_owned();
            let top = world.path("r");
            assert!(said.contains("outside of the worktree"), "{at}: {args:?}: {said}");
            assert!(said.contains(&format!("-C {}", top.display())), "{said}");
        }
    };
    refused("out", &named);
    refused("out/d", &named);
    let absolute = world.path("r/f");
    let absolute = absolute.to_str().expect("UTF-8");
    let expected = world.names("r", "f", &[]).expect("git finds it");
    assert_eq!(world.link("out", absolute, &named), Ok(expected.clone()));
    world.set("r", "core.worktree", "../../out/d");
    refused_elsewhere(&world);
    let here = [("GIT_DIR", "W/r/.git"), ("GIT_WORK_TREE", ".")];
    assert_eq!(world.link("out", "f", &here), Ok(expected));
}

/// The worktree is `out/d`, and the repository was found in another directory.
fn refused_elsewhere(world: &World) {
    for at in ["r", "r/d"] {
        assert_eq!(world.ask(at, &["rev-parse", "HEAD:./f"], &[]), None, "{at}");
        let error = world.link(at, "f", &[]).expect_err("it is outside");
        assert!(error.contains("outside of the worktree"), "{at}: {error}");
    }
}

#[test]
fn a_worktree_that_is_gone_keeps_nobody_from_reading() {
    let world = World::new();
    for (named, variables) in [
        ("W/gone", &[][..]),
        ("W/gone", &[("GIT_DIR", "W/r/.git")]),
        ("W/gone/deep", &[]),
        ("../gone", &[]),
        ("../gone", &[("GIT_DIR", "W/r/.git")]),
    ] {
        let root = world.path("").display().to_string();
        let value = named.strip_prefix('W').map_or(named.into(), |below| format!("{root}{below}"));
        let config = world.path("r/.git/config");
        let file = config.to_str().expect("UTF-8");
        world.git("", &["config", "-f", file, "core.worktree", &value]);
        for at in ["r", "r/d"] {
            let git = world.ask(at, &["rev-list", "--count", JOURNAL], variables).is_some();
            let commands: [&[&str]; 2] = [&["list"], &["cache-rebuild", "--force"]];
            for args in commands {
                let ran = world.run(&program(), at, args, variables);
                assert_eq!(ran.status.success(), git, "{at} {named} {args:?}: {ran:?}");
            }
            let git = world.names(at, "f", variables);
            assert_eq!(world.link(at, "f", variables).ok(), git, "{at} {named}");
        }
    }
}

#[test]
fn settings_that_git_dies_of_are_errors() {
    for (key, values) in [
        ("core.bare", &["maybe", "2k", "false", ""][..]),
        ("extensions.worktreeConfig", &["bad", "0"]),
        ("user.useConfigOnly", &["bad", "no"]),
        ("core.logAllRefUpdates", &["bad", "Always", "1"]),
        ("core.useReplaceRefs", &["bad", "1"]),
        ("core.repositoryFormatVersion", &["0k", "1q", "1k", "0"]),
    ] {
        for value in values {
            let world = World::new();
            world.set("r", "user.name", "N");
            world.set("r", "user.email", "n@example.org");
            world.set("r", key, value);
            let git = world.ask("r", &["commit", "-q", "--allow-empty", "-m", "x"], &[]).is_some();
            let ours = world.link("r", "f", &[]);
            let is_bare = key == "core.bare" && *value == "2k";
            assert_eq!(ours.is_ok(), git || is_bare, "{key}={value}: {ours:?}");
        }
    }
}

#[test]
fn an_empty_directory_changes_nothing() {
    let world = World::new();
    let expected = world.names("r/d", "f", &[]).expect("git finds it");
    for args in [&["-C", ""][..], &["-C", "", "-C", "."], &["-C", "..", "-C", "", "-C", "d"]] {
        let rest = ["link", "f", "f", "--json"];
        let ran = world.run(&program(), "r/d", &[args, &rest].concat(), &[]);
        let said: serde_json::Value = serde_json::from_slice(&ran.stdout).expect("a document");
        let path = said["source_path"].as_str().expect("a text");
        assert!(expected.starts_with(&format!("{path} ")), "{args:?}");
        let git = world.ask("r/d", &[args, &["rev-parse", "--show-prefix"]].concat(), &[]);
        assert_eq!(git.as_deref(), Some("d/"), "{args:?}");
    }
}

#[test]
fn relative_variables_are_relative_to_where_git_is_by_then() {
    let world = World::new();
    fs::rename(world.path("r/.git/objects"), world.path("r/objects")).expect("writable");
    for (directory, name) in [("r", "Top"), ("r/d", "Below")] {
        let text = format!("[user]\n\tname = {name}\n\temail = {name}@example.org\n");
        fs::write(world.path(directory).join(".gitconfig"), &text).expect("writable");
        fs::write(world.path(directory).join("other"), text).expect("writable");
    }
    let common: Vec<(&str, &str)> = vec![("GIT_OBJECT_DIRECTORY", "W/r/objects")];
    for at in ["r", "r/d"] {
        for more in [
            &[("HOME", ".")][..],
            &[("GIT_CONFIG_GLOBAL", "other")],
            &[("GIT_CONFIG_GLOBAL", "other"), ("GIT_DIR", "W/r/.git"), ("GIT_WORK_TREE", "W/r")],
            &[("GIT_CONFIG_GLOBAL", "other"), ("GIT_DIR", "W/r/.git")],
        ] {
            let variables = [&common[..], more].concat();
            let git = world.ask(at, &["var", "GIT_COMMITTER_IDENT"], &variables).expect("a person");
            world.link(at, "f", &variables).expect("a person");
            let show = ["log", "-1", "--format=%cn <%ce>", JOURNAL];
            let ours = world.ask("r", &show, &common).expect("a commit");
            assert!(git.starts_with(&ours), "{at} {more:?}: {git} {ours}");
        }
    }
    fs::create_dir(world.path("r/d/objects")).expect("writable");
    fs::create_dir(world.path("r/none")).expect("writable");
    let journal = world.path("r/.git").join(JOURNAL);
    let tip = fs::read(&journal).expect("a ref");
    for at in ["r", "r/d"] {
        for variables in [
            &[("GIT_OBJECT_DIRECTORY", "objects")][..],
            &[("GIT_OBJECT_DIRECTORY", "../objects")],
            &[
                ("GIT_OBJECT_DIRECTORY", "W/r/none"),
                ("GIT_ALTERNATE_OBJECT_DIRECTORIES", "objects"),
            ],
            &[("GIT_OBJECT_DIRECTORY", "W/r/objects"), ("GIT_COMMON_DIR", ".git")],
        ] {
            fs::write(&journal, &tip).expect("writable");
            let git = world.names(at, "f", variables);
            let ours = world.link(at, "f", variables);
            assert_eq!(ours.clone().ok(), git, "{at} {variables:?}: {ours:?}");
        }
    }
}
