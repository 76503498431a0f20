//! The work: churn of small blocks of which ten thousand are live.

use allocator_api2::alloc::Allocator;
use allocator_api2::vec::Vec as RawVec;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng as _, SeedableRng as _};

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
