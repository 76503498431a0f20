//! The reason of a failure that a container of another crate reports without one.
//!
//! Errors of the containers of `allocator_api2` and `hashbrown` have at most the layout. So a
//! handle stores the reason of a failure in a list of its thread. This crate's containers take it
//! from there within the call that failed, so it is always the reason of their own handle. The
//! error of another container may be converted later: the conversion searches by layout, and where
//! failures of several handles match, it uses none of them.

use std::alloc::Layout;
use std::cell::Cell;

use allocator_api2::alloc::AllocError;
use allocator_api2::collections::{TryReserveError, TryReserveErrorKind};

use super::{ErrorKind, MemoryError, OVERFLOW};
use crate::alloc::Alloc;
use crate::port::PortId;

/// Most failures in the list of a thread.
const FAILURES_MAX: usize = 4;

/// A failure that was reported without its reason.
#[derive(Clone, Copy)]
struct Failure {
    /// The port, and the address of the arena on it.
    source: (PortId, usize),
    layout: Layout,
    error: MemoryError,
}

type Failures = [Option<Failure>; FAILURES_MAX];

thread_local! {
    /// The newest first.
    static FAILURES: Cell<Failures> = const { Cell::new([None; FAILURES_MAX]) };
    /// The number of failures so far.
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

/// Stores `error` of a request for `layout` on `alloc`, or in an arena on it at `arena`.
#[cold]
pub(crate) fn remember(
    error: MemoryError,
    layout: Layout,
    alloc: Alloc<'_>,
    arena: usize,
) -> AllocError {
    let (source, error) = ((alloc.port().id(), arena), error.with_op(alloc.op().op()));
    let mut failures = FAILURES.get();
    failures.rotate_right(1);
    failures[0] = Some(Failure { source, layout, error });
    FAILURES.set(failures);
    COUNT.set(COUNT.get().wrapping_add(1));
    AllocError
}

/// The reason of a request for `layout` that a handle of this crate has just failed.
#[cold]
pub(crate) fn newest(layout: Layout) -> MemoryError {
    take(|failure| failure.layout == layout).unwrap_or_else(|| unknown(layout))
}

/// Takes the newest failure if `is_wanted` accepts it.
fn take(is_wanted: impl FnOnce(&Failure) -> bool) -> Option<MemoryError> {
    let mut failures = FAILURES.get();
    let newest = failures[0].take_if(|failure| is_wanted(failure));
    FAILURES.set(failures);
    newest.map(|failure| failure.error)
}

/// Runs a request of a container, whose allocator may be another crate's and leave no reason.
#[inline]
pub(crate) fn explained<T, E: Unexplained>(
    request: impl FnOnce() -> Result<T, E>,
) -> Result<T, MemoryError> {
    let before = COUNT.get();
    request().map_err(|error| match error.layout() {
        None => OVERFLOW,
        Some(layout) if COUNT.get() == before => unknown(layout),
        Some(layout) => newest(layout),
    })
}

/// Without a reason, the failure counts as one of the system.
fn unknown(layout: Layout) -> MemoryError {
    MemoryError::new(ErrorKind::Exhausted, None, layout.size().into())
}

/// The newest failure of a request for `layout`; none when it may be another handle's.
#[cold]
fn recall(layout: Layout) -> Option<MemoryError> {
    let mut failures = FAILURES.get();
    let fits = |failure: &Failure| failure.layout == layout;
    let found = failures.iter_mut().find_map(|place| place.take_if(|failure| fits(failure)))?;
    let is_same = |other: &Failure| other.source == found.source || other.error == found.error;
    if !failures.iter().flatten().filter(|other| fits(other)).all(is_same) {
        return None;
    }
    FAILURES.set(failures);
    Some(found.error)
}

/// A failure without a reason.
pub(crate) trait Unexplained {
    /// The requested bytes; `None` when they do not fit the address space.
    fn layout(&self) -> Option<Layout>;
}

impl Unexplained for TryReserveError {
    fn layout(&self) -> Option<Layout> {
        match self.kind() {
            TryReserveErrorKind::CapacityOverflow => None,
            TryReserveErrorKind::AllocError { layout, .. } => Some(layout),
        }
    }
}

impl Unexplained for hashbrown::TryReserveError {
    fn layout(&self) -> Option<Layout> {
        match self {
            Self::CapacityOverflow => None,
            Self::AllocError { layout } => Some(*layout),
        }
    }
}

fn converted(error: &impl Unexplained) -> MemoryError {
    let Some(layout) = error.layout() else { return OVERFLOW };
    recall(layout).unwrap_or_else(|| unknown(layout))
}

impl From<AllocError> for MemoryError {
    /// The reason of this thread's newest failure: the error names no request, so convert it at
    /// once.
    fn from(_: AllocError) -> Self {
        take(|_| true).unwrap_or_else(|| unknown(Layout::new::<()>()))
    }
}

impl From<TryReserveError> for MemoryError {
    /// The reason of this thread's newest failure of the same layout; `Exhausted` when it may be
    /// another handle's.
    fn from(error: TryReserveError) -> Self {
        converted(&error)
    }
}

impl From<hashbrown::TryReserveError> for MemoryError {
    /// The reason of this thread's newest failure of the same layout; `Exhausted` when it may be
    /// another handle's.
    fn from(error: hashbrown::TryReserveError) -> Self {
        converted(&error)
    }
}
