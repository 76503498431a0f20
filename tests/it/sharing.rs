//! Repositories that others use too: what the program makes has the modes that git gives.

use gitmind_test_support::program;
use gitmind_test_support::{mind_command, temp_folder};
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

/// Runs a program in `folder` under this umask, without anyone's configuration.
fn run(
    folder: &Path,
    umask: &str,
    program: impl AsRef<OsStr> + std::fmt::Debug,
    args: &[&str],
    input: &str,
) -> String {
    let like = mind_command(folder, &[]);
    let mut command = Command::new("sh");
    command.args(["-c", &format!("umask {umask}; exec \"$0\" \"$@\"")]).arg(&program).args(args);
    for (name, value) in like.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut running = command.spawn().expect("it can be started");
    let mut stdin = running.stdin.take().expect("it is piped");
    stdin.write_all(input.as_bytes()).expect("it reads");
    drop(stdin);
    let output = running.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{program:?} {args:?}");
    String::from_utf8(output.stdout).expect("UTF-8").trim_end().into()
}

/// The modes of what was made below a folder, by what it is.
fn modes(folder: &Path, kind: &'static str, found: &mut BTreeMap<&'static str, BTreeSet<String>>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.expect("readable").path();
        let (name, file) =
            (path.file_name().expect("a name"), path.symlink_metadata().expect("it is there"));
        let name = name.to_str().expect("ASCII");
        let kind = match kind {
            "objects" if name.len() == 2 => "folder of objects",
            "folder of objects" => "object",
            "objects" if name == "pack" => "packs",
            "packs" if name.ends_with(".pack") || name.ends_with(".idx") => "pack",
            "refs" if name == "gitmind" => "folder of refs",
            "folder of refs" if file.is_file() => "ref",
            "folder of refs" => kind,
            _ => continue,
        };
        if kind != "packs" {
            let mode = format!("{:o}", file.permissions().mode() & 0o7777);
            found.entry(kind).or_default().insert(mode);
        }
        modes(&path, kind, found);
    }
}

fn all_modes(folder: &Path) -> BTreeMap<&'static str, BTreeSet<String>> {
    let mut found = BTreeMap::new();
    modes(&folder.join("objects"), "objects", &mut found);
    modes(&folder.join("refs"), "refs", &mut found);
    found
}

/// Whether a folder may be made to give its group to what is made in it: Nix's sandbox refuses that
/// to whatever runs in it, git included.
fn may_give_groups() -> bool {
    let folder = temp_folder();
    let given = std::fs::set_permissions(folder.path(), Permissions::from_mode(0o2775));
    match given {
        Ok(()) => true,
        Err(error) => {
            // Past the harness, which keeps what a passed test prints.
            let _ = writeln!(std::io::stderr(), "NOT RUN: repositories of a group: {error}");
            false
        }
    }
}

#[test]
fn what_is_made_in_a_shared_repository_has_the_modes_that_git_gives() {
    // The setting was not read: other members could not write to the folders that were made.
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
        let (ours, gits) = (temp_folder(), temp_folder());
        let (ours, gits) = (ours.path(), gits.path());
        for folder in [ours, gits] {
            run(folder, umask, "git", &["init", "-q", "--bare", "-b", "main"], "");
            run(folder, umask, "git", &["config", "core.sharedRepository", setting], "");
        }
        let git = |args: &[&str], input: &str| run(gits, umask, "git", args, input);
        let tree = git(&["hash-object", "-t", "tree", "-w", "--stdin"], "");
        let commit = git(&["commit-tree", &tree], "message");
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
fn a_repository_that_is_shared_in_an_unknown_way_is_refused_by_name() {
    let folder = temp_folder();
    run(folder.path(), "022", "git", &["init", "-q", "--bare"], "");
    run(folder.path(), "022", "git", &["config", "core.sharedRepository", "0060"], "");
    let ran = mind_command(folder.path(), &["list"]).output().expect("it can be started");
    let stderr = String::from_utf8_lossy(&ran.stderr);
    assert_eq!(ran.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("`0060` is no value of core.sharedRepository"), "{stderr}");
}
