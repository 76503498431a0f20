//! The slab: small blocks of a thread, out of superblocks of one size each.
//!
//! A heap call for an error detail or a metric's key costs more than the work on it. A slab serves
//! requests of up to 256 bytes from four bins (32, 64, 128, 256 bytes; alignment up to the bin's
//! size) by taking a slot off a short stack. Whatever is larger goes to the port.
//!
//! A bin's slots come from superblocks of 64 KiB, carved from regions of 256 KiB, which come from
//! the port. A superblock without a block goes back to its region and a region without a block to
//! the port, at once, but for a bounded reserve: one superblock per bin, one region.
//!
//! **Threads.** A slab belongs to the thread that made it: it is neither `Send` nor `Sync`, so a
//! container on `&Slab` cannot be freed elsewhere. [`SlabBox`] is the exception: it may be dropped
//! anywhere, and its block comes home through a lock-free list.
//!
//! With [`Pooling::Off`] each request is one of the port. With [`Zeroing::On`] freed bytes are zero
//! before they are given back, by the slab or to the port. Under AddressSanitizer a free slot is
//! poisoned, and so is the rest of a slot behind a shorter block.
//!
//! What a slab does not do: it never returns a block's memory while the block is in use, so one
//! block of 24 bytes holds a region.

mod bin;
mod boxed;
mod home;
mod list;
mod magazine;
mod pool;
mod region;
mod stats;
mod superblock;

use std::alloc::Layout;
use std::fmt;
use std::ptr::NonNull;

use allocator_api2::alloc::{AllocError, Allocator};

use self::bin::{BLOCK_BYTES_MAX, Bin};
use self::pool::Pool;
use super::alloc::Alloc;
use super::error;
use super::poison;
use super::pooling::{Pooling, Zeroing};

pub use self::boxed::SlabBox;
pub use self::stats::SlabStats;

/// Small blocks of one thread; `&Slab` is an allocator of `allocator_api2`.
///
/// ```
/// use allocator_api2::vec::Vec;
/// use gitmind::memory::{Alloc, Slab, System};
/// let system = System::new();
/// let slab = Slab::new(Alloc::new(&system));
/// let mut key = Vec::new_in(&slab);
/// key.try_reserve(40)?;
/// key.extend_from_slice(b"alloc.op");
/// assert_eq!(slab.stats().blocks_outstanding, 1);
/// drop(key);
/// assert_eq!(slab.stats().blocks_outstanding, 0);
/// # Ok::<(), allocator_api2::collections::TryReserveError>(())
/// ```
pub struct Slab<'a> {
    pool: Pool<'a>,
    alloc: Alloc<'a>,
    /// The largest request that is pooled; zero when nothing is.
    pooled_bytes_max: usize,
    zeroing: Zeroing,
}

impl<'a> Slab<'a> {
    /// A slab over `alloc` that pools and does not zero. It takes nothing before it is asked.
    pub fn new(alloc: Alloc<'a>) -> Self {
        Self::with(alloc, Pooling::On, Zeroing::Off)
    }

    /// A slab over `alloc` as the toggles want it.
    pub fn with(alloc: Alloc<'a>, pooling: Pooling, zeroing: Zeroing) -> Self {
        let pooled_bytes_max = match pooling {
            Pooling::On => BLOCK_BYTES_MAX,
            Pooling::Off => 0,
        };
        Self { pool: Pool::new(alloc, zeroing), alloc, pooled_bytes_max, zeroing }
    }

    /// Takes back what other threads have dropped, and gives the port everything that is not in
    /// use, the reserve included.
    pub fn trim(&self) {
        self.pool.trim();
    }

    /// What the slab holds; blocks that are on their way home are still outstanding.
    ///
    /// The time is that of a walk over all superblocks.
    pub fn stats(&self) -> SlabStats {
        self.pool.stats()
    }

    /// The bin of `layout`, when it is pooled.
    #[inline]
    fn bin(&self, layout: Layout) -> Option<Bin> {
        Bin::of(layout, self.pooled_bytes_max)
    }

    /// Overwrites bytes that are about to be given back.
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
    /// `block` is a live block of this slab, `layout` fits it, and nobody uses it after this.
    unsafe fn free_from_anywhere(&self, block: NonNull<u8>, layout: Layout) {
        match self.bin(layout) {
            // SAFETY: the caller's promises are passed on, with the layout's bin.
            Some(bin) if !self.pool.home.is_here() => unsafe { self.send_home(bin, block, layout) },
            // SAFETY: the caller's promises are passed on. The thread is the slab's, or the
            // block is the port's, which takes it back on any thread.
            _ => unsafe { Allocator::deallocate(&self, block, layout) },
        }
    }

    /// Leaves a block to the slab's thread.
    ///
    /// # Safety
    /// As [`Slab::free_from_anywhere`], and `bin` is that of `layout`.
    unsafe fn send_home(&self, bin: Bin, block: NonNull<u8>, layout: Layout) {
        // SAFETY: the caller promises a live block with this layout.
        unsafe { self.clear(block, layout.size()) };
        // SAFETY: the slot is part of a live region, and the caller gives it up.
        unsafe { poison::poison(block, bin.slot_bytes()) };
        // SAFETY: the link is at the start of the slot, which is larger.
        unsafe { poison::release(block, size_of::<home::Link>()) };
        // SAFETY: the block is live, its slot has room for the link and its alignment, and the
        // caller gives it up.
        unsafe { self.pool.home.send(block) };
    }
}

impl fmt::Debug for Slab<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slab")
            .field("alloc", &self.alloc)
            .field("pooled_bytes_max", &self.pooled_bytes_max)
            .field("zeroing", &self.zeroing)
            .field("stats", &self.stats())
            .finish()
    }
}

// SAFETY: a block is a slot that no other block has, or the port's; it stays until it is passed
// back or the slab is dropped, before which every borrow of it ends. Copies of the reference are
// the same slab.
unsafe impl Allocator for &Slab<'_> {
    #[inline]
    fn allocate(&self, layout: Layout) -> Result<NonNull<[u8]>, AllocError> {
        let Some(bin) = self.bin(layout) else {
            return self.alloc.allocate(layout);
        };
        let block = self.pool.take(bin).map_err(|error| error::remember(error, self.alloc.op()))?;
        // SAFETY: the slot is ours to hand out, and its bin has the size of the layout.
        unsafe { poison::release(block, layout.size()) };
        Ok(NonNull::slice_from_raw_parts(block, layout.size()))
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
        // SAFETY: the caller promises a live block that `layout` fits.
        unsafe { self.clear(block, layout.size()) };
        let Some(bin) = self.bin(layout) else {
            // SAFETY: the block is the port's, because the layout decides and is the same.
            return unsafe { self.alloc.deallocate(block, layout) };
        };
        // SAFETY: the slot is part of a live region, and the caller gives it up.
        unsafe { poison::poison(block, bin.slot_bytes()) };
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
            (Some(bin), Some(same)) if bin == same => {
                // SAFETY: the slot is the caller's, and its bin has the size of the layout.
                unsafe { poison::release(block, new.size()) };
                Ok(NonNull::slice_from_raw_parts(block, new.size()))
            }
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
                // SAFETY: the offset is inside the block, because the block shrinks.
                let tail = unsafe { block.add(new.size()) };
                // SAFETY: the caller promises a live block of the old size.
                unsafe { self.clear(tail, old.size() - new.size()) };
                // SAFETY: the slot is the caller's, who gives up what is behind the new size.
                unsafe { poison::poison(block, bin.slot_bytes()) };
                // SAFETY: the slot is the caller's, and its bin has the size of the layout.
                unsafe { poison::release(block, new.size()) };
                Ok(NonNull::slice_from_raw_parts(block, new.size()))
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

#[cfg(all(test, not(gm_loom)))]
mod tests;
