//! Reading loose objects: files that hold a zlib stream of `KIND SIZE`, a NUL and the content
//! (`git help gitrepository-layout`).

use std::cell::OnceCell;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;

use super::decode::{Scratch, kind_of};
use super::inflate::Inflater;
use crate::loose;
use gitmind_git::ObjectKind;
use gitmind_git::oid::Oid;
use gitmind_memory::{MemoryError, Vec};
use gitmind_system::calls;
use gitmind_system::owned_file::open_directory;

/// Most bytes of a file and of its content in a walk; a journal commit has less than 100 KiB.
const COMMIT_BYTES_MAX: usize = 256 << 10;
/// First size of the content buffer in bytes, which suffices for nearly every commit.
const CONTENT_BYTES: usize = 2 << 10;

/// What is wrong with a copy of an object.
#[derive(Debug)]
pub(in super::super) struct Problem {
    pub(in super::super) path: PathBuf,
    pub(in super::super) reason: String,
    /// Whether a system call failed, so that the copy itself may be sound.
    pub(in super::super) is_of_system: bool,
}

impl Problem {
    pub(in super::super) fn damaged(path: &Path) -> Self {
        Self { path: path.into(), reason: "it is damaged".into(), is_of_system: false }
    }

    fn too_large(path: &Path, bytes_max: usize) -> Self {
        let reason = format!("it has more than the limit of {bytes_max} bytes");
        Self { path: path.into(), reason, is_of_system: false }
    }

    pub(in super::super) fn other_content(path: &Path) -> Self {
        let reason = "its content does not match its id".into();
        Self { path: path.into(), reason, is_of_system: false }
    }

    pub(super) fn of_system(path: &Path, errno: Errno) -> Self {
        Self { path: path.into(), reason: errno.to_string(), is_of_system: true }
    }
}

/// The loose objects of the object directories, which are opened when one is first read.
pub(in super::super) struct Loose {
    paths: std::vec::Vec<PathBuf>,
    directories: OnceCell<std::vec::Vec<Option<OwnedFd>>>,
}

impl Loose {
    pub(in super::super) const fn new(paths: std::vec::Vec<PathBuf>) -> Self {
        Self { paths, directories: OnceCell::new() }
    }

    /// The path of the object `id` in the directory with this number.
    pub(in super::super) fn path(&self, directory: usize, id: Oid) -> PathBuf {
        let name = loose::name(id);
        self.paths[directory].join(str::from_utf8(&name).expect("this holds because it is ASCII"))
    }

    /// Reads the commit `id` into `bytes`; `false` when there is no such file or it is unusual. The
    /// caller then reads the object through the object database, which reports the error.
    ///
    /// # Errors
    /// [`MemoryError`] when an allocation fails.
    pub(super) fn commit(
        &self,
        id: Oid,
        inflater: &mut Inflater,
        scratch: &mut Scratch<'_>,
        bytes: &mut Vec<'_, u8>,
    ) -> Result<bool, MemoryError> {
        for directory in 0..self.paths.len() {
            let read = self.read(directory, id, COMMIT_BYTES_MAX, inflater, scratch, bytes)?;
            if let Some(read) = read {
                return Ok(matches!(read, Ok(ObjectKind::Commit)));
            }
        }
        Ok(false)
    }

    /// Reads the object `id` of the directory with this number into `bytes`, if its file and its
    /// content have at most `bytes_max` bytes; `None` when there is no file.
    ///
    /// # Errors
    /// [`MemoryError`] when an allocation fails.
    pub(in super::super) fn read(
        &self,
        directory: usize,
        id: Oid,
        bytes_max: usize,
        inflater: &mut Inflater,
        Scratch { input, .. }: &mut Scratch<'_>,
        bytes: &mut Vec<'_, u8>,
    ) -> Result<Option<Result<ObjectKind, Problem>>, MemoryError> {
        let failed = |errno| Ok(Some(Err(Problem::of_system(&self.path(directory, id), errno))));
        let damaged = || Ok(Some(Err(Problem::damaged(&self.path(directory, id)))));
        match self.load(directory, id, bytes_max, input)? {
            Ok(true) => {}
            Ok(false) => return damaged(),
            Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
            Err(errno) => return failed(errno),
        }
        bytes.clear();
        let mut stream = inflater.stream(input);
        if !stream.fill(CONTENT_BYTES, 0, bytes)? {
            return damaged();
        }
        let Some((kind, header, size)) = parse_header(bytes) else { return damaged() };
        if size > bytes_max {
            let problem = Problem::too_large(&self.path(directory, id), bytes_max);
            return Ok(Some(Err(problem)));
        }
        if !stream.finish(header.saturating_add(size), 0, bytes)? {
            return damaged();
        }
        bytes.copy_within(header.., 0);
        bytes.truncate(size);
        Ok(Some(Ok(kind)))
    }

    /// Reads the file of the object `id` into `packed`; `false` when it is no file, is too long or
    /// is shorter than the system says.
    fn load(
        &self,
        directory: usize,
        id: Oid,
        bytes_max: usize,
        packed: &mut Vec<'_, u8>,
    ) -> Result<Result<bool, Errno>, MemoryError> {
        let directories = self.directories.get_or_init(|| {
            let open = |path: &PathBuf| open_directory(CWD, path.as_path(), OFlags::empty()).ok();
            self.paths.iter().map(open).collect()
        });
        let Some(directory) = &directories[directory] else { return Ok(Err(Errno::NOENT)) };
        let name = loose::name(id);
        let flags = OFlags::RDONLY | OFlags::NONBLOCK;
        let file = match calls::openat(directory.as_fd(), &name[..], flags, Mode::empty()) {
            Ok(file) => std::fs::File::from(file),
            Err(errno) => return Ok(Err(errno)),
        };
        let found = file.metadata().ok().filter(std::fs::Metadata::is_file);
        let len = found.and_then(|found| usize::try_from(found.len()).ok());
        let Some(len) = len.filter(|len| *len <= bytes_max) else { return Ok(Ok(false)) };
        packed.try_resize_zeroed(len)?;
        Ok(match (&file).read_exact(packed) {
            Ok(()) => Ok(true),
            Err(error) => {
                error.raw_os_error().map_or(Ok(false), |errno| Err(Errno::from_raw_os_error(errno)))
            }
        })
    }
}

/// The kind of an object, the offset of its content and the claimed length, both in bytes.
fn parse_header(start: &[u8]) -> Option<(ObjectKind, usize, usize)> {
    let end = memchr::memchr(b' ', &start[..start.len().min(8)])?;
    let kind = gix_object::Kind::from_bytes(&start[..end]).ok().map(kind_of)?;
    let digits = &start[end + 1..];
    let len = memchr::memchr(0, &digits[..digits.len().min(20)])?;
    let size = str::from_utf8(&digits[..len]).ok()?.parse().ok()?;
    Some((kind, end + 1 + len + 1, size))
}

#[cfg(test)]
mod tests {
    use super::*;
    use gitmind_git::{ObjectHeader, encode_stored};
    use gitmind_memory::{Alloc, System};

    /// Reads a file with this stream; `None` when the reader declines it.
    fn read(stream: &[u8]) -> Option<std::vec::Vec<u8>> {
        let (directory, system) = (tempfile::tempdir().expect("a directory"), System::new());
        std::fs::create_dir(directory.path().join("01")).expect("it is new");
        let id = Oid::new([1; 20]);
        let name = directory.path().join("01").join("01".repeat(19));
        std::fs::write(name, stream).expect("there is room on the disk");
        let loose = Loose::new(vec![directory.path().into()]);
        let alloc = Alloc::new(&system);
        let (mut bytes, mut other) = (Vec::new(alloc), Vec::new(alloc));
        let (inflater, scratch) = (&mut Inflater::default(), &mut Scratch::new(alloc));
        let is_read = loose.commit(id, inflater, scratch, &mut bytes).expect("there is memory");
        let other = loose.commit(Oid::new([2; 20]), inflater, scratch, &mut other);
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
        for len in [0, 1, CONTENT_BYTES - 12, CONTENT_BYTES, 70_000, COMMIT_BYTES_MAX - 100] {
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
        assert_eq!(read(&vec![0x78; COMMIT_BYTES_MAX + 1]), None, "it is too long");
    }
}
