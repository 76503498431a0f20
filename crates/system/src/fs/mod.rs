//! The file-system port: canonical paths, temporary folders that a crash does not leave behind,
//! and removal that follows no link.
//!
//! [`FileSystem`] is what services see; [`PosixFileSystem`] is the real one, [`FakeFileSystem`] a
//! tree in memory with faults. What comes back is owned, in memory of the caller's handle, and its
//! `Drop` is the one way to give it back. `docs/decisions/0017-temp-folders-with-a-lock.md` says
//! how the dead are told from the living.

mod error;
mod fake;
mod logical;
mod name;
mod path;
mod port;
mod posix;
mod state;
mod temp_dir;

pub use self::error::{FsError, FsErrorKind};
pub use self::fake::FakeFileSystem;
pub use self::name::{NameError, SafeName};
pub use self::path::{OwnedPath, PATH_BYTES_MAX};
pub use self::port::{BoxedScratch, Canonical, FileSystem, ScratchFile};
pub use self::posix::PosixFileSystem;
pub use self::temp_dir::{Claim, Swept, TempDir};
