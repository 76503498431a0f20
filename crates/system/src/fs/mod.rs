//! Files on Linux: paths, temporary directories, removal.
//!
//! `docs/decisions/0017-own-temporary-directories-by-flock.md` says how stale temporary
//! directories are told from those of running processes.

mod posix;
mod state;
mod state_file;

pub use self::posix::PosixFileSystem;
pub use self::state_file::StateFile;
pub use gitmind_ports::fs::*;
