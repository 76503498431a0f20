//! The work: churn of mixed sizes, pairs of one size, many blocks and then none.

use std::hint::black_box;
use std::sync::OnceLock;

use super::store::Store;

/// Blocks live at a time in churn.
const LIVE: usize = 10_000;

/// A piece of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// Replaces random blocks of 24 to 256 bytes, 10 000 live.
    Churn,
    /// Allocates and frees one block of 64 bytes.
    Pair,
    /// Takes blocks of 64 bytes, then gives all of them back in the order they were taken.
    Bulk,
    /// The same with 24 to 256 bytes.
    MixedBulk,
}

impl Work {
    pub(crate) const ALL: [Self; 4] = [Self::Churn, Self::Pair, Self::Bulk, Self::MixedBulk];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Churn => "churn",
            Self::Pair => "pair",
            Self::Bulk => "bulk",
            Self::MixedBulk => "mixed-bulk",
        }
    }

    /// Does `steps` of it; returns a sum that only the work and the steps determine.
    #[inline(never)]
    pub(crate) fn run(self, mut store: impl Store, steps: u64) -> u64 {
        match self {
            Self::Churn => churn(&mut store, steps),
            Self::Pair => (0..steps).map(|step| pair(&mut store, step)).sum(),
            Self::Bulk => bulk(&mut store, steps, |_| black_box(64)),
            Self::MixedBulk => bulk(&mut store, steps, |random| random.size()),
        }
    }

    /// The bytes that `steps` of a bulk have live at most.
    pub(crate) fn user_bytes(self, steps: u64) -> u64 {
        let mut random = Random(SEED);
        match self {
            Self::Churn | Self::Pair => panic!("only of a bulk"),
            Self::Bulk => steps * 64,
            Self::MixedBulk => (0..steps).map(|_| random.size() as u64).sum(),
        }
    }
}

const SEED: u64 = 0x9e37_79b9_7f4a_7c15;

/// xorshift64* (Vigna, 2016).
struct Random(u64);

impl Random {
    #[inline]
    fn below(&mut self, limit: u32) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32;
        usize::try_from((high * u64::from(limit)) >> 32).expect("below a u32")
    }

    #[inline]
    fn size(&mut self) -> usize {
        24 + self.below(233)
    }
}

/// A replacement: which block, and the size of the new one.
type Replacement = (u16, u16);

/// The replacements of a run. Made once, so that no subject is timed while they are made.
fn replacements(steps: u64) -> &'static [Replacement] {
    static MADE: OnceLock<Vec<Replacement>> = OnceLock::new();
    let made = MADE.get_or_init(|| {
        let mut random = Random(SEED);
        let mut replacement = |_| (random.below(LIVE as u32) as u16, random.size() as u16);
        (0..LIVE as u64 + steps).map(&mut replacement).collect()
    });
    &made[..LIVE + usize::try_from(steps).expect("it fits")]
}

#[inline(always)]
fn churn(store: &mut impl Store, steps: u64) -> u64 {
    let (first, then) = replacements(steps).split_at(LIVE);
    let put = |store: &mut _, size: u16| (Store::put(store, size.into(), size as u8), size);
    let mut live: Vec<_> = first.iter().map(|(_, size)| put(store, *size)).collect();
    let mut sum = 0;
    for (index, size) in then {
        let place = &mut live[usize::from(*index)];
        sum += u64::from(store.take(place.0, place.1.into()));
        *place = put(store, *size);
    }
    sum + live.into_iter().map(|(key, size)| u64::from(store.take(key, size.into()))).sum::<u64>()
}

#[inline(always)]
fn pair(store: &mut impl Store, step: u64) -> u64 {
    let size = black_box(64);
    let key = black_box(store.put(size, step as u8));
    u64::from(store.take(key, size))
}

#[inline(always)]
fn bulk(store: &mut impl Store, steps: u64, size: impl Fn(&mut Random) -> usize) -> u64 {
    let mut random = Random(SEED);
    let mut live = Vec::with_capacity(usize::try_from(steps).expect("it fits"));
    live.extend((0..steps).map(|_| {
        let size = size(&mut random);
        (store.put(size, size as u8), size as u32)
    }));
    live.into_iter().map(|(key, size)| u64::from(store.take(key, size as usize))).sum()
}
