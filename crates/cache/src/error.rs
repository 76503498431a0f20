//! Errors of a rebuild, and the reasons for a full one.

use super::existing::ExistingError;
use super::number_table::NumberTableError;
use super::path_file::PathFileError;
use gitmind_git::branch::BranchName;
use gitmind_journal::{Malformed, WalkError};
use gitmind_memory::units::Bytes;
use gitmind_memory::{ErrorKind, MemoryError};
use gitmind_ports::fs::FsError;

/// Why a rebuild failed.
#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    /// The branch has no journal.
    #[error("branch `{0}` has no journal ({journal} does not exist)", journal = .0.journal_ref())]
    NoJournal(BranchName),
    /// The journal has a malformed commit, which is an error in strict mode.
    #[error(transparent)]
    Malformed(Malformed),
    /// The journal cannot be read.
    #[error(transparent)]
    Walk(WalkError),
    /// The cache cannot be written.
    #[error(transparent)]
    Write(#[from] gitmind_git::Error),
    /// There are more edges or more distinct objects than 32-bit ids.
    #[error("the journal has more than {} edges", u32::MAX)]
    TooManyEdges,
    /// Edges or commit ids that do not fit in memory cannot be written to disk.
    #[error("cannot spill edges or commit ids to disk")]
    Spill(#[source] FsError),
    /// An allocation failed.
    #[error("no memory for the rebuild: {0}")]
    Memory(#[from] MemoryError),
}

impl RebuildError {
    /// The allocation failure, if one is the cause, at whatever depth.
    pub const fn memory(&self) -> Option<MemoryError> {
        match self {
            Self::Memory(error) | Self::Write(gitmind_git::Error::Memory(error)) => Some(*error),
            Self::Walk(error) => error.memory(),
            _ => None,
        }
    }

    /// The memory budget that an allocation would exceed, if that is the cause.
    pub(super) fn budget(&self) -> Option<Bytes> {
        let failure = self.memory().filter(|failure| failure.kind() == ErrorKind::OverBudget);
        failure.map(|failure| failure.limit())
    }

    /// Whether an allocation would exceed the arena's cap.
    pub fn is_over_cap(&self) -> bool {
        matches!(self, Self::Memory(error) if error.kind() == ErrorKind::OverCap)
    }
}

impl From<WalkError> for RebuildError {
    fn from(error: WalkError) -> Self {
        match error {
            WalkError::CommitIds(error) => Self::Spill(error),
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

impl From<PathFileError> for RebuildError {
    fn from(error: PathFileError) -> Self {
        match error {
            PathFileError::Memory(error) => Self::Memory(error),
            // Only a file that is read is malformed.
            _ => Self::TooManyEdges,
        }
    }
}

impl From<NumberTableError> for RebuildError {
    fn from(error: NumberTableError) -> Self {
        match error {
            NumberTableError::Memory(error) => Self::Memory(error),
            NumberTableError::TooManyKeys => Self::TooManyEdges,
        }
    }
}

/// Why a full rebuild replaced an existing cache, instead of an incremental one.
#[derive(Debug, thiserror::Error)]
pub enum FullBecause {
    /// The commit that the cache was built from is not among the recent ancestors of the tip.
    #[error("the commit it was built from is not a recent ancestor of the journal's tip")]
    BaseNotFound,
    /// After a merge as another parent, too many edges get other ids.
    #[error("many of its edges get other ids")]
    Renumbered,
    /// The incremental rebuild would exceed the arena's cap or the memory budget, which is given.
    #[error("an incremental rebuild needs more than {0}")]
    OverLimit(Bytes),
    /// Part of the cache is missing or corrupt.
    #[error("it is damaged: {0}")]
    Damaged(#[from] ExistingError),
}
