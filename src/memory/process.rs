//! The binary's global allocator: the system's, with an optional count of live bytes.
//!
//! It sees what no port sees: the memory of the crates we depend on and of std. It observes and
//! never refuses, because a null pointer would abort third-party code; it does not allocate and
//! does not unwind. Off, it is a plain forward behind one relaxed load. The library installs it
//! nowhere.
//!
//! A block does not remember its operation here. What a thread frees is booked on the operation
//! that it is in at that moment, so the peak of an operation is right when it frees what it took,
//! and its outstanding bytes are what it left to others.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicBool, Ordering};

use super::counters::{Counters, Diagnostics};
use super::op::Op;
use crate::units::Bytes;

/// The system allocator with counters.
#[derive(Debug)]
pub struct ProcessAllocator {
    is_counting: AtomicBool,
    all: Counters,
    ops: [Counters; Op::ALL.len()],
}

impl ProcessAllocator {
    /// An allocator that does not count yet.
    pub const fn new() -> Self {
        Self {
            is_counting: AtomicBool::new(false),
            all: Counters::new(),
            ops: [const { Counters::new() }; Op::ALL.len()],
        }
    }

    /// Counts from here on, starting at zero bytes; blocks from before may be freed.
    pub fn start_counting(&self) {
        self.is_counting.store(false, Ordering::Relaxed);
        self.all.reset();
        self.ops.iter().for_each(Counters::reset);
        self.is_counting.store(true, Ordering::Relaxed);
    }

    /// Stops counting and returns the most bytes that were live at once since it began.
    pub fn stop_counting(&self) -> Bytes {
        self.is_counting.store(false, Ordering::Relaxed);
        self.all.read().peak_bytes
    }

    /// Whether it counts.
    pub fn is_counting(&self) -> bool {
        self.is_counting.load(Ordering::Relaxed)
    }

    /// What the process has taken since counting began.
    pub fn diagnostics(&self) -> Diagnostics {
        self.all.read()
    }

    /// What threads took since counting began while they were in `op`.
    pub fn diagnostics_of(&self, op: Op) -> Diagnostics {
        self.ops[op as usize].read()
    }

    #[inline]
    fn count(&self, event: impl Fn(&Counters)) {
        if self.is_counting.load(Ordering::Relaxed) {
            event(&self.all);
            if let Some(op) = self.ops.get(usize::from(CURRENT.with(Cell::get))) {
                event(op);
            }
        }
    }

    /// Counts a block that the system handed out, or its refusal.
    #[inline]
    fn handed_out(&self, block: *mut u8, size: usize) -> *mut u8 {
        self.count(
            |counters| {
                if block.is_null() { counters.refused() } else { counters.allocated(size) }
            },
        );
        block
    }
}

impl Default for ProcessAllocator {
    fn default() -> Self {
        Self::new()
    }
}

// SAFETY: every method returns what `System` returns for the same arguments, so `System`'s own
// guarantees hold. The counters are atomics, and thread-locals without a destructor or with one
// that std registers without this allocator; they never allocate or unwind.
unsafe impl GlobalAlloc for ProcessAllocator {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller promises a layout of non-zero size, which is all `System` asks.
        self.handed_out(unsafe { System.alloc(layout) }, layout.size())
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller promises a layout of non-zero size, which is all `System` asks.
        self.handed_out(unsafe { System.alloc_zeroed(layout) }, layout.size())
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        self.count(|counters| counters.freed(layout.size()));
        // SAFETY: the caller promises that `block` came from here, hence from `System`, with this
        // layout.
        unsafe { System.dealloc(block, layout) };
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the caller promises that `block` came from here, hence from `System`, with this
        // layout, and a size that `System` accepts.
        let moved = unsafe { System.realloc(block, layout, new_size) };
        let (before, after) = (layout.size() as u64, new_size as u64);
        self.count(|counters| match after.checked_sub(before) {
            _ if moved.is_null() => counters.refused(),
            Some(more) => counters.grown(more),
            None => counters.shrunk(before - after),
        });
        moved
    }
}

/// No operation.
const NONE: u8 = u8::MAX;

thread_local! {
    /// The operation that this thread is in.
    static CURRENT: Cell<u8> = const { Cell::new(NONE) };
}

/// Books what this thread takes from the process's heap on `op`, until the guard is dropped.
pub(super) fn enter(op: Op) -> Entered {
    let before = CURRENT.with(|current| current.replace(op as u8));
    Entered { before, not_send: PhantomData }
}

/// While this lives, its thread is in an operation. Guards of one thread end in reverse order.
#[derive(Debug)]
#[must_use = "the thread leaves the operation when this is dropped"]
pub struct Entered {
    before: u8,
    not_send: PhantomData<*const ()>,
}

impl Drop for Entered {
    fn drop(&mut self) {
        CURRENT.with(|current| current.set(self.before));
    }
}
