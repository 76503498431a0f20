//! Errors of the file-system port.

use std::io;
use std::path::{Path, PathBuf};

use gitmind_memory::MemoryError;

/// Why an operation of the file-system port failed.
#[derive(Debug, thiserror::Error)]
pub enum FsError {
    /// A system call failed.
    #[error("cannot {action} `{}`", path.display())]
    Io {
        /// The operation, a verb for "cannot ...".
        action: &'static str,
        /// The path that it was applied to.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The path is not valid for this operation.
    #[error("`{}` {reason}", path.display())]
    InvalidPath {
        /// The path.
        path: PathBuf,
        /// What is wrong with the path.
        reason: &'static str,
    },
    /// A path with more than [`PATH_BYTES_MAX`](super::PATH_BYTES_MAX) bytes.
    #[error("the path has {len} bytes, the limit is {limit}")]
    TooLong {
        /// Length of the path in bytes.
        len: usize,
        /// Largest length in bytes.
        limit: usize,
    },
    /// A state directory that another user owns or can write to.
    #[error("the state directory `{}` {reason}; it is not used", path.display())]
    Unsafe {
        /// The directory.
        path: PathBuf,
        /// Why the directory is not trusted.
        reason: String,
        /// What the user can do.
        hint: String,
    },
    /// The state directory could be created neither below `HOME` nor below `TMPDIR`.
    #[error("no state directory can be created below HOME or TMPDIR")]
    NoState(#[source] Box<Self>),
    /// The file system was created without a state directory, where temporary directories go.
    #[error("this file system has no state directory, so it makes no temporary directories")]
    Stateless,
    /// Directories are nested deeper than this program nests them.
    #[error("`{}` has more than {limit} levels of nested directories", path.display())]
    TooDeep {
        /// The directory that was to be removed.
        path: PathBuf,
        /// Largest number of levels.
        limit: usize,
    },
    /// An allocation failed.
    #[error(transparent)]
    Memory(#[from] MemoryError),
}

/// The class of an [`FsError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FsErrorKind {
    /// The path does not exist.
    NotFound,
    /// The user has no permission.
    PermissionDenied,
    /// The path is too long.
    PathTooLong,
    /// The file system is read-only.
    ReadOnly,
    /// The path is not valid.
    InvalidPath,
    /// The state directory is not trusted.
    Unsafe,
    /// An allocation failed.
    Memory,
    /// Any other error.
    Io,
}

impl FsError {
    /// The error `source` of a system call for `action` on `path`.
    pub fn io(action: &'static str, path: &Path, source: impl Into<io::Error>) -> Self {
        Self::Io { action, path: path.into(), source: source.into() }
    }

    /// An error for an invalid `path`.
    pub fn invalid(path: &Path, reason: &'static str) -> Self {
        Self::InvalidPath { path: path.into(), reason }
    }

    /// The class of this error.
    pub fn kind(&self) -> FsErrorKind {
        match self {
            Self::Io { source, .. } => match source.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => FsErrorKind::NotFound,
                io::ErrorKind::PermissionDenied => FsErrorKind::PermissionDenied,
                io::ErrorKind::ReadOnlyFilesystem => FsErrorKind::ReadOnly,
                io::ErrorKind::InvalidFilename => FsErrorKind::PathTooLong,
                _ => FsErrorKind::Io,
            },
            Self::InvalidPath { .. } => FsErrorKind::InvalidPath,
            Self::TooLong { .. } => FsErrorKind::PathTooLong,
            Self::Unsafe { .. } => FsErrorKind::Unsafe,
            Self::NoState(source) => source.kind(),
            Self::TooDeep { .. } | Self::Stateless => FsErrorKind::Io,
            Self::Memory(_) => FsErrorKind::Memory,
        }
    }

    /// What the user can do, if anything.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Unsafe { hint, .. } => Some(hint),
            Self::NoState(_) => Some("set HOME or TMPDIR to a directory that you can write to"),
            _ => None,
        }
    }
}
