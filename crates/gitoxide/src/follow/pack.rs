//! A memory-mapped pack and its index.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use gix_object::Kind;
use gix_pack::data;
use gix_pack::data::entry::Header;

use super::index::PackIndex;
use gitmind_git::oid::Oid;
use gitmind_system::mapped::Mapped;

/// Most bases that are followed to find the kind of a delta's result; git writes chains of at most
/// 50.
pub(super) const CHAIN_MAX: usize = 64;
const SHA1: gix_hash::Kind = gix_hash::Kind::Sha1;

/// An open pack.
pub(in super::super) struct Pack {
    /// A number that no other open pack of the process has.
    pub(super) number: u64,
    pub(super) index: PackIndex,
    data: data::File<Mapped>,
    data_bytes: Mapped,
}

impl Pack {
    /// Opens the pack at `path` with its index.
    pub(super) fn open(path: PathBuf, index: PackIndex) -> Option<Self> {
        let data_bytes = Mapped::open(&path).ok()?;
        let data = data::File::from_data(data_bytes.clone(), path, SHA1).ok()?;
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Some(Self { number, index, data, data_bytes })
    }

    pub(super) fn path(&self) -> &Path {
        self.data.path()
    }

    /// The bytes of entries from `offset` to the checksum at the end.
    pub(super) fn bytes_from(&self, offset: u64) -> &[u8] {
        let end = self.data_bytes.len().saturating_sub(SHA1.len_in_bytes());
        let start = usize::try_from(offset).map_or(end, |start| start.min(end));
        &self.data_bytes[start..end]
    }

    /// Releases the resident pages of the pack in `range`, which are hardly needed again.
    pub(super) fn release(&self, range: Range<u64>) {
        self.data_bytes.release(range);
    }

    /// Releases all resident pages of the pack and its index.
    pub(super) fn release_all(&self) {
        self.data_bytes.release(0..u64::MAX);
        self.index.release();
    }

    /// The entry at `offset`, if it is a commit or a delta whose result is one.
    pub(super) fn commit_entry(&self, offset: u64) -> Option<data::Entry> {
        let (entry, kind) = self.entry(offset)?;
        (kind == Kind::Commit).then_some(entry)
    }

    /// The entry at `offset`, and the kind of its object.
    pub(super) fn entry(&self, offset: u64) -> Option<(data::Entry, Kind)> {
        let first = self.data.entry(offset).ok()?;
        if let Some(kind) = first.header.as_kind() {
            return Some((first, kind));
        }
        let mut base = self.base(&first)?;
        for _ in 1..CHAIN_MAX {
            match base.header.as_kind() {
                Some(kind) => return Some((first, kind)),
                None => base = self.base(&base)?,
            }
        }
        None
    }

    /// The entry of the base of the delta `entry`.
    pub(super) fn base(&self, entry: &data::Entry) -> Option<data::Entry> {
        let offset = match &entry.header {
            Header::OfsDelta { base_distance } => entry.checked_base_pack_offset(*base_distance),
            Header::RefDelta { base_id } => {
                self.index.find(Oid::new(base_id.as_bytes().try_into().ok()?))
            }
            Header::Commit | Header::Tree | Header::Blob | Header::Tag => None,
        };
        self.data.entry(offset?).ok()
    }
}
