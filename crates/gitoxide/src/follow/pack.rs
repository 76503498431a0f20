//! A memory-mapped pack and its index.

use std::ops::Range;
use std::path::{Path, PathBuf};

use gix_pack::data::entry::Header;
use gix_pack::{data, index};

use gitmind_git::oid::Oid;
use gitmind_system::mapped::Mapped;

/// Most bases that are followed to find the kind of a delta's result; git writes chains of at most
/// 50.
const CHAIN_MAX: usize = 64;

/// An open pack.
pub(super) struct Pack {
    pub(super) index: index::File<Mapped>,
    pub(super) data: data::File<Mapped>,
    index_bytes: Mapped,
    data_bytes: Mapped,
}

impl Pack {
    /// Opens the packs in the directory `objects`. A pack that cannot be opened is skipped: its
    /// objects are read through the object database. Deltas may use `delta_bytes_max` bytes.
    pub(super) fn open_all(objects: &Path, delta_bytes_max: usize) -> Vec<Self> {
        let Ok(files) = std::fs::read_dir(objects.join("pack")) else { return Vec::new() };
        let mut indices: Vec<PathBuf> = files.flatten().map(|file| file.path()).collect();
        indices.retain(|path| path.extension().is_some_and(|extension| extension == "idx"));
        // Sorted by age, the newest last, because lookups start with the last pack.
        indices.sort_by_cached_key(|path| path.metadata().and_then(|file| file.modified()).ok());
        indices.iter().filter_map(|path| Self::open(path, delta_bytes_max)).collect()
    }

    fn open(index: &Path, delta_bytes_max: usize) -> Option<Self> {
        let (path, hash) = (index.with_extension("pack"), gix_hash::Kind::Sha1);
        let data_bytes = Mapped::open(&path).ok()?;
        let data = data::File::from_data(data_bytes.clone(), path, hash).ok()?;
        let data = data.with_alloc_limit_bytes(Some(delta_bytes_max));
        let index_bytes = Mapped::open(index).ok()?;
        let index = index::File::from_data(index_bytes.clone(), index.into(), hash).ok()?;
        Some(Self { index, data, index_bytes, data_bytes })
    }

    /// Releases the resident pages of the pack in `range`, which are hardly needed again.
    pub(super) fn release(&self, range: Range<u64>) {
        self.data_bytes.release(range);
    }

    /// Releases all resident pages of the pack and its index.
    pub(super) fn release_all(&self) {
        self.data_bytes.release(0..u64::MAX);
        self.index_bytes.release(0..u64::MAX);
    }

    /// The offset of the object `id` in the pack, in bytes.
    pub(super) fn find(&self, id: Oid) -> Option<u64> {
        let name = gix_hash::ObjectId::Sha1(*id.as_bytes());
        self.index.lookup(name).map(|index| self.index.pack_offset_at_index(index))
    }

    /// The id of the object at position `index` of the index, which is below the object count.
    pub(super) fn id(&self, index: u32) -> Oid {
        let bytes = self.index.oid_at_index(index).as_bytes();
        Oid::new(bytes.try_into().expect("it fits because the index was opened as one of SHA-1"))
    }

    /// The entry at `offset`, if it is a commit or a delta whose result is one.
    pub(super) fn commit_entry(&self, offset: u64) -> Option<data::Entry> {
        let first = self.data.entry(offset).ok()?;
        let mut kind = first.header;
        let mut entry = first.clone();
        for _ in 0..CHAIN_MAX {
            let base = match kind {
                Header::Commit => return Some(first),
                Header::Tree | Header::Blob | Header::Tag => return None,
                Header::OfsDelta { base_distance } => entry.checked_base_pack_offset(base_distance),
                Header::RefDelta { base_id } => self.find_name(&base_id),
            };
            entry = self.data.entry(base?).ok()?;
            kind = entry.header;
        }
        None
    }

    fn find_name(&self, name: &gix_hash::oid) -> Option<u64> {
        self.index.lookup(name).map(|index| self.index.pack_offset_at_index(index))
    }

    /// The base entry of a delta that names its base by id.
    pub(super) fn base(&self, name: &gix_hash::oid) -> Option<data::Entry> {
        self.data.entry(self.find_name(name)?).ok()
    }
}
