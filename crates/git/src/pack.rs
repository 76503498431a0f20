//! What a transaction has stored, and how its caller can contradict itself.

use crate::oid::Oid;
use gitmind_memory::units::Bytes;

/// What a transaction has stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Objects.
    pub objects: u32,
    /// Size of the files that were written for them.
    pub size: Bytes,
}

/// A pack that was not what its writer said it would be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PackError {
    /// It was promised other objects than it got.
    #[error("a pack was started for {expected} objects and got {actual}")]
    Count {
        /// Objects that its header names.
        expected: u32,
        /// Objects that were added.
        actual: u32,
    },
    /// It was given the same object twice.
    #[error("object {id} was added to a pack twice")]
    Duplicate {
        /// The object.
        id: Oid,
    },
    /// It is finished, or could not be.
    #[error("a transaction goes on after its end")]
    Ended,
}
