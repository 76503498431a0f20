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

    /// Groups edges by key: the edge with the id `n` has the `n`th of `keys`, all below
    /// `key_count`. There are at most `u32::MAX` edges.
    pub(super) fn group(
        &mut self,
        key_count: usize,
        keys: impl Iterator<Item = u32> + Clone,
    ) -> Postings<'_> {
        let (starts, ids) = (&mut self.starts[..=key_count], &mut *self.ids);
        counting_sort(starts, ids, (0..).zip(keys));
        Postings { starts, ids }
    }

    /// Groups edges in any order by key: the edges are pairs of an id and a key below `key_count`.
    pub(super) fn group_unordered(
        self,
        key_count: usize,
        edges: impl Iterator<Item = (u32, u32)> + Clone,
    ) -> Postings<'r> {
        let (starts, ids) = (&mut self.starts[..=key_count], self.ids);
        counting_sort(starts, ids, edges);
        for [start, end] in starts.array_windows() {
            ids[*start as usize..*end as usize].sort_unstable();
        }
        Postings { starts, ids }
    }
}

impl<'r> Postings<'r> {
    /// The ids of `key`, ascending.
    pub(super) fn of(&self, key: u32) -> &'r [u32] {
        let key = key as usize;
        &self.ids[self.starts[key] as usize..self.starts[key + 1] as usize]
    }
}

/// A stable counting sort of `edges`, pairs of id and key, by key: writes the start of each key to
/// `starts`, and the ids to `ids`.
fn counting_sort(
    starts: &mut [u32],
    ids: &mut [u32],
    edges: impl Iterator<Item = (u32, u32)> + Clone,
) {
    starts.fill(0);
    // Counts are one entry to the right of their key, so that the prefix sum gives the starts.
    edges.clone().for_each(|(_, key)| starts[key as usize + 1] += 1);
    let mut sum = 0;
    for start in &mut *starts {
        sum += *start;
        *start = sum;
    }
    // Each entry becomes the end of its list, which is the start of the next one.
    for (id, key) in edges {
        let next = &mut starts[key as usize];
        ids[*next as usize] = id;
        *next += 1;
    }
    starts.rotate_right(1);
    if let Some(first) = starts.first_mut() {
        *first = 0;
    }
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
            let halved = buffers.group(10, again).of(0).len();
            prop_assert_eq!(halved, expected(0).len() + expected(1).len());
            let postings = buffers.group(20, keys.iter().copied());
            prop_assert!((0..20).all(|key| postings.of(key) == expected(key)));
            let postings = buffers.group_unordered(20, edges.iter().rev().copied());
            prop_assert!((0..20).all(|key| postings.of(key) == expected(key)));
        }
    }
}
