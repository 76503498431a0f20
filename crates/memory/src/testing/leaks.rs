//! One run under a tracing port or a budget.

use std::fmt::{self, Display};

use super::heap;
use crate::alloc::Alloc;
use crate::budgeted::Budgeted;
use crate::profile::Profile;
use crate::system::System;
use crate::traced::{Trace, TraceReport, Traced};
use crate::units::Bytes;

/// `report`, when more is left than a test may leave: `blocks_max` blocks besides those that were
/// allocated below one of `functions`.
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

/// A traced port, and what it says when it is checked.
pub(super) fn traced<P>(inner: P) -> Traced<P> {
    Traced::new(inner, Trace::sites())
}

/// Ends the tracing, and asserts that everything was freed.
#[track_caller]
fn end<P>(mut traced: Traced<P>) {
    if let Err(report) = traced.teardown() {
        panic!("{report}\n{}", held(&traced));
    }
}

/// Who held the most, for a message.
pub(super) fn held<P>(traced: &Traced<P>) -> impl Display {
    let profile = traced.profile();
    fmt::from_fn(move |f| profile.as_ref().map_or(Ok(()), |profile| profile.fmt(f)))
}

/// Runs `body` and asserts that it freed everything.
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
/// was passed to a port it does not belong to; with the largest holders at the peak.
#[track_caller]
pub fn assert_no_leaks<T>(body: impl FnOnce(Alloc<'_>) -> T) -> T {
    let traced = traced(System::uncounted());
    let result = body(Alloc::new(&traced));
    end(traced);
    result
}

/// Runs `body`, which has no handle, and asserts that it freed what its thread allocated from the
/// heap, its result included. [`TestAllocator`](super::TestAllocator) is the global allocator.
///
/// # Panics
/// As [`assert_no_leaks`], and when the heap is not observed.
#[track_caller]
pub fn assert_no_heap_leaks<T>(body: impl FnOnce() -> T) {
    assert_no_leaks(|alloc| heap::observe(alloc, body, drop));
}

/// Runs `body` under a hard limit and returns its result and the peak of its memory.
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
/// When a request fails, it and the largest holders at the peak are printed on standard
/// error, which the test harness shows when the test fails.
///
/// # Panics
/// As [`assert_no_leaks`].
#[track_caller]
pub fn with_budget<T>(hard_limit: Bytes, body: impl FnOnce(Alloc<'_>) -> T) -> (T, Bytes) {
    let traced = traced(Budgeted::new(System::uncounted(), hard_limit));
    let failure = PrintFailure(&traced);
    let result = body(Alloc::new(&traced));
    drop(failure);
    let peak = traced.inner().peak();
    end(traced);
    (result, peak)
}

/// Prints the failed request when it ends, also when the body panics.
struct PrintFailure<'t, P>(&'t Traced<P>);

impl<P> Drop for PrintFailure<'_, P> {
    fn drop(&mut self) {
        let profile = self.0.profile().filter(|profile| profile.refused.is_some());
        if let Some(profile) = profile {
            print(&profile);
        }
    }
}

#[expect(clippy::print_stderr, reason = "the harness shows it when the test fails")]
fn print(profile: &Profile) {
    eprintln!("{profile}");
}
