//! Postings: for each object, the ascending ids of the edges on one of its sides.
//!
//! Two flat arrays made by a counting sort: no list object per key, nothing to grow.

use crate::memory::{Alloc, MemoryError, Vec};

/// The edge ids of every key, in one direction.
#[derive(Debug)]
pub(super) struct Postings<'a> {
    /// Where the ids of each key start; one more entry ends the last.
    starts: Vec<'a, u32>,
    ids: Vec<'a, u32>,
}

impl<'a> Postings<'a> {
    /// Groups edges by key: the edge at position `id` of `keys` has that key, below `key_count`.
    /// There are at most `u32::MAX` edges.
    pub(super) fn group(
        alloc: Alloc<'a>,
        key_count: usize,
        keys: impl ExactSizeIterator<Item = u32> + Clone,
    ) -> Result<Self, MemoryError> {
        let mut starts = zeroed(alloc, key_count + 1)?;
        let mut ids = zeroed(alloc, keys.len())?;
        // Count one place to the right, so that the running sum makes each entry a start.
        keys.clone().for_each(|key| starts[key as usize + 1] += 1);
        let mut sum = 0;
        for start in &mut *starts {
            sum += *start;
            *start = sum;
        }
        // Placing an id moves its key's start on; afterwards each start is the next key's.
        for (id, key) in (0..).zip(keys) {
            let place = &mut starts[key as usize];
            ids[*place as usize] = id;
            *place += 1;
        }
        starts.rotate_right(1);
        if let Some(first) = starts.first_mut() {
            *first = 0;
        }
        Ok(Self { starts, ids })
    }

    /// The ids of `key`, ascending.
    pub(super) fn of(&self, key: u32) -> &[u32] {
        let key = key as usize;
        &self.ids[self.starts[key] as usize..self.starts[key + 1] as usize]
    }
}

fn zeroed(alloc: Alloc<'_>, len: usize) -> Result<Vec<'_, u32>, MemoryError> {
    let mut vec = Vec::try_with_capacity(len, alloc)?;
    vec.try_resize(len, 0)?;
    Ok(vec)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::System;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn every_id_is_under_its_key_in_order(keys in prop::collection::vec(0..20_u32, 0..300)) {
            let system = System::new();
            let mut model: BTreeMap<u32, std::vec::Vec<u32>> = BTreeMap::new();
            for (id, key) in (0..).zip(&keys) {
                model.entry(*key).or_default().push(id);
            }
            let postings = Postings::group(Alloc::new(&system), 20, keys.iter().copied());
            let postings = postings.expect("little memory");
            for key in 0..20 {
                prop_assert_eq!(postings.of(key), model.get(&key).map_or(&[][..], |ids| &ids[..]));
            }
        }
    }
}
