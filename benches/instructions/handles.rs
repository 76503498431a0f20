//! What a handle and its port add to an allocation and its free, and the goals on that.

use allocator_api2::alloc::Global;
use gitmind::memory::System;

use crate::callgrind::per_step;

use crate::pair::{StaticHandle, pairs};
use crate::subjects::{self, BARE, CONTEXT_OFF, COUNTED, GLIBC, TRACED};

/// The bare handle's port called without dispatch.
const STATIC: &str = "static handle";

/// The counted system as the context makes it.
const CONTEXT_KILLED: &str = "context, kill switch";

const PAIRS: u64 = 20_000;

/// Most instructions that the handle may add to a call on a port that is known statically.
const HANDLE_MAX: f64 = 15.0;

/// Most that a context may add to a call on its port: what the optimizer shares between two callers
/// of one function differs by an instruction or two.
const CONTEXT_MAX: f64 = 2.0;

/// Prints the table; returns whether the goals are met.
pub(crate) fn run() -> bool {
    let mut names = vec![GLIBC, STATIC];
    names.extend(subjects::all().iter().map(|subject| subject.name));
    names.extend([CONTEXT_OFF, CONTEXT_KILLED]);
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
        ("the handle adds at most 15 to a call", (of(BARE) - of(STATIC)) / 2.0 <= HANDLE_MAX),
        (
            "a context adds at most 2 to a call on its port",
            (of(CONTEXT_KILLED) - of(COUNTED)) / 2.0 <= CONTEXT_MAX,
        ),
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
        STATIC => pairs(StaticHandle(&System::uncounted()), steps),
        CONTEXT_OFF => pairs(subjects::context("0").alloc(), steps),
        CONTEXT_KILLED => pairs(subjects::context("1").alloc(), steps),
        _ => {
            let subjects = subjects::all();
            let subject = subjects.iter().find(|subject| subject.name == name);
            pairs(subject.expect("a known subject").alloc(), steps)
        }
    };
    assert_eq!(sum, 64 * steps, "the work was done");
}
