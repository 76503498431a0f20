//! A superblock: 64 KiB of slots of one size, and its header among them.
//!
//! Superblocks are aligned to their size, so the superblock of a slot follows from the slot's
//! address. Headers would all fall into the same few sets of a processor cache if they lay at the
//! start, so each lies at an offset that its address determines. Which slots are free is kept in
//! the header, one bit each; a free slot itself is neither read nor written.

use std::cell::Cell;
use std::ops::Range;
use std::ptr::{self, NonNull};

use super::bin::Bin;
use super::list::{Links, Node};
use super::region::Region;

/// The size and the alignment of a superblock.
pub(super) const SUPERBLOCK_BYTES: usize = 64 << 10;

/// Slots of the smallest size in a superblock.
const SLOTS_MAX: usize = SUPERBLOCK_BYTES / 32;

/// Header offsets are multiples of this.
const COLOUR_BYTES: usize = 256;

/// Header offsets are below this.
const COLOURS_END: usize = 64 * COLOUR_BYTES;

/// A superblock in use by a slab: its header has been written, and its region is live.
///
/// A copyable handle; its holders drop it when the superblock is returned to its region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Superblock(NonNull<Header>);

/// What is known about a superblock.
#[repr(C, align(64))]
struct Header {
    /// Slots that are allocated. In the first cache line: each request changes it.
    live: Cell<u32>,
    /// Slots whose bit is set. The others are live, in the bin's magazine, or under the header.
    free: Cell<u32>,
    bin: Bin,
    owner: u64,
    region: Region,
    links: Links<Superblock>,
    free_slots: [Cell<u64>; SLOTS_MAX / 64],
}

/// What a superblock keeps for its header, and its region behind it in the first one.
pub(super) const RESERVED_BYTES: usize = HEADER_BYTES + 64;

/// Where a region's own bytes are behind its first superblock's header.
pub(super) const HEADER_BYTES: usize = size_of::<Header>();

const _: () = assert!(RESERVED_BYTES * 100 < SUPERBLOCK_BYTES, "below 1 % of a superblock");
const _: () = assert!(COLOURS_END + RESERVED_BYTES <= SUPERBLOCK_BYTES, "it is inside");

/// Where the header of the superblock around `address` is.
#[inline]
pub(super) const fn header_address(address: usize) -> usize {
    let start = address & !(SUPERBLOCK_BYTES - 1);
    start + (start / SUPERBLOCK_BYTES * COLOUR_BYTES) % COLOURS_END
}

impl Superblock {
    /// The superblock around `address`.
    ///
    /// # Safety
    /// `address` is inside a superblock in use by a slab of this thread.
    #[inline]
    pub(super) unsafe fn around(address: usize) -> Self {
        // The provenance is the region's, which `Region::take` exposed: a container may have
        // narrowed that of the block it passes back.
        let header = ptr::with_exposed_provenance_mut(header_address(address));
        // SAFETY: the caller promises an address in a superblock, whose header is not at null.
        Self(unsafe { NonNull::new_unchecked(header) })
    }

    /// Starts to use the superblock at `start` for `bin`; every slot is free.
    ///
    /// # Safety
    /// - `start` is that of 64 KiB, aligned to as much, of a live region whose provenance is
    ///   exposed, and which no slab uses.
    /// - The header's bytes may be accessed.
    pub(super) unsafe fn begin(start: usize, bin: Bin, region: Region, owner: u64) -> Self {
        // SAFETY: the superblock is the caller's, and is in use from the next step on.
        let superblock = unsafe { Self::around(start) };
        let header = Header {
            live: Cell::new(0),
            free: Cell::new(0),
            bin,
            owner,
            region,
            links: Links::new(),
            free_slots: [const { Cell::new(0) }; SLOTS_MAX / 64],
        };
        // SAFETY: the header lies inside the 64 KiB that the caller promises, which nothing reads.
        unsafe { superblock.0.write(header) };
        let reserved = superblock.reserved_slots();
        for slot in 0..SUPERBLOCK_BYTES / bin.slot_bytes() {
            if !reserved.contains(&slot) {
                superblock.set_free(slot);
            }
        }
        superblock
    }

    #[inline]
    fn header(&self) -> &Header {
        // SAFETY: the header was written by `begin` and stays until the region goes, before
        // which every handle is forgotten; it is only accessed by the slab's thread, and never
        // through an exclusive reference.
        unsafe { self.0.as_ref() }
    }

    /// The first byte.
    pub(super) fn start(self) -> usize {
        self.0.addr().get() & !(SUPERBLOCK_BYTES - 1)
    }

    pub(super) fn bin(self) -> Bin {
        self.header().bin
    }

    pub(super) fn region(self) -> Region {
        self.header().region
    }

    /// Slots that are allocated.
    #[inline]
    pub(super) fn live(self) -> u32 {
        self.header().live.get()
    }

    /// Hands a slot out.
    #[inline]
    pub(super) fn enter(self) {
        let live = &self.header().live;
        live.set(live.get() + 1);
    }

    /// Frees a slot; true when no other is allocated.
    #[inline]
    #[must_use]
    pub(super) fn leave(self) -> bool {
        let live = &self.header().live;
        debug_assert!(live.get() > 0, "a slot is taken back once");
        live.set(live.get() - 1);
        live.get() == 0
    }

    /// Slots to be had by [`Superblock::draw`].
    pub(super) fn free(self) -> u32 {
        self.header().free.get()
    }

    /// Takes up to `count` free slots out, those of the lowest addresses in order.
    pub(super) fn draw(self, count: usize, mut each: impl FnMut(usize)) {
        let header = self.header();
        let mut left = count;
        for (index, word) in header.free_slots.iter().enumerate() {
            let mut bits = word.get();
            while bits != 0 && left > 0 {
                let slot = index * 64 + bits.trailing_zeros() as usize;
                bits &= bits - 1;
                left -= 1;
                header.free.set(header.free.get() - 1);
                each(self.start() + slot * header.bin.slot_bytes());
            }
            word.set(bits);
            if left == 0 {
                break;
            }
        }
    }

    /// Puts a slot back that was drawn; true when it is the only one.
    pub(super) fn put_back(self, address: usize) -> bool {
        debug_assert!(self.is_slot(address), "only slots are put back");
        let slot = (address - self.start()) / self.bin().slot_bytes();
        self.set_free(slot);
        self.free() == 1
    }

    fn set_free(self, slot: usize) {
        let (word, bit) = (&self.header().free_slots[slot / 64], 1 << (slot % 64));
        debug_assert!(word.get() & bit == 0, "a slot is free once");
        word.set(word.get() | bit);
        self.header().free.set(self.free() + 1);
    }

    /// The slots that the reserved bytes lie in.
    fn reserved_slots(self) -> Range<usize> {
        let offset = header_address(self.start()) - self.start();
        let slot_bytes = self.bin().slot_bytes();
        offset / slot_bytes..(offset + RESERVED_BYTES).div_ceil(slot_bytes)
    }

    /// Slots that can be allocated at the same time.
    #[cfg(all(test, not(gm_loom)))]
    pub(super) fn slots(self) -> usize {
        SUPERBLOCK_BYTES / self.bin().slot_bytes() - self.reserved_slots().len()
    }

    /// Whether `address` is the start of a slot that can be allocated.
    pub(super) fn is_slot(self, address: usize) -> bool {
        let offset = address.wrapping_sub(self.start());
        let slot_bytes = self.bin().slot_bytes();
        offset < SUPERBLOCK_BYTES
            && offset.is_multiple_of(slot_bytes)
            && !self.reserved_slots().contains(&(offset / slot_bytes))
    }

    /// Whether the slot at `address` is one that [`Superblock::draw`] would take.
    pub(super) fn is_free(self, address: usize) -> bool {
        let slot = (address - self.start()) / self.bin().slot_bytes();
        self.header().free_slots[slot / 64].get() & (1 << (slot % 64)) != 0
    }

    /// The slab that uses it.
    pub(super) fn owner(self) -> u64 {
        self.header().owner
    }
}

impl Node for Superblock {
    fn links(&self) -> &Links<Self> {
        &self.header().links
    }
}
