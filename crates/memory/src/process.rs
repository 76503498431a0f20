//! The binary's global allocator: the system's, with an optional count of live bytes.
//!
//! It sees what no port sees: the memory of the crates we depend on and of std. It observes and
//! fails no request, because a null pointer would abort third-party code; it does not allocate and
//! does not unwind. Off, it is a plain forward behind one relaxed load. The library installs it
//! nowhere. While it keeps a profile, what it takes for that is counted nowhere else.
//!
//! A block does not remember its operation here. What a thread frees is counted for the operation
//! that it is in at that moment, so the peak of an operation is right when it frees what it took,
//! and its outstanding bytes are what it left to others.

mod event;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use self::event::Event;
use super::callsite::CallStack;
use super::counters::{Counters, Diagnostics};
use super::heap_ledger::{HeapLedger, Reconciliation};
use super::inside::inside;
use super::op::Op;
use super::profile::{Profile, SiteLedger};
use super::slab::SMALL_BYTES_MAX;
use super::timeline::Interval;
use crate::units::Bytes;

/// The system allocator with counters.
#[derive(Debug)]
pub struct ProcessAllocator {
    mode: AtomicU8,
    all: Counters,
    ops: [Counters; Op::COUNT_MAX],
    small: AtomicU64,
    ledger: HeapLedger,
    sites: Mutex<SiteLedger>,
}

/// A plain forward.
const OFF: u8 = 0;
/// Counters for the process and the operations.
const COUNTING: u8 = 1;
/// Counters, and a ledger that compares ports with the heap.
const RECONCILING: u8 = 2;
/// The same, and what each call stack holds.
const PROFILING: u8 = 3;

impl ProcessAllocator {
    /// An allocator that does not count yet.
    pub const fn new() -> Self {
        Self {
            mode: AtomicU8::new(OFF),
            all: Counters::floored(),
            ops: [const { Counters::floored() }; Op::COUNT_MAX],
            small: AtomicU64::new(0),
            ledger: HeapLedger::new(),
            sites: Mutex::new(SiteLedger::new()),
        }
    }

    /// Starts to count at zero bytes. Blocks from before may be freed: what would
    /// bring the total below zero is not counted, so the peak is the largest rise since, less
    /// 16 KiB per thread at most.
    pub fn start_counting(&self) {
        self.restart(COUNTING);
    }

    /// Starts to count as [`Self::start_counting`] does, and enters what ports admit beside it:
    /// those that are [`Reconciled`](super::Reconciled) with this allocator.
    pub fn start_reconciling(&self) {
        self.restart(RECONCILING);
    }

    /// Counts and reconciles from here on, and keeps what each call stack holds, for
    /// [`Self::profile`]. Threads enter their blocks one after the other, so the profile adds up to
    /// [`Reconciliation::allocated_peak`], on any number of threads.
    pub fn start_profiling(&self) {
        self.restart(PROFILING);
    }

    /// Who holds the heap at this moment, and held it at its peak since the profile began; of a
    /// profile that was stopped, at the moment when it was.
    pub fn profile(&self) -> Profile {
        let profile = inside(|| self.sites().profile(None));
        let profile = profile.unwrap_or_else(|| SiteLedger::new().profile(None));
        // The copy is of the heap that is counted, as what its caller frees must be.
        let copy = profile.clone();
        inside(|| drop(profile));
        copy
    }

    fn sites(&self) -> MutexGuard<'_, SiteLedger> {
        // The ledger is right between any two statements, also after a panic of another holder.
        self.sites.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn restart(&self, mode: u8) {
        self.mode.store(OFF, Ordering::Relaxed);
        inside(|| *self.sites() = SiteLedger::new());
        self.all.reset();
        self.ops.iter().for_each(Counters::reset);
        self.small.store(0, Ordering::Relaxed);
        self.ledger.restart();
        self.mode.store(mode, Ordering::Relaxed);
    }

    /// Stops counting and returns the most bytes that were live at once since it began.
    pub fn stop_counting(&self) -> Bytes {
        self.mode.store(OFF, Ordering::Relaxed);
        self.all.read().peak_bytes
    }

    /// The peaks of the heap and of the ports since the reconciliation began.
    pub fn reconciliation(&self) -> Reconciliation {
        self.ledger.read()
    }

    /// The usage since the reconciliation began, once it has been stopped.
    pub fn intervals(&self) -> impl Iterator<Item = Interval> {
        self.ledger.intervals()
    }

    /// HeapLedger `change` bytes that a port has admitted, or taken back.
    #[inline]
    pub(super) fn enter_port(&self, change: i64) {
        if self.mode.load(Ordering::Relaxed) >= RECONCILING {
            self.ledger.port(change);
        }
    }

    /// What the process has allocated since counting began.
    pub fn diagnostics(&self) -> Diagnostics {
        self.all.read()
    }

    /// Blocks of up to [`SMALL_BYTES_MAX`] that the process has allocated since counting began.
    pub fn small_allocations_total(&self) -> u64 {
        self.small.load(Ordering::Relaxed)
    }

    /// What threads allocated since counting began while they were in `op`.
    pub fn diagnostics_of(&self, op: Op) -> Diagnostics {
        self.ops[op.index()].read()
    }

    /// Counts an event.
    #[inline]
    fn note(&self, event: Event) {
        match self.mode.load(Ordering::Relaxed) {
            OFF => {}
            PROFILING => self.profiled(event),
            mode => self.count(event, mode),
        }
    }

    #[inline]
    fn count(&self, event: Event, mode: u8) {
        event.count(&self.all);
        if let Some(op) = self.ops.get(CURRENT.with(Cell::get)) {
            event.count(op);
        }
        if matches!(event, Event::Taken { size, .. } if size <= SMALL_BYTES_MAX) {
            self.small.fetch_add(1, Ordering::Relaxed);
        }
        if mode != COUNTING {
            self.ledger.heap(event.change());
        }
    }

    /// Counts an event, and enters it in the ledger in the same order.
    #[cold]
    #[inline(never)]
    fn profiled(&self, event: Event) {
        inside(|| {
            let takes = matches!(event, Event::Taken { .. });
            let stack = takes.then(CallStack::capture);
            self.enter(&mut self.sites(), event, stack.as_ref());
        });
    }

    /// Resizes by `heap`, alone: no other thread may be handed the old address meanwhile.
    #[cold]
    #[inline(never)]
    fn resized(&self, from: usize, sizes: (usize, usize), heap: impl Fn() -> *mut u8) -> *mut u8 {
        let profiled = inside(|| {
            let stack = CallStack::capture();
            let mut sites = self.sites();
            let moved = heap();
            self.enter(&mut sites, Event::resized(from, sizes, moved), Some(&stack));
            moved
        });
        profiled.unwrap_or_else(heap)
    }

    fn enter(&self, sites: &mut SiteLedger, event: Event, stack: Option<&CallStack>) {
        self.count(event, PROFILING);
        event.enter(sites, stack);
    }

    /// Counts a block that the system allocated, or its failure.
    #[inline]
    fn handed_out(&self, block: *mut u8, size: usize) -> *mut u8 {
        let start = block.addr();
        self.note(if block.is_null() { Event::Failed } else { Event::Taken { start, size } });
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
        self.note(Event::Freed { start: block.addr(), size: layout.size() });
        // SAFETY: the caller promises that `block` came from here, hence from `System`, with this
        // layout.
        unsafe { System.dealloc(block, layout) };
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the caller promises that `block` came from here, hence from `System`, with this
        // layout, and a size that `System` accepts.
        let heap = || unsafe { System.realloc(block, layout, new_size) };
        let sizes = (layout.size(), new_size);
        match self.mode.load(Ordering::Relaxed) {
            OFF => heap(),
            PROFILING => self.resized(block.addr(), sizes, heap),
            mode => {
                let moved = heap();
                self.count(Event::resized(block.addr(), sizes, moved), mode);
                moved
            }
        }
    }
}

/// No operation.
const NONE: usize = usize::MAX;

thread_local! {
    /// The operation that this thread is in.
    static CURRENT: Cell<usize> = const { Cell::new(NONE) };
}

/// Counts what this thread allocates from the process's heap on `op`, until the guard is dropped.
pub(super) fn enter(op: Op) -> Entered {
    let before = CURRENT.with(|current| current.replace(op.index()));
    Entered { before, not_send: PhantomData }
}

/// While this lives, its thread is in an operation. Guards of one thread end in reverse order.
#[derive(Debug)]
#[must_use = "the thread leaves the operation when this is dropped"]
pub struct Entered {
    before: usize,
    not_send: PhantomData<*const ()>,
}

impl Drop for Entered {
    fn drop(&mut self) {
        CURRENT.with(|current| current.set(self.before));
    }
}
