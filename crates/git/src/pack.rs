//! What becomes of a pack: what it holds, and how its writer can contradict itself.

use crate::oid::Oid;
use gitmind_memory::units::Bytes;

/// What a finished pack holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PackSummary {
    /// Its checksum.
    pub checksum: Oid,
    /// Objects in it.
    pub objects: u32,
    /// Size of the pack file and the index file together.
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
}
