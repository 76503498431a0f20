//! A value in a slab that may leave the slab's thread.

use std::alloc::Layout;
use std::fmt;
use std::ptr::NonNull;

use allocator_api2::alloc::Allocator;

use super::Slab;
use crate::error::{self, MemoryError};

/// A value on a [`Slab`], which any thread may drop.
///
/// Dropped on another thread, its block goes to a lock-free list, and the slab takes
/// it back with its next batch of slots; see [`Slab::trim`].
///
/// ```
/// use gitmind_memory::{Alloc, Slab, System};
/// let system = System::new();
/// let slab = Slab::new(Alloc::new(&system));
/// let report = slab.try_box(["cache.rebuild", "no such ref"])?;
/// std::thread::scope(|scope| {
///     scope.spawn(move || assert_eq!(report[1], "no such ref"));
/// });
/// slab.trim();
/// assert_eq!(slab.stats().blocks_outstanding, 0);
/// # Ok::<(), gitmind_memory::MemoryError>(())
/// ```
pub struct SlabBox<'s, T> {
    /// Owned: initialised, in a block of `slab` with the layout of `T`.
    value: NonNull<T>,
    slab: &'s Slab<'s>,
}

// SAFETY: it owns its value. On a thread that is not the slab's, only those fields of the slab are
// used that are `Sync`: its remote-free list, its handle on the port, and plain fields that never
// change.
unsafe impl<T: Send> Send for SlabBox<'_, T> {}
// SAFETY: a shared reference to it gives shared references to its value, and nothing of the slab.
unsafe impl<T: Sync> Sync for SlabBox<'_, T> {}

impl<'a> Slab<'a> {
    /// Moves `value` into a block that may be sent to other threads.
    ///
    /// # Errors
    /// Every failure of the port; `value` is dropped then.
    pub fn try_box<T>(&self, value: T) -> Result<SlabBox<'_, T>, MemoryError> {
        let layout = Layout::new::<T>();
        let block = Allocator::allocate(&self, layout).map_err(|_| error::newest(layout))?;
        let block: NonNull<T> = block.cast();
        // SAFETY: the block is fresh, and has the size and the alignment of `T`.
        unsafe { block.write(value) };
        Ok(SlabBox { value: block, slab: self })
    }
}

impl<T> SlabBox<'_, T> {
    /// Moves the value out and frees its block.
    pub fn into_inner(this: Self) -> T {
        let block = Block::of(&std::mem::ManuallyDrop::new(this));
        // SAFETY: the value is initialised, and is not dropped in its block: `this` is forgotten,
        // and `block` frees without it.
        unsafe { block.start.cast::<T>().read() }
    }
}

impl<T> std::ops::Deref for SlabBox<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the value is initialised and owned by `self`.
        unsafe { self.value.as_ref() }
    }
}

impl<T> std::ops::DerefMut for SlabBox<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the value is initialised and owned by `self`, which is borrowed exclusively.
        unsafe { self.value.as_mut() }
    }
}

impl<T: fmt::Debug> fmt::Debug for SlabBox<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T> Drop for SlabBox<'_, T> {
    fn drop(&mut self) {
        let _block = Block::of(self);
        // SAFETY: the value is initialised and nothing uses it after this; the block is freed
        // even if its destructor unwinds.
        unsafe { self.value.drop_in_place() };
    }
}

/// A block without a value, freed when dropped.
struct Block<'s> {
    start: NonNull<u8>,
    layout: Layout,
    slab: &'s Slab<'s>,
}

impl<'s> Block<'s> {
    fn of<T>(owner: &SlabBox<'s, T>) -> Self {
        Self { start: owner.value.cast(), layout: Layout::new::<T>(), slab: owner.slab }
    }
}

impl Drop for Block<'_> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: the box that is being dropped or emptied owned this block of the slab, which
        // has the layout of its value.
        unsafe { self.slab.free_from_anywhere(self.start, self.layout) };
    }
}
