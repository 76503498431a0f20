//! What an arena reports about itself.

use super::alone::Alone;
use super::blocks::Blocks;
use super::ledger::Ledger;
use crate::units::Bytes;

/// A reading of an arena's counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ArenaStats {
    /// The most it may hold.
    pub cap_bytes: Bytes,
    /// What it holds: blocks with their footers, objects that are alone, and records of those
    /// beyond the first 16. It is what the port has admitted for it and not been given back.
    pub held_bytes: Bytes,
    /// The highest that `held_bytes` has been.
    pub peak_bytes: Bytes,
    /// The metric `arena.grow.bytes`: all that it has taken since it began, first block included,
    /// whatever has been given back since.
    pub grow_bytes: Bytes,
    /// What is handed out of `held_bytes`, with padding and the places of older blocks.
    pub used_bytes: Bytes,
    /// Blocks that small objects share.
    pub blocks: usize,
    /// Objects that are blocks of the port by themselves.
    pub objects_alone: usize,
    /// Requests that were refused, by the cap, the port or the heap.
    pub failures_total: u64,
}

impl ArenaStats {
    pub(super) fn read(ledger: &Ledger<'_>, blocks: &Blocks, alone: &Alone) -> Self {
        let (blocks, used_bytes) = blocks.count();
        let (objects_alone, alone_bytes) = alone.count();
        Self {
            cap_bytes: ledger.cap(),
            held_bytes: ledger.held(),
            peak_bytes: ledger.peak(),
            grow_bytes: ledger.grown(),
            used_bytes: Bytes::from(used_bytes + alone_bytes),
            blocks,
            objects_alone,
            failures_total: ledger.refused(),
        }
    }
}
