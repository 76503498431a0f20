//! Programs of operations on a slab, against a list of blocks.

use std::alloc::Layout;
use std::collections::BTreeSet;
use std::ptr::NonNull;

use allocator_api2::alloc::Allocator;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::Slab;
use super::bin::BLOCK_BYTES_MAX;
use super::region::REGION_BYTES_MAX;
use super::superblock::SUPERBLOCK_BYTES;
use crate::units::Bytes;
use crate::{
    Alloc, Budgeted, ErrorKind, MemoryError, Pooling, Port, System, Trace, Traced, Zeroing,
};

/// One step; an index picks among what is live, modulo their number.
#[derive(Clone, Debug)]
enum Step {
    Allocate { count: usize, size: usize, align: usize, zeroed: bool },
    Resize { index: usize, size: usize, align: usize },
    Free { index: usize },
    FreeEvery { stride: usize },
    SendHome { stride: usize },
    Trim,
}

fn step() -> impl Strategy<Value = Step> {
    let size = || prop_oneof![8 => 1..=300_usize, 1 => 0..2000_usize, 2 => Just(256_usize)];
    let align = || prop_oneof![4 => Just(8_usize), 1 => (0..=9_u32).prop_map(|power| 1 << power)];
    let count = prop_oneof![3 => 1..4_usize, 2 => 1..700_usize];
    let allocate = (count, size(), align(), any::<bool>())
        .prop_map(|(count, size, align, zeroed)| Step::Allocate { count, size, align, zeroed });
    let resize = (any::<usize>(), size(), align()).prop_map(|(index, size, align)| Step::Resize {
        index,
        size,
        align,
    });
    prop_oneof![
        6 => allocate,
        4 => resize,
        4 => any::<usize>().prop_map(|index| Step::Free { index }),
        3 => (1..5_usize).prop_map(|stride| Step::FreeEvery { stride }),
        1 => (1..5_usize).prop_map(|stride| Step::SendHome { stride }),
        1 => Just(Step::Trim),
    ]
}

/// A live block, filled with its seed.
#[derive(Clone, Copy, Debug)]
struct Block {
    start: NonNull<u8>,
    layout: Layout,
    seed: u8,
}

impl Block {
    fn new(start: NonNull<[u8]>, layout: Layout, seed: u8) -> Self {
        assert_eq!(start.len(), layout.size(), "a block has the size that was asked for");
        let block = Self { start: start.cast(), layout, seed };
        assert!(block.start.addr().get().is_multiple_of(layout.align()), "{layout:?}");
        block
    }

    fn fill(&self) {
        // SAFETY: the block is live and has the size of its layout.
        unsafe { self.start.write_bytes(self.seed, self.layout.size()) };
    }

    fn assert_all(&self, byte: u8, len: usize) {
        let bytes = NonNull::slice_from_raw_parts(self.start, len);
        // SAFETY: the block is live, at least as long, and was written.
        assert!(unsafe { bytes.as_ref() }.iter().all(|kept| *kept == byte), "{self:?}: {byte}");
    }
}

/// What a slab should hold, from nothing but a list of live blocks.
struct Model<'s> {
    slab: &'s Slab<'s>,
    blocks: Vec<Block>,
    /// Blocks in the remote-free list since the slab last looked; at most, since it looks when it
    /// likes.
    under_way: Vec<Block>,
    seed: u8,
}

impl Model<'_> {
    fn is_pooled(&self, layout: Layout) -> bool {
        self.slab.pooled_bytes_max > 0
            && (1..=BLOCK_BYTES_MAX).contains(&layout.size())
            && layout.align() <= BLOCK_BYTES_MAX
    }

    fn run(&mut self, step: &Step) {
        match *step {
            Step::Allocate { count, size, align, zeroed } => {
                let layout = Layout::from_size_align(size, align).expect("small");
                (0..count).for_each(|_| self.allocate(layout, zeroed));
            }
            Step::Resize { index, size, align } => self.resize(index, size, align),
            Step::Free { index } => {
                if let Some(index) = index.checked_rem(self.blocks.len()) {
                    let block = self.blocks.swap_remove(index);
                    self.free(block);
                }
            }
            Step::FreeEvery { stride } => {
                self.take_every(stride).into_iter().for_each(|block| self.free(block));
            }
            Step::SendHome { stride } => {
                for block in self.take_every(stride) {
                    match self.slab.bin(block.layout) {
                        Some(bin) => {
                            block.assert_all(block.seed, block.layout.size());
                            // SAFETY: the block is live with this layout, and is not used again.
                            unsafe { self.slab.free_remotely(bin, block.start, block.layout) };
                            self.under_way.push(block);
                        }
                        None => self.free(block),
                    }
                }
            }
            Step::Trim => {
                self.slab.trim();
                self.under_way.clear();
            }
        }
    }

    fn take_every(&mut self, stride: usize) -> Vec<Block> {
        let mut position = 0;
        let is_taken = |_: &mut Block| {
            position += 1;
            position % stride == 0
        };
        self.blocks.extract_if(.., is_taken).collect()
    }

    fn allocate(&mut self, layout: Layout, zeroed: bool) {
        let before = self.slab.alloc.port().diagnostics();
        let block =
            if zeroed { self.slab.allocate_zeroed(layout) } else { self.slab.allocate(layout) };
        match block {
            Ok(start) => {
                self.seed = self.seed.wrapping_add(1).max(1);
                let block = Block::new(start, layout, self.seed);
                let is_zeroing = self.slab.zeroing == Zeroing::On && self.is_pooled(layout);
                if zeroed || is_zeroing {
                    block.assert_all(0, layout.size());
                }
                block.fill();
                self.blocks.push(block);
            }
            Err(error) => {
                let error = MemoryError::from(error);
                assert_eq!(error.kind(), ErrorKind::OverBudget, "{error}");
                let after = self.slab.alloc.port().diagnostics();
                assert_eq!(before.blocks_outstanding, after.blocks_outstanding);
            }
        }
    }

    fn resize(&mut self, index: usize, size: usize, align: usize) {
        let Some(index) = index.checked_rem(self.blocks.len()) else { return };
        let Block { start, layout: old, seed } = self.blocks[index];
        let new = Layout::from_size_align(size, align).expect("small");
        let resized = if size >= old.size() {
            // SAFETY: the block is live with `old`, and `new` is not smaller.
            unsafe { self.slab.grow(start, old, new) }
        } else {
            // SAFETY: the block is live with `old`, and `new` is smaller.
            unsafe { self.slab.shrink(start, old, new) }
        };
        if let Ok(start) = resized {
            self.blocks[index] = Block::new(start, new, seed);
        }
        // Whether it was moved, resized in place or failed, what fits was kept.
        self.blocks[index].assert_all(seed, size.min(old.size()));
        self.blocks[index].fill();
    }

    fn free(&self, block: Block) {
        block.assert_all(block.seed, block.layout.size());
        // SAFETY: the block is live with this layout, and is not used again.
        unsafe { self.slab.deallocate(block.start, block.layout) };
    }

    fn compare(&self) {
        self.slab.pool.check();
        let stats = self.slab.stats();
        let pooled: Vec<&Block> =
            self.blocks.iter().filter(|block| self.is_pooled(block.layout)).collect();
        let (live, most) = (pooled.len(), pooled.len() + self.under_way.len());
        let outstanding = usize::try_from(stats.blocks_outstanding).expect("small");
        assert!((live..=most).contains(&outstanding), "{live} to {most} live: {stats:?}");
        let places = |align: usize| -> u64 {
            let place = |block: &Block| block.start.addr().get() & !(align - 1);
            let all = pooled.iter().copied().chain(&self.under_way);
            all.map(place).collect::<BTreeSet<_>>().len() as u64
        };
        let occupied = places(SUPERBLOCK_BYTES);
        assert!(stats.superblocks_empty <= 4, "{stats:?}");
        assert!(stats.superblocks <= occupied + 4, "{occupied} hold a block: {stats:?}");
        assert!(stats.held.get() <= (occupied + 1) * REGION_BYTES_MAX as u64, "{stats:?}");
        let large = self.blocks.iter().filter(|block| !self.is_pooled(block.layout));
        let large: usize = large.map(|block| block.layout.size()).sum();
        let said = self.slab.alloc.port().diagnostics().bytes_outstanding.get();
        assert_eq!(said, stats.held.get() + large as u64, "the port is asked for nothing else");
    }
}

/// Runs a program on a port with a limit, and gives everything back.
fn run(program: &[Step], pooling: Pooling, zeroing: Zeroing, limit: u64) {
    let port = Budgeted::new(System::new(), Bytes::new(limit));
    {
        let slab = Slab::with(Alloc::new(&port), pooling, zeroing);
        let mut model = Model { slab: &slab, blocks: Vec::new(), under_way: Vec::new(), seed: 0 };
        for step in program {
            model.run(step);
            model.compare();
        }
        // What is left is freed one way or the other.
        model.run(&Step::SendHome { stride: 2 });
        model.run(&Step::FreeEvery { stride: 1 });
        model.compare();
        model.run(&Step::Trim);
        assert_eq!(slab.stats(), super::SlabStats::default(), "nothing is kept");
        let left = port.diagnostics();
        assert_eq!((left.bytes_outstanding, left.blocks_outstanding), (Bytes::ZERO, 0));
        // Something is in use when the slab goes.
        model.run(&Step::Allocate { count: 3, size: 40, align: 8, zeroed: false });
        model.blocks.retain(|block| model.slab.bin(block.layout).is_none());
        model.run(&Step::FreeEvery { stride: 1 });
    }
    assert_eq!(port.diagnostics().bytes_outstanding, Bytes::ZERO);
}

#[test]
fn programs_agree_with_a_list_of_blocks() {
    let config = Config { cases: 48, failure_persistence: None, ..Config::default() };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[10; 32]);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let limit = prop_oneof![
        Just(0_u64),
        Just(REGION_BYTES_MAX as u64 - 1),
        Just(REGION_BYTES_MAX as u64),
        1_u64..2 << 20,
        Just(1_u64 << 30),
    ];
    let programs = (prop::collection::vec(step(), 1..80), limit);
    let outcome = runner.run(&programs, |(program, limit)| {
        for pooling in [Pooling::On, Pooling::Off] {
            for zeroing in [Zeroing::On, Zeroing::Off] {
                run(&program, pooling, zeroing, limit);
            }
        }
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
}

#[test]
fn a_traced_port_sees_every_region_come_back() {
    let mut traced = Traced::new(System::uncounted(), Trace::sites().zeroizing(true));
    {
        let slab = Slab::new(Alloc::new(&traced));
        let mut model = Model { slab: &slab, blocks: Vec::new(), under_way: Vec::new(), seed: 0 };
        model.run(&Step::Allocate { count: 3000, size: 200, align: 8, zeroed: false });
        model.run(&Step::FreeEvery { stride: 3 });
        model.run(&Step::FreeEvery { stride: 1 });
        model.compare();
        assert_eq!(slab.stats().held, Bytes::from(REGION_BYTES_MAX), "one region is kept");
    }
    traced.teardown().expect("nothing is left, and nothing was misused");
}

/// Takes blocks of `size` bytes until there is one in another superblock than the first `full`.
fn fill(slab: &Slab<'_>, size: usize, full: usize) -> Vec<Vec<NonNull<u8>>> {
    let mut superblocks: Vec<Vec<NonNull<u8>>> = Vec::new();
    while superblocks.len() <= full {
        let block: NonNull<u8> = (&slab).allocate(layout(size)).expect("granted").cast();
        let start = |block: &NonNull<u8>| block.addr().get() & !(SUPERBLOCK_BYTES - 1);
        match superblocks.last_mut() {
            Some(last) if start(&last[0]) == start(&block) => last.push(block),
            _ => superblocks.push(vec![block]),
        }
    }
    superblocks
}

fn layout(size: usize) -> Layout {
    Layout::from_size_align(size, 8).expect("small")
}

fn free_all(slab: &Slab<'_>, blocks: &[NonNull<u8>], size: usize) {
    for block in blocks {
        // SAFETY: the tests pass each block that they took once, with its size.
        unsafe { (&slab).deallocate(*block, layout(size)) };
    }
}

#[test]
fn a_superblock_that_empties_again_is_noticed_if_another_did_meanwhile() {
    let system = System::new();
    let slab = Slab::new(Alloc::new(&system));
    // Regions of one superblock for each bin, then one of two, then one of four.
    let [large] = fill(&slab, 256, 0).try_into().expect("one superblock");
    let small = fill(&slab, 32, 3);
    free_all(&slab, &large, 256);
    slab.pool.check();
    let [again] = fill(&slab, 256, 0).try_into().expect("one superblock");
    assert_eq!(again, large, "the slot that was freed last");
    free_all(&slab, &small[3], 32);
    slab.pool.check();
    // It does not fit beside the largest region, which is idle since the line above.
    free_all(&slab, &again, 256);
    slab.pool.check();
    small[..3].iter().for_each(|blocks| free_all(&slab, blocks, 32));
    slab.pool.check();
    assert_eq!(slab.stats().held, Bytes::from(REGION_BYTES_MAX));
}

#[test]
fn regions_double_what_a_slab_holds_up_to_four_superblocks() {
    let system = System::new();
    let slab = Slab::new(Alloc::new(&system));
    let mut held = vec![];
    for superblock in 0..17 {
        // The rest of a superblock, and a block of the next.
        fill(&slab, 256, usize::from(superblock > 0));
        held.push(slab.stats().held.get() / SUPERBLOCK_BYTES as u64);
    }
    held.dedup();
    assert_eq!(held, [1, 2, 4, 8, 12, 16, 20]);
}

#[test]
fn a_superblock_that_empties_again_after_a_trim_is_another() {
    let system = System::new();
    let slab = Slab::new(Alloc::new(&system));
    // The last one is in a region of two superblocks.
    let neighbours = fill(&slab, 256, 2);
    let before = fill(&slab, 32, 0);
    free_all(&slab, &before[0], 32);
    slab.trim();
    let after = fill(&slab, 32, 1);
    assert_eq!(after[0][0], before[0][0], "a superblock of the same place");
    for blocks in &after {
        free_all(&slab, blocks, 32);
        slab.pool.check();
    }
    neighbours.iter().for_each(|blocks| free_all(&slab, blocks, 256));
    slab.pool.check();
}

#[cfg(gm_asan)]
mod poisoned;
