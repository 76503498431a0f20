//! The reason of a failure, for containers of other crates, which report none.
//!
//! Containers of `allocator_api2` and `hashbrown` report a failure without its reason; the handle
//! keeps the last one of each thread, as `errno` does, and the conversions here pick it up.

use std::cell::Cell;

use allocator_api2::alloc::AllocError;
use allocator_api2::collections::{TryReserveError, TryReserveErrorKind};

use super::{ErrorKind, MemoryError, OVERFLOW};
use crate::op::OpTag;
use crate::units::Bytes;

thread_local! {
    static LAST: Cell<Option<MemoryError>> = const { Cell::new(None) };
}

/// Keeps `error`, which `op` met, for the conversion that follows in this thread.
#[cold]
pub(crate) fn remember(error: MemoryError, op: OpTag<'_>) -> AllocError {
    LAST.with(|last| last.set(Some(error.with_op(op.op()))));
    AllocError
}

/// The reason of the failure that was just seen; without one, the system is the only suspect.
fn recall(requested: Bytes) -> MemoryError {
    let unknown = MemoryError::new(ErrorKind::Exhausted, None, requested);
    LAST.with(Cell::take).unwrap_or(unknown)
}

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
