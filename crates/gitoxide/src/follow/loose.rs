//! Reading loose commits: files that hold a zlib stream of `commit SIZE`, a NUL and the content
//! (`git help gitrepository-layout`).

use std::io::Read;
use std::path::Path;

use gix_zlib::{Inflate, Status};
use rustix::fs::{Mode, OFlags};

use crate::loose;
use gitmind_git::oid::Oid;
use gitmind_memory::{Alloc, MemoryError, Vec};

/// Most bytes of a file and of its content; a journal commit has less than 100 KiB.
const BYTES_MAX: usize = 256 << 10;
/// First size of the content buffer in bytes, which suffices for nearly every commit.
const CONTENT_BYTES: usize = 2 << 10;

/// The loose objects of one directory.
pub(super) struct Loose<'a> {
    directory: Option<rustix::fd::OwnedFd>,
    /// The compressed bytes of the file that is being read.
    packed: Vec<'a, u8>,
}

impl<'a> Loose<'a> {
    /// The loose objects of the directory `objects`; none if it cannot be opened.
    pub(super) fn open(objects: Option<&Path>, alloc: Alloc<'a>) -> Self {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let open = |path| rustix::fs::open(path, flags, Mode::empty()).ok();
        let directory = objects.and_then(open);
        Self { directory, packed: Vec::new(alloc) }
    }

    /// Reads the commit `id` into `bytes`; `false` when there is no such file or it is malformed.
    /// The caller then reads the object through the object database, which reports the error.
    ///
    /// # Errors
    /// [`MemoryError`] when an allocation fails.
    pub(super) fn commit(
        &mut self,
        id: Oid,
        inflate: &mut Inflate,
        bytes: &mut Vec<'_, u8>,
    ) -> Result<bool, MemoryError> {
        if !self.load(id)? {
            return Ok(false);
        }
        let mut room = CONTENT_BYTES;
        loop {
            bytes.try_resize_zeroed(room)?;
            inflate.reset();
            let Ok((status, _, len)) = inflate.once(&self.packed, bytes) else {
                return Ok(false);
            };
            let Some((header, size)) = parse_header(&bytes[..len]) else { return Ok(false) };
            if status == Status::StreamEnd {
                bytes.copy_within(header..len, 0);
                bytes.truncate(len - header);
                return Ok(bytes.len() == size);
            }
            // One byte more than claimed, to detect content that is longer than its header says.
            let needed = header + size + 1;
            if needed <= room || size > BYTES_MAX {
                return Ok(false);
            }
            room = needed;
        }
    }

    /// Reads the file of the object `id` into the buffer.
    fn load(&mut self, id: Oid) -> Result<bool, MemoryError> {
        let Some(directory) = &self.directory else { return Ok(false) };
        let name = loose::name(id);
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let Ok(file) = rustix::fs::openat(directory, &name[..], flags, Mode::empty()) else {
            return Ok(false);
        };
        let mut file = std::fs::File::from(file);
        let len = file.metadata().ok().and_then(|file| usize::try_from(file.len()).ok());
        let Some(len) = len.filter(|len| *len <= BYTES_MAX) else { return Ok(false) };
        self.packed.try_resize_zeroed(len)?;
        Ok(file.read_exact(&mut self.packed).is_ok())
    }
}

/// The offset of a commit's content and its claimed length, both in bytes.
fn parse_header(start: &[u8]) -> Option<(usize, usize)> {
    let digits = start.strip_prefix(b"commit ")?;
    let len = memchr::memchr(0, &digits[..digits.len().min(20)])?;
    let size = str::from_utf8(&digits[..len]).ok()?.parse().ok()?;
    Some((start.len() - digits.len() + len + 1, size))
}

#[cfg(test)]
mod tests {
    use super::*;
    use gitmind_git::{ObjectHeader, ObjectKind, encode_stored};
    use gitmind_memory::System;

    /// Reads a file with this stream; `None` when the reader declines it.
    fn read(stream: &[u8]) -> Option<std::vec::Vec<u8>> {
        let (directory, system) = (tempfile::tempdir().expect("a directory"), System::new());
        std::fs::create_dir(directory.path().join("01")).expect("it is new");
        let id = Oid::new([1; 20]);
        let name = directory.path().join("01").join("01".repeat(19));
        std::fs::write(name, stream).expect("there is room on the disk");
        let mut loose = Loose::open(Some(directory.path()), Alloc::new(&system));
        let mut bytes = Vec::new(Alloc::new(&system));
        let inflate = &mut Inflate::default();
        let is_read = loose.commit(id, inflate, &mut bytes).expect("there is memory");
        let other = loose.commit(Oid::new([2; 20]), inflate, &mut Vec::new(Alloc::new(&system)));
        assert_eq!(other, Ok(false), "there is no such file");
        is_read.then(|| bytes.to_vec())
    }

    fn stream(parts: &[&[u8]]) -> std::vec::Vec<u8> {
        let system = System::new();
        let mut stream = Vec::new(Alloc::new(&system));
        encode_stored(parts, &mut stream).expect("there is memory");
        stream.to_vec()
    }

    #[test]
    fn commits_of_any_size_read_back_as_written() {
        for len in [0, 1, CONTENT_BYTES - 12, CONTENT_BYTES, 70_000, BYTES_MAX - 100] {
            let content: std::vec::Vec<u8> = (0..=250).cycle().take(len).collect();
            let header = ObjectHeader::new(ObjectKind::Commit, len);
            let stream = stream(&[header.as_bytes(), &content]);
            assert!(read(&stream).is_some_and(|found| found == content), "{len}");
        }
    }

    #[test]
    fn malformed_files_are_left_to_the_object_database() {
        let long = [7; 3 * CONTENT_BYTES];
        for parts in [
            &[b"blob 3\0abc".as_slice()][..],
            &[b"commit 3\0ab"],
            &[b"commit 3\0abcd"],
            &[b"commit 3"],
            &[b"commit 99999999999999999999\0abc"],
            &[b"commit 3000\0", &long],
            &[b"commit 300000\0", &long],
            &[b"commit 4000000000\0", &long],
        ] {
            assert_eq!(read(&stream(parts)), None, "{:?}", str::from_utf8(parts[0]));
        }
        let mut damaged = stream(&[b"commit 3\0abc"]);
        damaged.pop();
        assert_eq!(read(&damaged), None, "it ends early");
        assert_eq!(read(b"no stream"), None);
        assert_eq!(read(&vec![0x78; BYTES_MAX + 1]), None, "it is too long");
    }
}
