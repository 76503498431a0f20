//! Whether git is collecting garbage: what is in nobody's reach yet is in danger then.
//!
//! `git gc` holds the file `gc.pid` with its process id and host, and takes one for a leftover when
//! it is older than twelve hours or its process is gone (builtin/gc.c, `lock_repo_for_gc`).

use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, test_kill_process};
use std::io::Read;
use std::path::Path;
use std::time::Duration;

const FILE: &str = "gc.pid";
const AGE_MAX: Duration = Duration::from_secs(12 * 60 * 60);
/// Most bytes of a process id and the name of a host.
const BYTES_MAX: usize = 320;

/// Whether the repository in `common_dir` is being collected.
pub(super) fn is_running(common_dir: &Path) -> bool {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let folder = rustix::fs::open(common_dir, flags | OFlags::DIRECTORY, Mode::empty());
    let file = folder.and_then(|folder| rustix::fs::openat(&folder, FILE, flags, Mode::empty()));
    let Ok(file) = file.map(std::fs::File::from) else { return false };
    let age = file.metadata().and_then(|file| file.modified()).ok();
    let age = age.and_then(|time| time.elapsed().ok());
    if age.is_some_and(|age| age > AGE_MAX) {
        return false;
    }
    let mut content = [0; BYTES_MAX];
    let mut filled = 0;
    while filled < BYTES_MAX {
        match (&file).read(&mut content[filled..]) {
            Ok(0) | Err(_) => break,
            Ok(read) => filled += read,
        }
    }
    let text = str::from_utf8(&content[..filled]).unwrap_or_default();
    // One that is being written now is empty.
    let Some((pid, host)) = text.trim_ascii().split_once(' ') else { return true };
    let uname = rustix::system::uname();
    let is_here = uname.nodename().to_bytes() == host.as_bytes();
    let pid = pid.parse().ok().and_then(Pid::from_raw);
    let is_gone = |pid| test_kill_process(pid) == Err(rustix::io::Errno::SRCH);
    !is_here || !pid.is_some_and(is_gone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collection_runs_while_its_process_does() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let uname = rustix::system::uname();
        let host = uname.nodename().to_str().expect("a name");
        let own = std::process::id();
        assert!(!is_running(folder.path()), "there is no file");
        for (content, expected) in [
            (format!("{own} {host}"), true),
            (format!("{} {host}", i32::MAX), false),
            (format!("{} {host}-of-others", i32::MAX), true),
            (String::new(), true),
        ] {
            std::fs::write(folder.path().join(FILE), &content).expect("writable");
            assert_eq!(is_running(folder.path()), expected, "{content}");
        }
    }
}
