//! The file-system port: canonical paths, temporary folders that a crash does not leave behind,
//! and removal that follows no link.
//!
//! [`FileSystem`] is what services see; [`FakeFileSystem`] is a tree in memory with faults, and the
//! real one is `FakeFileSystem` of `gitmind-system`. What comes back is owned, in memory of the
//! caller's handle, and its `Drop` is the one way to give it back.

mod error;
mod fake;
mod logical;
mod name;
mod path;
mod port;
mod temp_dir;

pub use self::error::{FsError, FsErrorKind};
pub use self::fake::FakeFileSystem;
pub use self::logical::logical;
pub use self::name::{NameError, SafeName};
pub use self::path::{OwnedPath, PATH_BYTES_MAX, check_len, parent_and_name};
pub use self::port::{BoxedScratch, Canonical, FileSystem, ScratchFile};
pub use self::temp_dir::{Claim, Held, Swept, TempDir};
