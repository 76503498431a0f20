//! Operations with one planted fault each, which the sweep must report.

use crate::operations::Run;
use crate::sandbox::{CACHE, Draft, JOURNAL, Sandbox, Stored};
use gitmind_memory::{Alloc, Vec};
use std::cell::Cell;

/// Each operation, and the start of the outcome that the sweep must report.
pub(crate) const MISBEHAVIOURS: [(Run, &str); 11] = [
    (swallows, "swallowed"),
    (retries, "retried"),
    (panics, "panicked: planted"),
    (misreports, "misreported"),
    (reports_twice, "misreported"),
    (leaks, "leaked"),
    (moves_a_ref, "invariant broken: refs/gitmind/cache/main moved"),
    (makes_a_ref, "invariant broken: refs/gitmind/edges/other moved"),
    (moves_the_journal, "invariant broken: refs/gitmind/edges/main moved"),
    (breaks_the_next_call, "invariant broken: the next call gives"),
    (alternates, "nondeterministic"),
];

fn done<T>(_: T) -> String {
    "done".into()
}

fn allocate(alloc: Alloc<'_>) -> Result<Vec<'_, u8>, String> {
    Vec::try_with_capacity(64, alloc).map_err(|error| error.to_string())
}

fn swallows(_: &Sandbox, alloc: Alloc<'_>) -> Result<String, String> {
    Ok(allocate(alloc).map_or_else(done, done))
}

fn retries(_: &Sandbox, alloc: Alloc<'_>) -> Result<String, String> {
    let mut allocated = Err(String::new());
    // Both attempts allocate in one line, so they are one call site.
    for _ in 0..2 {
        if allocated.is_err() {
            allocated = allocate(alloc);
        }
    }
    allocated.map(done)
}

fn panics(_: &Sandbox, alloc: Alloc<'_>) -> Result<String, String> {
    // Panics without printing.
    allocate(alloc).map(done).or_else(|_| std::panic::resume_unwind(Box::new("planted")))
}

fn misreports(_: &Sandbox, alloc: Alloc<'_>) -> Result<String, String> {
    allocate(alloc).map(done).map_err(|_| "the journal is missing".into())
}

fn reports_twice(_: &Sandbox, alloc: Alloc<'_>) -> Result<String, String> {
    allocate(alloc).map(done).map_err(|error| format!("{error}: {error}"))
}

#[expect(clippy::mem_forget, reason = "the planted leak")]
fn leaks(_: &Sandbox, alloc: Alloc<'_>) -> Result<String, String> {
    let first = allocate(alloc)?;
    allocate(alloc).inspect_err(|_| std::mem::forget(first)).map(done)
}

fn moves_a_ref(sandbox: &Sandbox, alloc: Alloc<'_>) -> Result<String, String> {
    sandbox.put(CACHE, sandbox.resolve(JOURNAL));
    allocate(alloc).map(done)
}

fn makes_a_ref(sandbox: &Sandbox, alloc: Alloc<'_>) -> Result<String, String> {
    let other = "refs/gitmind/edges/other";
    sandbox.put(other, sandbox.resolve(JOURNAL));
    allocate(alloc).map(done)
}

fn moves_the_journal(sandbox: &Sandbox, alloc: Alloc<'_>) -> Result<String, String> {
    let message = b"oA==".to_vec();
    allocate(alloc).map(done).inspect_err(|_| {
        sandbox.add(&mut vec![], &[Draft { parents: vec![], message }], Stored::Loose);
    })
}

thread_local! {
    static FAILURES: Cell<u32> = const { Cell::new(0) };
}

fn breaks_the_next_call(_: &Sandbox, alloc: Alloc<'_>) -> Result<String, String> {
    let allocated = allocate(alloc).inspect_err(|_| FAILURES.set(1));
    allocated.map(|_| if FAILURES.take() == 1 { "damaged".into() } else { "done".into() })
}

fn alternates(_: &Sandbox, alloc: Alloc<'_>) -> Result<String, String> {
    allocate(alloc).map(done).or_else(|error| {
        FAILURES.set(FAILURES.get() + 1);
        if FAILURES.get().is_multiple_of(2) { Ok("done".into()) } else { Err(error) }
    })
}
