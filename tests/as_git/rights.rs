//! What a user may do who may not read every directory of a repository.

use crate::world::{JOURNAL, World};
use gitmind_test_support::program;
use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

const USER: [&str; 5] = ["--reuid", "1000", "--regid", "1000", "--clear-groups"];

/// Runs a program as a user other than root, who owns the world; returns what it complains about.
fn as_user(world: &World, args: &[&str]) -> Result<(), String> {
    let person = [("GIT_AUTHOR_NAME", "N"), ("GIT_AUTHOR_EMAIL", "n@e")];
    let committer = [("GIT_COMMITTER_NAME", "N"), ("GIT_COMMITTER_EMAIL", "n@e")];
    let variables = [person, committer].concat();
    let ran = world.run(OsStr::new("setpriv"), "r", &[&USER[..], args].concat(), &variables);
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    ran.status.success().then_some(()).ok_or(said)
}

fn set_mode(world: &World, path: &str, mode: u32) {
    let mode = fs::Permissions::from_mode(mode);
    fs::set_permissions(world.path(path), mode).expect("root may");
}

#[test]
fn a_directory_that_cannot_be_read_can_be_used_where_git_can() {
    if !rustix::process::geteuid().is_root() {
        // Written to stderr directly, since the harness captures the output of passed tests.
        let _ = writeln!(std::io::stderr(), "NOT RUN: only root can become another user");
        return;
    }
    let mut differences = Vec::new();
    for (mode, path) in [
        (0o755, "r"),
        (0o300, "r/.git/refs/gitmind/edges"),
        (0o300, "r/.git/refs/gitmind"),
        (0o300, "r/.git/refs"),
        (0o300, "r/.git"),
        (0o500, "r/.git"),
        (0o300, "r/.git/objects"),
        (0o500, "r/.git/objects"),
        (0o500, "r/.git/refs/gitmind/edges"),
        (0o000, "r/.git/objects/pack"),
        (0o000, "r/.git/objects/info"),
        (0o000, "r/.git/refs/heads"),
        (0o000, "r/.git/refs/tags"),
        (0o000, "r/.git/info"),
        (0o100, "r"),
    ] {
        for is_packed in [false, true] {
            let world = World::new();
            for directory in ["objects/pack", "objects/info", "refs/tags", "info"] {
                fs::create_dir_all(world.path("r/.git").join(directory)).expect("writable");
            }
            if is_packed {
                world.git("r", &["gc", "-q"]);
                fs::create_dir_all(world.path("r/.git").join(JOURNAL).parent().expect("one"))
                    .expect("ok");
                fs::create_dir_all(world.path("r/.git/refs/heads")).expect("ok");
            }
            fs::copy(program(), world.path("home/gm")).expect("room");
            let chown = ["-R", "1000:1000", "."];
            let owned = Command::new("chown").current_dir(world.path("")).args(chown).status();
            assert!(owned.expect("it runs").success());
            set_mode(&world, path, mode);
            let write = format!(
                "git update-ref {JOURNAL} $(git commit-tree -m $$ -p {JOURNAL} HEAD^{{tree}})"
            );
            let gm = world.path("home/gm").display().to_string();
            for (git, ours) in [
                (
                    &["git", "log", "--format=%B", JOURNAL][..],
                    &[&gm[..], "list", "--branch", "main"][..],
                ),
                (&["git", "rev-parse", "HEAD:f"], &[&gm, "query", "--from", "f"]),
                (&["sh", "-ec", &write], &[&gm, "link", "f", "g"]),
            ] {
                // Ours is first: git's journal is none.
                let ours_said = as_user(&world, ours);
                let git_said = as_user(&world, git);
                if ours_said.is_ok() != git_said.is_ok() {
                    differences.push(format!(
                        "{mode:o} {path} {is_packed} {:?}: {git_said:?} {ours_said:?}",
                        &ours[1..]
                    ));
                }
            }
            set_mode(&world, path, 0o755);
        }
    }
    assert!(differences.is_empty(), "{differences:#?}");
}
