//! By whom commits are.

use crate::world::{JOURNAL, Variables, World};
use gitmind_test_support::{isolated, program};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;

/// Sets a value that may be any bytes in the configuration of the repository.
fn set_bytes(world: &World, key: &str, value: &[u8]) {
    let mut command = isolated("git", &["GIT"]);
    command.current_dir(world.path("r")).args(["config", key]).arg(OsStr::from_bytes(value));
    assert!(command.status().expect("git runs").success());
}

#[test]
fn commits_are_by_whom_git_would_commit() {
    let names = ["user.name", "user.email"];
    let person = |value: &'static str| names.map(|key| (key, value));
    let [name, email] = person("Base");
    let on_branch = ("includeIf.onbranch:main.path", "W/home/work");
    let has_remote =
        ("includeIf.hasconfig:remote.*.url:https://example.org/**.path", "W/home/work");
    let remote = ("remote.o.url", "https://example.org/a/b");
    let cases: &[(&Variables<'_>, &Variables<'_>)] = &[
        (&[name, email], &[]),
        (&[name, email, on_branch], &[]),
        (&[name, email, remote, has_remote], &[]),
        (&[name, email], &[("GIT_AUTHOR_NAME", "Author"), ("GIT_AUTHOR_EMAIL", "a@b")]),
        (&[name, email], &[("GIT_COMMITTER_NAME", "C"), ("GIT_COMMITTER_DATE", "@7 +0100")]),
        (&[name, email], &[("GIT_AUTHOR_DATE", "Thu, 07 Apr 2005 22:13:13 +0200")]),
        (&[name, email], &[("GIT_AUTHOR_DATE", "2005-04-07T22:13:13"), ("TZ", "<X>-5:30")]),
        (&[name, email], &[("GIT_CONFIG_PARAMETERS", "'user.email'='it'\\''s@b' 'a.b'=")]),
        (&[name, email], &[("GIT_CONFIG_PARAMETERS", "'user.email=old@style'")]),
        (&[name, email, ("author.name", "Own"), ("committer.email", "c@d")], &[]),
        (&[name, ("user.email", "")], &[]),
        (&[("user.name", "a <b> \"c\" J."), ("user.email", "<a@b>,")], &[]),
        (&[name], &[("EMAIL", "from@variable")]),
        (&[("user.email", "x@y")], &[("GIT_AUTHOR_NAME", "A"), ("GIT_COMMITTER_NAME", "C")]),
    ];
    for (settings, variables) in cases {
        let world = World::new();
        fs::write(world.path("home/work"), "[user]\n\temail = work@example.org\n").expect("ok");
        for (key, value) in *settings {
            let value = value.strip_prefix('W').map(|below| world.path(&below[1..]));
            let value = value.map(|path| path.to_str().expect("UTF-8").to_owned());
            let given = settings.iter().find(|(name, _)| name == key).expect("itself").1;
            world.set("r", key, value.as_deref().unwrap_or(given));
        }
        let args = ["commit", "-q", "--allow-empty", "-m", "x"];
        world.ask("r", &args, variables).unwrap_or_else(|| panic!("{settings:?}"));
        world.link("r", "f", variables).expect("a person");
        let format = |rev: &str| {
            // A time that is not given is that of the command.
            let is_given = |wanted: &str| variables.iter().any(|(name, _)| *name == wanted);
            let format = match () {
                () if is_given("GIT_AUTHOR_DATE") => "%an <%ae> %ad",
                () if is_given("GIT_COMMITTER_DATE") => "%cn <%ce> %cd",
                () => "%an <%ae> %cn <%ce>",
            };
            world.git("r", &["log", "-1", "--date=raw", &format!("--format={format}"), rev])
        };
        assert_eq!(format(JOURNAL), format("HEAD"), "{settings:?} {variables:?}");
    }
}

#[test]
fn a_condition_on_the_git_directory_holds_for_the_link_that_leads_to_it() {
    // Found by combinations: only the directory at the end of the link was compared.
    let world = World::new();
    fs::rename(world.path("r/.git"), world.path("store")).expect("writable");
    symlink("../store", world.path("r/.git")).expect("writable");
    for (pattern, name) in [("**/r/.git", "Link"), ("**/store", "Store"), ("**/other", "Other")] {
        let file = world.path(&format!("home/{name}"));
        fs::write(&file, format!("[user]\n\tname = {name}\n\temail = {name}@b\n")).expect("room");
        let key = format!("includeIf.gitdir:{pattern}.path");
        world.set("r", &key, file.to_str().expect("UTF-8"));
        world.link("r", "f", &[]).expect("a person");
        let committer = world.git("r", &["log", "-1", "--format=%cn <%ce>", JOURNAL]);
        let args = ["-c", "user.useConfigOnly=true", "var", "GIT_COMMITTER_IDENT"];
        assert!(world.git("r", &args).starts_with(&committer), "{pattern}: {committer}");
    }
}

#[test]
fn a_name_may_be_any_bytes() {
    let world = World::new();
    for (key, value) in [("user.name", &b"J\xfcrgen"[..]), ("user.email", b"j@example.org")] {
        set_bytes(&world, key, value);
    }
    world.link("r", "f", &[]).expect("a person");
    let ran = world.run(OsStr::new("git"), "r", &["cat-file", "-p", JOURNAL], &[]);
    let author = b"\nauthor J\xfcrgen <j@example.org> ";
    assert!(ran.stdout.windows(author.len()).any(|part| part == author), "{ran:?}");
}

#[test]
fn a_person_as_whom_git_refuses_to_commit_appends_nothing() {
    for (settings, variables) in [
        (&[("user.useConfigOnly", "true")][..], &[][..]),
        (&[("user.useConfigOnly", "true"), ("user.name", "N")], &[]),
        (&[("user.name", ""), ("user.email", "a@b")], &[]),
        (&[("user.name", "<>"), ("user.email", "a@b")], &[]),
        (&[("user.email", "a@b")], &[("GIT_AUTHOR_NAME", ""), ("GIT_COMMITTER_NAME", "C")]),
        (&[("user.name", "N"), ("user.email", "a@b")], &[("GIT_AUTHOR_DATE", "tomorrow-ish")]),
        (&[("user.name", "N"), ("user.email", "a@b")], &[("GIT_AUTHOR_DATE", "@-1")]),
    ] {
        let world = World::new();
        settings.iter().for_each(|(key, value)| world.set("r", key, value));
        let before = world.git("r", &["rev-parse", JOURNAL]);
        let args = ["commit", "-q", "--allow-empty", "-m", "x"];
        assert_eq!(world.ask("r", &args, variables), None, "git refuses {settings:?}");
        let error = world.link("r", "f", variables).expect_err("git refuses");
        let is_dated = variables.iter().any(|(name, _)| name.ends_with("DATE"));
        let why = if is_dated { "GIT_AUTHOR_DATE is `" } else { "no identity to commit as" };
        assert!(error.contains(why), "{error}");
        assert!(!is_dated || error.contains("dates are as in"), "the hint: {error}");
        assert_eq!(world.git("r", &["rev-parse", JOURNAL]), before);
        let ran = world.run(&program(), "r", &["cache-rebuild"], variables);
        assert!(ran.status.success(), "a cache needs nobody: {ran:?}");
    }
}
