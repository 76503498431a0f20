//! The binary's global allocator: the system's, with an optional count of live bytes.
//!
//! It observes and never refuses: a null pointer would abort third-party code. It does not
//! allocate, does not unwind, and forwards plainly until counting is switched on. The library
//! installs it nowhere.

use crate::units::Bytes;
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

/// The system allocator with counters.
#[derive(Debug, Default)]
pub struct ProcessAllocator {
    is_counting: AtomicBool,
    /// Bytes allocated less bytes freed since counting began; blocks from before may be freed.
    live_bytes: AtomicI64,
    peak_bytes: AtomicI64,
}

impl ProcessAllocator {
    /// An allocator that does not count yet.
    pub const fn new() -> Self {
        Self {
            is_counting: AtomicBool::new(false),
            live_bytes: AtomicI64::new(0),
            peak_bytes: AtomicI64::new(0),
        }
    }

    /// Counts from here on, starting at zero bytes.
    pub fn start_counting(&self) {
        self.live_bytes.store(0, Ordering::Relaxed);
        self.peak_bytes.store(0, Ordering::Relaxed);
        self.is_counting.store(true, Ordering::Relaxed);
    }

    /// Stops counting and returns the most bytes that were live at once since it began.
    pub fn stop_counting(&self) -> Bytes {
        self.is_counting.store(false, Ordering::Relaxed);
        Bytes::new(self.peak_bytes.load(Ordering::Relaxed).unsigned_abs())
    }

    fn add(&self, bytes: usize) {
        if self.is_counting.load(Ordering::Relaxed) {
            let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
            let live = self.live_bytes.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
            self.peak_bytes.fetch_max(live, Ordering::Relaxed);
        }
    }

    fn subtract(&self, bytes: usize) {
        if self.is_counting.load(Ordering::Relaxed) {
            let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
            self.live_bytes.fetch_sub(bytes, Ordering::Relaxed);
        }
    }
}

// SAFETY: every method returns what `System` returns for the same arguments, so `System`'s own
// guarantees hold; the counters are atomics and never allocate or unwind.
unsafe impl GlobalAlloc for ProcessAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller promises a layout of non-zero size, which is all `System` asks.
        let block = unsafe { System.alloc(layout) };
        if !block.is_null() {
            self.add(layout.size());
        }
        block
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        self.subtract(layout.size());
        // SAFETY: the caller promises that `block` came from here, hence from `System`, with this
        // layout.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller promises a layout of non-zero size, which is all `System` asks.
        let block = unsafe { System.alloc_zeroed(layout) };
        if !block.is_null() {
            self.add(layout.size());
        }
        block
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the caller promises that `block` came from here, hence from `System`, with this
        // layout, and that the new size is valid.
        let moved = unsafe { System.realloc(block, layout, new_size) };
        if !moved.is_null() {
            self.add(new_size);
            self.subtract(layout.size());
        }
        moved
    }
}
