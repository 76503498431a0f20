//! One run under a tracing port or a budget.

use super::heap;
use crate::alloc::Alloc;
use crate::budgeted::Budgeted;
use crate::system::System;
use crate::traced::{Trace, TraceReport, Traced};
use crate::units::Bytes;

/// `report`, when more is left than a test may leave: `blocks_max` blocks besides those that were
/// taken below one of `functions`.
pub(super) fn excess(
    report: Box<TraceReport>,
    functions: &[String],
    blocks_max: u64,
) -> Option<Box<TraceReport>> {
    let report = report.ignoring(functions)?;
    let is_allowed = report.violations_total == 0
        && (1..=blocks_max).contains(&report.diagnostics.blocks_outstanding);
    (!is_allowed).then_some(report)
}

/// Runs `body` and asserts that it gave everything back.
///
/// ```
/// use gitmind_memory::{self as memory, testing};
/// let sum = testing::assert_no_leaks(|alloc| {
///     let mut numbers = memory::Vec::new(alloc);
///     numbers.try_extend(1..=4).map(|()| numbers.iter().sum::<i32>())
/// });
/// assert_eq!(sum, Ok(10));
/// ```
///
/// # Panics
/// With operation, size, count and call site of each block that is left, and of each block that
/// was passed to a port it does not belong to.
#[track_caller]
pub fn assert_no_leaks<T>(body: impl FnOnce(Alloc<'_>) -> T) -> T {
    let mut traced = Traced::new(System::uncounted(), Trace::sites());
    let result = body(Alloc::new(&traced));
    if let Err(report) = traced.teardown() {
        panic!("{report}");
    }
    result
}

/// Runs `body`, which takes no handle, and asserts that it gave back what its thread took from the
/// heap, its result included. [`TestAllocator`](super::TestAllocator) is the global allocator.
///
/// # Panics
/// As [`assert_no_leaks`], and when the heap is not observed.
#[track_caller]
pub fn assert_no_heap_leaks<T>(body: impl FnOnce() -> T) {
    assert_no_leaks(|alloc| heap::observe(alloc, body, drop));
}

/// Runs `body` under a hard limit and returns its result and the peak of what it took.
///
/// ```
/// use gitmind_memory::{self as memory, ErrorKind, testing};
/// use gitmind_memory::units::Bytes;
/// let (result, peak) = testing::with_budget(Bytes::new(100), |alloc| {
///     memory::Vec::<u8>::try_with_capacity(60, alloc)?.try_reserve_exact(200)
/// });
/// assert_eq!(result.unwrap_err().kind(), ErrorKind::OverBudget);
/// assert_eq!(peak, Bytes::new(60));
/// ```
///
/// # Panics
/// As [`assert_no_leaks`].
#[track_caller]
pub fn with_budget<T>(hard_limit: Bytes, body: impl FnOnce(Alloc<'_>) -> T) -> (T, Bytes) {
    assert_no_leaks(|alloc| {
        let budget = Budgeted::new(alloc.port(), hard_limit);
        let result = body(Alloc::new(&budget));
        (result, budget.peak())
    })
}
