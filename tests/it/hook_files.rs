//! The files of hooks: installed beside those that are there, and put back to the byte.

use crate::hooks::{Hooked, programs_of_the_machine};
use gitmind_test_support::{TempRepository, temp_directory};
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

/// What is in a directory: kind and mode, and the content or the target.
fn snapshot(directory: &Path) -> BTreeMap<PathBuf, (u32, Vec<u8>)> {
    let entry = |entry: std::io::Result<fs::DirEntry>| {
        let path = entry.expect("readable").path();
        let metadata = path.symlink_metadata().expect("it is there");
        let content = match path.read_link() {
            Ok(target) => target.into_os_string().into_encoded_bytes(),
            Err(_) => fs::read(&path).expect("readable"),
        };
        (path, (metadata.mode(), content))
    };
    fs::read_dir(directory).expect("a directory").map(entry).collect()
}

fn script(path: &Path, mode: u32, text: &str) {
    fs::create_dir_all(path.parent().expect("it has one")).expect("writable");
    fs::write(path, text).expect("writable");
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("writable");
}

#[test]
fn hooks_that_were_there_are_put_back_with_bytes_modes_and_links() {
    let hooked = Hooked::without_hooks();
    let directory = hooked.path().join(".git/hooks");
    script(&directory.join("post-commit"), 0o750, "#!/bin/sh\necho \"$0\" '\0'\n");
    symlink("../elsewhere", directory.join("post-rewrite")).expect("writable");
    let before = snapshot(&directory);
    let said = hooked.mind(&["hooks", "install"]).ok();
    assert!(said.contains(", after post-commit.before-git-mind\n"), "{said}");
    let installed = snapshot(&directory);
    assert_eq!(installed.len(), 4);
    let said = hooked.mind(&["hooks", "install"]).ok();
    assert_eq!(said.matches("installed already").count(), 2, "{said}");
    assert_eq!(snapshot(&directory), installed);
    hooked.mind(&["hooks", "uninstall"]).ok();
    assert_eq!(snapshot(&directory), before);
    let said = hooked.mind(&["hooks", "uninstall"]).ok();
    assert_eq!(said.matches("not installed").count(), 2, "{said}");
    assert_eq!(snapshot(&directory), before);
}

#[test]
fn a_hook_that_was_there_runs_first_with_its_name_arguments_input_and_status() {
    for (shebang, name) in [
        ("#!/bin/sh", ""),
        ("#!/usr/bin/env bash", ""),
        // An interpreter that the script does not know reads the file under its new name.
        ("#!/bin/sh -u", ".before-git-mind"),
    ] {
        let interpreter = shebang[2..].split(' ').next().unwrap_or_default();
        if !Path::new(interpreter).exists() {
            let _ = writeln!(std::io::stderr(), "NOT RUN: there is no {interpreter} here");
            continue;
        }
        let hooked = Hooked::without_hooks();
        let log = hooked.path().join("log");
        for hook in ["post-commit", "post-rewrite"] {
            script(
                &hooked.path().join(".git/hooks").join(hook),
                0o755,
                &format!(
                    "{shebang}\nprintf '%s|' \"${{0##*/}}\" \"$@\" >>log\ncat >>log\n\
                     git for-each-ref refs/gitmind --format='%(objectname)' >>log; exit 3\n"
                ),
            );
        }
        hooked.mind(&["hooks", "install"]).ok();
        hooked.mind(&["link", "a", "b"]).ok();
        let tip = hooked.git(&["rev-parse", "refs/gitmind/edges/main"]);
        hooked.edit("a", "a2");
        assert_eq!(fs::read_to_string(&log).expect("it ran"), format!("post-commit{name}|{tip}\n"));
        fs::remove_file(&log).expect("it is there");
        let tip = hooked.git(&["rev-parse", "refs/gitmind/edges/main"]);

        let hook = hooked.path().join(".git/hooks/post-rewrite");
        let head = hooked.git(&["rev-parse", "HEAD"]);
        let input = format!("{head} {head} extra\n{head} {head}");
        let mut command = hooked.command(hook.to_str().expect("UTF-8"), &["amend", "two words"]);
        let file = hooked.path().join("input");
        fs::write(&file, &input).expect("writable");
        command.stdin(fs::File::open(file).expect("readable"));
        let status = command.status().expect("it runs");
        assert_eq!(status.code(), Some(3));
        assert_eq!(
            fs::read_to_string(&log).expect("it ran"),
            format!("post-rewrite{name}|amend|two words|{input}{tip}\n")
        );
        assert_eq!(hooked.steps("main").len(), 1);
    }
}

#[test]
fn a_hook_that_git_would_not_run_does_not_run() {
    let hooked = Hooked::without_hooks();
    script(&hooked.path().join(".git/hooks/post-commit"), 0o644, "#!/bin/sh\necho ran\n");
    hooked.mind(&["hooks", "install"]).ok();
    hooked.edit("a", "a2");
}

#[test]
fn nothing_is_overwritten_where_a_hook_would_be_put_aside() {
    let hooked = Hooked::without_hooks();
    let directory = hooked.path().join(".git/hooks");
    for aside in ["post-rewrite.before-git-mind", "post-rewrite.c-tool"] {
        script(&directory.join("post-rewrite"), 0o755, "#!/bin/sh\n");
        script(&directory.join(aside), 0o755, "#!/bin/sh\necho mine\n");
        let before = snapshot(&directory);
        let error = hooked.mind(&["hooks", "install"]).error(1);
        assert!(error.contains(&format!("{aside} is there already\nhint: ")), "{error}");
        assert_eq!(snapshot(&directory), before, "not even the other hook is there");
        fs::remove_file(directory.join(aside)).expect("it is there");
    }
}

#[test]
fn an_interrupted_installation_is_taken_up() {
    let hooked = Hooked::without_hooks();
    let directory = hooked.path().join(".git/hooks");
    script(&directory.join("post-commit"), 0o755, "#!/bin/sh\necho mine\n");
    let before = snapshot(&directory);
    let [hook, aside] = ["post-commit", "post-commit.before-git-mind"].map(|n| directory.join(n));
    fs::hard_link(hook, aside).expect("writable");
    hooked.mind(&["hooks", "install"]).ok();
    hooked.mind(&["hooks", "uninstall"]).ok();
    assert_eq!(snapshot(&directory), before);
}

#[test]
fn a_script_of_another_version_is_replaced_and_a_hook_of_others_stays() {
    let hooked = Hooked::without_hooks();
    hooked.mind(&["hooks", "install"]).ok();
    let directory = hooked.path().join(".git/hooks");
    let current = snapshot(&directory);
    let text = fs::read_to_string(directory.join("post-commit")).expect("it is there");
    script(&directory.join("post-commit"), 0o755, &(text.clone() + "# older\n"));
    script(&directory.join("post-rewrite"), 0o644, &text);
    let said = hooked.mind(&["hooks", "status"]).ok();
    assert_eq!(said.matches("of another version").count(), 2, "{said}");
    hooked.mind(&["hooks", "install"]).ok();
    assert_eq!(snapshot(&directory), current);
    script(&directory.join("post-commit"), 0o755, "#!/bin/sh\n# another tool's\n");
    hooked.mind(&["hooks", "uninstall"]).ok();
    assert_eq!(snapshot(&directory).len(), 1);
    let states = hooked.mind(&["hooks", "status", "--json"]).json();
    assert_eq!(states["hooks"][0]["state"], "other");
    assert_eq!(states["hooks"][1]["state"], "not-installed");
}

#[test]
fn the_c_tools_hook_is_replaced_and_put_back() {
    let hooked = Hooked::without_hooks();
    let directory = hooked.path().join(".git/hooks");
    let text = "#!/bin/sh\n# git-mind post-commit hook\necho ran\n";
    script(&directory.join("post-commit"), 0o755, text);
    let before = snapshot(&directory);
    let said = hooked.mind(&["hooks", "install"]).ok();
    assert!(said.contains("in place of post-commit.c-tool\n"), "{said}");
    hooked.edit("a", "a2");
    let ours = fs::read_to_string(directory.join("post-commit")).expect("it is there");
    assert!(ours.contains("git-mind post-commit hook"), "the C tool leaves it alone");
    hooked.mind(&["hooks", "uninstall"]).ok();
    assert_eq!(snapshot(&directory), before);
}

#[test]
fn hooks_are_where_git_looks_for_them() {
    let hooked = Hooked::without_hooks();
    let home = temp_directory();
    let place = |value: &str| {
        hooked.git(&["config", "core.hooksPath", value]);
        let run = |program: &str, args: &[&str]| {
            let mut command = hooked.command(program, args);
            let output = command.env("HOME", home.path()).output().expect("it runs");
            assert!(output.status.success(), "{args:?}");
            [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned())
        };
        let [_, notes] = run("git-mind", &["hooks", "install"]);
        let [path, _] = run("git", &["rev-parse", "--git-path", "hooks/post-commit"]);
        let path = hooked.path().join(path.trim_end());
        let text = fs::read_to_string(path).expect("the script");
        assert!(text.contains("hooks run post-commit"));
        notes
    };
    let notes = place("of this worktree");
    assert!(notes.contains("in the worktree") && notes.lines().count() == 1, "{notes}");
    let notes = place("~/all hooks");
    assert!(home.path().join("all hooks/post-rewrite").is_file());
    assert!(notes.contains("outside of this repository"), "{notes}");
    assert_eq!(place(".git/other"), "");
    hooked.git(&["config", "core.hooksPath", "/dev/null"]);
    let error = hooked.mind(&["hooks", "install"]).error(1);
    assert!(error.contains("/dev/null") && error.contains("core.hooksPath"), "{error}");
    hooked.git(&["config", "core.hooksPath", ""]);
    assert!(hooked.mind(&["hooks", "install"]).error(1).contains("it is empty"));
}

#[test]
fn a_bare_repository_is_refused() {
    let repository = TempRepository::empty();
    for command in ["install", "uninstall", "status"] {
        let error = repository.mind(&["hooks", command]).error(1);
        assert!(error.contains("has no worktree"), "{error}");
    }
}

#[test]
fn a_commit_succeeds_when_the_program_is_gone_or_fails() {
    let hooked = Hooked::new();
    hooked.write("a", "a2");
    let mut command = hooked.command("git", &["commit", "-q", "-a", "-m", "x"]);
    // git itself is found, and what a shell needs.
    let programs = temp_directory();
    for name in ["git", "sh", "cat"] {
        let path = programs_of_the_machine()
            .into_iter()
            .map(|directory| directory.join(name))
            .find(|path| path.is_file());
        symlink(path.expect("it is there"), programs.path().join(name)).expect("writable");
    }
    let output = command.env("PATH", programs.path()).output().expect("tests need git");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    assert!(stderr.contains("git-mind is not on PATH") && stderr.lines().count() == 1, "{stderr}");
    hooked.write("a", "a3");
    let mut command = hooked.command("git", &["commit", "-q", "-a", "-m", "x"]);
    let output = command.env("GIT_MIND_AUTHOR", "x".repeat(99)).output().expect("tests need git");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    assert!(stderr.contains("git-mind: error: GIT_MIND_AUTHOR has 99 bytes"), "{stderr}");
}
