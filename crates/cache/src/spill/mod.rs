//! Spilling: edges that do not fit in the arena, on disk, partitioned by shard and direction.
//!
//! Each edge becomes two records: one in the partition of the shard of its source, one in that of
//! its target. Writing the cache loads one partition at a time, so that memory is bounded by the
//! largest shard instead of the journal.

mod ids;
mod lists;
mod partition;
mod record;
mod scratch;
mod write;

use self::partition::Shards;
use self::record::{FORWARD_BYTES, REVERSE_BYTES, forward, reverse};
use gitmind_git::oid::Oid;
use gitmind_memory::Alloc;
use gitmind_memory::units::Bytes;
use gitmind_ports::fs::{FileSystem, FsError};

pub(super) use self::scratch::Scratch;
pub(super) use self::write::SpilledPlan;

/// Edges on disk; the file is removed on drop.
pub(super) struct Spilled<'a> {
    scratch: Scratch<'a>,
    forward: Shards<'a>,
    reverse: Shards<'a>,
}

impl<'a> Spilled<'a> {
    /// Creates the scratch file. The buffers of the partitions use a small part of `cap_bytes`, the
    /// arena's cap.
    pub(super) fn begin(
        disk: &'a dyn FileSystem,
        alloc: Alloc<'a>,
        cap_bytes: u64,
    ) -> Result<Self, FsError> {
        let scratch = Scratch::create(disk, alloc, cap_bytes)?;
        let forward = Shards::new(alloc, FORWARD_BYTES, &scratch)?;
        let reverse = Shards::new(alloc, REVERSE_BYTES, &scratch)?;
        Ok(Self { scratch, forward, reverse })
    }

    /// Adds the edge with the position `visit` in visiting order; positions must ascend.
    pub(super) fn try_push(&mut self, visit: u32, source: Oid, target: Oid) -> Result<(), FsError> {
        let Self { scratch, forward: by_source, reverse: by_target } = self;
        by_source.try_push(scratch, source.shard(), &forward(source, visit, target))?;
        by_target.try_push(scratch, target.shard(), &reverse(target, visit))
    }

    /// The number of bytes on disk.
    pub(super) fn bytes(&self) -> Bytes {
        self.scratch.bytes()
    }
}
