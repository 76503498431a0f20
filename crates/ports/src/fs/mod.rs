//! The file-system port: canonical paths, temporary directories that are removed even after a
//! crash, and recursive removal that follows no symbolic link.
//!
//! [`FileSystem`] is the trait, [`FakeFileSystem`] an adapter in memory with fault injection, and
//! `PosixFileSystem` of `gitmind-system` the adapter for Linux. Returned values own their memory,
//! which is allocated from the caller's handle; `Drop` frees it.

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
