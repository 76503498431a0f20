//! A histogram of allocation sizes, for tests and for builds with the feature.
//!
//! It is log-linear: eight steps per power of two, so a percentile is at most 12.5 % above the true
//! size. Counts are per thread where a thread owns a slot, so plain loads and stores suffice.
//!
//! It exists if the feature `histogram` is on, in any profile; a check proves that by the marker
//! below.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::thread::{self, SLOTS};
use crate::units::Bytes;

/// A text that is in a binary if, and only if, the histogram is.
const MARKER: &str = "gitmind allocation histogram, percentiles of size";

/// Steps per power of two.
const STEPS: u64 = 8;
/// Sizes below this are exact.
const EXACT: u64 = 2 * STEPS;
const BUCKETS: usize = 512;

/// The sizes of allocations, counted.
pub(crate) struct Histogram {
    shards: Box<[[AtomicU64; BUCKETS]]>,
}

impl Histogram {
    /// An empty histogram.
    pub(crate) fn new() -> Self {
        let shard = |_| [const { AtomicU64::new(0) }; BUCKETS];
        Self { shards: (0..=SLOTS).map(shard).collect() }
    }

    /// Counts a block of `size` bytes.
    #[inline]
    pub(crate) fn record(&self, size: u64) {
        let slot = thread::slot();
        let count = &self.shards[slot][bucket(size)];
        if slot == thread::SHARED {
            count.fetch_add(1, Relaxed);
        } else {
            count.store(count.load(Relaxed) + 1, Relaxed);
        }
    }

    /// Reads the percentiles.
    pub(crate) fn percentiles(&self) -> Percentiles {
        let counts: Vec<u64> = (0..BUCKETS)
            .map(|bucket| self.shards.iter().map(|shard| shard[bucket].load(Relaxed)).sum())
            .collect();
        let total: u64 = counts.iter().sum();
        let at = |percent: u64| {
            let rank = (total * percent).div_ceil(100).max(1);
            let mut seen = 0;
            let reached = counts.iter().position(|count| {
                seen += count;
                seen >= rank
            });
            Bytes::new(reached.map_or(0, upper_bound))
        };
        Percentiles { count: total, p50: at(50), p90: at(90), p99: at(99) }
    }
}

impl fmt::Debug for Histogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.percentiles().fmt(f)
    }
}

/// Sizes that 50, 90 and 99 percent of all blocks do not exceed, rounded up to a bucket's end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Percentiles {
    /// Blocks counted.
    pub count: u64,
    /// The median.
    pub p50: Bytes,
    /// The ninth decile.
    pub p90: Bytes,
    /// The 99th percentile.
    pub p99: Bytes,
}

impl fmt::Display for Percentiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { count, p50, p90, p99 } = self;
        let (p50, p90, p99) = (p50.get(), p90.get(), p99.get());
        write!(f, "{MARKER}: p50 {p50} B, p90 {p90} B, p99 {p99} B over {count} requests")
    }
}

/// The bucket of `size`: itself when small, else its power of two and the three bits below.
#[inline]
fn bucket(size: u64) -> usize {
    if size < EXACT {
        return usize::try_from(size).expect("small because it is below EXACT");
    }
    let power = u64::from(size.ilog2());
    let step = (size >> (power - 3)) - STEPS;
    let index = EXACT + (power - 4) * STEPS + step;
    usize::try_from(index).expect("at most 496 because a power is at most 63")
}

/// The largest size of a bucket.
fn upper_bound(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < EXACT {
        return bucket;
    }
    let (power, step) = ((bucket - EXACT) / STEPS + 4, (bucket - EXACT) % STEPS);
    let start = (STEPS + step) << (power - 3);
    start + ((1 << (power - 3)) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_holds_its_bounds_and_nothing_else() {
        for bucket_index in 0..bucket(u64::MAX) {
            let last = upper_bound(bucket_index);
            assert_eq!(bucket(last), bucket_index);
            assert_eq!(bucket(last + 1), bucket_index + 1);
        }
        assert_eq!(upper_bound(bucket(u64::MAX)), u64::MAX);
    }

    #[test]
    fn percentiles_are_the_naive_ones_rounded_up_to_a_bucket() {
        let histogram = Histogram::new();
        let mut sizes: Vec<u64> = (0..1000).map(|i| i * i % 4001).collect();
        sizes.iter().for_each(|size| histogram.record(*size));
        sizes.sort_unstable();
        let naive = |percent: usize| Bytes::new(upper_bound(bucket(sizes[percent * 10 - 1])));
        let read = histogram.percentiles();
        assert_eq!((read.p50, read.p90, read.p99), (naive(50), naive(90), naive(99)));
        assert_eq!(read.count, 1000);
    }

    #[test]
    fn an_empty_histogram_reads_zero() {
        assert_eq!(Histogram::new().percentiles(), Percentiles::default());
    }
}
