//! What a slab holds.

use crate::units::Bytes;

/// What a slab holds at one moment. Requests above 256 bytes are the port's and not in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SlabStats {
    /// Blocks allocated and not yet freed.
    pub blocks_outstanding: u64,
    /// Superblocks of 64 KiB that have a bin.
    pub superblocks: u64,
    /// Those of them without a block; at most one for each bin.
    pub superblocks_empty: u64,
    /// Bytes allocated from the port, in regions of 64 to 256 KiB.
    pub held: Bytes,
}
