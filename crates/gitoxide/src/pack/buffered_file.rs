//! A temporary file with a write buffer from the operation's allocator.

use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

use tempfile::NamedTempFile;

use gitmind_git::Error;
use gitmind_memory::{Alloc, Vec};
use gitmind_system::owned_file::create_named;

/// Capacity of the write buffer in bytes.
pub(super) const BUFFER_BYTES: usize = 256 * 1024;

/// A temporary file that is removed on drop, unless it is persisted.
#[derive(Debug)]
pub(super) struct BufferedFile<'a> {
    file: NamedTempFile,
    buffer: Vec<'a, u8>,
}

impl<'a> BufferedFile<'a> {
    /// Makes an empty file in `directory` whose name begins with `prefix`.
    pub(super) fn create(directory: &Path, prefix: &str, alloc: Alloc<'a>) -> Result<Self, Error> {
        let buffer = Vec::try_with_capacity(BUFFER_BYTES, alloc)?;
        let file = create_named(directory, prefix);
        let file = file.map_err(Error::io("create a temporary file in", directory))?;
        Ok(Self { file, buffer })
    }

    /// Overwrites the content at `offset` with `bytes`.
    pub(super) fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.flush()?;
        self.file.as_file().write_all_at(bytes, offset)
    }

    /// Calls `visit` with the content from the start, in pieces of at most the size of `buffer`.
    pub(super) fn read(
        &mut self,
        buffer: &mut [u8],
        mut visit: impl FnMut(&[u8]),
    ) -> io::Result<()> {
        debug_assert!(!buffer.is_empty(), "the buffer holds at least one byte");
        self.flush()?;
        let mut offset = 0;
        loop {
            match self.file.as_file().read_at(buffer, offset)? {
                0 => return Ok(()),
                read => {
                    visit(&buffer[..read]);
                    offset += read as u64;
                }
            }
        }
    }

    /// Flushes the buffer and returns the file.
    pub(super) fn into_file(mut self) -> io::Result<NamedTempFile> {
        self.flush()?;
        Ok(self.file)
    }
}

impl Write for BufferedFile<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes).map(|()| bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.len() > self.buffer.capacity() - self.buffer.len() {
            self.flush()?;
        }
        if bytes.len() > self.buffer.capacity() {
            return self.file.write_all(bytes);
        }
        // This does not allocate: the bytes fit the capacity.
        Ok(self.buffer.try_extend_from_slice(bytes)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.write_all(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gitmind_memory::System;

    #[test]
    fn the_file_contains_all_bytes_written_in_pieces_of_any_size() {
        let system = System::new();
        let directory = std::env::temp_dir();
        let mut file = BufferedFile::create(&directory, "gm-buffered-", Alloc::new(&system))
            .expect("writable");
        let mut expected = vec![];
        for len in [0, 1, 1000, BUFFER_BYTES, BUFFER_BYTES - 1, BUFFER_BYTES + 1, 2, 300_000] {
            let piece: std::vec::Vec<u8> = (0..=250).cycle().skip(len % 7).take(len).collect();
            file.write_all(&piece).expect("there is room on the disk");
            expected.extend(piece);
        }
        file.write_at(b"new", 5).expect("there is room on the disk");
        expected[5..8].copy_from_slice(b"new");
        let (mut buffer, mut read) = ([0; 1000], vec![]);
        file.read(&mut buffer, |piece| read.extend_from_slice(piece)).expect("readable");
        assert!(read == expected);
        let file = file.into_file().expect("there is room on the disk");
        assert!(std::fs::read(file.path()).expect("readable") == expected);
    }
}
