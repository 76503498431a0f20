//! The ids of visited commits, for the commit index: in memory up to a limit, the rest on disk.

use super::spill::Scratch;
use core::cell::RefCell;
use gitmind_git::oid::Oid;
use gitmind_journal::{CommitIdList, WalkError};
use gitmind_memory::{Alloc, Column, Vec};
use gitmind_ports::fs::{FileSystem, FsError};

/// Ids in memory may use 1/128 of the arena's cap.
const CAP_SHARE: u64 = 128;

/// Commit ids by visit number.
#[derive(Debug)]
pub(super) struct CommitIds<'a> {
    /// The ids that are not on disk: those with the highest visit numbers.
    in_memory: Column<'a, Oid>,
    /// Largest number of ids in memory.
    in_memory_max: usize,
    cap_bytes: u64,
    disk: Option<&'a dyn FileSystem>,
    spilled: Option<Spilled<'a>>,
}

/// Full blocks of ids on disk.
#[derive(Debug)]
struct Spilled<'a> {
    scratch: Scratch<'a>,
    ids_per_block: usize,
    blocks: usize,
    /// A cache of the block that was read last, with its number.
    cached: RefCell<(Option<usize>, Vec<'a, u8>)>,
}

impl<'a> CommitIds<'a> {
    /// An empty list. Without a disk, all ids stay in memory.
    pub(super) fn new(alloc: Alloc<'a>, cap_bytes: u64, disk: Option<&'a dyn FileSystem>) -> Self {
        let in_memory_max = usize::try_from(cap_bytes / CAP_SHARE).unwrap_or(usize::MAX) / Oid::LEN;
        Self { in_memory: Column::new(alloc), in_memory_max, cap_bytes, disk, spilled: None }
    }

    /// Moves all full blocks to disk.
    fn spill(&mut self, disk: &'a dyn FileSystem) -> Result<(), FsError> {
        let alloc = self.in_memory.alloc();
        let spilled = match &mut self.spilled {
            Some(spilled) => spilled,
            unset => unset.insert(Spilled::begin(disk, alloc, self.cap_bytes)?),
        };
        let full = self.in_memory.len() / spilled.ids_per_block * spilled.ids_per_block;
        let ids = self.in_memory.view();
        for start in (0..full).step_by(spilled.ids_per_block) {
            spilled.write(ids.range(start..start + spilled.ids_per_block))?;
        }
        let mut rest = Column::new(alloc);
        ids.range(full..ids.len()).try_for_each(|id| rest.try_push(*id))?;
        self.in_memory = rest;
        self.in_memory_max = spilled.ids_per_block;
        Ok(())
    }
}

impl CommitIdList for CommitIds<'_> {
    fn try_push(&mut self, id: Oid) -> Result<(), WalkError> {
        if let Some(disk) = self.disk.filter(|_| self.in_memory.len() >= self.in_memory_max) {
            self.spill(disk)?;
        }
        Ok(self.in_memory.try_push(id)?)
    }

    fn len(&self) -> usize {
        let spilled = self.spilled.as_ref();
        self.in_memory.len() + spilled.map_or(0, |spilled| spilled.blocks * spilled.ids_per_block)
    }

    fn get(&self, index: usize) -> Result<Oid, WalkError> {
        match &self.spilled {
            Some(spilled) if index < spilled.blocks * spilled.ids_per_block => {
                Ok(spilled.get(index)?)
            }
            _ => Ok(self.in_memory[index - (self.len() - self.in_memory.len())]),
        }
    }
}

impl<'a> Spilled<'a> {
    fn begin(disk: &'a dyn FileSystem, alloc: Alloc<'a>, cap_bytes: u64) -> Result<Self, FsError> {
        let scratch = Scratch::create(disk, alloc, cap_bytes)?;
        let ids_per_block = scratch.block_bytes() / Oid::LEN;
        let cached = RefCell::new((None, Vec::new(alloc)));
        Ok(Self { scratch, ids_per_block, blocks: 0, cached })
    }

    fn write<'i>(&mut self, ids: impl Iterator<Item = &'i Oid>) -> Result<(), FsError> {
        let (block, bytes) = self.cached.get_mut();
        *block = None;
        bytes.clear();
        for id in ids {
            bytes.try_extend_from_slice(id.as_bytes())?;
        }
        self.scratch.write(bytes)?;
        self.blocks += 1;
        Ok(())
    }

    fn get(&self, index: usize) -> Result<Oid, FsError> {
        let (wanted, offset) = (index / self.ids_per_block, index % self.ids_per_block);
        let (block, bytes) = &mut *self.cached.borrow_mut();
        if *block != Some(wanted) {
            *block = None;
            bytes.try_resize_zeroed(self.ids_per_block * Oid::LEN)?;
            let number = u32::try_from(wanted).expect("it fits because a block was written");
            self.scratch.read(number, bytes)?;
            *block = Some(wanted);
        }
        let mut id = [0; Oid::LEN];
        id.copy_from_slice(&bytes[offset * Oid::LEN..][..Oid::LEN]);
        Ok(Oid::new(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gitmind_memory::System;
    use gitmind_ports::fs::FakeFileSystem;

    fn id(number: u32) -> Oid {
        let mut bytes = [9; Oid::LEN];
        bytes[..4].copy_from_slice(&number.to_le_bytes());
        Oid::new(bytes)
    }

    #[test]
    fn an_id_is_found_by_visit_number_in_memory_and_on_disk() {
        let (disk, system) = (FakeFileSystem::new(), System::new());
        let disk: &dyn FileSystem = &disk;
        for (cap_bytes, disk) in [(0, Some(disk)), (1 << 20, Some(disk)), (1 << 20, None)] {
            let mut ids = CommitIds::new(Alloc::new(&system), cap_bytes, disk);
            for count in 0..3000_u32 {
                assert_eq!(ids.len(), count as usize);
                ids.try_push(id(count)).expect("a fake has room");
                let middle = count / 2;
                assert_eq!(ids.get(middle as usize).expect("it was pushed"), id(middle));
            }
            assert_eq!(ids.spilled.is_some(), disk.is_some());
            for number in (0..3000).rev().chain([0, 2999, 1]) {
                assert_eq!(ids.get(number as usize).expect("it was pushed"), id(number));
            }
        }
    }
}
