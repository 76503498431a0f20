//! Operations that do what the sweep must tell, each one thing.

use crate::operations::Run;
use crate::place::{CACHE, Draft, JOURNAL, Place, Stored};
use gitmind_memory::{Alloc, Vec};
use std::cell::Cell;

/// What is done, and how the sweep's outcome begins.
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
    (is_moody, "nondeterministic"),
];

fn done<T>(_: T) -> String {
    "done".into()
}

fn take(alloc: Alloc<'_>) -> Result<Vec<'_, u8>, String> {
    Vec::try_with_capacity(64, alloc).map_err(|error| error.to_string())
}

fn swallows(_: &Place, alloc: Alloc<'_>) -> Result<String, String> {
    Ok(take(alloc).map_or_else(done, done))
}

fn retries(_: &Place, alloc: Alloc<'_>) -> Result<String, String> {
    let mut taken = Err(String::new());
    // One line asks twice, so it is one call site.
    for _ in 0..2 {
        if taken.is_err() {
            taken = take(alloc);
        }
    }
    taken.map(done)
}

fn panics(_: &Place, alloc: Alloc<'_>) -> Result<String, String> {
    // A panic that prints nothing.
    take(alloc).map(done).or_else(|_| std::panic::resume_unwind(Box::new("planted")))
}

fn misreports(_: &Place, alloc: Alloc<'_>) -> Result<String, String> {
    take(alloc).map(done).map_err(|_| "the journal is missing".into())
}

fn reports_twice(_: &Place, alloc: Alloc<'_>) -> Result<String, String> {
    take(alloc).map(done).map_err(|error| format!("{error}: {error}"))
}

#[expect(clippy::mem_forget, reason = "the leak that is planted")]
fn leaks(_: &Place, alloc: Alloc<'_>) -> Result<String, String> {
    let first = take(alloc)?;
    take(alloc).inspect_err(|_| std::mem::forget(first)).map(done)
}

fn moves_a_ref(place: &Place, alloc: Alloc<'_>) -> Result<String, String> {
    place.put(CACHE, place.resolve(JOURNAL));
    take(alloc).map(done)
}

fn makes_a_ref(place: &Place, alloc: Alloc<'_>) -> Result<String, String> {
    let other = "refs/gitmind/edges/other";
    place.put(other, place.resolve(JOURNAL));
    take(alloc).map(done)
}

fn moves_the_journal(place: &Place, alloc: Alloc<'_>) -> Result<String, String> {
    let message = b"oA==".to_vec();
    take(alloc).map(done).inspect_err(|_| {
        place.add(&mut vec![], &[Draft { parents: vec![], message }], Stored::Loose);
    })
}

thread_local! {
    static REFUSED: Cell<u32> = const { Cell::new(0) };
}

fn breaks_the_next_call(_: &Place, alloc: Alloc<'_>) -> Result<String, String> {
    let taken = take(alloc).inspect_err(|_| REFUSED.set(1));
    taken.map(|_| if REFUSED.take() == 1 { "damaged".into() } else { "done".into() })
}

fn is_moody(_: &Place, alloc: Alloc<'_>) -> Result<String, String> {
    take(alloc).map(done).or_else(|error| {
        REFUSED.set(REFUSED.get() + 1);
        if REFUSED.get().is_multiple_of(2) { Ok("done".into()) } else { Err(error) }
    })
}
