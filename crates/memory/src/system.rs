//! The port on the process's own heap.
//!
//! It uses Rust's global allocator, so that the process's counters (see `process`) and a sanitizer
//! see every byte that a service allocates.

use std::alloc::{self, Layout};
use std::ptr::{self, NonNull};

use super::counters::{Counters, Diagnostics};
use super::error::{ErrorKind, MemoryError};
use super::op::OpTag;
use super::poison;
use super::port::{self, Port, PortId};
use crate::units::Bytes;

/// The bottom of every stack of ports. It counts its blocks, unless it is [`System::uncounted`]
/// because a decorator above it counts.
///
/// The handle adds the operation to its errors: keeping the tag across each call of the heap would
/// slow every request for the rare one that fails.
///
/// ```
/// use gitmind_memory::{self as memory, Alloc, Port, System};
/// use gitmind_memory::units::Bytes;
/// let system = System::new();
/// let ids = memory::Vec::<u32>::try_with_capacity(4, Alloc::new(&system))?;
/// assert_eq!(system.diagnostics().bytes_outstanding, Bytes::new(16));
/// drop(ids);
/// assert_eq!(system.diagnostics().blocks_outstanding, 0);
/// # Ok::<(), gitmind_memory::MemoryError>(())
/// ```
#[derive(Debug)]
pub struct System<const COUNTED: bool = true> {
    id: PortId,
    counters: Counters,
}

impl System {
    /// A heap that counts its blocks.
    pub fn new() -> Self {
        Self { id: PortId::unique(), counters: Counters::new() }
    }
}

impl System<false> {
    /// A heap that leaves the counting to a decorator above it; its diagnostics stay zero.
    pub fn uncounted() -> Self {
        Self { id: PortId::unique(), counters: Counters::new() }
    }
}

impl<const COUNTED: bool> System<COUNTED> {
    #[inline]
    fn count(&self, event: impl FnOnce(&Counters)) {
        if COUNTED {
            event(&self.counters);
        }
    }

    #[cold]
    fn exhausted(&self, size: usize) -> MemoryError {
        self.count(Counters::failed);
        MemoryError::new(ErrorKind::Exhausted, None, size.into())
    }

    #[inline]
    fn take(
        &self,
        layout: Layout,
        heap: unsafe fn(Layout) -> *mut u8,
    ) -> Result<NonNull<u8>, MemoryError> {
        if layout.size() == 0 {
            return Ok(empty(layout));
        }
        if poison::is_beyond_heap(layout.size()) {
            return Err(self.exhausted(layout.size()));
        }
        // SAFETY: the size is not zero, checked two lines above.
        let start = unsafe { heap(layout) };
        let start = NonNull::new(start).ok_or_else(|| self.exhausted(layout.size()))?;
        self.count(|counters| counters.allocated(layout.size()));
        Ok(start)
    }

    /// # Safety
    /// As `Port::grow` and `Port::shrink`, whichever the sizes say.
    #[inline]
    unsafe fn resize(
        &self,
        ptr: NonNull<u8>,
        old: Layout,
        new: Layout,
        op: OpTag<'_>,
    ) -> Result<NonNull<u8>, MemoryError> {
        if old.align() != new.align() || old.size() == 0 || new.size() == 0 {
            // SAFETY: the caller's promises are passed on unchanged.
            return unsafe { port::resize_by_moving(self, ptr, old, new, op) };
        }
        if poison::is_beyond_heap(new.size()) {
            return Err(self.exhausted(new.size()));
        }
        // SAFETY: the block came from the global allocator with `old`, whose size is not zero,
        // and `new` is a layout of the same alignment with a size that is not zero.
        let start = unsafe { alloc::realloc(ptr.as_ptr(), old, new.size()) };
        let start = NonNull::new(start).ok_or_else(|| self.exhausted(new.size()))?;
        self.count(|counters| counters.resized(old.size(), new.size()));
        Ok(start)
    }
}

impl Default for System {
    fn default() -> Self {
        Self::new()
    }
}

// SAFETY: blocks are the global allocator's, which keeps them aligned, disjoint and valid until
// they are passed back, and leaves the old one alone when `realloc` fails. An empty block is an
// aligned address that nothing may access. No method unwinds.
unsafe impl<const COUNTED: bool> Port for System<COUNTED> {
    #[inline]
    fn allocate(&self, layout: Layout, _op: OpTag<'_>) -> Result<NonNull<u8>, MemoryError> {
        self.take(layout, alloc::alloc)
    }

    #[inline]
    fn allocate_zeroed(&self, layout: Layout, _op: OpTag<'_>) -> Result<NonNull<u8>, MemoryError> {
        self.take(layout, alloc::alloc_zeroed)
    }

    #[inline]
    unsafe fn deallocate(&self, ptr: NonNull<u8>, layout: Layout, _op: OpTag<'_>) {
        if layout.size() == 0 {
            return;
        }
        // SAFETY: the caller promises a live block of this port that `layout` fits; it came from
        // the global allocator, since its size is not zero.
        unsafe { alloc::dealloc(ptr.as_ptr(), layout) };
        self.count(|counters| counters.freed(layout.size()));
    }

    #[inline]
    unsafe fn grow(
        &self,
        ptr: NonNull<u8>,
        old: Layout,
        new: Layout,
        op: OpTag<'_>,
    ) -> Result<NonNull<u8>, MemoryError> {
        debug_assert!(new.size() >= old.size(), "a block grows to no smaller size");
        // SAFETY: the caller's promises are passed on unchanged.
        unsafe { self.resize(ptr, old, new, op) }
    }

    #[inline]
    unsafe fn shrink(
        &self,
        ptr: NonNull<u8>,
        old: Layout,
        new: Layout,
        op: OpTag<'_>,
    ) -> Result<NonNull<u8>, MemoryError> {
        debug_assert!(new.size() <= old.size(), "a block shrinks to no larger size");
        // SAFETY: the caller's promises are passed on unchanged.
        unsafe { self.resize(ptr, old, new, op) }
    }

    fn charge(&self, bytes: Bytes, op: OpTag<'_>) -> Result<(), MemoryError> {
        if COUNTED && !self.counters.charge(bytes) {
            self.counters.failed();
            return Err(MemoryError::new(ErrorKind::Exhausted, op.op(), bytes));
        }
        Ok(())
    }

    fn refund(&self, bytes: Bytes, _op: OpTag<'_>) {
        if COUNTED {
            self.counters.refund(bytes);
        }
    }

    fn id(&self) -> PortId {
        self.id
    }

    fn diagnostics(&self) -> Diagnostics {
        self.counters.read()
    }
}

/// A block of no bytes: an aligned address that is never accessed.
#[inline]
fn empty(layout: Layout) -> NonNull<u8> {
    let start = ptr::without_provenance_mut::<u8>(layout.align());
    NonNull::new(start).expect("not null because an alignment is never zero")
}
