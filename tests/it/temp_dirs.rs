//! Temporary directories of the program: the next run removes those of a killed process.

use gitmind_test_support::{Ran, fixtures_directory, mind_command, temp_directory};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

/// A run of `budget` that blocks in the middle, since the archive of its fixture is a pipe.
struct Waiting {
    child: Child,
    directory: PathBuf,
}

impl Waiting {
    fn start(home: &Path, fixtures: &Path) -> Self {
        let known = directories(home);
        let args = ["budget", "--fixture", "small", "--fixtures-dir", "."];
        let mut command = mind_command(fixtures, &args);
        let child = command.env("HOME", home).stderr(Stdio::null()).stdout(Stdio::null());
        let mut child = child.spawn().expect("the program was built");
        loop {
            if let Some(directory) =
                directories(home).into_iter().find(|path| !known.contains(path))
            {
                return Self { child, directory };
            }
            let ended = child.try_wait().expect("it is ours");
            assert_eq!(ended, None, "it ended without a temporary directory");
            std::thread::yield_now();
        }
    }

    /// Kills the process, and returns the directory that it leaves.
    fn kill(mut self) -> PathBuf {
        self.child.kill().expect("it is ours");
        self.child.wait().expect("it is ours");
        std::mem::take(&mut self.directory)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        // The process would block forever; an error means that it was killed already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The directory that holds `fixtures.toml` and a pipe in place of an archive.
fn fixtures_with_a_pipe() -> tempfile::TempDir {
    let directory = temp_directory();
    let list = fixtures_directory().join("fixtures.toml");
    std::fs::copy(list, directory.path().join("fixtures.toml")).expect("a copy");
    let pipe = directory.path().join("small.tar");
    let made = rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RWXU);
    made.expect("a pipe can be made");
    directory
}

/// Temporary directories of `budget`, without lock files.
fn directories(home: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(home.join(".gitmind/budget")).into_iter().flatten();
    let paths = entries.map(|entry| entry.expect("readable").path());
    paths.filter(|path| path.is_dir()).collect()
}

/// Everything in the directory of `budget`.
fn left(home: &Path) -> usize {
    std::fs::read_dir(home.join(".gitmind/budget")).expect("it was used").count()
}

fn budget(home: &Path, variables: &[(&str, &str)]) -> Ran {
    let mut command = mind_command(&fixtures_directory(), &["budget", "--fixture", "small"]);
    let output = command.env("HOME", home).envs(variables.iter().copied()).output();
    Ran::new(output.expect("the program was built"))
}

#[test]
fn the_next_run_removes_the_directories_of_a_killed_process() {
    let (home, outside, fixtures) = (temp_directory(), temp_directory(), fixtures_with_a_pipe());
    std::fs::write(outside.path().join("kept"), "x").expect("writable");
    let directory = Waiting::start(home.path(), fixtures.path()).kill();
    assert!(directory.is_dir(), "a killed process cannot remove it");
    std::fs::create_dir(directory.join("objects")).expect("writable");
    symlink(outside.path(), directory.join("objects/link")).expect("writable");
    let ran = budget(home.path(), &[("GITMIND_LOG_LEVEL", "INFO")]);
    assert!(ran.stderr.contains("fs: event=temp_swept removed=1 failed=0\n"), "{ran:?}");
    ran.ok();
    assert_eq!(left(home.path()), 0, "neither directories nor locks");
    assert!(outside.path().join("kept").exists(), "the link was not followed");
}

#[test]
fn the_directory_of_a_running_process_stays() {
    let (home, fixtures) = (temp_directory(), fixtures_with_a_pipe());
    let waiting = Waiting::start(home.path(), fixtures.path());
    budget(home.path(), &[]).ok();
    assert_eq!(directories(home.path()), std::slice::from_ref(&waiting.directory));
    waiting.kill();
    budget(home.path(), &[]).ok();
    assert_eq!(left(home.path()), 0);
}

#[test]
fn directories_of_the_c_tool_stay_where_they_are() {
    let home = temp_directory();
    let theirs = home.path().join(".gitmind/0cd95507c3c28949bce461e0eff5d726/cache-BD7D33");
    std::fs::create_dir_all(&theirs).expect("writable");
    budget(home.path(), &[]).ok();
    assert!(theirs.is_dir(), "without a lock file it is unknown whether it is in use");
}

#[test]
fn a_state_directory_that_others_can_write_to_stops_the_command() {
    let home = temp_directory();
    let state = home.path().join(".gitmind");
    std::fs::create_dir(&state).expect("writable");
    std::fs::set_permissions(&state, std::fs::Permissions::from_mode(0o777)).expect("ours");
    let error = budget(home.path(), &[]).error(2);
    assert!(error.contains("can be written to by every user (mode 0777)"), "{error}");
    assert!(error.contains("hint: chmod go-w '"), "{error}");
}
