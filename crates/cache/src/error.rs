//! Why a cache could not be rebuilt.

use super::existing::ExistingError;
use super::oid_table::OidTableError;
use gitmind_git::branch::{BranchName, BranchNameError};
use gitmind_journal::{Malformed, WalkError};
use gitmind_memory::units::Bytes;
use gitmind_memory::{ErrorKind, MemoryError};
use gitmind_ports::fs::FsError;

/// A rebuild that changed nothing.
#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    /// The branch has no journal.
    #[error("branch `{0}` has no journal ({journal} does not exist)", journal = .0.journal_ref())]
    NoJournal(BranchName),
    /// The branch's name does not fit a cache.
    #[error(transparent)]
    Branch(#[from] BranchNameError),
    /// The journal has a malformed commit, and that was to be an error.
    #[error(transparent)]
    Malformed(Malformed),
    /// The journal cannot be read.
    #[error(transparent)]
    Walk(WalkError),
    /// The cache cannot be written.
    #[error(transparent)]
    Write(#[from] gitmind_git::Error),
    /// There are more edges, or more distinct objects, than 32-bit ids.
    #[error("the journal has more than {} edges", u32::MAX)]
    TooManyEdges,
    /// What does not fit the memory cannot go to the disk either.
    #[error("cannot move edges or names to the disk")]
    Spill(#[source] FsError),
    /// Memory is short.
    #[error("no memory for the rebuild: {0}")]
    Memory(#[from] MemoryError),
}

impl RebuildError {
    /// The refusal, however deep it was, when memory was short.
    pub const fn memory(&self) -> Option<MemoryError> {
        match self {
            Self::Memory(error) | Self::Write(gitmind_git::Error::Memory(error)) => Some(*error),
            Self::Walk(error) => error.memory(),
            _ => None,
        }
    }

    /// The budget that is in the way, if one is.
    pub(super) fn budget(&self) -> Option<Bytes> {
        let refused = self.memory().filter(|refused| refused.kind == ErrorKind::OverBudget);
        refused.map(|refused| refused.limit)
    }

    /// Whether the arena's cap, and nothing else, is in the way.
    pub fn is_over_cap(&self) -> bool {
        matches!(self, Self::Memory(error) if error.kind == ErrorKind::OverCap)
    }
}

impl From<WalkError> for RebuildError {
    fn from(error: WalkError) -> Self {
        match error {
            WalkError::Names(error) => Self::Spill(error),
            error => Self::Walk(error),
        }
    }
}

impl From<FsError> for RebuildError {
    fn from(error: FsError) -> Self {
        match error {
            FsError::Memory(error) => Self::Memory(error),
            error => Self::Spill(error),
        }
    }
}

impl From<OidTableError> for RebuildError {
    fn from(error: OidTableError) -> Self {
        match error {
            OidTableError::Memory(error) => Self::Memory(error),
            OidTableError::TooManyOids => Self::TooManyEdges,
        }
    }
}

/// Why a cache that was there was not brought up to date, but built anew.
#[derive(Debug, thiserror::Error)]
pub enum FullBecause {
    /// What is new has a merge.
    #[error("a merge is among the new commits")]
    Merge,
    /// The commit that the cache was built from is not met on the way back.
    #[error("the commit it was built from is not a recent first parent of the journal")]
    NotMet,
    /// What is new, or what it touches, does not fit the arena or the budget.
    #[error("what is new takes more than {0}")]
    TooMuch(Bytes),
    /// Part of the cache is missing or not as it was written.
    #[error("it is damaged: {0}")]
    Damaged(#[from] ExistingError),
}
