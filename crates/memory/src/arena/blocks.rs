//! The stack of blocks that small objects share; the newest one serves.
//!
//! Each block is a `Bump` that is created at its full size and never grows: its limit is that size.
//! The value of each block but the newest is stored in the first bytes of the block above it.

use std::alloc::Layout;
use std::cell::UnsafeCell;
use std::mem;
use std::ptr::{self, NonNull};

use allocator_api2::alloc::Allocator as _;
use bumpalo::Bump;

use super::ledger::{Failure, Ledger};
use super::size::{ALIGN_MIN, BlockSize, PAGE_BYTES};
use super::wipe::wipe;
use crate::error::{ErrorKind, MemoryError};
use crate::poison;
use crate::pooling::Zeroing;
use crate::undo::Undo;
use crate::units::Bytes;

/// The largest block by growth; a hint may be larger. Without its footer it has a round number of
/// pages, so that objects whose size is a power of two fill it.
const GROWN_BYTES_MAX: u64 = (1 << 20) + PAGE_BYTES as u64;

/// The smallest first block: in smaller ones, footers and records of older blocks take most of the
/// bytes.
const FIRST_BYTES_MIN: u64 = 4 << 10;

/// One block, or none. Its alignment is that of objects, so its record takes exactly its size in
/// the block above.
#[derive(Debug)]
#[repr(align(16))]
struct Block {
    bump: Bump<ALIGN_MIN>,
    /// The first byte that can be allocated; dangling when there is no block.
    start: NonNull<u8>,
    /// `None`: `bump` has no memory.
    size: Option<BlockSize>,
    /// The block below, stored in `bump`; this is the only pointer to it.
    below: Option<NonNull<Self>>,
}

impl Block {
    fn none() -> Self {
        let bump = Bump::with_min_align();
        bump.set_allocation_limit(Some(0));
        Self { bump, start: NonNull::dangling(), size: None, below: None }
    }

    /// A block from the heap.
    fn new(size: BlockSize) -> Option<Self> {
        if poison::is_beyond_heap(size.usable_bytes()) {
            return None;
        }
        let bump = Bump::try_with_min_align_and_capacity(size.usable_bytes()).ok()?;
        // What `finger` and the account rely on, of a crate that may be replaced by a newer one.
        let made = (bump.chunk_capacity(), bump.allocated_bytes_including_metadata() as u64);
        assert_eq!(made, (size.usable_bytes(), size.total_bytes()), "bumpalo's sizes are ours");
        // What it has is its limit, so it fails where it would grow.
        bump.set_allocation_limit(Some(bump.allocated_bytes()));
        // SAFETY: nothing is allocated from it while the iterator lives, which is this statement.
        let (end, _) = unsafe { bump.iter_allocated_chunks_raw() }.next()?;
        // SAFETY: nothing is allocated yet, so `end` is the footer, which this many bytes precede.
        let start = unsafe { NonNull::new(end)?.sub(size.usable_bytes()) };
        let block = Self { bump, start, size: Some(size), below: None };
        block.forbid();
        Some(block)
    }

    fn usable_bytes(&self) -> usize {
        self.size.map_or(0, BlockSize::usable_bytes)
    }

    fn total_bytes(&self) -> u64 {
        self.size.map_or(0, BlockSize::total_bytes)
    }

    /// The lowest allocated byte: bumpalo allocates from the end to the start.
    fn finger(&self) -> NonNull<u8> {
        // SAFETY: bumpalo has this many bytes left between the start and what it allocated.
        unsafe { self.start.add(self.bump.chunk_capacity()) }
    }

    fn used_bytes(&self) -> usize {
        self.usable_bytes() - self.bump.chunk_capacity()
    }

    /// Makes every byte an error to access.
    fn forbid(&self) {
        // SAFETY: the bytes are the block's, which lives; its start is aligned to 16.
        unsafe { poison::poison(self.start, self.usable_bytes()) };
    }

    /// Ends every object in the block.
    fn clear(&mut self, zeroing: Zeroing) {
        // SAFETY: the bytes are the block's, which lives; its start is aligned to 16.
        unsafe { poison::release(self.start, self.usable_bytes()) };
        // SAFETY: these bytes of the block were allocated, and `&mut` says that nothing uses them.
        unsafe { wipe(self.finger(), self.used_bytes(), zeroing) };
        self.bump.reset();
    }

    /// Allocates `layout` if there is room.
    #[inline(always)]
    fn take(&self, layout: Layout) -> Option<NonNull<u8>> {
        let object = self.bump.try_alloc_layout(layout).ok()?;
        if cfg!(gm_asan) && layout.size() > 0 {
            // SAFETY: the bytes are the block's, were just allocated, and are aligned to 16.
            unsafe { poison::release(object, layout.size()) };
        }
        Some(object)
    }

    /// A pointer to the object, derived from the block's pointer: the caller's may be valid for the
    /// object only.
    fn own(&self, object: NonNull<u8>) -> NonNull<u8> {
        debug_assert!(self.contains(object), "the object is in this block");
        self.start.with_addr(object.addr())
    }

    fn contains(&self, object: NonNull<u8>) -> bool {
        let offset = object.addr().get().wrapping_sub(self.start.addr().get());
        offset < self.usable_bytes()
    }
}

/// The blocks for small objects.
#[derive(Debug)]
pub(super) struct Blocks {
    // Replaced by `replace` only, through which no other code runs.
    newest: UnsafeCell<Block>,
}

impl Blocks {
    pub(super) fn new() -> Self {
        Self { newest: UnsafeCell::new(Block::none()) }
    }

    #[inline(always)]
    fn newest(&self) -> &Block {
        // SAFETY: only `replace` writes it. The type is not `Sync`, and no function here keeps this
        // reference across a call of `replace`.
        unsafe { &*self.newest.get() }
    }

    fn replace(&self, block: Block) -> Block {
        // SAFETY: no reference to the newest block is alive, see `newest`; nothing runs in between.
        unsafe { mem::replace(&mut *self.newest.get(), block) }
    }

    /// Allocates `layout` from the newest block if there is room.
    #[inline(always)]
    pub(super) fn take(&self, layout: Layout) -> Option<NonNull<u8>> {
        self.newest().take(layout)
    }

    /// Allocates `layout` from a new block. The first block has `first_bytes` and at least a page;
    /// a later one is twice as large as the newest, up to the ceiling, and within the rest of the
    /// cap. A block for an object above the ceiling goes below the newest, which has more room
    /// left.
    pub(super) fn grow(
        &self,
        layout: Layout,
        first_bytes: u64,
        ledger: &Ledger<'_>,
    ) -> Result<NonNull<u8>, Failure> {
        if ledger.is_busy() {
            return Err(Failure::Reentrant);
        }
        let grown_max = BlockSize::within(GROWN_BYTES_MAX).ok_or(Failure::OverCap)?;
        let (wanted, below_bytes) = match self.newest().size {
            Some(newest) => (Some(newest.doubled(grown_max)), place_of_below().size()),
            None => (BlockSize::within(first_bytes.max(FIRST_BYTES_MIN)), 0),
        };
        let needed = needed_bytes(layout)
            .and_then(|needed| needed.checked_add(below_bytes))
            .and_then(BlockSize::holding);
        let most = BlockSize::within(ledger.left_bytes());
        let (Some(needed), Some(most)) = (needed, most) else { return Err(Failure::OverCap) };
        if needed > most {
            return Err(Failure::OverCap);
        }
        let size = wanted.unwrap_or(needed).clamp(needed, most);
        let block = ledger.admitted(size.total_bytes(), || make(size, ledger))?;
        match self.newest().below {
            Some(place) if needed > grown_max => {
                let object = block.take(layout);
                Self::push_below(block, place);
                object
            }
            _ => {
                self.push(block);
                self.take(layout)
            }
        }
        .ok_or(Failure::OverCap)
    }

    /// Puts `block` below the newest block, in which `place` is the room for it.
    fn push_below(block: Block, place: NonNull<Block>) {
        let lower = block.take(place_of_below());
        let lower = lower.expect("there is room because `grow` adds it to what is needed").cast();
        // SAFETY: `push` has written it, in a block that lives; it is replaced below.
        let below = unsafe { place.read() };
        // SAFETY: the place is for a `Block`, was allocated by the block above it, which is alive
        // as long as it is on the stack, and nothing else refers to it.
        unsafe { lower.write(below) };
        // SAFETY: as above; what was there has moved to `lower`.
        unsafe { place.write(Block { below: Some(lower), ..block }) };
    }

    /// Makes `block` the newest; the value of the newest so far moves into it.
    fn push(&self, block: Block) {
        if self.newest().size.is_none() {
            drop(self.replace(block));
            return;
        }
        let place = block.take(place_of_below());
        let place = place.expect("there is room because `grow` adds it to what is needed").cast();
        let below = self.replace(Block { below: Some(place), ..block });
        // SAFETY: the place is for a `Block`, was allocated by the block above it, which is alive
        // as long as it is on the stack, and nothing else refers to it.
        unsafe { place.write(below) };
    }

    /// Removes the newest block; `None` when there is none.
    fn pop(&mut self) -> Option<Block> {
        let below = match self.newest.get_mut().below.take() {
            // SAFETY: `push` has written it, in a block that lives, and the pointer is gone now.
            Some(place) => unsafe { place.read() },
            None => Block::none(),
        };
        let newest = self.replace(below);
        newest.size.is_some().then_some(newest)
    }

    /// Ends every object and frees all blocks but the largest.
    pub(super) fn reset(&mut self, zeroing: Zeroing, ledger: &Ledger<'_>) {
        let mut kept = Kept(None, ledger);
        while let Some(mut block) = self.pop() {
            block.clear(zeroing);
            let is_larger = kept.0.as_ref().is_none_or(|kept| kept.size < block.size);
            let smaller = if is_larger { kept.0.replace(block) } else { Some(block) };
            if let Some(smaller) = smaller {
                give_back(smaller, ledger);
            }
        }
        if let Some(kept) = kept.0.take() {
            kept.forbid();
            drop(self.replace(kept));
        }
    }

    /// Ends every object and frees all blocks.
    pub(super) fn end(&mut self, zeroing: Zeroing, ledger: &Ledger<'_>) {
        while let Some(mut block) = self.pop() {
            block.clear(zeroing);
            give_back(block, ledger);
        }
    }

    /// For an object of the newest block, a pointer derived from the block's; for others, the same
    /// pointer.
    pub(super) fn own(&self, object: NonNull<u8>) -> NonNull<u8> {
        if self.contains(object) { self.newest().own(object) } else { object }
    }

    /// Whether `object` is in the newest block.
    pub(super) fn contains(&self, object: NonNull<u8>) -> bool {
        self.newest().contains(object)
    }

    /// Grows the last allocated object to `new_bytes` by moving its start down; `None` when it is
    /// not the last one or there is no room.
    ///
    /// # Safety
    /// `object` is live, in the newest block, and has `old_bytes`, which are not zero and not more
    /// than `new_bytes`. Its alignment is at most 16.
    pub(super) unsafe fn extend(
        &self,
        object: NonNull<u8>,
        old_bytes: usize,
        new_bytes: usize,
    ) -> Option<NonNull<u8>> {
        let newest = self.newest();
        if newest.finger() != object {
            return None;
        }
        let more = new_bytes.checked_next_multiple_of(ALIGN_MIN)?
            - old_bytes.checked_next_multiple_of(ALIGN_MIN)?;
        if more > newest.bump.chunk_capacity() {
            return None;
        }
        let start = newest.take(Layout::from_size_align(more, ALIGN_MIN).ok()?)?;
        let start = if more == 0 { newest.own(object) } else { start };
        // SAFETY: the bytes from the new start on are the block's and now the object's.
        unsafe { poison::release(start, new_bytes) };
        // SAFETY: the old bytes are readable, the new ones are writable and no fewer; the two may
        // overlap.
        unsafe { ptr::copy(object.as_ptr(), start.as_ptr(), old_bytes) };
        Some(start)
    }

    /// Frees an object: if it was the last allocated one, its bytes are reused; otherwise they stay
    /// until the arena is reset.
    ///
    /// # Safety
    /// `object` is live, in the newest block, and `layout`, whose size is not zero, fits it.
    pub(super) unsafe fn give_back(&self, object: NonNull<u8>, layout: Layout, zeroing: Zeroing) {
        // SAFETY: the caller gives up the bytes of the object.
        unsafe { wipe(object, layout.size(), zeroing) };
        // SAFETY: as above; objects are aligned to 16.
        unsafe { poison::poison(object, layout.size()) };
        let newest = self.newest();
        if newest.finger() == object {
            // SAFETY: the object is live and was allocated by this `Bump`; `layout` fits it.
            unsafe { (&newest.bump).deallocate(object, layout) };
        }
    }

    /// The number of blocks, and their bytes that are objects, padding or records of blocks below.
    pub(super) fn count(&self) -> (usize, usize) {
        let (mut blocks, mut used_bytes) = (0, 0);
        let mut next = Some(self.newest());
        while let Some(block) = next {
            blocks += usize::from(block.size.is_some());
            used_bytes += block.used_bytes();
            // SAFETY: `push` has written it, in a block that lives; nothing writes it meanwhile.
            next = block.below.map(|below| unsafe { below.as_ref() });
        }
        (blocks, used_bytes)
    }
}

/// Charges the port for a block and allocates it from the heap.
fn make(size: BlockSize, ledger: &Ledger<'_>) -> Result<Block, MemoryError> {
    let (port, op) = (ledger.alloc.port(), ledger.alloc.op());
    let bytes = Bytes::new(size.total_bytes());
    port.charge(bytes, op)?;
    Block::new(size).ok_or_else(|| {
        port.refund(bytes, op);
        ledger.count_above_port();
        MemoryError::new(ErrorKind::Exhausted, op.op(), bytes)
    })
}

/// Frees a block and refunds its charge to the port.
fn give_back(block: Block, ledger: &Ledger<'_>) {
    let bytes = block.total_bytes();
    drop(block);
    // After the call, also when it unwinds.
    let _released = Undo::new(|| ledger.released(bytes));
    ledger.alloc.port().refund(Bytes::new(bytes), ledger.alloc.op());
}

/// A block that is freed when dropped, unless it was taken out.
struct Kept<'l, 'a>(Option<Block>, &'l Ledger<'a>);

impl Drop for Kept<'_, '_> {
    fn drop(&mut self) {
        if let Some(block) = self.0.take() {
            give_back(block, self.1);
        }
    }
}

/// The most bytes that `layout` takes of a block, whatever the position of its pointer.
fn needed_bytes(layout: Layout) -> Option<usize> {
    let padding = layout.align().saturating_sub(ALIGN_MIN);
    layout.size().checked_next_multiple_of(layout.align().max(ALIGN_MIN))?.checked_add(padding)
}

/// The room in a block for the value of the block below it.
const fn place_of_below() -> Layout {
    Layout::new::<Block>()
}

const _: () = assert!(place_of_below().align() == ALIGN_MIN, "a place takes no padding");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clearing_overwrites_what_was_used_and_nothing_else() {
        let size = BlockSize::holding(1000).expect("it is small");
        let mut block = Block::new(size).expect("there is memory");
        // SAFETY: the bytes are the block's, and nothing uses them.
        unsafe { poison::release(block.start, size.usable_bytes()) };
        // SAFETY: as above.
        unsafe { block.start.write_bytes(7, size.usable_bytes()) };
        block.take(Layout::new::<[u8; 100]>()).expect("there is room");
        block.clear(Zeroing::On);
        // SAFETY: all bytes were written above, and no object is left.
        let bytes =
            unsafe { NonNull::slice_from_raw_parts(block.start, size.usable_bytes()).as_ref() };
        let (unused, used) = bytes.split_at(size.usable_bytes() - 112);
        assert!(used.iter().all(|byte| *byte == 0), "100 bytes, in steps of 16");
        assert!(unused.iter().all(|byte| *byte == 7), "nothing used them");
    }

    #[test]
    fn a_block_fails_where_it_would_grow() {
        for bytes in [1, 448, 449, 4000, 5000, 70_000] {
            let block = Block::new(BlockSize::holding(bytes).expect("small")).expect("memory");
            while block.take(Layout::new::<[u64; 2]>()).is_some() {}
            assert_eq!(block.bump.chunk_capacity(), 0, "all of it was handed out");
            assert_eq!(block.bump.allocated_bytes_including_metadata() as u64, block.total_bytes());
        }
    }

    #[test]
    fn an_absent_block_has_room_for_nothing() {
        let none = Block::none();
        assert!(none.take(Layout::new::<u8>()).is_none());
        assert!(none.take(Layout::new::<[u8; 4095]>()).is_none());
        assert!(!none.contains(none.start));
        assert_eq!((none.used_bytes(), none.total_bytes()), (0, 0));
    }

    #[cfg(gm_asan)]
    #[test]
    fn what_is_not_handed_out_is_poisoned() {
        let mut block = Block::new(BlockSize::holding(1000).expect("small")).expect("memory");
        let object = block.take(Layout::new::<[u8; 32]>()).expect("there is room");
        let at = |offset: isize| object.addr().get().wrapping_add_signed(offset);
        assert!(!poison::is_poisoned(at(0)));
        assert!(!poison::is_poisoned(at(31)));
        assert!(poison::is_poisoned(at(-1)), "the unused tail");
        block.clear(Zeroing::Off);
        block.forbid();
        assert!(poison::is_poisoned(at(0)), "the object has ended");
        // bumpalo and the heap are given a block without poison.
        block.clear(Zeroing::Off);
        assert!(!poison::is_poisoned(at(0)));
    }
}
