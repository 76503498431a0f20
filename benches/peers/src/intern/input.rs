//! What is interned: paths as repositories have them, in an order that only the numbers determine.

use rand_xoshiro::SplitMix64;
use rand_xoshiro::rand_core::{Rng as _, SeedableRng as _};

/// `count` distinct paths of 40 to 80 bytes.
pub(crate) fn paths(count: u64) -> Vec<String> {
    let mut random = SplitMix64::seed_from_u64(1);
    let path = |number: u64| {
        let directory = number % 977;
        let mut path = format!("src/module_{directory:03}/component/file_{number:06}");
        let len = 40 + (random.next_u64() % 41) as usize;
        let fill = "abcdefghijklmnopqrstuvwxyz_abcdefghijklmnopqrstuvwxyz";
        path.push_str(&fill[..len.saturating_sub(path.len() + 3)]);
        path.push_str(".rs");
        path
    };
    (0..count).map(path).collect()
}

/// Which of `distinct` strings comes at each of `count` places.
pub(crate) fn order(count: u64, distinct: u64) -> Vec<u32> {
    let mut random = SplitMix64::seed_from_u64(2);
    (0..count).map(|_| (random.next_u64() % distinct) as u32).collect()
}
