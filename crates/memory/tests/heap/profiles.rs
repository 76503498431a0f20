//! The kit says who held the memory: in a profile to assert on, and in the message of a test.

use std::hint::black_box;
use std::panic::catch_unwind;

use gitmind_memory::testing::{self, assert_no_leaks, profile, profile_heap, with_budget};
use gitmind_memory::units::Bytes;
use gitmind_memory::{Alloc, MemoryError, Vec};

#[inline(never)]
fn parse(count: usize, alloc: Alloc<'_>) -> Result<Vec<'_, u64>, MemoryError> {
    Vec::try_with_capacity(black_box(count), alloc)
}

#[inline(never)]
fn parse_on_the_heap(count: usize) -> std::vec::Vec<u64> {
    std::vec::Vec::with_capacity(black_box(count))
}

fn message<T>(body: impl FnOnce() -> T + std::panic::UnwindSafe) -> String {
    let panic = catch_unwind(body).map(drop).expect_err("the planted fault is found");
    *panic.downcast::<String>().expect("the message is formatted")
}

/// Keeps a block without a trace, yet reachable, so that LeakSanitizer does not find it too.
fn leak(kept: Vec<'_, u64>) {
    static KEPT: std::sync::Mutex<std::vec::Vec<usize>> =
        std::sync::Mutex::new(std::vec::Vec::new());
    let kept = std::mem::ManuallyDrop::new(kept);
    KEPT.lock().expect("no panic in it").push(kept.as_ptr().expose_provenance());
}

#[test]
fn a_profile_of_a_body_says_what_a_function_held_at_the_peak() {
    let profile = profile(|alloc| {
        let small = parse(10, alloc)?;
        drop(parse(100, alloc)?);
        drop(small);
        Ok::<_, MemoryError>(())
    });
    assert_eq!(profile.peak_of("profiles::parse"), Bytes::new(880));
    assert_eq!((profile.end.bytes, profile.total.blocks), (Bytes::ZERO, 2));
    let outermost = profile.holders[0].stack.frames().pop().expect("it has frames");
    assert!(!outermost.function.contains("main"), "stacks end at the body: {outermost}");
}

#[test]
fn a_profile_of_the_heap_needs_no_handle() {
    let profile = profile_heap(|| drop(parse_on_the_heap(100)));
    assert_eq!(profile.peak_of("parse_on_the_heap"), Bytes::new(800));
    assert_eq!(profile.peak.bytes, Bytes::new(800));
}

#[test]
fn a_body_that_fails_has_no_profile() {
    let text = message(|| profile(|_| Err::<(), _>("not today")));
    assert!(text.starts_with("the body fails: not today"), "{text}");
}

#[test]
fn a_leak_is_listed_with_the_holders_at_the_peak() {
    let text = message(|| {
        assert_no_leaks(|alloc| {
            drop(parse(500, alloc));
            leak(parse(3, alloc).expect("it is granted"));
        });
    });
    assert!(text.contains("1 x 24 bytes, allocated by "), "{text}");
    assert!(text.contains("\n4000 bytes in 1 block held at the peak:\n  4000 bytes"), "{text}");
    assert!(text.contains("profiles.rs:"), "file and line: {text}");
}

#[test]
fn a_peak_that_exceeds_its_limit_is_listed_by_holder() {
    let text = message(|| {
        let test = testing::MemoryTest::new().peak_max(Bytes::new(100));
        test.run(|alloc| parse(500, alloc).map(drop))
    });
    assert!(text.contains("exceeds the limit of 100 B\n4000 bytes in 1 block held"), "{text}");
    assert!(text.contains("allocated by heap::profiles::parse"), "{text}");
}

/// Runs only as the child of the next test, since what a passing test prints is not shown.
#[test]
#[ignore = "it fails on purpose"]
fn exceeds_its_budget() {
    let (result, peak) = with_budget(Bytes::new(100), |alloc| {
        let _held = parse(10, alloc)?;
        parse(500, alloc).map(drop)
    });
    assert_eq!(peak, Bytes::new(80));
    result.expect("it fits");
}

#[test]
fn a_test_that_exceeds_its_budget_shows_what_was_refused_and_who_held_the_most() {
    let own = std::env::current_exe().expect("this program has a path");
    let child = std::process::Command::new(own)
        .args(["--ignored", "--exact", "profiles::exceeds_its_budget"])
        .output()
        .expect("it can be started");
    let text = String::from_utf8_lossy(&child.stdout) + String::from_utf8_lossy(&child.stderr);
    assert!(text.contains("failed: 4000 bytes, requested by heap::profiles::parse"), "{text}");
    assert!(text.contains("\n80 bytes in 1 block held at the peak:\n  80 bytes"), "{text}");
    assert!(text.contains("1 failed"), "{text}");
}
