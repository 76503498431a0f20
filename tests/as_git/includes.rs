//! Which files are included by the configuration.

use crate::world::{JOURNAL, Variables, World};
use gitmind_test_support::program;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::symlink;

const BASE: &str = "[user]\n\tname = base\n\temail = base@example.org\n";

fn write(world: &World, path: &str, text: &str) {
    fs::write(world.path(path), text).expect("writable");
}

/// A world whose file `home/inc` names another person.
fn world() -> World {
    let world = World::new();
    write(&world, "home/inc", "[user]\n\tname = inc\n\temail = inc@example.org\n");
    write(&world, "home/.gitconfig", BASE);
    world
}

/// The person of git and the one of a new edge, which must be the same; `W` in the values is the
/// world's directory.
fn person(
    world: &World,
    at: &str,
    args: &[&str],
    variables: &Variables<'_>,
    about: &str,
) -> String {
    let git = world.ask(at, &[args, &["var", "GIT_COMMITTER_IDENT"]].concat(), variables);
    let git = git.unwrap_or_else(|| panic!("git has a person: {about}"));
    let ran = world.run(&program(), at, &[args, &["link", "f", "g"]].concat(), variables);
    assert!(ran.status.success(), "{about}: {ran:?}");
    let store = [("GIT_DIR", "W/r/.git")];
    let format = ["log", "-1", "--format=%cn <%ce>", JOURNAL];
    let ours = world.ask("home", &format, &store).expect("a commit");
    assert!(git.starts_with(&ours), "{about}: git: {git}, ours: {ours}");
    ours
}

#[test]
fn names_of_sections_and_keys_have_no_case() {
    let world = world();
    world.git("r", &["remote", "add", "o", "https://example.org/x"]);
    let git_dir = format!("gitdir:{}/r/", world.path("").display()).replace("//", "/");
    let sections = [
        "[include]".to_owned(),
        "[Include]".to_owned(),
        "[INCLUDE]".to_owned(),
        "[includeif \"onbranch:main\"]".to_owned(),
        "[IncludeIf \"onbranch:ma*\"]".to_owned(),
        "[INCLUDEIF \"onbranch:other\"]".to_owned(),
        "[include \"onbranch:main\"]".to_owned(),
        "[includeIf]".to_owned(),
        format!("[IncludeIf \"{git_dir}\"]"),
        "[Includeif \"hasconfig:remote.*.url:https://example.org/**\"]".to_owned(),
        "[includeif \"hasconfig:remote.*.url:https://example.org/y\"]".to_owned(),
        "[includeif \"HasConfig:user.name:base\"]".to_owned(),
    ];
    let mut included = 0;
    for section in &sections {
        for key in ["path", "Path"] {
            let text = format!("{BASE}{section}\n\t{key} = inc\n[user]\n\tname = last\n");
            write(&world, "home/.gitconfig", &text);
            let found = person(&world, "r", &[], &[], section);
            included += usize::from(found.contains("last <inc@"));
        }
    }
    assert_eq!(included, 14, "seven of the conditions hold");
    write(&world, "home/.gitconfig", BASE);
    for key in ["Include.Path", "includeif.onbranch:main.path", "INCLUDEIF.onbranch:main.PATH"] {
        let value = ("GIT_CONFIG_VALUE_0", "W/home/inc");
        let variables = [("GIT_CONFIG_COUNT", "1"), ("GIT_CONFIG_KEY_0", key), value];
        assert!(person(&world, "r", &[], &variables, key).contains("inc"), "{key}");
    }
}

#[test]
fn the_git_directory_matches_with_and_without_its_links() {
    let world = world();
    let root = world.path("").display().to_string().trim_end_matches('/').to_owned();
    symlink("r", world.path("lr")).expect("writable");
    symlink("home", world.path("lh")).expect("writable");
    fs::create_dir(world.path("home/w")).expect("writable");
    symlink("../../r", world.path("home/w/r")).expect("writable");
    let mut matched = Vec::new();
    for pattern in [
        "W/lr/",
        "W/r/",
        "W/R/",
        "~/w/",
        "./w/",
        "./W/",
        "./**",
        "lr/",
        "r/.git",
        "**/r/**",
        "W/r",
        "~/",
        "~",
        "W/lr/.git",
        "~/w/r/.git",
    ] {
        for kind in ["gitdir", "gitdir/i"] {
            let shown =
                pattern.replacen("W/", &format!("{root}/"), usize::from(pattern.starts_with('W')));
            let text = format!("{BASE}[includeIf \"{kind}:{shown}\"]\n\tpath = inc\n");
            write(&world, "home/.gitconfig", &text);
            let pwd = |value| ("PWD", value);
            for (at, args, variables) in [
                ("r", &[][..], vec![pwd("W/r")]),
                ("r", &[], vec![pwd("W/lr")]),
                ("r/d", &[], vec![pwd("W/lr/d")]),
                ("r", &[], vec![pwd("W/home/w/r")]),
                ("r", &[], vec![pwd("W/home")]),
                ("", &["-C", "lr"], vec![pwd("W")]),
                ("r", &[], vec![pwd("W/home/w/r"), ("HOME", "W/lh")]),
                ("r", &[], vec![pwd("W/lh/w/r"), ("HOME", "W/lh")]),
                ("r", &[], vec![("GIT_DIR", "W/lr/.git"), pwd("W/r")]),
                ("r", &[], vec![("GIT_DIR", ".git"), pwd("W/lr")]),
                ("r/d", &[], vec![("GIT_DIR", "../.git"), ("GIT_WORK_TREE", "W/r"), pwd("W/lr/d")]),
                ("r", &[], vec![("GIT_WORK_TREE", "W/r"), pwd("W/lr")]),
                ("r/d", &[], vec![("GIT_WORK_TREE", "W/r"), pwd("W/lr/d")]),
            ] {
                let about = format!("{kind}:{pattern} {at} {args:?} {variables:?}");
                if person(&world, at, args, &variables, &about).contains("inc") {
                    matched.push(about);
                }
            }
        }
    }
    assert!((60..300).contains(&matched.len()), "{}: {matched:#?}", matched.len());
}

#[test]
fn a_git_file_leads_to_the_directory_without_links() {
    let world = world();
    fs::rename(world.path("r/.git"), world.path("g")).expect("writable");
    symlink("g", world.path("lg")).expect("writable");
    let root = world.path("").display().to_string().trim_end_matches('/').to_owned();
    write(&world, "r/.git", &format!("gitdir: {root}/lg\n"));
    for (pattern, is_met) in [("lg", false), ("g", true), ("r/", false)] {
        let text = format!("{BASE}[includeIf \"gitdir:{root}/{pattern}\"]\n\tpath = inc\n");
        write(&world, "home/.gitconfig", &text);
        for variables in [&[][..], &[("GIT_DIR", "W/r/.git")]] {
            let git = world.ask("r", &["var", "GIT_COMMITTER_IDENT"], variables).expect("base");
            assert_eq!(git.contains("inc"), is_met, "{pattern}");
            world.link("r", "f", variables).expect("a person");
            let ours = world.git("r", &["log", "-1", "--format=%cn", JOURNAL]);
            assert_eq!(ours.contains("inc"), is_met, "{pattern}");
        }
    }
}

#[test]
fn files_include_one_another_as_deep_as_for_git() {
    let world = world();
    for deepest in [9, 10, 11] {
        let include = |next| format!("[include]\n\tpath = i{next}\n");
        write(&world, "home/.gitconfig", &format!("{BASE}{}", include(1)));
        for number in 1..deepest {
            write(&world, &format!("home/i{number}"), &include(number + 1));
        }
        write(&world, &format!("home/i{deepest}"), "[user]\n\tname = deep\n");
        let git = world.run(OsStr::new("git"), "r", &["var", "GIT_COMMITTER_IDENT"], &[]);
        let ours = world.link("r", "f", &[]);
        assert_eq!(ours.is_ok(), git.status.success(), "{deepest}: {ours:?}");
        if ours.is_ok() {
            assert_eq!(
                world.git("home", &["--git-dir=../r/.git", "log", "-1", "--format=%cn", JOURNAL]),
                "deep"
            );
        }
    }
}
