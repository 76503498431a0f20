//! Why a query has no answer, and why its answer is not the cache's.

use crate::existing::ExistingError;
use crate::meta::MetaError;
use gitmind_git::branch::BranchName;
use gitmind_git::oid::Oid;
use gitmind_journal::WalkError;
use gitmind_memory::MemoryError;

/// A query without an answer.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The branch has no journal.
    #[error("branch `{0}` has no journal ({journal} does not exist)", journal = .0.journal_ref())]
    NoJournal(BranchName),
    /// The journal's ref cannot be read.
    #[error(transparent)]
    Repository(#[from] gitmind_git::Error),
    /// The journal cannot be read.
    #[error(transparent)]
    Walk(#[from] WalkError),
    /// An edge was seen in the journal and could not be read again.
    #[error("an edge that was found cannot be read again: {0}")]
    Again(#[source] ExistingError),
    /// There are more edges than 32-bit ids.
    #[error("the journal has more than {} edges", u32::MAX)]
    TooManyEdges,
    /// Memory is short.
    #[error("no memory for the query: {0}")]
    Memory(#[from] MemoryError),
}

impl QueryError {
    /// The refusal, however deep it was, when memory was short.
    pub const fn memory(&self) -> Option<MemoryError> {
        match self {
            Self::Memory(error) | Self::Repository(gitmind_git::Error::Memory(error)) => {
                Some(*error)
            }
            Self::Walk(error) => error.memory(),
            Self::Again(error) => error.memory(),
            _ => None,
        }
    }
}

/// Why a cache does not answer a query.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// The branch has none.
    #[error("there is no cache")]
    Missing,
    /// It does not say what it was built from, as the C tool's caches do not.
    #[error("the cache was written by another tool and does not say from which journal")]
    OtherTool,
    /// It was written by another version.
    #[error("the cache is of another version: {0}")]
    Version(#[source] MetaError),
    /// It is that of another state of the journal.
    #[error("the cache is stale: it was built from journal commit {built_from}, not {tip}")]
    Stale {
        /// The newest commit that it knows.
        built_from: Oid,
        /// The newest commit that there is.
        tip: Oid,
    },
    /// Part of it is missing or not as it was written.
    #[error("the cache is damaged: {0}")]
    Damaged(#[source] ExistingError),
}

impl Unusable {
    /// The name used in output.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::OtherTool => "other-tool",
            Self::Version(_) => "other-version",
            Self::Stale { .. } => "stale",
            Self::Damaged(_) => "damaged",
        }
    }

    /// The refusal, when the cache itself may be whole and only memory was short.
    pub const fn memory(&self) -> Option<MemoryError> {
        match self {
            Self::Damaged(error) => error.memory(),
            _ => None,
        }
    }
}

impl From<ExistingError> for Unusable {
    fn from(error: ExistingError) -> Self {
        match error {
            ExistingError::Meta(error @ MetaError::Version(_)) => Self::Version(error),
            error => Self::Damaged(error),
        }
    }
}
