//! A pack on disk: a temporary file that becomes a pack and an index, or nothing.

use super::entries::{Entries, IndexEntry};
use super::index::write_index;
use super::keep::{self, Keep};
use super::spool::{BUFFER_BYTES, Spool};
use crate::sharing::Sharing;
use gitmind_git::oid::Oid;
use gitmind_git::{Error, Hasher, ObjectKind, PackError, Stored, encode_entry};
use gitmind_memory::units::Bytes;
use gitmind_memory::{Alloc, Vec};
use gitmind_system::owned_file::ATTEMPTS_MAX;
use std::fmt;
use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// Bytes of a pack's header: magic, version, object count.
const HEADER_BYTES: usize = 12;
/// Where the count is.
const COUNT_OFFSET: u64 = 8;

/// Writes one pack into a directory of packs.
///
/// The file is invisible to git until [`Self::finish`] names it: git ignores and later removes
/// files that start with `tmp_`.
pub struct PackWriter<'a> {
    alloc: Alloc<'a>,
    sharing: Sharing,
    draft: Draft<'a>,
    /// The entry that is being encoded.
    entry: Vec<'a, u8>,
}

/// What has been written of a pack.
struct Draft<'a> {
    directory: PathBuf,
    file: Spool<'a>,
    hasher: Hasher,
    offset: u64,
    /// How many objects there will be, if that is known.
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
    /// Starts a pack in `directory`, which is made when it is not there, for those who share it.
    /// When the number of objects is not known, the pack is read once more in the end: its header,
    /// which is hashed, has it. What killed processes have left to keep their packs goes.
    pub fn start(
        alloc: Alloc<'a>,
        directory: &Path,
        objects: Option<u32>,
        sharing: Sharing,
    ) -> Result<Self, Error> {
        let entries = Entries::new(alloc, objects)?;
        let is_there = sharing == Sharing::Umask || directory.is_dir();
        let made = fs::create_dir_all(directory).and_then(|()| {
            if is_there { Ok(()) } else { Ok(sharing.adjust_directory(directory)?) }
        });
        made.map_err(Error::io("create directory", directory))?;
        keep::sweep(directory);
        let mut draft = Draft {
            directory: directory.into(),
            file: Spool::create(directory, "tmp_gitmind_pack_", alloc)?,
            hasher: Hasher::default(),
            offset: 0,
            objects,
            entries,
        };
        let mut header = [0; HEADER_BYTES];
        header[..8].copy_from_slice(b"PACK\0\0\0\x02");
        header[8..].copy_from_slice(&objects.unwrap_or(0).to_be_bytes());
        draft.write(&header)?;
        Ok(Self { alloc, sharing, draft, entry: Vec::new(alloc) })
    }

    /// Adds an object whose entry was encoded elsewhere.
    pub fn add_entry(&mut self, id: Oid, entry: &[u8]) -> Result<(), Error> {
        self.draft.add(id, entry)
    }

    /// Adds an object whose name is known to be `id`.
    pub fn add(&mut self, kind: ObjectKind, id: Oid, data: &[u8]) -> Result<(), Error> {
        self.entry.clear();
        encode_entry(kind, data, &mut self.entry)?;
        self.draft.add(id, &self.entry)
    }

    /// Checks the content, then makes it durable and visible: pack first, then index. It is not
    /// collected again while it is kept.
    pub fn finish(self) -> Result<(Stored, Keep), Error> {
        let Self { alloc, sharing, mut draft, mut entry } = self;
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
        let pack = flushed(file, &directory, sharing)?;

        let mut index = Spool::create(&directory, "tmp_gitmind_idx_", alloc)?;
        write_index(entries.sort(), checksum, &mut index, &directory)?;
        let index = flushed(index, &directory, sharing)?;
        let index_bytes = size_bytes(&index, &directory)?;

        let (name, keep) = self::name(&directory, checksum)?;
        let place = |extension| place(&directory, name, extension);
        persist(pack, &place("pack"))?;
        if let Err(error) = persist(index, &place("idx")) {
            // Nobody would find what is in it, and git would not remove it.
            let _ = fs::remove_file(place("pack"));
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

    /// Writes the number of objects into the header and hashes the file anew.
    fn count(&mut self, objects: u32, buffer: &mut Vec<'_, u8>) -> Result<(), Error> {
        let failed = || Error::io("write a pack in", &self.directory);
        buffer.try_resize_zeroed(BUFFER_BYTES)?;
        self.hasher = Hasher::default();
        self.file.write_at(&objects.to_be_bytes(), COUNT_OFFSET).map_err(failed())?;
        self.file.read(buffer, |bytes| self.hasher.update(bytes)).map_err(failed())
    }
}

/// Writes out what is buffered and waits until the disk has it.
fn flushed(file: Spool<'_>, directory: &Path, sharing: Sharing) -> Result<NamedTempFile, Error> {
    let file = file.into_file().map_err(Error::io("write a file in", directory))?;
    let read_only = Permissions::from_mode(sharing.mode(0o444, false));
    file.as_file()
        .set_permissions(read_only)
        .and_then(|()| file.as_file().sync_all())
        .map_err(Error::io("sync", file.path()))?;
    Ok(file)
}

fn size_bytes(file: &NamedTempFile, directory: &Path) -> Result<u64, Error> {
    let metadata = file.as_file().metadata().map_err(Error::io("inspect a file in", directory))?;
    Ok(metadata.len())
}

/// A name that no pack has, and what keeps that pack: its checksum, as git names packs now, or
/// anything (`git help repack` names none, and git once hashed the objects' names).
///
/// A pack that is there is not taken for ours, though it be the same: `git repack` may have listed
/// it for removal before it was kept.
fn name(directory: &Path, checksum: Oid) -> Result<(Oid, Keep), Error> {
    let mut name = checksum;
    for _ in 0..ATTEMPTS_MAX {
        let is_taken = || place(directory, name, "pack").exists();
        // Looked at before as well: a collection that has listed that pack as one that goes would
        // leave out what is in it, if it were kept for a moment.
        if !is_taken()
            && let Some(keep) = Keep::make(directory, place(directory, name, "keep"))?
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

fn place(directory: &Path, name: Oid, extension: &str) -> PathBuf {
    directory.join(format!("pack-{name}.{extension}"))
}

/// Gives a finished file its name.
fn persist(file: NamedTempFile, path: &Path) -> Result<(), Error> {
    match file.persist(path) {
        Ok(_) => Ok(()),
        // `git prune --expire=now` removes what is temporary, however young it is.
        Err(failed) if failed.error.kind() == io::ErrorKind::NotFound => {
            Err(Error::Removed(failed.file.path().into()))
        }
        Err(failed) => Err(Error::io("create", path)(failed.error)),
    }
}

/// Waits until the disk has the directory's entries.
fn sync_directory(directory: &Path) -> Result<(), Error> {
    File::open(directory)
        .and_then(|directory| directory.sync_all())
        .map_err(Error::io("sync directory", directory))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::inotify;
    use std::mem::MaybeUninit;

    /// A pack that was there was kept for a moment: a `repack` that had listed it as one that goes
    /// left out what is in it then, and removed it.
    #[test]
    fn a_pack_that_is_there_is_not_kept_for_a_moment() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let directory = directory.path();
        let taken = Oid::new([7; Oid::LEN]);
        fs::write(place(directory, taken, "pack"), "somebody's").expect("writable");
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
