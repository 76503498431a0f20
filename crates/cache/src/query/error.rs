//! Errors of a query, and the reasons why the cache could not answer it.

use crate::existing::ExistingError;
use crate::meta::MetaError;
use gitmind_git::branch::BranchName;
use gitmind_git::oid::Oid;
use gitmind_journal::WalkError;
use gitmind_memory::MemoryError;

/// Why a query failed.
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
    /// An edge that the first pass found cannot be read in the second pass.
    #[error("an edge of the journal cannot be read a second time: {0}")]
    Reread(#[source] ExistingError),
    /// There are more edges than 32-bit ids.
    #[error("the journal has more than {} edges", u32::MAX)]
    TooManyEdges,
    /// An allocation failed.
    #[error("no memory for the query: {0}")]
    Memory(#[from] MemoryError),
}

impl QueryError {
    /// The allocation failure, if one is the cause, at whatever depth.
    pub const fn memory(&self) -> Option<MemoryError> {
        match self {
            Self::Memory(error) | Self::Repository(gitmind_git::Error::Memory(error)) => {
                Some(*error)
            }
            Self::Walk(error) => error.memory(),
            Self::Reread(error) => error.memory(),
            _ => None,
        }
    }
}

/// Why a cache cannot answer a query.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// The branch has no cache.
    #[error("there is no cache")]
    Missing,
    /// The cache has no metadata, as those of the C tool.
    #[error("the cache was written by another tool and does not say from which journal")]
    OtherTool,
    /// The cache has another format version.
    #[error("the cache is of another version: {0}")]
    Version(#[source] MetaError),
    /// The journal has changed since the cache was built.
    #[error("the cache is stale: it was built from journal commit {built_from}, not {tip}")]
    Stale {
        /// The newest journal commit in the cache.
        built_from: Oid,
        /// The newest journal commit.
        tip: Oid,
    },
    /// Part of the cache is missing or corrupt.
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

    /// The allocation failure, if one is the cause; the cache may then be intact.
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
