//! Fixed-size records on disk, partitioned by a byte of the key at their start.

use super::record::oid;
use super::scratch::Scratch;
use gitmind_git::oid::Oid;
use gitmind_memory::{Alloc, Vec};
use gitmind_ports::fs::FsError;

/// A partition for each value of a byte; of the first one, which is the shard.
pub(super) struct Shards<'a>(Vec<'a, Partition<'a>>);

/// Records in the order of insertion: full blocks on disk, the rest in memory.
pub(super) struct Partition<'a> {
    record_bytes: usize,
    /// Length of a full block in bytes, a multiple of `record_bytes`.
    full_bytes: usize,
    buffer: Vec<'a, u8>,
    blocks: Vec<'a, u32>,
}

impl<'a> Shards<'a> {
    /// Empty partitions for records of `record_bytes`. The first record of a partition allocates
    /// its buffer.
    pub(super) fn new(
        alloc: Alloc<'a>,
        record_bytes: usize,
        scratch: &Scratch<'_>,
    ) -> Result<Self, FsError> {
        let mut shards = Vec::try_with_capacity(256, alloc)?;
        for _ in 0..=u8::MAX {
            shards.try_push(Partition::new(alloc, record_bytes, scratch))?;
        }
        Ok(Self(shards))
    }

    /// Adds a record to the partition of `shard`.
    pub(super) fn try_push(
        &mut self,
        scratch: &Scratch<'_>,
        shard: u8,
        record: &[u8],
    ) -> Result<(), FsError> {
        self.0[usize::from(shard)].try_push(scratch, record)
    }

    /// The partition of `shard`.
    pub(super) fn get(&self, shard: u8) -> &Partition<'a> {
        &self.0[usize::from(shard)]
    }
}

impl<'a> Partition<'a> {
    /// A partition without records.
    pub(super) const fn empty(alloc: Alloc<'a>) -> Self {
        Self { record_bytes: 1, full_bytes: 0, buffer: Vec::new(alloc), blocks: Vec::new(alloc) }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.buffer.is_empty() && self.blocks.is_empty()
    }

    /// The least and the greatest key; `None` without records.
    pub(super) fn bounds(&self, scratch: &Scratch<'_>) -> Result<Option<(Oid, Oid)>, FsError> {
        let mut bounds: Option<(Oid, Oid)> = None;
        self.read(scratch, |record| {
            let key = oid(record, 0);
            let (least, most) = bounds.unwrap_or((key, key));
            bounds = Some((least.min(key), most.max(key)));
            Ok::<_, FsError>(())
        })?;
        Ok(bounds)
    }

    /// The same records, in a partition for each value of byte number `at` of their keys.
    pub(super) fn split(
        &self,
        alloc: Alloc<'a>,
        scratch: &Scratch<'_>,
        at: usize,
    ) -> Result<Shards<'a>, FsError> {
        let mut parts = Shards::new(alloc, self.record_bytes, scratch)?;
        self.read(scratch, |record| parts.try_push(scratch, record[at], record))?;
        Ok(parts)
    }

    fn new(alloc: Alloc<'a>, record_bytes: usize, scratch: &Scratch<'_>) -> Self {
        let full_bytes = scratch.block_bytes() / record_bytes * record_bytes;
        Self { record_bytes, full_bytes, buffer: Vec::new(alloc), blocks: Vec::new(alloc) }
    }

    fn try_push(&mut self, scratch: &Scratch<'_>, record: &[u8]) -> Result<(), FsError> {
        debug_assert_eq!(record.len(), self.record_bytes, "records have one size");
        if self.buffer.len() == self.full_bytes {
            self.blocks.try_reserve(1)?;
            let block = scratch.write(&self.buffer)?;
            // Cannot fail: the capacity was reserved before the write.
            self.blocks.try_push(block)?;
            self.buffer.clear();
        }
        if self.buffer.capacity() == 0 {
            self.buffer.try_reserve_exact(self.full_bytes)?;
        }
        Ok(self.buffer.try_extend_from_slice(record)?)
    }

    /// Visits the records in the order of insertion.
    pub(super) fn read<E: From<FsError>>(
        &self,
        scratch: &Scratch<'_>,
        mut visit: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut block = Vec::new(self.blocks.alloc());
        if !self.blocks.is_empty() {
            block.try_resize_zeroed(self.full_bytes).map_err(FsError::from)?;
        }
        for number in &self.blocks {
            scratch.read(*number, &mut block)?;
            block.chunks_exact(self.record_bytes).try_for_each(&mut visit)?;
        }
        self.buffer.chunks_exact(self.record_bytes).try_for_each(visit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gitmind_memory::System;
    use gitmind_ports::fs::FakeFileSystem;

    #[test]
    fn records_are_read_in_the_order_of_insertion_for_any_block_size() {
        let (fs, system) = (FakeFileSystem::new(), System::new());
        let alloc = Alloc::new(&system);
        for cap_bytes in [0, 1 << 20, 1 << 30] {
            let scratch = Scratch::create(&fs, alloc, cap_bytes).expect("a fake has room");
            let mut shards = Shards::new(alloc, 24, &scratch).expect("there is memory");
            let record = |number: u32| {
                let mut record = [7; 24];
                record[..4].copy_from_slice(&number.to_le_bytes());
                record
            };
            for number in 0..3000_u32 {
                let shard = if number.is_multiple_of(3) { 255 } else { 0 };
                shards.try_push(&scratch, shard, &record(number)).expect("a fake has room");
            }
            for (shard, expected) in [(0, 2000), (255, 1000), (1, 0)] {
                let mut numbers = vec![];
                let read = shards.get(shard).read(&scratch, |found| {
                    numbers.push(u32::from_le_bytes(found[..4].try_into().expect("four bytes")));
                    assert_eq!(found, record(*numbers.last().expect("one was pushed")));
                    Ok::<_, FsError>(())
                });
                read.expect("it was written");
                let is_here =
                    |number: &u32| number.is_multiple_of(3) == (shard == 255) && shard != 1;
                assert!(numbers.iter().copied().eq((0..3000).filter(is_here)));
                assert_eq!(numbers.len(), expected);
            }
        }
    }
}
