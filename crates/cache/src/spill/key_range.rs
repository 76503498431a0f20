//! Ranges of object ids or keys of paths, which are made smaller until their edges fit in memory.

use gitmind_git::oid::Oid;

/// All keys from `first` to `last`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct KeyRange {
    first: Oid,
    last: Oid,
}

impl KeyRange {
    /// The keys of a shard.
    pub(super) fn of_shard(shard: u8) -> Self {
        let (mut first, mut last) = ([0; Oid::LEN], [u8::MAX; Oid::LEN]);
        (first[0], last[0]) = (shard, shard);
        Self { first: Oid::new(first), last: Oid::new(last) }
    }

    /// Whether `key` is in the range.
    pub(super) fn contains(&self, key: Oid) -> bool {
        self.first <= key && key <= self.last
    }

    /// The only key of the range, if there is just one.
    pub(super) fn single(&self) -> Option<Oid> {
        (self.first == self.last).then_some(self.first)
    }

    /// Whether the last key of its shard is in the range.
    pub(super) fn is_last_of_shard(&self) -> bool {
        self.last.as_bytes()[1..].iter().all(|byte| *byte == u8::MAX)
    }

    /// Two parts of the range, each with one of the keys `least` and `most` of it, which differ; or
    /// the key alone and what is before and behind it, in ascending order, when they are equal.
    pub(super) fn split(&self, least: Oid, most: Oid) -> [Option<Self>; 3] {
        let Self { first, last } = *self;
        let range = |first, last| (first <= last).then_some(Self { first, last });
        if least == most {
            let before = if least == first { None } else { range(first, neighbor(least, false)) };
            let behind = if least == last { None } else { range(neighbor(least, true), last) };
            return [before, range(least, least), behind];
        }
        let pivot = above_middle(least, most);
        [range(first, neighbor(pivot, false)), range(pivot, last), None]
    }
}

/// A key above `least` and at most `most`, about in the middle.
fn above_middle(least: Oid, most: Oid) -> Oid {
    let head = |key: Oid| key.as_bytes().first_chunk().map_or(0, |head| u128::from_be_bytes(*head));
    let (low, high) = (head(least), head(most));
    if low == high {
        return most;
    }
    let mut pivot = [0; Oid::LEN];
    pivot[..16].copy_from_slice(&(low + (high - low) / 2 + 1).to_be_bytes());
    Oid::new(pivot)
}

/// The key before or behind `key`, which must not be the first or the last one.
fn neighbor(key: Oid, is_next: bool) -> Oid {
    let mut bytes = *key.as_bytes();
    for byte in bytes.iter_mut().rev() {
        let (changed, carries) =
            if is_next { byte.overflowing_add(1) } else { byte.overflowing_sub(1) };
        *byte = changed;
        if !carries {
            break;
        }
    }
    Oid::new(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn keys() -> impl Strategy<Value = Oid> {
        let byte = prop_oneof![Just(0), Just(1), Just(254), Just(255), any::<u8>()];
        prop::collection::vec(byte, Oid::LEN - 1).prop_map(|rest| {
            let mut bytes = [7; Oid::LEN];
            bytes[1..].copy_from_slice(&rest);
            Oid::new(bytes)
        })
    }

    proptest! {
        #[test]
        fn parts_have_each_key_of_the_range_once_in_ascending_order(
            ends in [keys(), keys()],
            probes in prop::collection::vec(keys(), 0..20),
        ) {
            let whole = KeyRange::of_shard(7);
            let (least, most) = (ends[0].min(ends[1]), ends[0].max(ends[1]));
            let parts: std::vec::Vec<_> = whole.split(least, most).into_iter().flatten().collect();
            prop_assert!(parts.is_sorted_by(|a, b| a.last < b.first));
            for probe in probes.into_iter().chain([least, most, whole.first, whole.last]) {
                let holding = parts.iter().filter(|part| part.contains(probe)).count();
                prop_assert_eq!(holding, 1, "{}", probe);
            }
            let of = |key| parts.iter().position(|part| part.contains(key));
            prop_assert_eq!(of(least) == of(most), least == most);
            if least == most {
                prop_assert!(parts.iter().any(|part| part.single() == Some(least)));
            }
        }
    }
}
