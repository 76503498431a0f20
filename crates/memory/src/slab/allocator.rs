//! How a slab allocates and frees blocks.
//!
//! A request is one comparison and one slot off a magazine. What needs more leaves that path: other
//! sizes, an empty magazine, and modes that are not the usual one.

use std::alloc::Layout;
use std::ptr::{self, NonNull};

use allocator_api2::alloc::{AllocError, Allocator};

use super::bin::Bin;
use super::{Slab, remote_free};
use crate::pooling::Zeroing;
use crate::{error, poison};

// SAFETY: a block is a slot that no other block has, or the port's; it stays until it is passed
// back or the slab is dropped, before which every borrow of it ends. Copies of the reference are
// the same slab.
unsafe impl Allocator for &Slab<'_> {
    #[inline]
    fn allocate(&self, layout: Layout) -> Result<NonNull<[u8]>, AllocError> {
        match self.bin(layout).and_then(|bin| self.pool.pop(bin)) {
            Some(slot) => Ok(hand_out(slot, layout)),
            None => self.allocate_beyond_magazine(layout),
        }
    }

    #[inline]
    fn allocate_zeroed(&self, layout: Layout) -> Result<NonNull<[u8]>, AllocError> {
        if self.bin(layout).is_none() {
            return self.alloc.allocate_zeroed(layout);
        }
        let block = self.allocate(layout)?;
        // With zeroing every free slot is zero: regions come so, and blocks are cleared.
        if self.zeroing == Zeroing::Off {
            // SAFETY: the block is fresh and has the size of its layout.
            unsafe { block.cast::<u8>().write_bytes(0, layout.size()) };
        }
        Ok(block)
    }

    #[inline]
    unsafe fn deallocate(&self, block: NonNull<u8>, layout: Layout) {
        let Some(bin) = self.bin(layout) else {
            // SAFETY: the block is the port's, because the layout decides and is the same; the
            // caller's promises are passed on.
            return unsafe { self.deallocate_large(block, layout) };
        };
        // SAFETY: the slot is the caller's, whole, and part of a live region.
        unsafe { self.clear_slot(bin, block, layout.size()) };
        // SAFETY: the caller promises a live block with this layout, which decides the bin, and
        // to be on its thread, since the slab is not shared by threads.
        unsafe { self.pool.give(bin, block.addr().get()) };
    }

    #[inline]
    unsafe fn grow(
        &self,
        block: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Result<NonNull<[u8]>, AllocError> {
        debug_assert!(new.size() >= old.size(), "a block grows to no smaller size");
        match (self.bin(old), self.bin(new)) {
            (Some(bin), Some(same)) if bin == same => Ok(hand_out(slot_of(block), new)),
            // SAFETY: the block is the port's; the caller's promises are passed on.
            (None, None) if self.zeroing == Zeroing::Off => unsafe {
                self.alloc.grow(block, old, new)
            },
            // SAFETY: the caller's promises are passed on unchanged.
            _ => unsafe { self.replace(block, old, new) },
        }
    }

    #[inline]
    unsafe fn shrink(
        &self,
        block: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Result<NonNull<[u8]>, AllocError> {
        debug_assert!(new.size() <= old.size(), "a block shrinks to no larger size");
        match (self.bin(old), self.bin(new)) {
            (Some(bin), Some(same)) if bin == same => {
                let slot = slot_of(block);
                // SAFETY: the offset is inside the block, because the block shrinks.
                let tail = unsafe { slot.add(new.size()) };
                // SAFETY: the caller promises a live block of the old size.
                unsafe { self.clear(tail, old.size() - new.size()) };
                // SAFETY: the slot is the caller's, who gives up what is behind the new size.
                unsafe { poison::poison(slot, bin.slot_bytes()) };
                Ok(hand_out(slot, new))
            }
            // SAFETY: the block is the port's; the caller's promises are passed on.
            (None, None) if self.zeroing == Zeroing::Off => unsafe {
                self.alloc.shrink(block, old, new)
            },
            // SAFETY: the caller's promises are passed on unchanged.
            _ => unsafe { self.replace(block, old, new) },
        }
    }
}

/// The slot of a block. The caller's pointer may reach no more than the block.
#[inline]
fn slot_of(block: NonNull<u8>) -> NonNull<u8> {
    let slot = ptr::with_exposed_provenance_mut(block.addr().get());
    // SAFETY: the address is the block's, which is not null. `Region::take` exposed the provenance
    // of the region around it.
    unsafe { NonNull::new_unchecked(slot) }
}

/// A slot as a block of the size that was asked for.
#[inline]
fn hand_out(slot: NonNull<u8>, layout: Layout) -> NonNull<[u8]> {
    // SAFETY: the slot is part of a live region and in no other use, and its bin has the size.
    unsafe { poison::release(slot, layout.size()) };
    NonNull::slice_from_raw_parts(slot, layout.size())
}

impl Slab<'_> {
    /// Allocates what is not in a magazine: out of another batch of slots, or from the port.
    #[cold]
    #[inline(never)]
    fn allocate_beyond_magazine(&self, layout: Layout) -> Result<NonNull<[u8]>, AllocError> {
        let Some(bin) = self.bin(layout) else {
            return self.alloc.allocate(layout);
        };
        self.pool.refill(bin).map_err(|error| error::remember(error, layout, self.alloc, 0))?;
        let slot = self.pool.pop(bin).expect("there is one because the magazine was refilled");
        Ok(hand_out(slot, layout))
    }

    /// Gives a block back to the port.
    ///
    /// # Safety
    /// As [`Allocator::deallocate`], and the block is the port's.
    #[cold]
    #[inline(never)]
    unsafe fn deallocate_large(&self, block: NonNull<u8>, layout: Layout) {
        // SAFETY: the caller promises a live block of this size.
        unsafe { self.clear(block, layout.size()) };
        // SAFETY: the caller promises a block of the port.
        unsafe { self.alloc.deallocate(block, layout) };
    }

    /// Overwrites bytes that are about to be freed.
    ///
    /// # Safety
    /// The bytes are writable.
    #[inline]
    unsafe fn clear(&self, start: NonNull<u8>, size: usize) {
        if self.zeroing == Zeroing::On {
            // SAFETY: the caller promises that the bytes are writable.
            unsafe { start.write_bytes(0, size) };
            // The address escapes, so the zeros may be read for all that the optimiser knows.
            std::hint::black_box(start.as_ptr());
        }
    }

    /// Overwrites a block whose slot is about to be free, and forbids access to the slot.
    ///
    /// # Safety
    /// The slot is part of a live region, of `bin`, no smaller than `size`, and nothing else
    /// accesses it.
    #[inline]
    unsafe fn clear_slot(&self, bin: Bin, slot: NonNull<u8>, size: usize) {
        debug_assert!(size <= bin.slot_bytes(), "a block fits its slot");
        let slot = slot_of(slot);
        if self.zeroing == Zeroing::On {
            // SAFETY: the slot is part of a live region, and the caller's.
            unsafe { poison::release(slot, bin.slot_bytes()) };
            // In steps of a constant size, which take a few stores instead of a call.
            for offset in (0..size).step_by(Bin::ALL[0].slot_bytes()) {
                // SAFETY: the offset is inside the slot.
                let part = unsafe { slot.add(offset) };
                // SAFETY: every slot is a multiple of the smallest, and aligned as it is.
                unsafe { part.cast::<[u64; 4]>().write([0; 4]) };
            }
            // The address escapes, so the zeros may be read for all that the optimiser knows.
            std::hint::black_box(slot.as_ptr());
        } else {
            // SAFETY: the slot is part of a live region, and the caller gives it up.
            unsafe { poison::undefine(slot, bin.slot_bytes()) };
        }
        // SAFETY: the slot is part of a live region, and the caller gives it up.
        unsafe { poison::poison(slot, bin.slot_bytes()) };
    }

    /// Moves a block to one of another bin, or between the pool and the port.
    ///
    /// # Safety
    /// As [`Allocator::grow`] and [`Allocator::shrink`], whichever the sizes say.
    #[cold]
    unsafe fn replace(
        &self,
        old_block: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Result<NonNull<[u8]>, AllocError> {
        let block = Allocator::allocate(&self, new)?;
        let kept = old.size().min(new.size());
        // SAFETY: both blocks are live and hold `kept` bytes; a new block overlaps no live one.
        unsafe { block.cast::<u8>().copy_from_nonoverlapping(old_block, kept) };
        // SAFETY: the caller promises a live block that `old` fits.
        unsafe { Allocator::deallocate(&self, old_block, old) };
        Ok(block)
    }

    /// Gives a block back on any thread.
    ///
    /// # Safety
    /// `block` is a live block of this slab, `layout` fits it, and nothing uses it after this.
    pub(super) unsafe fn free_from_anywhere(&self, block: NonNull<u8>, layout: Layout) {
        match self.bin(layout) {
            // SAFETY: the caller's promises are passed on, with the layout's bin.
            Some(bin) if !self.pool.remote.is_owner() => unsafe {
                self.free_remotely(bin, block, layout);
            },
            // SAFETY: the caller's promises are passed on. The thread is the slab's, or the
            // block is the port's, which takes it back on any thread.
            _ => unsafe { Allocator::deallocate(&self, block, layout) },
        }
    }

    /// Leaves a block to the slab's thread.
    ///
    /// # Safety
    /// As [`Slab::free_from_anywhere`], and `bin` is that of `layout`.
    pub(super) unsafe fn free_remotely(&self, bin: Bin, block: NonNull<u8>, layout: Layout) {
        // SAFETY: the slot of a live block is the caller's, whole, and part of a live region.
        unsafe { self.clear_slot(bin, block, layout.size()) };
        let slot = slot_of(block);
        // SAFETY: the link is at the start of the slot, which is larger.
        unsafe { poison::release(slot, size_of::<remote_free::Link>()) };
        // SAFETY: the block is live, its slot has room for the link and its alignment, and the
        // caller gives it up.
        unsafe { self.pool.remote.push(slot) };
    }
}
