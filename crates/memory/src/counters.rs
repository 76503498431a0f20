//! Counters of live bytes that cost a few plain instructions per call.
//!
//! Each thread adds to a shard of its own; a shard publishes to the common total when it has moved
//! by [`QUANTUM_BYTES`]. So one thread alone never pays for an atomic read-modify-write, and many
//! threads do not fight over a cache line.
//!
//! # Exactness
//!
//! Outstanding bytes and counts are exact whenever no thread is inside a call. The peak is exact
//! while one thread counts. With more threads it is never too low and too high by at most two
//! quanta per thread, because each shard contributes its own highest level. Budgets do not rely on
//! this: they keep one exact number (see `budgeted`).

use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};

use super::charges::Charges;
use super::thread::{self, SLOTS};
use crate::units::Bytes;

/// What a shard may hold before it publishes.
const QUANTUM_BYTES: i64 = 16 << 10;

/// A reading of the counters of a port, an operation or a process.
///
/// A port of your own makes one, so its fields are all there will be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Diagnostics {
    /// Bytes allocated or charged and not yet freed or refunded.
    pub bytes_outstanding: Bytes,
    /// The highest that `bytes_outstanding` has been.
    pub peak_bytes: Bytes,
    /// Requests that failed, and refunds of more than was charged.
    pub failures_total: u64,
    /// Blocks allocated; a grown block is still the same block.
    pub allocations_total: u64,
    /// Blocks not yet freed.
    pub blocks_outstanding: u64,
}

/// The counters behind a [`Diagnostics`].
pub(crate) struct Counters {
    published: AtomicI64,
    peak: AtomicI64,
    failures: AtomicU64,
    charges: Charges,
    floored: bool,
    shards: [Shard; SLOTS],
    shared: Shard,
}

/// The part of one thread. Only the owner of the slot writes it.
#[repr(align(64))]
struct Shard {
    /// Bytes moved since the last publication: between minus and plus one quantum.
    level: AtomicI64,
    /// The highest `level` since the last publication; never negative.
    highest: AtomicI64,
    allocations: AtomicU64,
    frees: AtomicU64,
}

impl Shard {
    const fn new() -> Self {
        Self {
            level: AtomicI64::new(0),
            highest: AtomicI64::new(0),
            allocations: AtomicU64::new(0),
            frees: AtomicU64::new(0),
        }
    }
}

impl Counters {
    /// All zero.
    pub(crate) const fn new() -> Self {
        Self::with_floor(false)
    }

    /// All zero, for a process in which blocks from before the counting may be freed.
    ///
    /// Whatever would bring the total below zero is of such a block and is not counted, so the peak
    /// is the largest rise. It is too low by at most a quantum per thread, because a shard looks at
    /// the total when it publishes.
    pub(crate) const fn floored() -> Self {
        Self::with_floor(true)
    }

    const fn with_floor(floored: bool) -> Self {
        Self {
            floored,
            published: AtomicI64::new(0),
            peak: AtomicI64::new(0),
            failures: AtomicU64::new(0),
            charges: Charges::new(),
            shards: [const { Shard::new() }; SLOTS],
            shared: Shard::new(),
        }
    }

    /// Sets everything to zero. Events of other threads meanwhile may be lost.
    pub(crate) fn reset(&self) {
        let zero = |shard: &Shard| {
            shard.level.store(0, Relaxed);
            shard.highest.store(0, Relaxed);
            shard.allocations.store(0, Relaxed);
            shard.frees.store(0, Relaxed);
        };
        self.shards.iter().chain([&self.shared]).for_each(zero);
        self.published.store(0, Relaxed);
        self.peak.store(0, Relaxed);
        self.failures.store(0, Relaxed);
        self.charges.reset();
    }

    /// Counts a new block of `size` bytes.
    #[inline]
    pub(crate) fn allocated(&self, size: usize) {
        match self.shards.get(thread::slot()) {
            Some(shard) => {
                bump(&shard.allocations);
                self.raise(shard, of_layout(size));
            }
            None => {
                self.shared.allocations.fetch_add(1, Relaxed);
                self.publish_shared(of_layout(size));
            }
        }
    }

    /// Counts the end of a block of `size` bytes.
    #[inline]
    pub(crate) fn freed(&self, size: usize) {
        match self.shards.get(thread::slot()) {
            Some(shard) => {
                bump(&shard.frees);
                self.lower(shard, of_layout(size));
            }
            None => {
                self.shared.frees.fetch_add(1, Relaxed);
                self.publish_shared(-of_layout(size));
            }
        }
    }

    /// Counts `more` bytes that are no block of their own.
    #[inline]
    pub(crate) fn grown(&self, more: u64) {
        match self.shards.get(thread::slot()) {
            Some(shard) => self.raise(shard, signed(more)),
            None => self.publish_shared(signed(more)),
        }
    }

    /// Counts `less` bytes that were no block of their own.
    #[inline]
    pub(crate) fn shrunk(&self, less: u64) {
        match self.shards.get(thread::slot()) {
            Some(shard) => self.lower(shard, signed(less)),
            None => self.publish_shared(-signed(less)),
        }
    }

    /// Counts a charge; `false` and no change when the sum of charges cannot be counted.
    #[must_use]
    pub(crate) fn charge(&self, bytes: Bytes) -> bool {
        let counted = self.charges.add(bytes);
        if counted {
            self.grown(bytes.get());
        }
        counted
    }

    /// Counts the end of a charge, of no more than is charged; returns what it was.
    pub(crate) fn refund(&self, bytes: Bytes) -> Bytes {
        let taken = self.charges.take(bytes);
        self.shrunk(taken.get());
        taken
    }

    /// Counts a failed request.
    #[cold]
    pub(crate) fn failed(&self) {
        self.failures.fetch_add(1, Relaxed);
    }

    /// Reads all counters. See the module on what is exact while other threads count.
    pub(crate) fn read(&self) -> Diagnostics {
        let shards = || self.shards.iter().chain([&self.shared]);
        let sum = |field: fn(&Shard) -> &AtomicU64| -> u64 {
            shards().map(|shard| field(shard).load(Relaxed)).sum()
        };
        let published = self.published.load(Relaxed);
        let level: i64 = shards().map(|shard| shard.level.load(Relaxed)).sum();
        let (allocations, frees) = (sum(|shard| &shard.allocations), sum(|shard| &shard.frees));
        let peak = self.peak.load(Relaxed).max(published + self.highest_levels());
        Diagnostics {
            bytes_outstanding: bytes(published + level),
            peak_bytes: bytes(peak),
            failures_total: self.failures.load(Relaxed) + self.charges.misuses(),
            allocations_total: allocations,
            blocks_outstanding: allocations.saturating_sub(frees),
        }
    }

    #[inline]
    fn raise(&self, shard: &Shard, size: i64) {
        let level = shard.level.load(Relaxed) + size;
        if level >= QUANTUM_BYTES {
            return self.publish(shard, level);
        }
        shard.level.store(level, Relaxed);
        if level > shard.highest.load(Relaxed) {
            shard.highest.store(level, Relaxed);
        }
    }

    #[inline]
    fn lower(&self, shard: &Shard, size: i64) {
        let level = shard.level.load(Relaxed) - size;
        if level <= -QUANTUM_BYTES {
            return self.publish(shard, level);
        }
        shard.level.store(level, Relaxed);
    }

    /// Moves `level`, and what the shard reached before, to the common total.
    #[cold]
    #[inline(never)]
    fn publish(&self, shard: &Shard, level: i64) {
        let before = self.published.fetch_add(level, Relaxed);
        let own = shard.highest.load(Relaxed);
        let others = self.highest_levels() - own;
        self.peak.fetch_max(before + own.max(level) + others, Relaxed);
        shard.level.store(0, Relaxed);
        shard.highest.store(0, Relaxed);
        self.raise_to_floor();
    }

    #[cold]
    #[inline(never)]
    fn publish_shared(&self, change: i64) {
        let before = self.published.fetch_add(change, Relaxed);
        self.peak.fetch_max(before + change + self.highest_levels(), Relaxed);
        self.raise_to_floor();
    }

    /// Takes a total below zero for zero, when there is a floor.
    fn raise_to_floor(&self) {
        if self.floored {
            let levels: i64 = self.shards.iter().map(|shard| shard.level.load(Relaxed)).sum();
            self.published.fetch_max(-levels, Relaxed);
        }
    }

    fn highest_levels(&self) -> i64 {
        self.shards.iter().map(|shard| shard.highest.load(Relaxed)).sum()
    }
}

impl fmt::Debug for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.read().fmt(f)
    }
}

/// Advances a counter that only this thread writes.
#[inline]
fn bump(counter: &AtomicU64) {
    counter.store(counter.load(Relaxed).wrapping_add(1), Relaxed);
}

/// The size of a layout, which is at most `isize::MAX` and so keeps its value.
#[inline]
fn of_layout(size: usize) -> i64 {
    debug_assert!(isize::try_from(size).is_ok(), "no layout is as large as {size}");
    size.cast_signed() as i64
}

/// A part of a layout or of the charges, which keeps its value: both are far below the limit.
#[inline]
fn signed(size: u64) -> i64 {
    debug_assert!(i64::try_from(size).is_ok(), "no block or charge is as large as {size}");
    size.cast_signed()
}

/// A total seen between two steps of another thread may be below zero for a moment.
fn bytes(total: i64) -> Bytes {
    Bytes::new(u64::try_from(total).unwrap_or(0))
}

#[cfg(test)]
mod tests;
