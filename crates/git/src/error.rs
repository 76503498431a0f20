//! What can go wrong with a repository, named after what failed and on what.

use super::pack::PackError;
use super::port::ObjectKind;
use crate::oid::Oid;
use gitmind_memory::MemoryError;
use std::io;
use std::path::{Path, PathBuf};

/// A failed access to a repository. What the git libraries say is kept as text.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No repository at a path or above it.
    #[error("{} is not inside a git repository", .path.display())]
    NotARepository {
        /// Where the search started.
        path: PathBuf,
    },
    /// The repository names its objects with another hash.
    #[error("{} uses the object format `{format}`, only `sha1` is supported", .path.display())]
    ObjectFormat {
        /// The repository.
        path: PathBuf,
        /// The format that its configuration names.
        format: String,
    },
    /// The repository needs a feature that is not implemented.
    #[error("{} needs the extension `{extension}`, which is not supported", .path.display())]
    Extension {
        /// The repository.
        path: PathBuf,
        /// The extension, with its value where that matters.
        extension: String,
    },
    /// The repository cannot be opened.
    #[error("cannot open {}: {reason}", .path.display())]
    Open {
        /// The repository.
        path: PathBuf,
        /// What the library says.
        reason: String,
    },
    /// An object is not there.
    #[error("object {0} is missing")]
    Missing(Oid),
    /// An object is there and cannot be read.
    #[error("object {id} is corrupt: {reason}")]
    Corrupt {
        /// The object.
        id: Oid,
        /// What is wrong with it.
        reason: String,
    },
    /// An object may be there, and the system does not let it be read.
    #[error("object {id} cannot be read: {reason}")]
    Unreadable {
        /// The object.
        id: Oid,
        /// What the system says.
        reason: String,
    },
    /// An object is behind the border of a shallow clone.
    #[error("object {0} is not in this shallow clone")]
    Shallow(Oid),
    /// An object is not of the kind that its place asks for.
    #[error("object {id} is a {actual}, not a {expected}")]
    Kind {
        /// The object.
        id: Oid,
        /// What it is.
        actual: ObjectKind,
        /// What it should be.
        expected: ObjectKind,
    },
    /// Content was made to collide with other content under SHA-1.
    #[error("content is refused: it was made to collide with other content, at {0}")]
    Hash(Oid),
    /// A ref cannot be read.
    #[error("cannot read ref {name}: {reason}")]
    RefRead {
        /// The ref.
        name: String,
        /// What the library says.
        reason: String,
    },
    /// A ref was changed by someone else between reading and writing it.
    #[error("ref {0} was changed by another process meanwhile")]
    RefMoved(String),
    /// A ref is locked by someone else, or its lock was left behind.
    #[error("ref {name} is locked: {reason}")]
    RefLocked {
        /// The ref.
        name: String,
        /// Whose it is, with the lock file's path.
        reason: String,
        /// Whether its owner is known to live, and so lets go of it.
        holder_is_alive: bool,
    },
    /// A ref stands where a directory of refs would have to be, or the other way round.
    #[error("ref {name} cannot be beside ref {other}")]
    RefConflict {
        /// The ref that was to be made.
        name: String,
        /// The ref that is there.
        other: String,
    },
    /// A ref cannot be written.
    #[error("cannot write ref {name}: {reason}")]
    RefWrite {
        /// The ref.
        name: String,
        /// What the library says.
        reason: String,
    },
    /// A ref has its new value, and something failed after that.
    #[error("ref {name} has its new value, but {reason}")]
    RefUnsure {
        /// The ref.
        name: String,
        /// What is not certain.
        reason: String,
    },
    /// A file that was being written was removed by someone else.
    #[error("{} was removed meanwhile, as `git gc --prune=now` does", .0.display())]
    Removed(PathBuf),
    /// A pack is not what its writer said it would be.
    #[error(transparent)]
    Pack(#[from] PackError),
    /// There was no memory.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// A file cannot be read or written.
    #[error("cannot {action} {}", .path.display())]
    Io {
        /// What was tried, a verb.
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
