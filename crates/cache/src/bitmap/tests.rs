//! Properties of bitmap files: round trip, the choice of the smaller form, damaged files.

use super::*;
use gitmind_memory::System;
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::vec::Vec;

fn encoded(ids: &[u32]) -> Vec<u8> {
    let system = System::new();
    let mut file = super::Vec::new(Alloc::new(&system));
    encode_bitmap(ids, &mut file).expect("there is memory");
    file.to_vec()
}

fn decoded(file: &[u8]) -> Result<Vec<u32>, BitmapError> {
    let system = System::new();
    decode_bitmap(Alloc::new(&system), file).map(|ids| ids.to_vec())
}

/// Sets of every density: sparse over all ids, dense ranges, full containers.
fn id_sets() -> impl Strategy<Value = Vec<u32>> {
    let sparse = prop::collection::btree_set(any::<u32>(), 0..50);
    let dense = (any::<u32>(), 0..9000_u32, 1..4_u32).prop_map(|(start, len, step)| {
        let start = start.min(u32::MAX - 4 * 9000);
        (0..len).map(|index| start + index * step).collect::<BTreeSet<_>>()
    });
    let whole = (0..=u32::from(u16::MAX))
        .prop_map(|high| (0..=0xffff).map(|low| high << 16 | low).collect::<BTreeSet<_>>());
    prop_oneof![4 => sparse, 4 => dense, 1 => whole].prop_map(|set| set.into_iter().collect())
}

proptest! {
    #[test]
    fn ids_encoded_by_container_are_the_ids_encoded_at_once(ids in id_sets()) {
        let system = System::new();
        let alloc = Alloc::new(&system);
        let mut encoder = IdsEncoder::new(alloc);
        for ids in ids.chunk_by(|a, b| a >> 16 == b >> 16) {
            let mut words = [0; CONTAINER_WORDS];
            ids.iter().for_each(|id| words[(id & 0xffff) as usize / 32] |= 1_u32 << (id % 32));
            encoder.try_push(ids[0] >> 16, &words).expect("there is memory");
            encoder.try_push((ids[0] >> 16) + 1, &[0; CONTAINER_WORDS]).expect("no ids, no memory");
        }
        let (mut by_container, mut at_once) = (super::Vec::new(alloc), super::Vec::new(alloc));
        encoder.encode(&mut by_container).expect("there is memory");
        encode_ids(&ids, &mut at_once).expect("there is memory");
        prop_assert_eq!(encoder.count(), ids.len());
        prop_assert_eq!(by_container.as_slice(), at_once.as_slice());
    }

    #[test]
    fn encoded_ids_decode_to_themselves(ids in id_sets()) {
        prop_assert_eq!(decoded(&encoded(&ids)), Ok(ids));
    }

    #[test]
    fn a_file_of_any_other_length_is_an_error(
        ids in id_sets(),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut file = encoded(&ids);
        let cut = cut.index(file.len());
        prop_assert!(decoded(&file[..cut]).is_err());
        file.push(0);
        prop_assert!(decoded(&file).is_err());
    }

    #[test]
    fn any_bytes_decode_to_sorted_ids_or_are_an_error(
        body in prop::collection::vec(any::<u8>(), 0..100),
        kind in 0..4_u8,
    ) {
        let mut file = encoded(&[])[..HEADER_BYTES].to_vec();
        file.push(kind);
        if kind == CONTAINERS {
            file.extend_from_slice(&COOKIE_NO_RUNS.to_le_bytes());
        }
        file.extend_from_slice(&body);
        if let Ok(ids) = decoded(&file) {
            prop_assert!(ids.is_sorted_by(|a, b| a < b));
        }
    }
}

#[test]
fn the_container_stream_is_used_when_it_is_smaller_than_the_array() {
    let kind_of = |ids: &[u32]| encoded(ids)[HEADER_BYTES];
    let spread = |count: u32, chunks: u32| {
        let mut ids: Vec<u32> = (0..count).map(|i| (i % chunks) << 16 | i).collect();
        ids.sort_unstable();
        ids
    };
    assert_eq!(kind_of(&[]), ARRAY);
    for (chunks, card) in [(1, 7), (2, 11), (3, 15), (10, 43)] {
        assert_eq!(kind_of(&spread(card - 1, chunks)), ARRAY, "{chunks} chunks");
        assert_eq!(kind_of(&spread(card, chunks)), CONTAINERS, "{chunks} chunks");
    }
}

#[test]
fn a_claimed_count_of_two_billion_ids_is_an_error() {
    let mut file = encoded(&[])[..HEADER_BYTES].to_vec();
    file.push(ARRAY);
    file.extend_from_slice(&0x7fff_ffff_u32.to_le_bytes());
    assert!(matches!(decoded(&file), Err(BitmapError::Damaged(_))));
    assert!(matches!(decoded(&file[..HEADER_BYTES]), Err(BitmapError::Damaged(_))));
}

#[test]
fn a_wrong_magic_number_or_version_has_its_own_error() {
    let mut file = encoded(&[1]);
    file[8] = 2;
    assert_eq!(decoded(&file), Err(BitmapError::Version(2)));
    file[0] = b'g';
    assert_eq!(decoded(&file), Err(BitmapError::NotABitmap));
}
