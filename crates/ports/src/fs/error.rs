//! What can go wrong with paths and folders.

use std::io;
use std::path::{Path, PathBuf};

use gitmind_memory::MemoryError;

/// Why a path or a folder could not be had.
#[derive(Debug, thiserror::Error)]
pub enum FsError {
    /// The system refused.
    #[error("cannot {action} `{}`", path.display())]
    Io {
        /// What was tried, as in "cannot ...".
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The path cannot be one.
    #[error("`{}` {reason}", path.display())]
    InvalidPath {
        /// The path.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A path with more than [`PATH_BYTES_MAX`](super::PATH_BYTES_MAX) bytes.
    #[error("a path of {len} bytes, the limit is {limit}")]
    TooLong {
        /// Bytes of the path.
        len: usize,
        /// Most bytes of a path.
        limit: usize,
    },
    /// A state folder that others can write to, or that is somebody else's.
    #[error("the state directory `{}` {reason}; it is not used", path.display())]
    Unsafe {
        /// The folder.
        path: PathBuf,
        /// Why it is not trusted.
        reason: String,
        /// What to type next.
        hint: String,
    },
    /// No folder for state could be made.
    #[error(
        "no state directory can be made in the home directory nor in the one for temporary files"
    )]
    NoState(#[source] Box<Self>),
    /// The file system was made without a folder for state.
    #[error("this file system was given no state directory, so it makes no temporary directories")]
    Stateless,
    /// Folders nested deeper than anything of ours.
    #[error("`{}` has more than {limit} directories inside each other", path.display())]
    TooDeep {
        /// The folder that was to be removed.
        path: PathBuf,
        /// Most folders inside each other.
        limit: usize,
    },
    /// There is no memory for the answer.
    #[error(transparent)]
    Memory(#[from] MemoryError),
}

/// What an error means for the caller, whatever it happened to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FsErrorKind {
    /// Nothing has that name.
    NotFound,
    /// The user may not.
    PermissionDenied,
    /// The path is too long.
    PathTooLong,
    /// The file system is read-only.
    ReadOnly,
    /// The path cannot be one.
    InvalidPath,
    /// A folder that is not trusted.
    Unsafe,
    /// No memory.
    Memory,
    /// Anything else.
    Io,
}

impl FsError {
    /// An error of the system while it did `action` to `path`.
    pub fn io(action: &'static str, path: &Path, source: impl Into<io::Error>) -> Self {
        Self::Io { action, path: path.into(), source: source.into() }
    }

    /// A path that cannot be one.
    pub fn invalid(path: &Path, reason: &'static str) -> Self {
        Self::InvalidPath { path: path.into(), reason }
    }

    /// What it means.
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

    /// What to type next, where there is something.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Unsafe { hint, .. } => Some(hint),
            Self::NoState(_) => Some("set HOME or TMPDIR to a directory that you can write to"),
            _ => None,
        }
    }
}
