//! Errors of the repository port: each names the operation that failed, and its object.

use super::identity_error::IdentityError;
use super::pack::PackError;
use super::port::ObjectKind;
use crate::oid::Oid;
use gitmind_memory::MemoryError;
use std::io;
use std::path::{Path, PathBuf};

/// A failed access to a repository. Errors of the git libraries are stored as text.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No repository at a path or above it.
    #[error("{} is not inside a git repository", .path.display())]
    NotARepository {
        /// Where the search started.
        path: PathBuf,
    },
    /// The repository needs a feature that is not implemented.
    #[error("{} needs {extension}, which is not supported", .path.display())]
    Extension {
        /// The repository.
        path: PathBuf,
        /// The extension, its value, or the object format.
        extension: String,
    },
    /// The repository cannot be opened.
    #[error("cannot open {}: {reason}", .path.display())]
    Open {
        /// The repository.
        path: PathBuf,
        /// The library's reason.
        reason: String,
    },
    /// git would refuse to commit with the configured identity, or at the date.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// An object does not exist.
    #[error("object {0} is missing")]
    Missing(Oid),
    /// An object exists, and its content is damaged.
    #[error("object {id} is corrupt: {reason}")]
    Corrupt {
        /// The object.
        id: Oid,
        /// What is wrong with it.
        reason: String,
    },
    /// An object may exist, but a system call that reads it failed.
    #[error("object {id} cannot be read: {reason}")]
    Unreadable {
        /// The object.
        id: Oid,
        /// The system's reason.
        reason: String,
    },
    /// An object is beyond the boundary of a shallow clone.
    #[error("object {0} is not in this shallow clone")]
    Shallow(Oid),
    /// An object was left out of a partial clone.
    #[error("object {0} is not in this partial clone")]
    Promised(Oid),
    /// An object is of another kind than the reference to it requires.
    #[error("object {id} is a {actual}, not a {expected}")]
    Kind {
        /// The object.
        id: Oid,
        /// Its kind.
        actual: ObjectKind,
        /// The required kind.
        expected: ObjectKind,
    },
    /// Content was rejected because collision detection found a SHA-1 attack in it.
    #[error("content is rejected as a SHA-1 collision attack on {0}")]
    Hash(Oid),
    /// A ref cannot be read.
    #[error("cannot read ref {name}: {reason}")]
    RefRead {
        /// The ref.
        name: String,
        /// The library's reason.
        reason: String,
    },
    /// A ref was changed by another process between reading and writing it.
    #[error("ref {0} was changed by another process meanwhile")]
    RefMoved(String),
    /// A ref is locked by another process, or a killed process left its lock behind.
    #[error("ref {name} is locked: {reason}")]
    RefLocked {
        /// The ref.
        name: String,
        /// The holder of the lock, as far as known, with the lock file's path.
        reason: String,
        /// Whether the lock's holder is known to be alive, so that it will release the lock.
        holder_is_alive: bool,
    },
    /// A ref exists where a directory of refs is needed, or the other way round.
    #[error("ref {name} cannot exist together with ref {other}")]
    RefConflict {
        /// The ref that could not be created.
        name: String,
        /// The existing ref.
        other: String,
    },
    /// A ref cannot be written.
    #[error("cannot write ref {name}: {reason}")]
    RefWrite {
        /// The ref.
        name: String,
        /// The library's reason.
        reason: String,
    },
    /// A ref has its new value, but a step after the change failed, such as its sync.
    #[error("ref {name} has its new value, but {reason}")]
    RefUnsure {
        /// The ref.
        name: String,
        /// The step that failed.
        reason: String,
    },
    /// A file that was being written was removed by another process.
    #[error("{} was removed meanwhile, as `git gc --prune=now` does", .0.display())]
    Removed(PathBuf),
    /// The objects of a transaction are not those that its caller announced.
    #[error(transparent)]
    Pack(#[from] PackError),
    /// An allocation failed.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// A file cannot be read or written.
    #[error("cannot {action} {}", .path.display())]
    Io {
        /// The operation, as a verb.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

impl Error {
    /// An [`Error::Io`] maker for `map_err`; copies the path only when there is an error.
    pub fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, path: path.to_owned(), source }
    }
}
