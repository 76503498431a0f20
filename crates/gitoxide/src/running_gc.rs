//! Detecting a running `git gc`, which may remove objects that no ref reaches yet.
//!
//! `git gc` holds the file `gc.pid` with its process id and host. git considers that file stale
//! when it is older than twelve hours or its process has ended (builtin/gc.c, `lock_repo_for_gc`).

use super::durability::time;
use gitmind_system::calls;
use rustix::fs::{AtFlags, CWD, Mode, OFlags, Stat, statat};
use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::time::{Duration, SystemTime};

const FILE: &str = "gc.pid";
const AGE_MAX: Duration = Duration::from_secs(12 * 60 * 60);
/// Most bytes of a process id and a host name.
const BYTES_MAX: usize = 320;

/// Whether `git gc` runs in the repository `common_dir`, or may run: the file exists but cannot be
/// read.
pub(super) fn is_running(common_dir: &Path) -> bool {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let open = |at: BorrowedFd<'_>, path: &Path, also| {
        calls::openat(at, path, flags | also, Mode::empty())
    };
    let directory = match open(CWD, common_dir, OFlags::DIRECTORY) {
        Ok(directory) => directory,
        Err(errno) => return errno != Errno::NOENT,
    };
    // The age is checked first, because it needs no permission to read the file.
    match statat(&directory, FILE, AtFlags::empty()) {
        Err(errno) => return errno != Errno::NOENT,
        Ok(stat) if is_old(&stat) => return false,
        Ok(_) => {}
    }
    let file = match open(directory.as_fd(), Path::new(FILE), OFlags::empty()) {
        Ok(file) => File::from(file),
        Err(errno) => return errno != Errno::NOENT,
    };
    let mut content = [0; BYTES_MAX];
    let mut filled = 0;
    while filled < BYTES_MAX {
        match (&file).read(&mut content[filled..]) {
            Ok(0) | Err(_) => break,
            Ok(read) => filled += read,
        }
    }
    let text = str::from_utf8(&content[..filled]).unwrap_or_default();
    // The file is empty while `git gc` writes it.
    let Some((pid, host)) = text.trim_ascii().split_once(' ') else { return true };
    let uname = rustix::system::uname();
    let is_here = uname.nodename().to_bytes() == host.as_bytes();
    let pid = pid.parse().ok().and_then(Pid::from_raw);
    let is_gone = |pid| test_kill_process(pid) == Err(rustix::io::Errno::SRCH);
    !is_here || !pid.is_some_and(is_gone)
}

/// Whether the file was not modified for so long that git considers it stale.
fn is_old(stat: &Stat) -> bool {
    let age = SystemTime::now().duration_since(time(stat.st_mtime));
    age.is_ok_and(|age| age > AGE_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gc_runs_while_its_process_does() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let uname = rustix::system::uname();
        let host = uname.nodename().to_str().expect("a name");
        let pid = std::process::id();
        assert!(!is_running(directory.path()), "there is no file");
        for (content, expected) in [
            (format!("{pid} {host}"), true),
            (format!("{} {host}", i32::MAX), false),
            (format!("{} {host}-elsewhere", i32::MAX), true),
            (String::new(), true),
        ] {
            std::fs::write(directory.path().join(FILE), &content).expect("writable");
            assert_eq!(is_running(directory.path()), expected, "{content}");
        }
    }

    #[test]
    fn an_unreadable_file_counts_as_a_running_gc() {
        // Regression: any error, such as a file of another user or too many open files, was taken
        // for "no gc".
        let directory = tempfile::tempdir().expect("a temporary directory");
        let file = directory.path().join(FILE);
        std::os::unix::fs::symlink(FILE, &file).expect("writable");
        assert!(is_running(directory.path()), "a link to itself");
        std::fs::remove_file(&file).expect("the test owns it");
        let socket = std::os::unix::net::UnixListener::bind(&file).expect("writable");
        assert!(is_running(directory.path()), "a socket cannot be opened");
        drop(socket);
        assert!(!is_running(&directory.path().join("none")), "there is no directory");
    }

    #[test]
    fn a_file_that_is_older_than_twelve_hours_is_stale() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let file = File::create(directory.path().join(FILE)).expect("writable");
        for (seconds, expected) in [(0, true), (60, true), (60 + AGE_MAX.as_secs(), false)] {
            let time = SystemTime::now() - Duration::from_secs(seconds);
            file.set_modified(time).expect("the test owns it");
            assert_eq!(is_running(directory.path()), expected, "{seconds}");
        }
    }
}
