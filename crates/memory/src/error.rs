//! Why a request for memory failed, in a value that needs no memory.
//!
//! It is made when memory is short, so it is `Copy` and never touches the heap. Containers of
//! `allocator_api2` and `hashbrown` report a failure without its reason; the handle keeps the last
//! one of each thread, as `errno` does, and the conversions here pick it up.

use std::cell::Cell;
use std::fmt;

use allocator_api2::alloc::{AllocError, Layout};
use allocator_api2::collections::{TryReserveError, TryReserveErrorKind};

use super::op::{Op, OpTag};
use crate::units::Bytes;

/// A failed request for memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryError {
    /// The operation that asked, when it asked through a tagged handle.
    pub op: Option<Op>,
    /// What was asked for.
    pub requested: Bytes,
    /// The limit that stood in the way; zero when there was none of ours.
    pub limit: Bytes,
    /// Why it failed.
    pub kind: ErrorKind,
}

/// Why a request failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The system has no block of this size.
    Exhausted,
    /// The hard limit of a budget would be exceeded.
    OverBudget,
    /// The cap of an arena or another bounded structure would be exceeded.
    OverCap,
    /// A test asked for this failure.
    Injected,
    /// The block to be resized was never handed out by this port.
    Foreign,
    /// The size does not fit the address space.
    Overflow,
    /// A callback asked what was in the middle of a change that led to the callback.
    Reentrant,
}

impl MemoryError {
    /// A failure of `requested` bytes for a reason without a limit.
    pub const fn new(kind: ErrorKind, op: Option<Op>, requested: Bytes) -> Self {
        Self { op, requested, limit: Bytes::ZERO, kind }
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

thread_local! {
    static LAST: Cell<Option<MemoryError>> = const { Cell::new(None) };
}

/// Keeps `error`, which `op` met, for the conversion that follows in this thread.
#[cold]
pub(super) fn remember(error: MemoryError, op: OpTag<'_>) -> AllocError {
    LAST.with(|last| last.set(Some(MemoryError { op: op.op(), ..error })));
    AllocError
}

/// The reason of the failure that was just seen; without one, the system is the only suspect.
fn recall(requested: Bytes) -> MemoryError {
    let unknown = MemoryError::new(ErrorKind::Exhausted, None, requested);
    LAST.with(Cell::take).unwrap_or(unknown)
}

pub(super) const OVERFLOW: MemoryError = MemoryError::new(ErrorKind::Overflow, None, Bytes::ZERO);

impl From<AllocError> for MemoryError {
    fn from(_: AllocError) -> Self {
        recall(Bytes::ZERO)
    }
}

impl From<TryReserveError> for MemoryError {
    fn from(error: TryReserveError) -> Self {
        match error.kind() {
            TryReserveErrorKind::CapacityOverflow => OVERFLOW,
            TryReserveErrorKind::AllocError { layout, .. } => recall(layout.size().into()),
        }
    }
}

impl From<hashbrown::TryReserveError> for MemoryError {
    fn from(error: hashbrown::TryReserveError) -> Self {
        match error {
            hashbrown::TryReserveError::CapacityOverflow => OVERFLOW,
            hashbrown::TryReserveError::AllocError { layout } => recall(layout.size().into()),
        }
    }
}

impl From<MemoryError> for std::io::Error {
    fn from(error: MemoryError) -> Self {
        // A kind alone, because wrapping the error would allocate.
        let _ = error;
        std::io::ErrorKind::OutOfMemory.into()
    }
}

/// Checks `size` and `align` without a panic.
pub(crate) fn layout(size: usize, align: usize) -> Result<Layout, MemoryError> {
    Layout::from_size_align(size, align).map_err(|_| OVERFLOW)
}
