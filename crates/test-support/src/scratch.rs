//! Temporary directories of tests, in memory where there is room.
//!
//! Tests make thousands of small repositories, and the program waits for the disk each time. No
//! test cuts the power of the disk, so a file system in memory shows the same.

use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Linux mounts a file system in memory here (shm_overview(7)).
const MEMORY: &str = "/dev/shm";
/// More than the tests of one run have at once. Containers have 64 MiB there.
const FREE_BYTES_MIN: u64 = 1 << 30;

/// A new directory, which is removed when it is dropped.
///
/// # Panics
/// When it cannot be made.
pub fn temp_directory() -> TempDir {
    let mut builder = tempfile::Builder::new();
    let directory = builder.prefix("git-mind-test-").tempdir_in(root());
    directory.expect("a temporary directory can be made")
}

fn root() -> PathBuf {
    let free_bytes = rustix::fs::statvfs(MEMORY).map_or(0, |stat| stat.f_bavail * stat.f_frsize);
    let is_enough = free_bytes >= FREE_BYTES_MIN;
    if is_enough { Path::new(MEMORY).into() } else { std::env::temp_dir() }
}
