//! What an arena reports about itself.

use super::blocks::Blocks;
use super::dedicated::Dedicated;
use super::ledger::Ledger;
use crate::units::Bytes;

/// A reading of an arena's counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ArenaStats {
    /// The most it may hold.
    pub cap_bytes: Bytes,
    /// What it holds: blocks with their footers, dedicated allocations, and records of those
    /// beyond the first 16. The port has admitted these bytes, and they were not freed.
    pub held_bytes: Bytes,
    /// The highest that `held_bytes` has been.
    pub peak_bytes: Bytes,
    /// The metric `arena.grow.bytes`: all bytes allocated since it began, first block included,
    /// whatever has been freed since.
    pub grow_bytes: Bytes,
    /// What is allocated of `held_bytes`, with padding and the places of older blocks.
    pub used_bytes: Bytes,
    /// Blocks that small objects share.
    pub blocks: usize,
    /// Objects that are blocks of the port by themselves.
    pub objects_dedicated: usize,
    /// Requests that failed, by the cap, the port or the heap, and that were not absorbed.
    pub failures_total: u64,
    /// Those of them that the port has not counted: by the cap, the heap or a nested call.
    pub failures_above_port_total: u64,
    /// The metric `arena.spills_total`: how often work moved elsewhere because the arena was full.
    pub spills_total: u64,
}

impl ArenaStats {
    pub(super) fn read(ledger: &Ledger<'_>, blocks: &Blocks, dedicated: &Dedicated) -> Self {
        let (blocks, used_bytes) = blocks.count();
        let (objects_dedicated, dedicated_bytes) = dedicated.count();
        Self {
            cap_bytes: ledger.cap(),
            held_bytes: ledger.held(),
            peak_bytes: ledger.peak(),
            grow_bytes: ledger.grown(),
            used_bytes: Bytes::from(used_bytes + dedicated_bytes),
            blocks,
            objects_dedicated,
            failures_total: ledger.failures(),
            failures_above_port_total: ledger.failures_above_port(),
            spills_total: ledger.spills(),
        }
    }
}
