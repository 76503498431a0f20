//! Temporary folders of the program: a killed process leaves nothing after the next run.

use gitmind_test_support::{Ran, fixtures_folder, mind_command, temp_folder};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

/// A run of `budget` that waits in the middle, since the archive of its fixture is a pipe.
struct Waiting {
    child: Child,
    folder: PathBuf,
}

impl Waiting {
    fn start(home: &Path, fixtures: &Path) -> Self {
        let known = folders(home);
        let args = ["budget", "--fixture", "small", "--fixtures-dir", "."];
        let mut command = mind_command(fixtures, &args);
        let child = command.env("HOME", home).stderr(Stdio::null()).stdout(Stdio::null());
        let mut child = child.spawn().expect("the program was built");
        loop {
            if let Some(folder) = folders(home).into_iter().find(|path| !known.contains(path)) {
                return Self { child, folder };
            }
            let ended = child.try_wait().expect("it is ours");
            assert_eq!(ended, None, "it ended without a temporary folder");
            std::thread::yield_now();
        }
    }

    /// Kills it, and returns what it left behind.
    fn kill(mut self) -> PathBuf {
        self.child.kill().expect("it is ours");
        self.child.wait().expect("it is ours");
        std::mem::take(&mut self.folder)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        // It would wait for ever; it may have been killed already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The folder that holds `fixtures.toml` and a pipe in place of an archive.
fn fixtures_with_a_pipe() -> tempfile::TempDir {
    let folder = temp_folder();
    let list = fixtures_folder().join("fixtures.toml");
    std::fs::copy(list, folder.path().join("fixtures.toml")).expect("a copy");
    let pipe = folder.path().join("small.tar");
    let made = rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RWXU);
    made.expect("a pipe can be made");
    folder
}

/// Temporary folders of `budget`, without lock files.
fn folders(home: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(home.join(".gitmind/budget")).into_iter().flatten();
    let paths = entries.map(|entry| entry.expect("readable").path());
    paths.filter(|path| path.is_dir()).collect()
}

/// Everything in the folder of `budget`.
fn left(home: &Path) -> usize {
    std::fs::read_dir(home.join(".gitmind/budget")).expect("it was used").count()
}

fn budget(home: &Path, variables: &[(&str, &str)]) -> Ran {
    let mut command = mind_command(&fixtures_folder(), &["budget", "--fixture", "small"]);
    let output = command.env("HOME", home).envs(variables.iter().copied()).output();
    Ran::new(output.expect("the program was built"))
}

#[test]
fn a_killed_process_leaves_nothing_after_the_next_run() {
    let (home, outside, fixtures) = (temp_folder(), temp_folder(), fixtures_with_a_pipe());
    std::fs::write(outside.path().join("kept"), "x").expect("writable");
    let folder = Waiting::start(home.path(), fixtures.path()).kill();
    assert!(folder.is_dir(), "a killed process cannot remove it");
    std::fs::create_dir(folder.join("objects")).expect("writable");
    symlink(outside.path(), folder.join("objects/link")).expect("writable");
    let ran = budget(home.path(), &[("GITMIND_LOG_LEVEL", "INFO")]);
    assert!(ran.stderr.contains("fs: event=temp_swept removed=1 failed=0\n"), "{ran:?}");
    ran.ok();
    assert_eq!(left(home.path()), 0, "neither folders nor locks");
    assert!(outside.path().join("kept").exists(), "the link was not followed");
}

#[test]
fn the_folder_of_a_living_process_stays() {
    let (home, fixtures) = (temp_folder(), fixtures_with_a_pipe());
    let waiting = Waiting::start(home.path(), fixtures.path());
    budget(home.path(), &[]).ok();
    assert_eq!(folders(home.path()), std::slice::from_ref(&waiting.folder));
    waiting.kill();
    budget(home.path(), &[]).ok();
    assert_eq!(left(home.path()), 0);
}

#[test]
fn folders_of_the_c_tool_stay_where_they_are() {
    let home = temp_folder();
    let theirs = home.path().join(".gitmind/0cd95507c3c28949bce461e0eff5d726/cache-BD7D33");
    std::fs::create_dir_all(&theirs).expect("writable");
    budget(home.path(), &[]).ok();
    assert!(theirs.is_dir(), "it has no lock, so nobody knows whether it is in use");
}

#[test]
fn a_state_folder_that_others_can_write_to_stops_the_command() {
    let home = temp_folder();
    let state = home.path().join(".gitmind");
    std::fs::create_dir(&state).expect("writable");
    std::fs::set_permissions(&state, std::fs::Permissions::from_mode(0o777)).expect("ours");
    let error = budget(home.path(), &[]).error(2);
    assert!(error.contains("can be written to by everybody (mode 0777)"), "{error}");
    assert!(error.contains("hint: chmod go-w '"), "{error}");
}
