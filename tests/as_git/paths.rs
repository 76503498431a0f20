//! Which repository a command uses, and which file a path means.

use crate::world::World;
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
