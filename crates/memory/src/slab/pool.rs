//! The pool of a slab: its regions, the superblocks of each bin, and a magazine before each.
//!
//! Two invariants bound what an idle slab keeps, whatever was freed in which order:
//! - a bin has at most one superblock of which no slot is allocated, its *reserve*;
//! - the regions of which no slot is allocated, the *idle* ones, are no larger than the largest
//!   region is.
//!
//! Both are restored in the step that ends the last use of a superblock. That a reserve or an idle
//! region has come into use again is not noted anywhere; it is looked up when it matters.

use std::cell::Cell;
use std::ptr::{self, NonNull};

use super::bin::{BINS, Bin};
use super::list::List;
use super::magazine::{BATCH_SLOTS, Magazine};
use super::region::{REGION_BYTES_MAX, Region};
use super::remote_free::{Link, RemoteFreeList};
use super::stats::SlabStats;
use super::superblock::{SUPERBLOCK_BYTES, Superblock};
use crate::pooling::Zeroing;
use crate::undo::Undo;
use crate::units::Bytes;
use crate::{Alloc, MemoryError, PortId, poison};

/// The superblocks of one bin.
struct Rack {
    magazine: Magazine,
    /// Superblocks with free slots that are not in the magazine.
    partial: List<Superblock>,
    /// The superblock that was kept when its last slot came back.
    reserve: Cell<Option<Superblock>>,
}

/// The memory of a slab.
pub(super) struct Pool<'a> {
    racks: [Rack; BINS],
    /// Regions with a superblock that is not in use; idle ones are last.
    open: List<Region>,
    /// The other regions.
    full: List<Region>,
    /// Regions that were kept when their last slot came back; those that are idle fit.
    idle: [Cell<Option<Region>>; REGION_BYTES_MAX / SUPERBLOCK_BYTES],
    /// The superblock that was the last to become empty and was kept. Should it become empty
    /// again, nothing else has meanwhile, so both invariants hold as they are.
    quiet: Cell<Option<Superblock>>,
    alloc: Alloc<'a>,
    zeroing: Zeroing,
    id: u64,
    pub(super) remote: RemoteFreeList,
}

impl<'a> Pool<'a> {
    pub(super) fn new(alloc: Alloc<'a>, zeroing: Zeroing) -> Self {
        let rack =
            |_| Rack { magazine: Magazine::new(), partial: List::new(), reserve: Cell::new(None) };
        Self {
            racks: Bin::ALL.map(rack),
            open: List::new(),
            full: List::new(),
            idle: [const { Cell::new(None) }; _],
            quiet: Cell::new(None),
            alloc,
            zeroing,
            id: PortId::unique().get(),
            remote: RemoteFreeList::new(),
        }
    }

    fn rack(&self, bin: Bin) -> &Rack {
        &self.racks[bin.index()]
    }

    /// Hands out a slot of `bin`, if there is one in its magazine.
    #[inline]
    pub(super) fn pop(&self, bin: Bin) -> Option<NonNull<u8>> {
        let slot = self.rack(bin).magazine.pop()?;
        // SAFETY: slots in a magazine are inside superblocks in use by this slab.
        let superblock = unsafe { Superblock::around(slot) };
        superblock.enter();
        let block = ptr::with_exposed_provenance_mut(slot);
        // SAFETY: a slot is inside a block of the port, which is not at null.
        Some(unsafe { NonNull::new_unchecked(block) })
    }

    /// Takes a slot back.
    ///
    /// # Safety
    /// `slot` was allocated by this pool for `bin`, and nothing accesses it any more.
    #[inline]
    pub(super) unsafe fn give(&self, bin: Bin, slot: usize) {
        // SAFETY: the superblock of a slot that is allocated is in use by this slab.
        let superblock = unsafe { Superblock::around(slot) };
        debug_assert_eq!(superblock.owner(), self.id, "the slot is of another slab");
        debug_assert_eq!(superblock.bin(), bin, "the layout is not the one it was taken with");
        debug_assert!(superblock.is_slot(slot), "the address is not the start of a slot");
        debug_assert!(!self.is_free(superblock, slot), "the slot was freed before");
        let is_empty = superblock.leave() && self.quiet.get() != Some(superblock);
        let is_full = self.rack(bin).magazine.push(slot);
        if is_empty || is_full {
            self.settle(superblock, is_empty, is_full);
        }
    }

    fn is_free(&self, superblock: Superblock, slot: usize) -> bool {
        let magazine = &self.rack(superblock.bin()).magazine;
        superblock.is_free(slot) || magazine.iter().any(|free| free == slot)
    }

    /// Restores the invariants after a slot of `superblock` came back.
    #[cold]
    #[inline(never)]
    fn settle(&self, superblock: Superblock, is_empty: bool, is_magazine_full: bool) {
        let rack = self.rack(superblock.bin());
        if is_magazine_full {
            rack.magazine.drain_oldest(|slot| {
                // SAFETY: slots in a magazine are inside superblocks in use by this slab.
                let superblock = unsafe { Superblock::around(slot) };
                if superblock.put_back(slot) {
                    rack.partial.push_front(superblock);
                }
            });
        }
        if is_empty {
            self.emptied(superblock);
        }
    }

    /// Keeps or ends a superblock, and its region, of which no slot is allocated any more.
    fn emptied(&self, superblock: Superblock) {
        let (rack, region) = (self.rack(superblock.bin()), superblock.region());
        match rack.reserve.get() {
            Some(kept) if kept != superblock && kept.live() == 0 => self.end(superblock),
            _ => rack.reserve.set(Some(superblock)),
        }
        // Before the port is called, which may call back; `end` forgets it if the region goes.
        let is_kept = rack.reserve.get() == Some(superblock);
        self.quiet.set(is_kept.then_some(superblock));
        if region.is_idle() {
            let others = self.idle_regions().filter(|kept| *kept != region);
            if others.map(Region::bytes).sum::<usize>() + region.bytes() <= REGION_BYTES_MAX {
                self.keep_idle(region);
            } else {
                self.give_back(region);
            }
        }
    }

    fn idle_regions(&self) -> impl Iterator<Item = Region> {
        self.idle.iter().filter_map(Cell::get).filter(|region| region.is_idle())
    }

    /// Notes that `region` is idle: one of the last from which a superblock is taken.
    fn keep_idle(&self, region: Region) {
        self.forget_idle(region);
        let is_free = |place: &&Cell<Option<Region>>| !place.get().is_some_and(Region::is_idle);
        let place = self.idle.iter().find(is_free);
        place.expect("one is free because no region is smaller than its part").set(Some(region));
        if region.is_open() {
            self.open.remove(region);
            self.open.push_back(region);
        }
    }

    fn forget_idle(&self, region: Region) {
        self.idle.iter().filter(|kept| kept.get() == Some(region)).for_each(|kept| kept.set(None));
    }

    /// Ends the use of a superblock of which no slot is allocated.
    fn end(&self, superblock: Superblock) {
        let rack = self.rack(superblock.bin());
        rack.magazine.retain(|slot| slot & !(SUPERBLOCK_BYTES - 1) != superblock.start());
        if superblock.free() > 0 {
            rack.partial.remove(superblock);
        }
        if rack.reserve.get() == Some(superblock) {
            rack.reserve.set(None);
        }
        if self.quiet.get() == Some(superblock) {
            self.quiet.set(None);
        }
        let region = superblock.region();
        let was_open = region.is_open();
        region.end_superblock(superblock);
        if !was_open {
            self.full.remove(region);
            self.open.push_front(region);
        }
    }

    /// Frees a region of which no slot is allocated.
    fn give_back(&self, region: Region) {
        region.superblocks().for_each(|superblock| self.end(superblock));
        self.open.remove(region);
        self.forget_idle(region);
        // SAFETY: it was taken with this handle, is in no list, and has no superblock in use;
        // `end` and the lines above have forgotten every handle.
        unsafe { region.give_back(self.alloc) };
    }

    /// Puts slots into the magazine of `bin`, which is empty.
    ///
    /// # Errors
    /// Every failure of the port; no slot has been allocated then.
    pub(super) fn refill(&self, bin: Bin) -> Result<(), MemoryError> {
        let rack = self.rack(bin);
        self.collect();
        if rack.magazine.len() > 0 {
            return Ok(());
        }
        let superblock = match rack.partial.first() {
            Some(superblock) => superblock,
            None => self.begin(bin)?,
        };
        // The port may have called back, and the callback may have left slots.
        if rack.magazine.len() > 0 {
            return Ok(());
        }
        let (mut batch, mut len) = ([0; BATCH_SLOTS], 0);
        superblock.draw(BATCH_SLOTS, |slot| {
            batch[len] = slot;
            len += 1;
        });
        if superblock.free() == 0 {
            rack.partial.remove(superblock);
        }
        // The lowest address is allocated first.
        for slot in batch[..len].iter().rev() {
            let is_full = rack.magazine.push(*slot);
            debug_assert!(!is_full, "a batch is smaller than a magazine");
        }
        Ok(())
    }

    /// Starts to use another superblock for `bin`.
    fn begin(&self, bin: Bin) -> Result<Superblock, MemoryError> {
        let region = match self.open.first() {
            Some(region) => region,
            None => {
                // More regions than that are at least as large as the largest.
                let most = REGION_BYTES_MAX / SUPERBLOCK_BYTES;
                let held = self.regions().take(most).map(Region::bytes).sum();
                let region = Region::take(self.alloc, self.zeroing, held)?;
                self.open.push_front(region);
                region
            }
        };
        let superblock = region.begin_superblock(bin, self.id);
        if !region.is_open() {
            self.open.remove(region);
            self.full.push_front(region);
        }
        self.rack(bin).partial.push_front(superblock);
        Ok(superblock)
    }

    /// Takes back the slots that other threads have freed.
    pub(super) fn collect(&self) {
        let mut arrived = Arrived(self.remote.take(), &self.remote);
        for block in arrived.0.by_ref() {
            let slot = block.addr().get();
            // SAFETY: only slots that this pool allocated are in its remote-free list.
            let superblock = unsafe { Superblock::around(slot) };
            let bin = superblock.bin();
            if self.zeroing == Zeroing::On {
                // SAFETY: the slot is ours again, and begins with the link.
                unsafe { block.cast::<Link>().write(0) };
            } else {
                // SAFETY: the slot is the pool's again, and no other code accesses it.
                unsafe { poison::undefine(block, bin.slot_bytes()) };
            }
            // SAFETY: the slot is ours, whole, and nothing accesses it.
            unsafe { poison::poison(block, bin.slot_bytes()) };
            // SAFETY: the slot was allocated for the bin of its superblock, and was freed remotely
            // by the last who accessed it.
            unsafe { self.give(bin, slot) };
        }
    }

    /// Frees everything that is not in use.
    pub(super) fn trim(&self) {
        self.collect();
        for rack in &self.racks {
            if let Some(reserve) = rack.reserve.get().filter(|reserve| reserve.live() == 0) {
                self.end(reserve);
            }
        }
        while let Some(idle) = self.idle_regions().next() {
            self.give_back(idle);
        }
    }

    /// Every region.
    fn regions(&self) -> impl Iterator<Item = Region> {
        self.open.iter().chain(self.full.iter())
    }

    /// Counts what is held.
    pub(super) fn stats(&self) -> SlabStats {
        let mut stats = SlabStats::default();
        let mut held = 0;
        for region in self.regions() {
            held += region.bytes();
            for superblock in region.superblocks() {
                stats.superblocks += 1;
                stats.superblocks_empty += u64::from(superblock.live() == 0);
                stats.blocks_outstanding += u64::from(superblock.live());
            }
        }
        stats.held = Bytes::from(held);
        stats
    }
}

/// Slots that other threads have freed. What is left when the port unwinds goes back to the list.
struct Arrived<'l, I: Iterator<Item = NonNull<u8>>>(I, &'l RemoteFreeList);

impl<I: Iterator<Item = NonNull<u8>>> Drop for Arrived<'_, I> {
    fn drop(&mut self) {
        for block in &mut self.0 {
            // SAFETY: it was in this list, has a link at its start, and nothing accesses it.
            unsafe { self.1.push(block) };
        }
    }
}

impl Drop for Pool<'_> {
    fn drop(&mut self) {
        let this = &*self;
        let end = || {
            for list in [&this.open, &this.full] {
                while let Some(region) = list.first() {
                    list.remove(region);
                    region.abandon();
                    // SAFETY: it was taken with this handle and is in no list. Blocks borrow the
                    // slab, so nothing accesses one any more; no handle is used after this.
                    unsafe { region.give_back(this.alloc) };
                }
            }
        };
        // What is left when the port unwinds; nothing when it does not.
        let _rest = Undo::new(end);
        end();
    }
}

#[cfg(all(test, not(gm_loom)))]
mod tests;
