//! `#[gitmind_memory::test]`: what passes, and that each fault fails with its reason.

use std::fmt;
use std::future::poll_fn;
use std::task::Poll;

use gitmind_memory::{Alloc, MemoryError, String, Vec};

fn numbers(count: u64, alloc: Alloc<'_>) -> Result<Vec<'_, u64>, MemoryError> {
    let mut numbers = Vec::new(alloc);
    numbers.try_extend(0..count)?;
    Ok(numbers)
}

/// Keeps a block without a trace.
#[expect(clippy::mem_forget, reason = "a leak is planted")]
fn leak<T>(value: T) {
    std::mem::forget(value);
}

#[gitmind_memory::test(peak = "1 KiB", leaks = 0, sweep)]
fn a_peak_leaks_and_every_failure_in_one_line(alloc: Alloc<'_>) -> Result<(), MemoryError> {
    numbers(100, alloc).map(drop)
}

#[gitmind_memory::test]
fn a_test_may_return_nothing(alloc: Alloc<'_>) {
    assert!(numbers(3, alloc).is_ok());
}

#[gitmind_memory::test(peak = "1024B", sweep)]
async fn a_test_may_wait(alloc: Alloc<'_>) -> Result<(), MemoryError> {
    let numbers = numbers(100, alloc)?;
    let mut is_woken = false;
    poll_fn(|context| {
        if std::mem::replace(&mut is_woken, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
    assert_eq!(numbers.len(), 100);
    Ok(())
}

#[gitmind_memory::test(peak = "1 KiB")]
#[should_panic(expected = "a peak of 1.5 KiB (1600 bytes) exceeds the limit of 1.0 KiB")]
fn more_than_the_peak_fails(alloc: Alloc<'_>) -> Result<(), MemoryError> {
    numbers(200, alloc).map(drop)
}

#[gitmind_memory::test(peak = "1 GiB")]
#[should_panic(expected = "nothing was asked for, so no peak was measured")]
fn a_peak_that_was_not_measured_fails(alloc: Alloc<'_>) {
    let _ = alloc;
}

#[gitmind_memory::test(leaks = 0)]
#[should_panic(expected = "1 x 32 bytes, allocated by heap::attribute::numbers")]
fn a_leak_fails_by_its_call_stack(alloc: Alloc<'_>) -> Result<(), MemoryError> {
    numbers(4, alloc).map(leak)
}

#[gitmind_memory::test(leaks = 1)]
fn as_many_leaks_as_are_allowed_pass(alloc: Alloc<'_>) -> Result<(), MemoryError> {
    numbers(4, alloc).map(leak)
}

#[gitmind_memory::test(ignore_leaks = "heap::attribute::numbers", sweep)]
fn leaks_below_a_named_function_pass(alloc: Alloc<'_>) -> Result<(), MemoryError> {
    numbers(4, alloc).map(leak)
}

#[gitmind_memory::test(ignore_leaks = "heap::attribute::numbers", sweep)]
#[should_panic(expected = "1 blocks outstanding")]
fn other_leaks_fail_all_the_same(alloc: Alloc<'_>) -> Result<(), MemoryError> {
    numbers(4, alloc).map(leak)?;
    let mut text = String::new(alloc);
    text.try_push_str("kept")?;
    leak(text);
    Ok(())
}

#[gitmind_memory::test(sweep)]
#[should_panic(expected = "swallowed: the run succeeded all the same")]
fn a_failure_that_is_swallowed_fails(alloc: Alloc<'_>) -> Result<(), MemoryError> {
    let _ = numbers(4, alloc);
    Ok(())
}

#[gitmind_memory::test]
#[should_panic(expected = "the test fails: core: 12 B more would exceed the cap of 4 B")]
fn an_error_of_the_test_is_shown(_: Alloc<'_>) -> Result<(), &'static str> {
    Err("core: 12 B more would exceed the cap of 4 B")
}

#[derive(Debug)]
enum Failure {
    Memory(MemoryError),
    Other,
}

impl Failure {
    fn is_memory(&self) -> bool {
        matches!(self, Self::Memory(_))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory(error) => error.fmt(f),
            Self::Other => f.write_str("not found"),
        }
    }
}

#[gitmind_memory::test(sweep, is_memory_error = Failure::is_memory)]
fn an_error_type_of_ones_own_tells_failures_apart(alloc: Alloc<'_>) -> Result<(), Failure> {
    numbers(4, alloc).map(drop).map_err(Failure::Memory)
}

#[gitmind_memory::test(sweep, is_memory_error = Failure::is_memory)]
#[should_panic(expected = "misreported as: not found")]
fn a_failure_that_turns_into_another_error_fails(alloc: Alloc<'_>) -> Result<(), Failure> {
    numbers(4, alloc).map(drop).map_err(|_| Failure::Other)
}

#[gitmind_memory::test(peak = "799 B")]
#[should_panic(expected = "a peak of 800 B (800 bytes) exceeds the limit of 799 B")]
fn a_peak_of_the_heap_is_exact() {
    drop(std::hint::black_box(std::vec::Vec::<u64>::with_capacity(100)));
}

#[gitmind_memory::test(peak = "1 KiB")]
#[should_panic(expected = "nothing was asked for")]
fn a_heap_that_is_not_used_has_no_peak() {}

#[gitmind_memory::test(peak = "0 B")]
fn a_peak_of_zero_says_that_nothing_is_asked_for() {}

#[gitmind_memory::test(peak = "1 B")]
#[should_panic(expected = "nothing was asked for")]
async fn waiting_asks_nothing_of_the_heap() {}

/// A kit elsewhere, of which the sizes are larger.
mod elsewhere {
    pub(super) use gitmind_memory::testing;

    pub(super) mod units {
        pub(in super::super) struct Bytes;

        impl Bytes {
            #[expect(clippy::new_ret_no_self, reason = "the attribute calls it by this name")]
            pub(in super::super) fn new(kibibytes: u64) -> gitmind_memory::units::Bytes {
                gitmind_memory::units::Bytes::new(kibibytes << 10)
            }
        }
    }
}

#[gitmind_memory::test(peak = "1 B", crate = elsewhere)]
fn the_path_of_the_kit_may_come_last(alloc: Alloc<'_>) -> Result<(), MemoryError> {
    numbers(100, alloc).map(drop)
}

macro_rules! tests_with {
    ($name:ident, $peak:literal) => {
        #[gitmind_memory::test(peak = $peak, leaks = 1_0)]
        fn $name(alloc: Alloc<'_>) -> Result<(), MemoryError> {
            numbers(100, alloc).map(leak)
        }
    };
}
tests_with!(a_macro_may_make_the_test, "800 B");

#[gitmind_memory::test(leaks = 1, sweep)]
fn leaks_that_are_allowed_are_so_in_a_sweep(alloc: Alloc<'_>) -> Result<(), MemoryError> {
    numbers(4, alloc).map(leak)
}

#[gitmind_memory::test(leaks = 1, sweep)]
#[should_panic(expected = "failed once: leaked: ")]
fn more_leaks_after_a_failure_fail_all_the_same(alloc: Alloc<'_>) -> Result<(), MemoryError> {
    let first = numbers(4, alloc).map(std::mem::ManuallyDrop::new)?;
    let second = numbers(4, alloc).map(std::mem::ManuallyDrop::new)?;
    numbers(4, alloc)?;
    drop(std::mem::ManuallyDrop::into_inner(first));
    drop(std::mem::ManuallyDrop::into_inner(second));
    Ok(())
}
