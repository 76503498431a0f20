//! The names of a journal's commits: in memory while they are few, the others on disk.

use super::spill::Scratch;
use core::cell::RefCell;
use gitmind_git::oid::Oid;
use gitmind_journal::{CommitNames, WalkError};
use gitmind_memory::{Alloc, Vec};
use gitmind_ports::fs::{FileSystem, FsError};

/// The share of the cap, one in this many, that names may take.
const CAP_SHARE: u64 = 64;

/// Names by visit number.
#[derive(Debug)]
pub(super) struct Names<'a> {
    /// The names that are not on disk: all of them, or the newest.
    kept: Vec<'a, Oid>,
    kept_max: usize,
    cap_bytes: u64,
    disk: Option<&'a dyn FileSystem>,
    spilled: Option<Spilled<'a>>,
}

/// Full blocks of names on disk.
#[derive(Debug)]
struct Spilled<'a> {
    scratch: Scratch<'a>,
    names_per_block: usize,
    blocks: usize,
    /// The block that was read last, and its number.
    read: RefCell<(Option<usize>, Vec<'a, u8>)>,
}

impl<'a> Names<'a> {
    /// No names yet. Without a disk, all of them stay in memory.
    pub(super) fn new(alloc: Alloc<'a>, cap_bytes: u64, disk: Option<&'a dyn FileSystem>) -> Self {
        let kept_max = usize::try_from(cap_bytes / CAP_SHARE).unwrap_or(usize::MAX) / Oid::LEN;
        Self { kept: Vec::new(alloc), kept_max, cap_bytes, disk, spilled: None }
    }

    /// Moves all full blocks to the disk.
    fn spill(&mut self, disk: &'a dyn FileSystem) -> Result<(), FsError> {
        let alloc = self.kept.alloc();
        let spilled = match &mut self.spilled {
            Some(spilled) => spilled,
            unset => unset.insert(Spilled::begin(disk, alloc, self.cap_bytes)?),
        };
        let full = self.kept.len() / spilled.names_per_block * spilled.names_per_block;
        for names in self.kept[..full].chunks_exact(spilled.names_per_block) {
            spilled.write(names)?;
        }
        let mut left = Vec::try_with_capacity(spilled.names_per_block, alloc)?;
        left.try_extend_from_slice(&self.kept[full..])?;
        self.kept = left;
        self.kept_max = spilled.names_per_block;
        Ok(())
    }
}

impl CommitNames for Names<'_> {
    fn try_push(&mut self, name: Oid) -> Result<(), WalkError> {
        if let Some(disk) = self.disk.filter(|_| self.kept.len() >= self.kept_max) {
            self.spill(disk)?;
        }
        Ok(self.kept.try_push(name)?)
    }

    fn len(&self) -> usize {
        let spilled = self.spilled.as_ref();
        self.kept.len() + spilled.map_or(0, |spilled| spilled.blocks * spilled.names_per_block)
    }

    fn get(&self, index: usize) -> Result<Oid, WalkError> {
        match &self.spilled {
            Some(spilled) if index < spilled.blocks * spilled.names_per_block => {
                Ok(spilled.get(index)?)
            }
            _ => Ok(self.kept[index - (self.len() - self.kept.len())]),
        }
    }
}

impl<'a> Spilled<'a> {
    fn begin(disk: &'a dyn FileSystem, alloc: Alloc<'a>, cap_bytes: u64) -> Result<Self, FsError> {
        let scratch = Scratch::create(disk, alloc, cap_bytes)?;
        let names_per_block = scratch.block_bytes() / Oid::LEN;
        let read = RefCell::new((None, Vec::new(alloc)));
        Ok(Self { scratch, names_per_block, blocks: 0, read })
    }

    fn write(&mut self, names: &[Oid]) -> Result<(), FsError> {
        let (block, bytes) = self.read.get_mut();
        *block = None;
        bytes.clear();
        for name in names {
            bytes.try_extend_from_slice(name.as_bytes())?;
        }
        self.scratch.write(bytes)?;
        self.blocks += 1;
        Ok(())
    }

    fn get(&self, index: usize) -> Result<Oid, FsError> {
        let (wanted, place) = (index / self.names_per_block, index % self.names_per_block);
        let (block, bytes) = &mut *self.read.borrow_mut();
        if *block != Some(wanted) {
            *block = None;
            bytes.try_resize_zeroed(self.names_per_block * Oid::LEN)?;
            let number = u32::try_from(wanted).expect("it fits because a block was written");
            self.scratch.read(number, bytes)?;
            *block = Some(wanted);
        }
        let mut name = [0; Oid::LEN];
        name.copy_from_slice(&bytes[place * Oid::LEN..][..Oid::LEN]);
        Ok(Oid::new(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gitmind_memory::System;
    use gitmind_ports::fs::FakeFileSystem;

    fn name(number: u32) -> Oid {
        let mut bytes = [9; Oid::LEN];
        bytes[..4].copy_from_slice(&number.to_le_bytes());
        Oid::new(bytes)
    }

    #[test]
    fn names_are_found_by_number_whatever_is_on_disk() {
        let (disk, system) = (FakeFileSystem::new(), System::new());
        let disk: &dyn FileSystem = &disk;
        for (cap_bytes, disk) in [(0, Some(disk)), (1 << 20, Some(disk)), (1 << 20, None)] {
            let mut names = Names::new(Alloc::new(&system), cap_bytes, disk);
            for count in 0..3000_u32 {
                assert_eq!(names.len(), count as usize);
                names.try_push(name(count)).expect("a fake has room");
                let middle = count / 2;
                assert_eq!(names.get(middle as usize).expect("it was pushed"), name(middle));
            }
            assert_eq!(names.spilled.is_some(), disk.is_some());
            for number in (0..3000).rev().chain([0, 2999, 1]) {
                assert_eq!(names.get(number as usize).expect("it was pushed"), name(number));
            }
        }
    }
}
