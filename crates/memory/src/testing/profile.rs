//! The profile of a closure, to assert on.

use super::attempt::Ended;
use super::heap;
use super::leaks::{held, traced};
use super::memory_test::TestResult;
use crate::alloc::Alloc;
use crate::callsite::unwind;
use crate::profile::Profile;
use crate::system::System;

/// Runs `body` and returns who held its memory: at the peak, at the end, and in total. Call stacks
/// end at `body`.
///
/// ```
/// use gitmind_memory::{self as memory, Alloc, MemoryError, testing};
/// # #[inline(never)]
/// fn parse<'a>(text: &str, alloc: Alloc<'a>) -> Result<memory::Vec<'a, u64>, MemoryError> {
///     let mut numbers = memory::Vec::new(alloc);
///     for number in text.split_whitespace() {
///         numbers.try_push(number.parse().unwrap_or(0))?;
///     }
///     Ok(numbers)
/// }
/// let profile = testing::profile(|alloc| {
///     let _numbers = parse("1 2 3", alloc)?;
///     memory::Vec::<u8>::try_with_capacity(1000, alloc).map(drop)
/// });
/// assert_eq!(profile.peak_of("parse").get(), 32);
/// assert_eq!((profile.peak.bytes.get(), profile.end.bytes.get()), (1032, 0));
/// ```
///
/// # Panics
/// When `body` fails.
#[track_caller]
pub fn profile<R: TestResult>(body: impl FnOnce(Alloc<'_>) -> R) -> Profile {
    let mut traced = traced(System::uncounted());
    let mut ended = Ended::Ok;
    let mut body = Some(body);
    let mut run = || {
        let result = body.take().map(|body| body(Alloc::new(&traced)).into_result());
        ended = Ended::of(Ok(result.unwrap_or(Ok(()))), |_| true);
    };
    // Not known to the compiler, so that the closure keeps a frame, which names it in reports.
    let run: &mut dyn FnMut() = std::hint::black_box(&mut run);
    unwind::rooted(&mut *run);
    let profile = traced.profile();
    // What is left is part of the profile.
    let _ = traced.teardown();
    if let Ended::MemoryError(error) = ended {
        panic!("the body fails: {error}\n{}", held(&traced));
    }
    profile.expect("the port keeps sites, as `traced` makes it")
}

/// As [`profile`], of a `body` without a handle: the heap allocations of its thread.
/// [`TestAllocator`](super::TestAllocator) is the global allocator.
///
/// # Panics
/// As [`profile`], and when the heap is not observed.
#[track_caller]
pub fn profile_heap<R: TestResult>(body: impl FnOnce() -> R) -> Profile {
    profile(|alloc| heap::observe(alloc, body, TestResult::into_result))
}
