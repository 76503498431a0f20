//! Reading one commit of a journal: its message, its payload, its edges.
//!
//! A malformed commit never hides another one: it is named and the walk goes on.

use super::cbor::{CborError, Edges};
use super::message::{MessageError, decode_message};
use crate::git::Commit;
use crate::memory::{Alloc, Vec};
use crate::oid::Oid;

/// What is wrong with a commit of a journal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Its message holds no payload: none of its edges can be read.
    #[error("journal commit {commit} was skipped: {problem}")]
    Skipped {
        /// The commit.
        commit: Oid,
        /// What is wrong with its message.
        problem: MessageError,
    },
    /// Its payload breaks off: only the edges before that can be read.
    #[error("journal commit {commit} was cut short after {edges_kept} edges: {problem}")]
    Truncated {
        /// The commit.
        commit: Oid,
        /// Edges that were read before the error.
        edges_kept: u32,
        /// What is wrong with its payload.
        problem: CborError,
    },
}

/// A buffer for payloads, reused from commit to commit.
#[derive(Debug)]
pub struct PayloadBuffer<'a>(Vec<'a, u8>);

impl<'a> PayloadBuffer<'a> {
    /// An empty buffer, which grows out of `alloc`.
    pub const fn new(alloc: Alloc<'a>) -> Self {
        Self(Vec::new(alloc))
    }

    /// Decodes the message of `commit`.
    ///
    /// # Errors
    /// When the message holds no payload.
    pub fn edges(&mut self, commit: &Commit<'_>) -> Result<Edges<'_>, MessageError> {
        decode_message(commit.message, &mut self.0)?;
        Ok(Edges::new(&self.0))
    }
}
