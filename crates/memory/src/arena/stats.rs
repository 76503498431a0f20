//! The counters of an arena.

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
    /// The bytes it holds: blocks with their footers, dedicated allocations, and records of those
    /// beyond the first 16. The sum equals the outstanding bytes of the arena at the port.
    pub held_bytes: Bytes,
    /// The maximum of `held_bytes` so far.
    pub peak_bytes: Bytes,
    /// The metric `arena.grow.bytes`: all bytes that it has allocated since it began, first block
    /// included; frees are not subtracted.
    pub grow_bytes: Bytes,
    /// The part of `held_bytes` in use: objects, padding and records of older blocks.
    pub used_bytes: Bytes,
    /// Blocks that small objects share.
    pub blocks: usize,
    /// Objects that are dedicated blocks of the port.
    pub objects_dedicated: usize,
    /// Requests that failed because of the cap, the port or the heap, except those that the owner
    /// handled.
    pub failures_total: u64,
    /// Those of the failures that the port has not counted: by the cap, the heap or a reentrant
    /// call.
    pub failures_above_port_total: u64,
    /// The metric `arena.spills_total`: how often work moved out of the arena because it was full.
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
