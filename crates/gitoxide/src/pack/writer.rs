//! Writing a pack to disk: temporary files that are renamed to a pack and its index, or removed.

use super::buffered_file::{BUFFER_BYTES, BufferedFile};
use super::entries::{Entries, IndexEntry};
use super::index::write_index;
use super::keep::{self, KeepGuard};
use crate::shared_mode::SharedMode;
use gitmind_git::oid::Oid;
use gitmind_git::{Error, Hasher, ObjectKind, PackError, Stored, encode_entry};
use gitmind_memory::units::Bytes;
use gitmind_memory::{Alloc, Vec};
use gitmind_system::calls;
use gitmind_system::owned_file::{ATTEMPTS_MAX, open_directory};
use rustix::fs::{CWD, Mode, OFlags};
use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// Bytes of a pack's header: magic, version, object count.
const HEADER_BYTES: usize = 12;
/// Offset of the object count in the header.
const COUNT_OFFSET: u64 = 8;

/// Writes one pack into a directory of packs.
///
/// The file is invisible to git until [`Self::finish`] renames it: git ignores files whose names
/// start with `tmp_`, and removes them when they are old.
pub struct PackWriter<'a> {
    alloc: Alloc<'a>,
    shared_mode: SharedMode,
    draft: Draft<'a>,
    /// The entry that is being encoded.
    entry: Vec<'a, u8>,
}

/// The part of a pack that has been written.
struct Draft<'a> {
    directory: PathBuf,
    file: BufferedFile<'a>,
    hasher: Hasher,
    offset: u64,
    /// The announced number of objects, if known.
    objects: Option<u32>,
    entries: Entries<'a>,
}

impl fmt::Debug for PackWriter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PackWriter")
            .field("directory", &self.draft.directory)
            .finish_non_exhaustive()
    }
}

impl<'a> PackWriter<'a> {
    /// Starts a pack in `directory`, which is made with the mode `shared_mode` if it is missing,
    /// and removes stale files there. If the number of objects is not known, [`Self::finish`] reads
    /// the pack once more, because its checksum covers the header with that number.
    pub fn start(
        alloc: Alloc<'a>,
        directory: &Path,
        objects: Option<u32>,
        shared_mode: SharedMode,
    ) -> Result<Self, Error> {
        let entries = Entries::new(alloc, objects)?;
        let is_there = shared_mode == SharedMode::Umask || directory.is_dir();
        let made = calls::create_directories(directory).and_then(|()| {
            if is_there { Ok(()) } else { Ok(shared_mode.adjust_directory(directory)?) }
        });
        made.map_err(Error::io("create directory", directory))?;
        keep::sweep(directory);
        let mut draft = Draft {
            directory: directory.into(),
            file: BufferedFile::create(directory, "tmp_gitmind_pack_", alloc)?,
            hasher: Hasher::default(),
            offset: 0,
            objects,
            entries,
        };
        let mut header = [0; HEADER_BYTES];
        header[..8].copy_from_slice(b"PACK\0\0\0\x02");
        header[8..].copy_from_slice(&objects.unwrap_or(0).to_be_bytes());
        draft.write(&header)?;
        Ok(Self { alloc, shared_mode, draft, entry: Vec::new(alloc) })
    }

    /// Adds an object whose pack entry is already encoded.
    pub fn add_entry(&mut self, id: Oid, entry: &[u8]) -> Result<(), Error> {
        self.draft.add(id, entry)
    }

    /// Adds an object whose id is known to be `id`.
    pub fn add(&mut self, kind: ObjectKind, id: Oid, data: &[u8]) -> Result<(), Error> {
        self.entry.clear();
        encode_entry(kind, data, &mut self.entry)?;
        self.draft.add(id, &self.entry)
    }

    /// Checks the number of objects, then makes pack and index durable and visible, the pack first.
    /// The returned guard protects the pack from gc until it is dropped.
    pub fn finish(self) -> Result<(Stored, KeepGuard), Error> {
        let Self { alloc, shared_mode, mut draft, mut entry } = self;
        let objects = draft.entries.count();
        match draft.objects {
            Some(expected) if expected != objects => {
                return Err(PackError::Count { expected, actual: objects }.into());
            }
            Some(_) => {}
            None => draft.count(objects, &mut entry)?,
        }
        let checksum = std::mem::take(&mut draft.hasher).finish()?;
        draft.write(checksum.as_bytes())?;
        let Draft { directory, file, offset: pack_bytes, mut entries, .. } = draft;
        let pack = file.into_file().map_err(Error::io("write a file in", &directory))?;
        sync(&pack, shared_mode)?;
        let index = write_index(entries.sort(), checksum, &directory, alloc)?;
        sync(&index, shared_mode)?;
        let index_bytes = size_bytes(&index, &directory)?;

        let (name, keep) = self::name(&directory, checksum)?;
        let path_of = |extension| path_of(&directory, name, extension);
        persist(pack, &path_of("pack"))?;
        if let Err(error) = persist(index, &path_of("idx")) {
            // Without an index git would neither find its objects nor remove it.
            let _ = fs::remove_file(path_of("pack"));
            return Err(error);
        }
        sync_directory(&directory)?;
        let size = Bytes::new(pack_bytes + index_bytes);
        Ok((Stored { objects, size }, keep))
    }
}

impl Draft<'_> {
    fn add(&mut self, id: Oid, entry: &[u8]) -> Result<(), Error> {
        let expected = self.objects.unwrap_or(u32::MAX);
        if self.entries.count() >= expected {
            return Err(PackError::Count { expected, actual: expected.saturating_add(1) }.into());
        }
        let crc32 = crc32fast::hash(entry);
        self.entries.push(&self.directory, IndexEntry { id, crc32, offset: self.offset })?;
        self.write(entry)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.hasher.update(bytes);
        self.offset += bytes.len() as u64;
        self.file.write_all(bytes).map_err(Error::io("write a pack in", &self.directory))
    }

    /// Writes the number of objects into the header and rehashes the file.
    fn count(&mut self, objects: u32, buffer: &mut Vec<'_, u8>) -> Result<(), Error> {
        let failed = || Error::io("write a pack in", &self.directory);
        buffer.try_resize_zeroed(BUFFER_BYTES)?;
        self.hasher = Hasher::default();
        self.file.write_at(&objects.to_be_bytes(), COUNT_OFFSET).map_err(failed())?;
        self.file.read(buffer, |bytes| self.hasher.update(bytes)).map_err(failed())
    }
}

/// Sets the mode of a finished file and syncs it.
fn sync(file: &NamedTempFile, shared_mode: SharedMode) -> Result<(), Error> {
    let read_only = Mode::from_raw_mode(shared_mode.mode(0o444, false));
    calls::set_mode(file.as_file(), read_only)
        .and_then(|()| calls::sync_pack(file.as_file()))
        .map_err(io::Error::from)
        .map_err(Error::io("sync", file.path()))
}

fn size_bytes(file: &NamedTempFile, directory: &Path) -> Result<u64, Error> {
    let metadata = calls::retried(|| file.as_file().metadata())
        .map_err(Error::io("inspect a file in", directory))?;
    Ok(metadata.len())
}

/// An unused name for a pack, and the pack's `.keep` guard. The name is the pack's checksum, as in
/// current git, or random if that is taken; git does not require any particular name.
///
/// An existing pack of the same name is not reused, even if its content is the same: `git repack`
/// may have listed it for removal before the `.keep` file was made.
fn name(directory: &Path, checksum: Oid) -> Result<(Oid, KeepGuard), Error> {
    let mut name = checksum;
    for _ in 0..ATTEMPTS_MAX {
        let is_taken = || path_of(directory, name, "pack").exists();
        // Checked before the guard is made too: a `git repack` that has already listed an existing
        // pack for removal would leave out its objects if it saw a `.keep` file for a moment.
        if !is_taken()
            && let Some(keep) = KeepGuard::make(directory, path_of(directory, name, "keep"))?
            && !is_taken()
        {
            return Ok((name, keep));
        }
        let mut random = [0; Oid::LEN];
        getrandom::fill(&mut random)
            .map_err(|error| Error::io("name a pack in", directory)(error.into()))?;
        name = Oid::new(random);
    }
    Err(Error::io("name a pack in", directory)(io::ErrorKind::AlreadyExists.into()))
}

fn path_of(directory: &Path, name: Oid, extension: &str) -> PathBuf {
    directory.join(format!("pack-{name}.{extension}"))
}

/// Renames a finished file to its final path.
fn persist(file: NamedTempFile, path: &Path) -> Result<(), Error> {
    match calls::persist(file, path) {
        Ok(_) => Ok(()),
        // `git prune --expire=now` removes temporary files of any age.
        Err(failed) if failed.error.kind() == io::ErrorKind::NotFound => {
            Err(Error::Removed(failed.file.path().into()))
        }
        Err(failed) => Err(Error::io("create", path)(failed.error)),
    }
}

/// Syncs a directory, which makes its entries durable.
fn sync_directory(directory: &Path) -> Result<(), Error> {
    open_directory(CWD, directory, OFlags::empty())
        .and_then(calls::sync_directory)
        .map_err(io::Error::from)
        .map_err(Error::io("sync directory", directory))
}

// inotify is of Linux.
#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use rustix::fs::inotify;
    use std::mem::MaybeUninit;

    /// Regression: an existing pack had a `.keep` file for a moment. A `repack` that had listed the
    /// pack for removal then left out its objects, and removed it.
    #[test]
    fn an_existing_pack_never_gets_a_keep_file() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let directory = directory.path();
        let taken = Oid::new([7; Oid::LEN]);
        fs::write(path_of(directory, taken, "pack"), "of another program").expect("writable");
        let events = inotify::init(inotify::CreateFlags::NONBLOCK).expect("it can be watched");
        let new = inotify::WatchFlags::CREATE | inotify::WatchFlags::MOVED_TO;
        inotify::add_watch(&events, directory, new).expect("it can be watched");

        let (name, keep) = self::name(directory, taken).expect("there are other names");
        assert_ne!(name, taken);
        drop(keep);

        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut events = inotify::Reader::new(&events, &mut buffer);
        let mut seen = std::vec::Vec::new();
        while let Ok(event) = events.next() {
            seen.extend(event.file_name().map(|name| name.to_string_lossy().into_owned()));
        }
        let keeps: std::vec::Vec<_> =
            seen.into_iter().filter(|name| name.starts_with("pack-")).collect();
        assert_eq!(keeps, [format!("pack-{name}.keep")]);
    }
}
