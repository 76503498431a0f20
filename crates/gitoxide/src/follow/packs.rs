//! The packs of a repository, and in which of them an object is.

use std::path::Path;
use std::sync::OnceLock;

use super::decode::DELTA_BYTES_MAX;
use super::pack::Pack;
use gitmind_git::oid::Oid;

/// The packs of a repository, opened when a journal is first followed.
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

/// Where an object is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// The index of its pack.
    pub(super) pack: usize,
    /// Where it starts there, in bytes.
    pub(super) offset: u64,
}

/// Finds objects, first in the pack where the last one was.
#[derive(Clone, Copy)]
pub(super) struct Finder<'p> {
    pub(super) packs: &'p [Pack],
    newest: usize,
}

impl<'p> Finder<'p> {
    pub(super) const fn new(packs: &'p [Pack]) -> Self {
        Self { packs, newest: packs.len() }
    }

    /// The pack of the last object that was found, and its index.
    pub(super) fn newest(&self) -> Option<(usize, &'p Pack)> {
        Some((self.newest, self.packs.get(self.newest)?))
    }

    /// Where the object `id` is, if a pack has it.
    pub(super) fn find(&mut self, id: Oid) -> Option<Place> {
        let others = (0..self.packs.len()).rev().filter(|pack| *pack != self.newest);
        let first = Some(self.newest).filter(|pack| *pack < self.packs.len());
        let place = first
            .into_iter()
            .chain(others)
            .find_map(|pack| self.packs[pack].find(id).map(|offset| Place { pack, offset }))?;
        self.newest = place.pack;
        Some(place)
    }
}

/// Bytes of a pack that may lie between neighbours: other commits, in most packs.
const GAP_BYTES_MAX: u64 = 16 << 10;

/// How the commits of a journal follow one another in packs.
#[derive(Default)]
pub(super) struct Run {
    /// Where the last of them ends, once there is one.
    last: Option<Place>,
    /// Neighbours in a row.
    pub(super) near: u32,
    /// Commits that were no neighbours, since the lane was changed.
    pub(super) far: u32,
}

impl Run {
    /// Takes the next commit, which is at `place` and ends at `end`.
    pub(super) fn note(&mut self, place: Place, end: u64) {
        let last = self.last.filter(|last| last.pack == place.pack);
        let gap = last.and_then(|last| place.offset.checked_sub(last.offset));
        if gap.is_some_and(|gap| gap <= GAP_BYTES_MAX) {
            self.near += 1;
        } else {
            self.near = 0;
            self.far += 1;
        }
        self.last = Some(Place { offset: end, ..place });
    }
}
