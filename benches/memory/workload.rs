//! The work: churn of small blocks of which ten thousand are live, and pairs of one size.

use allocator_api2::alloc::{Allocator, Layout};
use allocator_api2::vec::Vec as RawVec;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng as _, SeedableRng as _};
use std::hint::black_box;

/// Blocks live at a time.
const LIVE: usize = 10_000;

/// Takes a block of `size` bytes and touches both ends.
fn block<A: Allocator>(size: usize, alloc: A) -> RawVec<u8, A> {
    let mut block = RawVec::new_in(alloc);
    block.try_reserve_exact(size).expect("there is memory");
    block.push(u8::try_from(size % 251).expect("below 251"));
    block
}

/// Replaces `rounds` blocks of 24 to 256 bytes at random; returns a sum that only the seed and the
/// number of rounds determine.
pub(crate) fn churn<A: Allocator + Copy>(alloc: A, seed: u64, rounds: u64) -> u64 {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut sum = 0;
    let size = |random: &mut Xoshiro256PlusPlus| 24 + below(random.next_u64(), 233);
    let mut live: Vec<_> = (0..LIVE).map(|_| block(size(&mut random), alloc)).collect();
    for _ in 0..rounds {
        let index = below(random.next_u64(), LIVE);
        let size = size(&mut random);
        sum += u64::from(live[index][0]);
        live[index] = block(size, alloc);
    }
    sum
}

/// A random number below `limit`.
fn below(random: u64, limit: usize) -> usize {
    usize::try_from(random % limit as u64).expect("below a usize")
}

/// Takes and frees one block of 64 bytes, `pairs` times.
///
/// Without a container, and with a layout that the compiler cannot know: what is counted is the
/// allocator, not what is inlined around it.
#[inline(never)]
pub(crate) fn pairs<A: Allocator + Copy>(alloc: A, pairs: u64) -> u64 {
    let layout = Layout::new::<[u64; 8]>();
    let take = |_| {
        let layout = black_box(layout);
        let block = black_box(alloc.allocate(layout).expect("there is memory")).cast::<u8>();
        // SAFETY: the block was allocated above with this layout, and nobody else has it.
        unsafe { alloc.deallocate(block, layout) };
        layout.size() as u64
    };
    (0..pairs).map(take).sum()
}
