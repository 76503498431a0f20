//! The arena as the allocator of containers.
//!
//! A freed object is reused when it was the last object allocated of a block, or is a
//! dedicated allocation and among the newest 16; anything else stays until the arena is reset. So a
//! container that grows at the end of a block, or by itself, leaves nothing behind.

use std::alloc::Layout;
use std::ptr::NonNull;

use allocator_api2::alloc::{AllocError, Allocator};

use super::Arena;
use super::size::ALIGN_MIN;
use crate::error::{self, MemoryError};
use crate::pooling::Zeroing;

impl Arena<'_> {
    /// Takes an object back.
    ///
    /// # Safety
    /// `object` is live, of this arena, and `layout` fits it.
    unsafe fn give_back(&self, object: NonNull<u8>, layout: Layout) {
        if layout.size() == 0 {
            return;
        }
        if self.blocks.contains(object) {
            // SAFETY: it is in the newest block, checked in the line above.
            unsafe { self.blocks.give_back(object, layout, self.zeroing) };
        } else {
            // SAFETY: the caller gives the object up. What stays, stays until the arena is reset.
            unsafe { self.dedicated.give_back(object, self.zeroing, &self.ledger) };
        }
    }

    /// Makes an object larger or smaller where it is, or has the port do it.
    ///
    /// # Safety
    /// As `Allocator::grow` and `Allocator::shrink`, whichever the sizes say.
    unsafe fn resize_in_place(
        &self,
        object: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Option<Result<NonNull<u8>, MemoryError>> {
        if old.size() == 0 || new.size() == 0 {
            return None;
        }
        if self.blocks.contains(object) {
            let is_growing = new.size() >= old.size();
            if new.align() > ALIGN_MIN || !is_growing {
                return None;
            }
            // SAFETY: it is in the newest block, and the order of sizes is checked above.
            return unsafe { self.blocks.extend(object, old.size(), new.size()) }.map(Ok);
        }
        // A port that moves a block does not overwrite what it was moved from.
        if self.zeroing == Zeroing::On {
            return None;
        }
        // SAFETY: the caller uses what is returned instead of the object.
        let resized = unsafe { self.dedicated.resize(object, new, &self.ledger) }?;
        Some(resized.map_err(|failure| self.ledger.error(failure, new.size())))
    }

    /// Moves an object to a new place.
    ///
    /// # Safety
    /// As `Allocator::grow` and `Allocator::shrink`, whichever the sizes say.
    #[cold]
    unsafe fn relocate(
        &self,
        object: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Result<NonNull<u8>, MemoryError> {
        let place = self.try_alloc_layout(new)?;
        let kept = old.size().min(new.size());
        // SAFETY: both are live and hold `kept` bytes; a new object overlaps no live one.
        unsafe { place.copy_from_nonoverlapping(object, kept) };
        // SAFETY: the caller promises a live object that `old` fits.
        unsafe { self.give_back(object, old) };
        Ok(place)
    }
}

// SAFETY: objects are aligned, disjoint and valid until they are passed back, or the arena is reset
// or dropped, which the borrow rules out; copies of the handle name the same arena.
unsafe impl Allocator for &Arena<'_> {
    #[inline]
    fn allocate(&self, layout: Layout) -> Result<NonNull<[u8]>, AllocError> {
        sized(self.try_alloc_layout(layout), layout, self)
    }

    #[inline]
    unsafe fn deallocate(&self, object: NonNull<u8>, layout: Layout) {
        // SAFETY: the caller's promises are passed on unchanged.
        unsafe { self.give_back(object, layout) };
    }

    #[inline]
    unsafe fn grow(
        &self,
        object: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Result<NonNull<[u8]>, AllocError> {
        debug_assert!(new.size() >= old.size(), "an object grows to no smaller size");
        // SAFETY: the caller's promises are passed on unchanged.
        let grown = unsafe { self.resize_in_place(object, old, new) };
        let grown = match grown {
            Some(grown) => grown,
            // SAFETY: as above; the object is as it was.
            None => unsafe { self.relocate(object, old, new) },
        };
        sized(grown, new, self)
    }

    unsafe fn grow_zeroed(
        &self,
        object: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Result<NonNull<[u8]>, AllocError> {
        // SAFETY: the caller's promises are passed on unchanged.
        let grown = unsafe { self.grow(object, old, new) }?;
        // SAFETY: the object holds the new bytes, and the old ones are no more.
        let tail = unsafe { grown.cast::<u8>().add(old.size()) };
        // SAFETY: as above.
        unsafe { tail.write_bytes(0, new.size() - old.size()) };
        Ok(grown)
    }

    unsafe fn shrink(
        &self,
        object: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Result<NonNull<[u8]>, AllocError> {
        debug_assert!(new.size() <= old.size(), "an object shrinks to no larger size");
        // SAFETY: the caller's promises are passed on unchanged.
        let shrunk = unsafe { self.resize_in_place(object, old, new) };
        let is_aligned = object.addr().get().is_multiple_of(new.align());
        let shrunk = match shrunk {
            Some(shrunk) => shrunk,
            // An object of a block, or one to be overwritten as a whole, stays as it is.
            None if is_aligned && new.size() > 0 => Ok(self.blocks.own(object)),
            // SAFETY: as above; the object is as it was.
            None => unsafe { self.relocate(object, old, new) },
        };
        sized(shrunk, new, self)
    }
}

/// An answer as containers want it.
#[inline]
fn sized(
    object: Result<NonNull<u8>, MemoryError>,
    layout: Layout,
    arena: &Arena<'_>,
) -> Result<NonNull<[u8]>, AllocError> {
    match object {
        Ok(start) => Ok(NonNull::slice_from_raw_parts(start, layout.size())),
        Err(error) => {
            let address = std::ptr::from_ref(arena).addr();
            Err(error::remember(error, layout, arena.ledger.alloc, address))
        }
    }
}
