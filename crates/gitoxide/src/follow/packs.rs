//! The packs of a repository, and finding an object in them.

use std::path::Path;
use std::sync::OnceLock;

use super::decode::DELTA_BYTES_MAX;
use super::pack::Pack;
use gitmind_git::oid::Oid;

/// The packs of a repository, which are opened when a journal is first followed.
#[derive(Default)]
pub(in super::super) struct Packs(OnceLock<std::vec::Vec<Pack>>);

impl std::fmt::Debug for Packs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Packs").finish_non_exhaustive()
    }
}

impl Packs {
    pub(super) fn get<'p>(&'p self, directories: impl Iterator<Item = &'p Path>) -> &'p [Pack] {
        let open = |directory| Pack::open_all(directory, DELTA_BYTES_MAX);
        self.0.get_or_init(|| directories.flat_map(open).collect())
    }
}

/// The position of an object in the packs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct PackPosition {
    /// The number of its pack.
    pub(super) pack: usize,
    /// Its offset in the pack, in bytes.
    pub(super) offset: u64,
}

/// Finds objects; starts with the pack in which the last one was found.
#[derive(Clone, Copy)]
pub(super) struct Finder<'p> {
    pub(super) packs: &'p [Pack],
    latest: usize,
}

impl<'p> Finder<'p> {
    pub(super) const fn new(packs: &'p [Pack]) -> Self {
        Self { packs, latest: packs.len() }
    }

    /// The pack of the last object that was found, and its number.
    pub(super) fn latest(&self) -> Option<(usize, &'p Pack)> {
        Some((self.latest, self.packs.get(self.latest)?))
    }

    /// The position of the object `id`; `None` when it is in no pack.
    pub(super) fn find(&mut self, id: Oid) -> Option<PackPosition> {
        let others = (0..self.packs.len()).rev().filter(|pack| *pack != self.latest);
        let first = Some(self.latest).filter(|pack| *pack < self.packs.len());
        let position = first.into_iter().chain(others).find_map(|pack| {
            self.packs[pack].find(id).map(|offset| PackPosition { pack, offset })
        })?;
        self.latest = position.pack;
        Some(position)
    }
}

/// Most bytes of a pack between two neighbours; mostly those of other commits.
const GAP_BYTES_MAX: u64 = 16 << 10;

/// Counts how often the next commit of a chain is its predecessor's neighbour in the pack.
#[derive(Default)]
pub(super) struct Locality {
    /// The pack and the end offset of the last commit.
    last: Option<PackPosition>,
    /// Consecutive neighbours.
    pub(super) near: u32,
    /// Commits that were not neighbours since the last reset.
    pub(super) far: u32,
}

impl Locality {
    /// Counts the next commit, which starts at `position` and ends at the offset `end`.
    pub(super) fn note(&mut self, position: PackPosition, end: u64) {
        let last = self.last.filter(|last| last.pack == position.pack);
        let gap = last.and_then(|last| position.offset.checked_sub(last.offset));
        if gap.is_some_and(|gap| gap <= GAP_BYTES_MAX) {
            self.near += 1;
        } else {
            self.near = 0;
            self.far += 1;
        }
        self.last = Some(PackPosition { offset: end, ..position });
    }
}
