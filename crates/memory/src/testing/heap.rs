//! Tests of code without a handle: a global allocator that asks a port first.
//!
//! While a test runs, each request that its thread makes of the heap is made of a port as well, by
//! a block of the same size that stays empty. So everything that ports do (fail, count, find
//! leaks) is done to code that knows of no port, and its own blocks remain the heap's, which may
//! outlive the test and be freed on any thread.

use std::alloc::{GlobalAlloc, Layout, System};
use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use crate::alloc::Alloc;
use crate::error::MemoryError;
use crate::inside::inside;

/// The system's allocator, which lets the kit observe the heap of a thread and fail its requests.
///
/// ```
/// use std::convert::Infallible;
/// use std::hint::black_box;
/// use gitmind_memory::testing::{MemoryTest, TestAllocator, assert_no_heap_leaks};
/// use gitmind_memory::units::Bytes;
///
/// #[global_allocator]
/// static HEAP: TestAllocator = TestAllocator;
///
/// fn ones() -> Vec<u8> {
///     black_box(vec![1; 100])
/// }
/// assert_no_heap_leaks(ones);
/// assert_eq!(MemoryTest::<Infallible>::new().run_heap(|| drop(ones())), Bytes::new(100));
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct TestAllocator;

/// What observes a thread.
struct Observer<'a> {
    alloc: Alloc<'a>,
    /// Requests are made of the port. Blocks are always freed by it.
    is_asked: Cell<bool>,
    /// What a call of the port unwound with, which an allocator must not do.
    panic: Cell<Option<Box<dyn Any + Send>>>,
}

/// A block of a port, as large as one of the heap.
struct Shadow {
    start: NonNull<u8>,
    layout: Layout,
    alloc: Alloc<'static>,
}

// SAFETY: a port and its blocks may be used on any thread, which is what `Port: Sync` says.
unsafe impl Send for Shadow {}

type Shadows = HashMap<usize, Shadow, FixedState>;

/// The shadows of all threads that are observed, by the addresses of the heap's blocks. An
/// observation that ends removes its own.
static SHADOWS: Mutex<Shadows> = Mutex::new(Shadows::with_hasher(FixedState::with_seed(0)));

/// Threads that are observed.
static OBSERVERS: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static OBSERVER: Cell<*const Observer<'static>> = const { Cell::new(ptr::null()) };
    /// Requests that reached the allocator on this thread.
    static REQUESTS: Cell<u64> = const { Cell::new(0) };
}

/// An observation, until it ends, also by unwinding.
struct Observation<'a> {
    observer: &'a Observer<'a>,
    outer: *const Observer<'static>,
}

impl<'a> Observation<'a> {
    fn begin(observer: &'a Observer<'a>) -> Self {
        OBSERVERS.fetch_add(1, Relaxed);
        let outer = OBSERVER.replace(ptr::from_ref(observer).cast());
        Self { observer, outer }
    }
}

impl Drop for Observation<'_> {
    fn drop(&mut self) {
        OBSERVER.set(self.outer);
        let id = self.observer.alloc.port().id();
        // What is left stays with the port, which reports it.
        inside(|| shadows().retain(|_, shadow| shadow.alloc.port().id() != id));
        OBSERVERS.fetch_sub(1, Relaxed);
    }
}

/// The result of `finish` on that of `body`. What `body` asks of the heap on this thread is asked
/// of `alloc` first; what is freed before `finish` returns is freed by it, and what remains
/// leaks there.
///
/// # Panics
/// When [`TestAllocator`] is not the global allocator.
#[track_caller]
pub(super) fn observe<T, R>(
    alloc: Alloc<'_>,
    body: impl FnOnce() -> T,
    finish: impl FnOnce(T) -> R,
) -> R {
    assert!(
        is_installed(),
        "the heap is not observed: `TestAllocator` is not the global allocator"
    );
    let observer = Observer { alloc, is_asked: Cell::new(true), panic: Cell::new(None) };
    let _observation = Observation::begin(&observer);
    let result = body();
    observer.is_asked.set(false);
    finish(result)
}

/// The result of `body`, unless a port panicked in it: after that the heap granted everything.
pub(super) fn rethrowing<T>(body: impl FnOnce() -> T) -> T {
    let result = body();
    match inside(|| observer().and_then(|observer| observer.panic.take())).flatten() {
        Some(panic) => resume_unwind(panic),
        None => result,
    }
}

fn is_installed() -> bool {
    let before = REQUESTS.get();
    drop(std::hint::black_box(Box::new(0_u8)));
    REQUESTS.get() != before
}

/// What `run` returns. Its requests are not the test's.
pub(super) fn unobserved<T>(run: impl Fn() -> T) -> T {
    inside(&run).unwrap_or_else(run)
}

fn shadows() -> MutexGuard<'static, Shadows> {
    SHADOWS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What observes this thread.
fn observer<'a>() -> Option<&'a Observer<'a>> {
    let observer = OBSERVER.try_with(Cell::get).ok()?;
    // SAFETY: `observe` sets the pointer to a value of its frame, and takes it back before the
    // frame ends. The callers use the reference within one call of the allocator below that frame.
    unsafe { observer.as_ref() }
}

impl Observer<'_> {
    /// What `ask` answers, or nothing when requests are not observed now.
    fn request<T>(
        &self,
        ask: impl FnOnce() -> Result<T, MemoryError>,
    ) -> Result<Option<T>, MemoryError> {
        if !self.is_asked.get() || std::thread::panicking() {
            return Ok(None);
        }
        catch_unwind(AssertUnwindSafe(ask)).map_or_else(
            |panic| {
                self.is_asked.set(false);
                self.panic.set(Some(panic));
                Ok(None)
            },
            |answer| answer.map(Some),
        )
    }

    fn owns(&self, shadow: &Shadow) -> bool {
        self.alloc.port().id() == shadow.alloc.port().id()
    }

    fn take(&self, layout: Layout) -> Result<Shadow, MemoryError> {
        let start = self.alloc.port().allocate(layout, self.alloc.op())?;
        // SAFETY: the observation removes the shadow before the borrow of the port ends.
        let alloc = unsafe { std::mem::transmute::<Alloc<'_>, Alloc<'static>>(self.alloc) };
        Ok(Shadow { start, layout, alloc })
    }
}

impl Shadow {
    /// The caller is the thread that is observed. It holds no lock: the port may take some that
    /// other threads hold when they ask the heap.
    fn resize(&self, new: Layout) -> Result<Self, MemoryError> {
        let Self { start, layout: old, alloc } = *self;
        let resized = if new.size() >= old.size() {
            // SAFETY: the block was taken from this port with this layout, which is not larger.
            unsafe { alloc.port().grow(start, old, new, alloc.op()) }
        } else {
            // SAFETY: the block was taken from this port with this layout, which is larger.
            unsafe { alloc.port().shrink(start, old, new, alloc.op()) }
        };
        Ok(Self { start: resized?, layout: new, alloc })
    }

    /// Gives the block back. The caller is the thread that is observed or holds the lock, so the
    /// observation has not ended and the port is there.
    fn free(self) {
        let Self { start, layout, alloc } = self;
        // SAFETY: the block was taken from this port with this layout, and is in no map any more.
        let free = || unsafe { alloc.port().deallocate(start, layout, alloc.op()) };
        // The ports of the kit do not panic here, and an allocator must not.
        let _ = catch_unwind(AssertUnwindSafe(free));
    }
}

/// A block of `heap` with a shadow, or null when the port fails.
fn taken(layout: Layout, heap: impl FnOnce() -> *mut u8) -> *mut u8 {
    let shadow = observer().map_or(Ok(None), |observer| observer.request(|| observer.take(layout)));
    let Ok(shadow) = shadow else { return ptr::null_mut() };
    let start = heap();
    if let Some(shadow) = shadow {
        keep(start, shadow);
    }
    start
}

fn keep(start: *mut u8, shadow: Shadow) {
    let mut shadows = shadows();
    if start.is_null() {
        shadow.free();
    } else {
        shadows.insert(start.addr(), shadow);
    }
}

/// Resizes the block at `start` by `heap`, and its shadow before.
fn resized(start: *mut u8, new: Layout, heap: impl FnOnce() -> *mut u8) -> *mut u8 {
    let mut locked = shadows();
    let Some(shadow) = locked.remove(&start.addr()) else {
        drop(locked);
        // One from elsewhere belongs to the test from now on.
        return taken(new, heap);
    };
    let owner = observer().filter(|observer| observer.owns(&shadow));
    let larger = if let Some(owner) = owner {
        drop(locked);
        let larger = owner.request(|| shadow.resize(new));
        locked = shadows();
        larger
    } else {
        Ok(None)
    };
    let Ok(larger) = larger else {
        locked.insert(start.addr(), shadow);
        return ptr::null_mut();
    };
    let moved = heap();
    // The heap itself may fail; then the size that is counted is that of the request.
    let place = if moved.is_null() { start } else { moved };
    locked.insert(place.addr(), larger.unwrap_or(shadow));
    moved
}

/// Frees the shadow of the block at `start`, if it has one.
fn freed(start: *mut u8) {
    let mut locked = shadows();
    let Some(shadow) = locked.remove(&start.addr()) else { return };
    if observer().is_some_and(|observer| observer.owns(&shadow)) {
        drop(locked);
    }
    shadow.free();
}

/// `observed` while a thread is observed and the allocator does not itself ask; else `heap`.
fn routed(observed: impl FnOnce() -> *mut u8, heap: impl FnOnce() -> *mut u8) -> *mut u8 {
    let _ = REQUESTS.try_with(|requests| requests.set(requests.get().wrapping_add(1)));
    let is_observed = OBSERVERS.load(Relaxed) > 0;
    is_observed.then(|| inside(observed)).flatten().unwrap_or_else(heap)
}

// SAFETY: every block is the system's, for the same arguments; what ports are asked for besides
// changes none of them. Nothing unwinds: calls of ports are caught, and the map does not panic.
unsafe impl GlobalAlloc for TestAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller promises a layout of non-zero size, which is all `System` asks.
        let heap = || unsafe { System.alloc(layout) };
        routed(|| taken(layout, heap), heap)
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller promises a layout of non-zero size, which is all `System` asks.
        let heap = || unsafe { System.alloc_zeroed(layout) };
        routed(|| taken(layout, heap), heap)
    }

    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        if OBSERVERS.load(Relaxed) > 0 {
            inside(|| freed(start));
        }
        // SAFETY: the caller promises a block of `System`'s, which all of ours are, of this layout.
        unsafe { System.dealloc(start, layout) };
    }

    unsafe fn realloc(&self, start: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller promises a size that does not overflow when rounded up to the
        // alignment, and the alignment is that of a layout.
        let new = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        // SAFETY: the caller promises a block of `System`'s of this layout, and such a size.
        let heap = || unsafe { System.realloc(start, layout, size) };
        routed(|| resized(start, new, heap), heap)
    }
}
