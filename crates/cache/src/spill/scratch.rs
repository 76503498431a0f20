//! A scratch file of fixed-size blocks.

use core::cell::Cell;
use gitmind_memory::Alloc;
use gitmind_memory::units::Bytes;
use gitmind_ports::fs::{BoxedScratch, FileSystem, FsError, SafeName, TempDir};

/// A block has 1/8192 of the cap, so that the 512 blocks of all shards in both directions have 1/16
/// of it.
const CAP_SHARE: u64 = 8192;
/// Upper bound of a block: larger writes are not faster.
const BLOCK_BYTES_MAX: u64 = 16 << 10;
/// Lower bound of a block: smaller reads and writes are too many.
const BLOCK_BYTES_MIN: u64 = 1 << 10;

/// Blocks on disk, each of which is written once.
#[derive(Debug)]
pub(crate) struct Scratch<'a> {
    file: BoxedScratch<'a>,
    block_bytes: usize,
    blocks: Cell<u32>,
    /// Removes the file on drop; declared after `file`, which is closed first.
    _directory: TempDir<'a>,
}

impl<'a> Scratch<'a> {
    /// Creates an empty file in a temporary directory of `disk`.
    pub(crate) fn create(
        disk: &'a dyn FileSystem,
        alloc: Alloc<'a>,
        cap_bytes: u64,
    ) -> Result<Self, FsError> {
        let name = |text| SafeName::new(text).expect("this holds because it is a plain word");
        let directory = TempDir::create(disk, &name("rebuild"), &name("spill"), alloc)?;
        let file = directory.scratch(&name("edges"))?;
        let block_bytes = (cap_bytes / CAP_SHARE).clamp(BLOCK_BYTES_MIN, BLOCK_BYTES_MAX);
        let block_bytes = usize::try_from(block_bytes).expect("it fits because it is small");
        Ok(Self { file, block_bytes, blocks: Cell::new(0), _directory: directory })
    }

    /// The size of a block in bytes.
    pub(crate) const fn block_bytes(&self) -> usize {
        self.block_bytes
    }

    /// Writes a block; returns its number.
    pub(crate) fn write(&self, block: &[u8]) -> Result<u32, FsError> {
        debug_assert!(block.len() <= self.block_bytes, "a block does not exceed its size");
        let number = self.blocks.get();
        self.file.write_at(block, self.offset(number))?;
        self.blocks.set(number + 1);
        Ok(number)
    }

    /// Reads the first bytes of block `number`.
    pub(crate) fn read(&self, number: u32, block: &mut [u8]) -> Result<(), FsError> {
        self.file.read_at(block, self.offset(number))
    }

    /// The size of all blocks.
    pub(crate) fn bytes(&self) -> Bytes {
        Bytes::new(self.offset(self.blocks.get()))
    }

    fn offset(&self, number: u32) -> u64 {
        u64::from(number) * self.block_bytes as u64
    }
}
