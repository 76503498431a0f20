//! Why an allocation failed, in a value that needs no memory.
//!
//! It is created when memory is short, so it is `Copy` and never uses the heap.

mod reason;

use std::alloc::Layout;
use std::fmt;

pub(super) use self::reason::{explained, newest, remember};
use super::op::Op;
use crate::units::Bytes;

/// A failed request for memory.
///
/// ```
/// use gitmind_memory::units::Bytes;
/// use gitmind_memory::{ErrorKind, MemoryError};
/// let error = MemoryError::new(ErrorKind::OverCap, None, Bytes::new(90));
/// let error = error.with_limit(Bytes::new(64));
/// assert_eq!(error.to_string(), "90 B more would exceed the cap of 64 B");
/// assert_eq!((error.kind(), error.limit()), (ErrorKind::OverCap, Bytes::new(64)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryError {
    op: Option<Op>,
    requested: Bytes,
    limit: Bytes,
    kind: ErrorKind,
}

/// Why a request failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The system has no block of this size.
    Exhausted,
    /// The hard limit of a budget would be exceeded.
    OverBudget,
    /// The cap of an arena or another bounded structure would be exceeded.
    OverCap,
    /// A test injected this failure.
    Injected,
    /// The block to be resized is not a block of this port.
    Foreign,
    /// The size does not fit the address space.
    Overflow,
    /// A callback called the container that was calling it.
    Reentrant,
}

impl MemoryError {
    /// A failure of `requested` bytes for a reason without a limit.
    pub const fn new(kind: ErrorKind, op: Option<Op>, requested: Bytes) -> Self {
        Self { op, requested, limit: Bytes::ZERO, kind }
    }

    /// The same failure, with the limit that the request would have exceeded.
    #[must_use]
    pub const fn with_limit(self, limit: Bytes) -> Self {
        Self { limit, ..self }
    }

    /// The same failure, of a request for `op`.
    #[must_use]
    pub const fn with_op(self, op: Option<Op>) -> Self {
        Self { op, ..self }
    }

    /// The reason of the failure.
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The operation of the request, if its handle was tagged.
    pub const fn op(&self) -> Option<Op> {
        self.op
    }

    /// The requested bytes.
    pub const fn requested(&self) -> Bytes {
        self.requested
    }

    /// The limit that the request would have exceeded; zero when it failed for another reason.
    pub const fn limit(&self) -> Bytes {
        self.limit
    }
}

impl fmt::Display for MemoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(op) = self.op {
            write!(f, "{op}: ")?;
        }
        let Self { requested, limit, .. } = self;
        match self.kind {
            ErrorKind::Exhausted => write!(f, "the system has no {requested} of memory left"),
            ErrorKind::OverBudget => {
                write!(f, "{requested} more would exceed the memory budget of {limit}")
            }
            ErrorKind::OverCap => write!(f, "{requested} more would exceed the cap of {limit}"),
            ErrorKind::Injected => write!(f, "a request for {requested} failed as a test asked"),
            ErrorKind::Foreign => write!(f, "a block of {requested} belongs to another allocator"),
            ErrorKind::Reentrant => {
                write!(f, "{requested} were asked for inside a request that is being served")
            }
            ErrorKind::Overflow => write!(f, "a size does not fit the address space"),
        }
    }
}

impl std::error::Error for MemoryError {}

impl From<MemoryError> for std::io::Error {
    fn from(error: MemoryError) -> Self {
        // A kind alone, because wrapping the error would allocate.
        let _ = error;
        std::io::ErrorKind::OutOfMemory.into()
    }
}

pub(super) const OVERFLOW: MemoryError = MemoryError::new(ErrorKind::Overflow, None, Bytes::ZERO);

/// Checks `size` and `align` without a panic.
pub(crate) fn layout(size: usize, align: usize) -> Result<Layout, MemoryError> {
    Layout::from_size_align(size, align).map_err(|_| OVERFLOW)
}
