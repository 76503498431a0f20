//! Posting lists: for each object, the ascending ids of its edges in one direction.
//!
//! All lists are in two flat arrays, made by a counting sort: no allocation per list, no growth.

use gitmind_memory::{Arena, ArenaVec, MemoryError};

/// The edge ids of every key, in one direction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Postings<'r> {
    /// For each key, the start of its list in `ids`; a last entry with the total.
    starts: &'r [u32],
    ids: &'r [u32],
}

impl<'r> Postings<'r> {
    /// Groups edges by key: the edge with the id `n` has the `n`th of `keys`, all below
    /// `key_count`. There are at most `u32::MAX` edges.
    pub(super) fn group(
        arena: &'r Arena<'r>,
        key_count: usize,
        keys: impl ExactSizeIterator<Item = u32> + Clone,
    ) -> Result<Self, MemoryError> {
        let len = keys.len();
        let (starts, ids) = counting_sort(arena, key_count, len, (0..).zip(keys))?;
        Ok(Self { starts, ids })
    }

    /// Groups edges in any order by key: the edge `ids[n]` has the key `keys[n]`, below
    /// `key_count`.
    pub(super) fn group_unordered(
        arena: &'r Arena<'r>,
        key_count: usize,
        ids: &[u32],
        keys: &[u32],
    ) -> Result<Self, MemoryError> {
        let edges = ids.iter().copied().zip(keys.iter().copied());
        let (starts, ids) = counting_sort(arena, key_count, ids.len(), edges)?;
        for [start, end] in starts.array_windows() {
            ids[*start as usize..*end as usize].sort_unstable();
        }
        Ok(Self { starts, ids })
    }

    /// The ids of `key`, ascending.
    pub(super) fn of(&self, key: u32) -> &[u32] {
        let key = key as usize;
        &self.ids[self.starts[key] as usize..self.starts[key + 1] as usize]
    }
}

/// A stable counting sort of `edges`, pairs of id and key, by key; returns the start of each key,
/// and the ids.
fn counting_sort<'r>(
    arena: &'r Arena<'r>,
    key_count: usize,
    edge_count: usize,
    edges: impl Iterator<Item = (u32, u32)> + Clone,
) -> Result<(&'r mut [u32], &'r mut [u32]), MemoryError> {
    let starts = zeroed(arena, key_count + 1)?;
    let ids = zeroed(arena, edge_count)?;
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
    Ok((starts, ids))
}

/// `len` zeros in the arena.
pub(super) fn zeroed<'r>(arena: &'r Arena<'r>, len: usize) -> Result<&'r mut [u32], MemoryError> {
    let mut zeros = ArenaVec::try_with_capacity(len, arena)?;
    zeros.try_resize(len, 0)?;
    Ok(zeros.into_slice())
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
            let postings = Postings::group(&arena, 20, keys.iter().copied());
            let postings = postings.expect("little memory");
            let mut edges: Vec<(u32, u32)> = (0..).zip(keys.iter().copied()).collect();
            edges.reverse();
            let (ids, keys): (Vec<_>, Vec<_>) = edges.into_iter().unzip();
            let unordered = Postings::group_unordered(&arena, 20, &ids, &keys);
            let unordered = unordered.expect("little memory");
            for key in 0..20 {
                let expected = model.get(&key).map_or(&[][..], |ids| &ids[..]);
                prop_assert_eq!(postings.of(key), expected);
                prop_assert_eq!(unordered.of(key), expected);
            }
        }
    }
}
