//! Instructions that a handle and its port add to an allocation and its free, with goals.

use allocator_api2::alloc::{Allocator, Global};
use allocator_api2::boxed::Box;
use std::hint::black_box;

use crate::callgrind::per_step;
use crate::subjects::{self, BARE, CONTEXT_OFF, CONTEXT_TRACED, COUNTED, GLIBC, TRACE, TRACED};

/// The counted system as the context makes it.
const CONTEXT_KILLED: &str = "context, kill switch";

/// The variable of the kill switch.
const KILL_SWITCH: &str = "GM_DISABLE_CUSTOM_ALLOCATORS";

const PAIRS: u64 = 20_000;

/// Most instructions that the handle and its port may add to a call on the heap itself; moving the
/// two words of the handle into place is one of them.
const HANDLE_MAX: f64 = 16.0;

/// Most that a context may add to a call on its port: what the optimizer shares between two callers
/// of one function differs by an instruction or two.
const CONTEXT_MAX: f64 = 2.0;

/// Most that tracing may add to an allocation and its free.
const TRACED_MAX: f64 = 40.0;

/// Prints the table; returns whether the goals are met.
pub(crate) fn run() -> bool {
    let mut names = vec![GLIBC];
    names.extend(subjects::all().iter().map(|subject| subject.name));
    names.extend([CONTEXT_OFF, CONTEXT_TRACED, CONTEXT_KILLED]);
    let counts: Vec<(&str, f64)> =
        names.into_iter().map(|name| (name, per_step(name, PAIRS))).collect();
    let of = |wanted: &str| {
        let found = counts.iter().find(|(name, _)| *name == wanted);
        found.expect("it is in the list above").1
    };
    println!("instructions per allocation and free of 64 bytes:");
    for (name, count) in &counts {
        println!("  {name:<24} {count:7.1} {:+7.1} to glibc", count - of(GLIBC));
    }
    let goals = [
        ("the handle adds at most 16 to a call", (of(BARE) - of(GLIBC)) / 2.0 <= HANDLE_MAX),
        (
            "a context adds at most 2 to a call on its port",
            (of(CONTEXT_KILLED) - of(COUNTED)) / 2.0 <= CONTEXT_MAX,
        ),
        ("tracing adds at most 40 to a pair", of(TRACED) - of(BARE) <= TRACED_MAX),
        ("tracing on costs something, so it is measured", of(TRACED) > of(BARE)),
    ];
    for (goal, is_met) in goals {
        println!("  {}: {goal}", if is_met { "met" } else { "MISSED" });
    }
    goals.iter().all(|(_, is_met)| *is_met)
}

/// The work of one count: the pairs, and nothing else that depends on their number.
pub(crate) fn count(name: &str, steps: u64) {
    let sum = match name {
        GLIBC => pairs(Global, steps),
        CONTEXT_OFF => pairs(subjects::context(None).alloc(), steps),
        CONTEXT_TRACED => pairs(subjects::context(Some(TRACE)).alloc(), steps),
        CONTEXT_KILLED => pairs(subjects::context(Some(KILL_SWITCH)).alloc(), steps),
        _ => {
            let subjects = subjects::all();
            let subject = subjects.iter().find(|subject| subject.name == name);
            pairs(subject.expect("a known subject").alloc(), steps)
        }
    };
    assert_eq!(sum, 64 * steps, "the work was done");
}

/// Takes and frees one block of 64 bytes, `pairs` times. It is never filled: what is counted is the
/// allocator.
#[inline(never)]
fn pairs<A: Allocator + Copy>(alloc: A, pairs: u64) -> u64 {
    let take = |_| {
        let block = Box::<[u64; 8], A>::try_new_uninit_in(alloc).expect("there is memory");
        size_of_val(black_box(&*block)) as u64
    };
    (0..pairs).map(take).sum()
}
