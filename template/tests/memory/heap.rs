//! The heap of a test: it counts what the calling thread holds, and fails requests when told to.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

#[global_allocator]
static HEAP: Heap = Heap;

/// The heap of the process, which counts for each thread.
struct Heap;

/// What a thread holds, and which of its requests fail.
#[derive(Clone, Copy)]
struct Counts {
    held_bytes: isize,
    peak_bytes: isize,
    requests: usize,
    fails_from: usize,
    fails_to: usize,
}

/// What the calling thread asked of the heap while a function ran.
#[derive(Clone, Copy, Debug)]
pub struct Use {
    /// The most that was held at once, in bytes; a block that grows is held twice meanwhile.
    pub peak_bytes: usize,
    /// Requests, those that failed with them.
    pub requests: usize,
    /// What is still held of it, in bytes.
    pub left_bytes: isize,
}

const NOTHING: Counts =
    Counts { held_bytes: 0, peak_bytes: 0, requests: 0, fails_from: 0, fails_to: 0 };

thread_local! {
    // Constant and without a destructor: the first use allocates nothing.
    static COUNTS: Cell<Counts> = const { Cell::new(NOTHING) };
}

/// Runs `body` with the requests `fails_from..fails_to` failing, counted from 1. `0..0` fails none.
pub fn observe<T>(fails: std::ops::Range<usize>, body: impl FnOnce() -> T) -> (T, Use) {
    COUNTS.set(Counts { fails_from: fails.start, fails_to: fails.end, ..NOTHING });
    let result = body();
    let counts = COUNTS.replace(NOTHING);
    let used = Use {
        peak_bytes: counts.peak_bytes.unsigned_abs(),
        requests: counts.requests,
        left_bytes: counts.held_bytes,
    };
    (result, used)
}

/// Counts a request; false if it is to fail.
fn is_granted(bytes: usize) -> bool {
    let mut counts = COUNTS.get();
    counts.requests += 1;
    let fails = (counts.fails_from..counts.fails_to).contains(&counts.requests);
    if !fails {
        counts.held_bytes += bytes.cast_signed();
        counts.peak_bytes = counts.peak_bytes.max(counts.held_bytes);
    }
    COUNTS.set(counts);
    !fails
}

// SAFETY: every block is one of `System`'s, whose contract this passes on. It has no `realloc` of
// its own, so a block grows by `alloc` and `dealloc`.
#[expect(unsafe_code, reason = "an allocator is unsafe to implement")]
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if !is_granted(layout.size()) {
            return std::ptr::null_mut();
        }
        // SAFETY: the caller keeps the contract of `alloc`, which is that of `System`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        let mut counts = COUNTS.get();
        counts.held_bytes -= layout.size().cast_signed();
        COUNTS.set(counts);
        // SAFETY: the block comes from `alloc` with this layout, and so from `System`.
        unsafe { System.dealloc(block, layout) }
    }
}
