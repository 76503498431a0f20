//! A region: one block of the port that superblocks are carved from.
//!
//! A heap pays for the alignment of a superblock with up to as many bytes again. A region pays
//! once for up to four of them: one for each bin, which is also what a slab may keep when idle. A
//! small slab has small regions: each doubles what the slab holds, until it has four superblocks.

use std::alloc::Layout;
use std::cell::Cell;
use std::ptr::{self, NonNull};

use super::bin::{BINS, Bin};
use super::list::{Links, Node};
use super::superblock::{
    HEADER_BYTES, RESERVED_BYTES, SUPERBLOCK_BYTES, Superblock, header_address,
};
use crate::pooling::Zeroing;
use crate::{Alloc, MemoryError, poison};

/// The most superblocks of a region.
const SUPERBLOCKS_MAX: usize = BINS;

/// The size of the largest region.
pub(super) const REGION_BYTES_MAX: usize = SUPERBLOCKS_MAX * SUPERBLOCK_BYTES;

/// A live region of a slab.
///
/// A copyable handle; its holders drop it when the region is returned to the port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Region(NonNull<Head>);

/// What is known about a region, behind the header of its first superblock.
struct Head {
    block: NonNull<u8>,
    layout: Layout,
    links: Links<Region>,
    /// A bit is set while the superblock of that number is in use.
    used: Cell<u32>,
}

const _: () = assert!(HEADER_BYTES + size_of::<Head>() <= RESERVED_BYTES, "there is room for it");
const _: () = assert!(HEADER_BYTES.is_multiple_of(align_of::<Head>()), "it is aligned there");

impl Region {
    /// Takes a region from the port, for a slab that holds `held` bytes in regions. No superblock
    /// of it is in use; with `zeroing`, every byte that a slot can have is zero.
    ///
    /// # Errors
    /// Every failure of the port.
    pub(super) fn take(
        alloc: Alloc<'_>,
        zeroing: Zeroing,
        held: usize,
    ) -> Result<Self, MemoryError> {
        let size = held.clamp(SUPERBLOCK_BYTES, REGION_BYTES_MAX);
        let layout = Layout::from_size_align(size, SUPERBLOCK_BYTES);
        let layout = layout.expect("it is valid because both are small multiples of the alignment");
        let block = match zeroing {
            Zeroing::On => alloc.port().allocate_zeroed(layout, alloc.op()),
            Zeroing::Off => alloc.port().allocate(layout, alloc.op()),
        }?;
        let start = block.expose_provenance().get();
        // SAFETY: the block is live, aligned to more than 8, and nothing uses it yet.
        unsafe { poison::poison(block, size) };
        let offset = header_address(start) - start;
        release_reserved(block, offset);
        let head = block.as_ptr().wrapping_add(offset + HEADER_BYTES).cast();
        let head = NonNull::new(head).expect("it is inside the block because every offset is");
        let links = Links::new();
        // SAFETY: the head's bytes are inside the first superblock (see the constants), aligned
        // for it, and nothing else's.
        unsafe { head.write(Head { block, layout, links, used: Cell::new(0) }) };
        Ok(Self(head))
    }

    /// Gives the region back to the port.
    ///
    /// # Safety
    /// - It was allocated by the port of `alloc`, with its tag, and is in no list.
    /// - No superblock of it is in use, so no slot is, and this is the last use of every handle.
    pub(super) unsafe fn give_back(self, alloc: Alloc<'_>) {
        debug_assert_eq!(self.head().used.get(), 0, "superblocks go before their region");
        let (block, layout) = (self.head().block, self.head().layout);
        // SAFETY: the block is live, and the port may do with it as it likes.
        unsafe { poison::release(block, layout.size()) };
        // SAFETY: the block was taken from this port with this layout, as the caller promises.
        unsafe { alloc.port().deallocate(block, layout, alloc.op()) };
    }

    fn head(&self) -> &Head {
        // SAFETY: the head was written by `take` and stays until `give_back`, before which every
        // handle is forgotten; it is never accessed through an exclusive reference.
        unsafe { self.0.as_ref() }
    }

    fn start_of(self, index: usize) -> usize {
        self.head().block.addr().get() + index * SUPERBLOCK_BYTES
    }

    /// Its size.
    pub(super) fn bytes(self) -> usize {
        self.head().layout.size()
    }

    /// Whether a superblock of it is not in use.
    pub(super) fn is_open(self) -> bool {
        self.head().used.get() != (1 << (self.bytes() / SUPERBLOCK_BYTES)) - 1
    }

    /// Whether no slot of it is allocated.
    pub(super) fn is_idle(self) -> bool {
        self.superblocks().all(|superblock| superblock.live() == 0)
    }

    /// Starts to use a superblock for `bin`; the region is open.
    pub(super) fn begin_superblock(self, bin: Bin, owner: u64) -> Superblock {
        debug_assert!(self.is_open(), "a full region has no other superblock");
        let used = &self.head().used;
        let index = used.get().trailing_ones() as usize;
        used.set(used.get() | 1 << index);
        let start = self.start_of(index);
        release_reserved(ptr_to(start), header_address(start) - start);
        // SAFETY: the region is live, the superblock is inside it and was not in use; its
        // reserved bytes were released in the line above.
        unsafe { Superblock::begin(start, bin, self, owner) }
    }

    /// Ends the use of a superblock, of which no slot is allocated; forget its handles.
    pub(super) fn end_superblock(self, superblock: Superblock) {
        debug_assert_eq!(superblock.live(), 0, "no slot is handed out");
        let index = (superblock.start() - self.start_of(0)) / SUPERBLOCK_BYTES;
        let used = &self.head().used;
        debug_assert!(used.get() & 1 << index != 0, "a superblock ends once");
        used.set(used.get() & !(1 << index));
    }

    /// Ends the use of every superblock, slots that are allocated or not.
    pub(super) fn abandon(self) {
        self.head().used.set(0);
    }

    /// The superblocks in use.
    pub(super) fn superblocks(self) -> impl Iterator<Item = Superblock> {
        let used = self.head().used.get();
        let is_used = move |index: &usize| used & 1 << index != 0;
        (0..SUPERBLOCKS_MAX).filter(is_used).map(move |index| {
            // SAFETY: the bit says that this superblock is in use, and the region is live.
            unsafe { Superblock::around(self.start_of(index)) }
        })
    }
}

impl Node for Region {
    fn links(&self) -> &Links<Self> {
        &self.head().links
    }
}

/// A pointer to `address` with the provenance that [`Region::take`] exposed.
fn ptr_to(address: usize) -> NonNull<u8> {
    let pointer = ptr::with_exposed_provenance_mut(address);
    NonNull::new(pointer).expect("not null because it is inside a block")
}

/// Allows access to the reserved bytes at `offset` of the superblock at `start`.
fn release_reserved(start: NonNull<u8>, offset: usize) {
    let reserved = ptr_to(start.addr().get() + offset);
    // SAFETY: the bytes are inside a live region, aligned to 64, and not part of any slot.
    unsafe { poison::release(reserved, RESERVED_BYTES) };
}
