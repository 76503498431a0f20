//! The result of a transaction, and the errors of a caller that breaks its protocol.

use crate::oid::Oid;
use gitmind_memory::units::Bytes;

/// The objects and bytes that a transaction has stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Number of objects.
    pub objects: u32,
    /// Size of the files that were written for the objects.
    pub size: Bytes,
}

/// A breach of the transaction's protocol by its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PackError {
    /// Another number of objects was announced than was added.
    #[error("a pack for {expected} objects got {actual}")]
    Count {
        /// The number that was announced.
        expected: u32,
        /// The number that was added.
        actual: u32,
    },
    /// The same object was added twice.
    #[error("object {id} was added to a pack twice")]
    Duplicate {
        /// The object.
        id: Oid,
    },
    /// An object was added, or a commit was tried, after the transaction's end or failure.
    #[error("the transaction has already ended")]
    Ended,
}
