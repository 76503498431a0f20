//! Posting lists: for each object, the ascending ids of its edges in one direction.
//!
//! All lists are in two flat arrays, made by a counting sort: no allocation per list, no growth.

use gitmind_memory::{Arena, MemoryError};

/// The edge ids of every key, in one direction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Postings<'r> {
    /// For each key, the start of its list in `ids`; a last entry with the total.
    starts: &'r [u32],
    ids: &'r [u32],
}

/// The memory of posting lists, which can be grouped by one key after another.
pub(super) struct Buffers<'r> {
    starts: &'r mut [u32],
    ids: &'r mut [u32],
}

impl<'r> Buffers<'r> {
    /// For `edge_count` edges with at most `key_count_max` keys.
    pub(super) fn new(
        arena: &'r Arena<'r>,
        key_count_max: usize,
        edge_count: usize,
    ) -> Result<Self, MemoryError> {
        let (starts, ids) = (zeroed(arena, key_count_max + 1)?, zeroed(arena, edge_count)?);
        Ok(Self { starts, ids })
    }

    /// The same memory for a shorter time, after which it can be used again.
    pub(super) const fn reborrow(&mut self) -> Buffers<'_> {
        Buffers { starts: self.starts, ids: self.ids }
    }

    /// Begins grouping edges by key; `keys` has the key of each edge, below `key_count`, in any
    /// order. There are at most `u32::MAX` edges.
    pub(super) fn begin(
        self,
        key_count: usize,
        keys: impl Iterator<Item = u32>,
    ) -> PostingsDraft<'r> {
        let Self { starts, ids } = self;
        let starts = &mut starts[..=key_count];
        count(starts, keys);
        PostingsDraft { starts, ids }
    }

    /// Groups edges in any order by key: the edges are pairs of an id and a key below `key_count`.
    pub(super) fn group_unordered(
        self,
        key_count: usize,
        edges: impl Iterator<Item = (u32, u32)> + Clone,
    ) -> Postings<'r> {
        let mut lists = self.begin(key_count, edges.clone().map(|(_, key)| key));
        edges.for_each(|(id, key)| lists.place(id, key));
        let starts = finished(lists.starts);
        for [start, end] in starts.array_windows() {
            lists.ids[*start as usize..*end as usize].sort_unstable();
        }
        Postings { starts, ids: lists.ids }
    }
}

/// Posting lists that are being filled.
pub(super) struct PostingsDraft<'g> {
    /// For each key, where its next id goes.
    starts: &'g mut [u32],
    ids: &'g mut [u32],
}

impl<'g> PostingsDraft<'g> {
    /// Appends the edge `id` to the list of its key.
    #[inline]
    pub(super) fn place(&mut self, id: u32, key: u32) {
        let next = &mut self.starts[key as usize];
        self.ids[*next as usize] = id;
        *next += 1;
    }

    /// The lists, after each edge was placed, in ascending order of ids.
    pub(super) fn finish(self) -> Postings<'g> {
        Postings { starts: finished(self.starts), ids: self.ids }
    }
}

impl<'r> Postings<'r> {
    /// The ids of `key`, ascending.
    pub(super) fn of(&self, key: u32) -> &'r [u32] {
        let key = key as usize;
        &self.ids[self.starts[key] as usize..self.starts[key + 1] as usize]
    }
}

/// Writes the start of the list of each key to `starts`, with the total as its last entry.
fn count(starts: &mut [u32], keys: impl Iterator<Item = u32>) {
    starts.fill(0);
    // Counts are one entry to the right of their key, so that the prefix sum gives the starts.
    keys.for_each(|key| starts[key as usize + 1] += 1);
    let mut sum = 0;
    for start in starts {
        sum += *start;
        *start = sum;
    }
}

/// The start of each list again, when each entry has become the end of its list, which is the start
/// of the next one.
fn finished(starts: &mut [u32]) -> &[u32] {
    starts.rotate_right(1);
    if let Some(first) = starts.first_mut() {
        *first = 0;
    }
    starts
}

/// `len` zeros in the arena.
pub(super) fn zeroed<'r>(arena: &'r Arena<'r>, len: usize) -> Result<&'r mut [u32], MemoryError> {
    arena.try_alloc_slice_with(len, |_| 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use gitmind_memory::units::Bytes;
    use gitmind_memory::{Alloc, System};
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn the_list_of_a_key_has_its_ids_in_ascending_order(
            keys in prop::collection::vec(0..20_u32, 0..300),
        ) {
            let system = System::new();
            let mut model: BTreeMap<u32, std::vec::Vec<u32>> = BTreeMap::new();
            for (id, key) in (0..).zip(&keys) {
                model.entry(*key).or_default().push(id);
            }
            let arena = Arena::begin(Alloc::new(&system), Bytes::ZERO, Bytes::from_mib(1));
            let mut buffers = Buffers::new(&arena, 30, keys.len()).expect("little memory");
            let edges: std::vec::Vec<_> = (0..).zip(keys.iter().copied()).collect();
            let expected = |key| model.get(&key).map_or(&[][..], |ids| &ids[..]);
            let again = keys.iter().map(|key| key / 2);
            let mut halved = buffers.reborrow().begin(10, again.clone());
            (0..).zip(again).for_each(|(id, key)| halved.place(id, key));
            prop_assert_eq!(halved.finish().of(0).len(), expected(0).len() + expected(1).len());
            let mut postings = buffers.reborrow().begin(20, keys.iter().copied());
            edges.iter().for_each(|(id, key)| postings.place(*id, *key));
            let postings = postings.finish();
            prop_assert!((0..20).all(|key| postings.of(key) == expected(key)));
            let postings = buffers.group_unordered(20, edges.iter().rev().copied());
            prop_assert!((0..20).all(|key| postings.of(key) == expected(key)));
        }
    }
}
