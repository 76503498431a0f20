//! Counters of live bytes that cost a few plain instructions per call.
//!
//! Each thread adds to a shard of its own; a shard publishes to the common total when it has moved
//! by [`QUANTUM_BYTES`]. So one thread alone never pays for an atomic read-modify-write, and many
//! threads do not fight over a cache line. What a shard keeps is how far it is below its highest
//! level, because one comparison of that tells both a new highest level and a need to publish.
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

/// How far a shard may rise, or fall from its highest level, before it publishes.
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

/// The counters behind a [`Diagnostics`]. The shards are first: one is found in one step then.
#[repr(C)]
pub(crate) struct Counters {
    shards: [Shard; SLOTS],
    shared: Shard,
    published: AtomicI64,
    peak: AtomicI64,
    failures: AtomicU64,
    charges: Charges,
    floored: bool,
}

/// The part of one thread. Only the owner of the slot writes it. Most events change it by a few
/// instructions; those that publish, or reach a new highest level, take the long way.
#[repr(align(64))]
pub(crate) struct Shard {
    /// How far the level is below `highest`: from zero to below one quantum. The level is what was
    /// moved since the last publication.
    below: AtomicI64,
    /// The highest level since the last publication: from zero to below one quantum.
    highest: AtomicI64,
    allocations: AtomicU64,
    frees: AtomicU64,
}

impl Shard {
    const fn new() -> Self {
        Self {
            below: AtomicI64::new(0),
            highest: AtomicI64::new(0),
            allocations: AtomicU64::new(0),
            frees: AtomicU64::new(0),
        }
    }

    /// Counts a new block of `size` bytes, when that takes no more than a few instructions; `false`
    /// and no change when it takes more.
    #[inline]
    #[must_use]
    pub(crate) fn allocated(&self, size: usize) -> bool {
        let below = self.below.load(Relaxed) - Bytes::from(size).signed();
        if below < 0 {
            return false;
        }
        self.below.store(below, Relaxed);
        bump(&self.allocations);
        true
    }

    /// Counts the end of a block of `size` bytes, on the terms of [`Shard::allocated`].
    #[inline]
    #[must_use]
    pub(crate) fn freed(&self, size: usize) -> bool {
        let below = self.below.load(Relaxed) + Bytes::from(size).signed();
        if below >= QUANTUM_BYTES {
            return false;
        }
        self.below.store(below, Relaxed);
        bump(&self.frees);
        true
    }

    /// Bytes moved since the last publication.
    fn level(&self) -> i64 {
        self.highest.load(Relaxed) - self.below.load(Relaxed)
    }

    /// Begins at a level of zero.
    fn restart(&self) {
        self.below.store(0, Relaxed);
        self.highest.store(0, Relaxed);
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
            shard.restart();
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
        if !self.own_shard(0).is_some_and(|shard| shard.allocated(size)) {
            self.allocated_slowly(size);
        }
    }

    /// Counts the end of a block of `size` bytes.
    #[inline]
    pub(crate) fn freed(&self, size: usize) {
        if !self.own_shard(0).is_some_and(|shard| shard.freed(size)) {
            self.freed_slowly(size);
        }
    }

    /// The shard of this thread, when it owns one and `mask` is zero; see [`thread::own`].
    #[inline]
    pub(crate) fn own_shard(&self, mask: usize) -> Option<&Shard> {
        thread::own(&self.shards, mask)
    }

    #[cold]
    #[inline(never)]
    fn allocated_slowly(&self, size: usize) {
        match self.shards.get(thread::slot()) {
            Some(shard) => bump(&shard.allocations),
            None => _ = self.shared.allocations.fetch_add(1, Relaxed),
        }
        self.grown(size.into());
    }

    #[cold]
    #[inline(never)]
    fn freed_slowly(&self, size: usize) {
        match self.shards.get(thread::slot()) {
            Some(shard) => bump(&shard.frees),
            None => _ = self.shared.frees.fetch_add(1, Relaxed),
        }
        self.shrunk(size.into());
    }

    /// Counts that a block of `old` bytes has become one of `new` bytes.
    #[inline]
    pub(crate) fn resized(&self, old: usize, new: usize) {
        match new.checked_sub(old) {
            Some(more) => self.grown(more.into()),
            None => self.shrunk((old - new).into()),
        }
    }

    /// Counts `more` bytes that are no block of their own.
    #[inline]
    fn grown(&self, more: Bytes) {
        match self.shards.get(thread::slot()) {
            Some(shard) => self.raise(shard, more.signed()),
            None => self.publish_shared(more.signed()),
        }
    }

    /// Counts `less` bytes that were no block of their own.
    #[inline]
    fn shrunk(&self, less: Bytes) {
        match self.shards.get(thread::slot()) {
            Some(shard) => self.lower(shard, less.signed()),
            None => self.publish_shared(-less.signed()),
        }
    }

    /// Counts a charge; `false` and no change when the sum of charges cannot be counted.
    #[must_use]
    pub(crate) fn charge(&self, bytes: Bytes) -> bool {
        let counted = self.charges.add(bytes);
        if counted {
            self.grown(bytes);
        }
        counted
    }

    /// Counts the end of a charge, of no more than is charged; returns what it was.
    pub(crate) fn refund(&self, bytes: Bytes) -> Bytes {
        let taken = self.charges.take(bytes);
        self.shrunk(taken);
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
        let level: i64 = shards().map(Shard::level).sum();
        let (allocations, frees) = (sum(|shard| &shard.allocations), sum(|shard| &shard.frees));
        let peak = self.peak.load(Relaxed).max(published + self.highest_levels());
        Diagnostics {
            bytes_outstanding: Bytes::from_signed(published + level),
            peak_bytes: Bytes::from_signed(peak),
            failures_total: self.failures.load(Relaxed) + self.charges.misuses(),
            allocations_total: allocations,
            blocks_outstanding: allocations.saturating_sub(frees),
        }
    }

    fn raise(&self, shard: &Shard, size: i64) {
        let below = shard.below.load(Relaxed) - size;
        if below >= 0 {
            return shard.below.store(below, Relaxed);
        }
        let level = shard.highest.load(Relaxed) - below;
        if level >= QUANTUM_BYTES {
            return self.publish(shard, level);
        }
        shard.highest.store(level, Relaxed);
        shard.below.store(0, Relaxed);
    }

    fn lower(&self, shard: &Shard, size: i64) {
        let below = shard.below.load(Relaxed) + size;
        if below >= QUANTUM_BYTES {
            return self.publish(shard, shard.highest.load(Relaxed) - below);
        }
        shard.below.store(below, Relaxed);
    }

    /// Moves `level`, and what the shard reached before, to the common total.
    #[cold]
    #[inline(never)]
    fn publish(&self, shard: &Shard, level: i64) {
        let before = self.published.fetch_add(level, Relaxed);
        let own = shard.highest.load(Relaxed);
        let others = self.highest_levels() - own;
        self.peak.fetch_max(before + own.max(level) + others, Relaxed);
        shard.restart();
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
            let levels: i64 = self.shards.iter().map(Shard::level).sum();
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

#[cfg(test)]
mod tests;
