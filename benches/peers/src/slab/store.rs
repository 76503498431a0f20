//! What every subject can do: keep blocks of a size, and give them back.

use std::alloc::{GlobalAlloc, Layout};
use std::ptr::NonNull;

use allocator_api2::alloc::{AllocError, Allocator};

/// Keeps blocks. A block begins with a byte of the caller's.
pub(crate) trait Store {
    /// What a block is found by.
    type Key: Copy;

    /// Takes a block of `size` bytes, at least 24 and at most 256, and writes its first byte.
    fn put(&mut self, size: usize, byte: u8) -> Self::Key;

    /// Reads a block's first byte and gives the block back.
    fn take(&mut self, key: Self::Key, size: usize) -> u8;
}

/// A store on an allocator: raw blocks, so that nothing is measured but the allocator.
pub(crate) struct OnAllocator<A>(pub(crate) A);

fn layout(size: usize) -> Layout {
    Layout::from_size_align(size, 8).expect("small")
}

impl<A: Allocator> Store for OnAllocator<A> {
    type Key = NonNull<u8>;

    #[inline(always)]
    fn put(&mut self, size: usize, byte: u8) -> NonNull<u8> {
        let block = self.0.allocate(layout(size)).expect("there is memory").cast::<u8>();
        // SAFETY: the block is fresh and not empty.
        unsafe { block.write(byte) };
        block
    }

    #[inline(always)]
    fn take(&mut self, block: NonNull<u8>, size: usize) -> u8 {
        // SAFETY: the block is live, and its first byte was written by `put`.
        let byte = unsafe { block.read() };
        // SAFETY: the block came from `put` with this size, and is taken once.
        unsafe { self.0.deallocate(block, layout(size)) };
        byte
    }
}

/// An allocator of the process as one of `allocator_api2`.
#[derive(Clone, Copy)]
pub(crate) struct Process<G>(pub(crate) G);

// SAFETY: blocks are the process allocator's, which keeps them until they are passed back.
unsafe impl<G: GlobalAlloc> Allocator for Process<G> {
    #[inline]
    fn allocate(&self, layout: Layout) -> Result<NonNull<[u8]>, AllocError> {
        // SAFETY: no layout here has a size of zero.
        let block = unsafe { self.0.alloc(layout) };
        let start = NonNull::new(block).ok_or(AllocError)?;
        Ok(NonNull::slice_from_raw_parts(start, layout.size()))
    }

    #[inline]
    unsafe fn deallocate(&self, block: NonNull<u8>, layout: Layout) {
        // SAFETY: the caller promises a live block of this allocator that `layout` fits.
        unsafe { self.0.dealloc(block.as_ptr(), layout) };
    }
}

/// No allocator at all: what the work costs by itself. Blocks are in a ring that is never full.
pub(crate) struct Nothing {
    ring: Vec<[u8; 256]>,
    next: usize,
}

impl Nothing {
    pub(crate) fn new() -> Self {
        Self { ring: vec![[0; 256]; 1 << 14], next: 0 }
    }
}

impl Store for Nothing {
    type Key = (usize, u8);

    #[inline(always)]
    fn put(&mut self, _size: usize, byte: u8) -> (usize, u8) {
        self.next = (self.next + 1) % self.ring.len();
        self.ring[self.next][0] = byte;
        (self.next, byte)
    }

    #[inline(always)]
    fn take(&mut self, (slot, byte): (usize, u8), _size: usize) -> u8 {
        self.ring[slot][0] = byte;
        byte
    }
}

/// sharded-slab: typed, so one slab for each of our bins.
#[derive(Default)]
pub(crate) struct Sharded {
    tiny: sharded_slab::Slab<[u8; 32]>,
    small: sharded_slab::Slab<[u8; 64]>,
    middle: sharded_slab::Slab<[u8; 128]>,
    large: sharded_slab::Slab<[u8; 256]>,
}

impl Store for Sharded {
    type Key = usize;

    fn put(&mut self, size: usize, byte: u8) -> usize {
        let key = match size {
            ..=32 => self.tiny.insert([byte; 32]),
            33..=64 => self.small.insert([byte; 64]),
            65..=128 => self.middle.insert([byte; 128]),
            _ => self.large.insert([byte; 256]),
        };
        key.expect("there is room for 2^32 of them")
    }

    fn take(&mut self, key: usize, size: usize) -> u8 {
        let byte = match size {
            ..=32 => self.tiny.take(key).map(|block| block[0]),
            33..=64 => self.small.take(key).map(|block| block[0]),
            65..=128 => self.middle.take(key).map(|block| block[0]),
            _ => self.large.take(key).map(|block| block[0]),
        };
        byte.expect("the key came from `put`")
    }
}
