//! Shared repositories (`core.sharedRepository`): new files have the modes that git gives them.

use gitmind_test_support::program;
use gitmind_test_support::{mind_command, temp_directory};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs::Permissions;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

const JOURNAL: &str = "refs/gitmind/edges/deep/main";
const EDGE: &str = r#"{"source_oid": "1111111111111111111111111111111111111111",
 "target_oid": "2222222222222222222222222222222222222222"}"#;

/// Runs a program in `directory` under this umask, without the user's configuration.
fn run(
    directory: &Path,
    umask: &str,
    program: impl AsRef<OsStr> + std::fmt::Debug,
    args: &[&str],
    input: &str,
) -> String {
    let like = mind_command(directory, &[]);
    let mut command = Command::new("sh");
    command.args(["-c", &format!("umask {umask}; exec \"$0\" \"$@\"")]).arg(&program).args(args);
    for (name, value) in like.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.current_dir(directory).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut running = command.spawn().expect("it can be started");
    let mut stdin = running.stdin.take().expect("it is piped");
    stdin.write_all(input.as_bytes()).expect("it reads");
    drop(stdin);
    let output = running.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{program:?} {args:?}");
    String::from_utf8(output.stdout).expect("UTF-8").trim_end().into()
}

/// The modes of files and directories below a directory, by their kind.
fn modes(
    directory: &Path,
    kind: &'static str,
    found: &mut BTreeMap<&'static str, BTreeSet<String>>,
) {
    for entry in std::fs::read_dir(directory).into_iter().flatten() {
        let path = entry.expect("readable").path();
        let (name, file) =
            (path.file_name().expect("a name"), path.symlink_metadata().expect("it is there"));
        let name = name.to_str().expect("ASCII");
        let kind = match kind {
            "objects" if name.len() == 2 => "directory of objects",
            "directory of objects" => "object",
            "objects" if name == "pack" => "packs",
            "packs" if name.ends_with(".pack") || name.ends_with(".idx") => "pack",
            "refs" if name == "gitmind" => "directory of refs",
            "directory of refs" if file.is_file() => "ref",
            "directory of refs" => kind,
            _ => continue,
        };
        if kind != "packs" {
            let mode = format!("{:o}", file.permissions().mode() & 0o7777);
            found.entry(kind).or_default().insert(mode);
        }
        modes(&path, kind, found);
    }
}

fn all_modes(directory: &Path) -> BTreeMap<&'static str, BTreeSet<String>> {
    let mut found = BTreeMap::new();
    modes(&directory.join("objects"), "objects", &mut found);
    modes(&directory.join("refs"), "refs", &mut found);
    found
}

/// Whether the set-group-ID bit of directories can be set, which Nix's sandbox forbids.
fn may_give_groups() -> bool {
    let directory = temp_directory();
    let given = std::fs::set_permissions(directory.path(), Permissions::from_mode(0o2775));
    match given {
        Ok(()) => true,
        Err(error) => {
            // Written to stderr directly, since the harness captures the output of passed tests.
            let _ = writeln!(std::io::stderr(), "NOT RUN: repositories of a group: {error}");
            false
        }
    }
}

#[test]
fn new_files_of_a_shared_repository_have_the_modes_of_git() {
    // Regression: the setting was not read, so other members could not write to new directories.
    let may_give_groups = may_give_groups();
    for (setting, umask) in [
        ("group", "022"),
        ("true", "022"),
        ("all", "077"),
        ("0640", "022"),
        ("0600", "002"),
        ("umask", "022"),
        ("0", "002"),
    ] {
        if !may_give_groups && !["umask", "0", "0600"].contains(&setting) {
            continue;
        }
        let (ours, gits) = (temp_directory(), temp_directory());
        let (ours, gits) = (ours.path(), gits.path());
        for directory in [ours, gits] {
            run(directory, umask, "git", &["init", "-q", "--bare", "-b", "main"], "");
            run(directory, umask, "git", &["config", "core.sharedRepository", setting], "");
        }
        let git = |args: &[&str], input: &str| run(gits, umask, "git", args, input);
        let tree = git(&["hash-object", "-t", "tree", "-w", "--stdin"], "");
        let who = ["-c", "user.name=a", "-c", "user.email=a@b", "commit-tree"];
        let commit = git(&[&who[..], &[&tree]].concat(), "message");
        git(&["update-ref", JOURNAL, &commit], "");
        let mind = |args: &[&str], input: &str| run(ours, umask, program(), args, input);
        mind(&["import", "-", "--branch", "deep/main"], &EDGE.replace('\n', ""));
        let about = format!("{setting} {umask}");
        assert_eq!(all_modes(ours), all_modes(gits), "{about}");

        git(&["repack", "-q"], "");
        mind(&["cache-rebuild", "--branch", "deep/main"], "");
        assert_eq!(all_modes(ours), all_modes(gits), "a pack, {about}");
    }
}

#[test]
fn an_unknown_value_of_core_sharedrepository_is_an_error() {
    let directory = temp_directory();
    run(directory.path(), "022", "git", &["init", "-q", "--bare"], "");
    run(directory.path(), "022", "git", &["config", "core.sharedRepository", "0060"], "");
    let ran = mind_command(directory.path(), &["list"]).output().expect("it can be started");
    let stderr = String::from_utf8_lossy(&ran.stderr);
    assert_eq!(ran.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("`0060` is not a value of core.sharedRepository"), "{stderr}");
}
