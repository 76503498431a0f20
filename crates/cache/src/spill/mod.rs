//! Spilling: edges that do not fit in the arena, on disk, partitioned by shard and direction.
//!
//! Each edge becomes four records: one in the partition of the shard of its source, one in that of
//! its target, and the same for the keys of their paths. Writing the cache loads one partition at a
//! time, or parts of one that fit in the arena, so that memory is bounded whatever the journal is.

mod hub;
mod ids;
mod lists;
mod partition;
mod record;
mod scratch;
mod write;

use self::partition::Shards;
use self::record::{END_BYTES, FORWARD_BYTES, end, forward};
use super::end::End;
use super::path_keys::NO_PATH;
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
    path_forward: Shards<'a>,
    path_reverse: Shards<'a>,
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
        Ok(Self {
            forward: Shards::new(alloc, FORWARD_BYTES, &scratch)?,
            reverse: Shards::new(alloc, END_BYTES, &scratch)?,
            path_forward: Shards::new(alloc, END_BYTES, &scratch)?,
            path_reverse: Shards::new(alloc, END_BYTES, &scratch)?,
            scratch,
        })
    }

    /// Adds the edge with the position `visit` in visiting order; positions must ascend.
    pub(super) fn try_push(&mut self, visit: u32, source: End, target: End) -> Result<(), FsError> {
        let Self { scratch, .. } = self;
        let (from, to) = (source.object, target.object);
        self.forward.try_push(scratch, from.shard(), &forward(from, visit, to))?;
        self.reverse.try_push(scratch, to.shard(), &end(to, visit))?;
        for (shards, key) in
            [(&mut self.path_forward, source.path), (&mut self.path_reverse, target.path)]
        {
            if key != NO_PATH {
                shards.try_push(scratch, key.shard(), &end(key, visit))?;
            }
        }
        Ok(())
    }

    /// The number of bytes on disk.
    pub(super) fn bytes(&self) -> Bytes {
        self.scratch.bytes()
    }
}
