//! Indices of both versions against a sorted list, whatever their ids are, and damaged ones.

use super::*;
use proptest::prelude::*;

/// An index file of `entries`, which are sorted by ids.
fn encode(version: u32, entries: &[(Oid, u64)]) -> Vec<u8> {
    let mut file = if version == 2 { MAGIC.to_vec() } else { Vec::new() };
    for first in 0..=u8::MAX {
        let count = entries.partition_point(|(id, _)| id.shard() <= first);
        file.extend(u32::try_from(count).expect("few").to_be_bytes());
    }
    let small = |offset: &u64| u32::try_from(*offset).expect("32 bits").to_be_bytes();
    if version == 1 {
        for (id, offset) in entries {
            file.extend(small(offset));
            file.extend(id.as_bytes());
        }
    } else {
        entries.iter().for_each(|(id, _)| file.extend(id.as_bytes()));
        file.extend(vec![7; WORD * entries.len()]);
        let is_large = |offset: &u64| *offset >= u64::from(LARGE);
        let large: Vec<u64> = entries.iter().map(|(_, offset)| *offset).filter(is_large).collect();
        let mut next = LARGE;
        for (_, offset) in entries {
            let field = if is_large(offset) { next.to_be_bytes() } else { small(offset) };
            next += u32::from(is_large(offset));
            file.extend(field);
        }
        large.iter().for_each(|offset| file.extend(offset.to_be_bytes()));
    }
    file.extend([0; TRAILER_BYTES]);
    file
}

fn open(file: &[u8]) -> Option<PackIndex> {
    open_both(file).0
}

/// The index, and its file.
fn open_both(file: &[u8]) -> (Option<PackIndex>, File) {
    let on_disk = tempfile::NamedTempFile::new().expect("writable");
    std::fs::write(on_disk.path(), file).expect("there is room");
    let index = PackIndex::new(Mapped::open(on_disk.path()).expect("it was written"));
    (index, on_disk.into_file())
}

/// Ids that are evenly spread, or closer together than those of real objects.
fn ids() -> impl Strategy<Value = Vec<Oid>> {
    let id = prop_oneof![
        any::<[u8; 20]>(),
        any::<u8>().prop_map(|last| [&[3; 19][..], &[last]].concat().try_into().expect("20")),
        any::<[u8; 2]>().prop_map(|end| [&[0; 18][..], &end].concat().try_into().expect("20")),
        any::<[u8; 2]>().prop_map(|end| [&[255; 18][..], &end].concat().try_into().expect("20")),
    ];
    prop::collection::btree_set(id.prop_map(Oid::new), 0..600)
        .prop_map(|ids| ids.into_iter().collect())
}

proptest! {
    #[test]
    fn ids_and_offsets_are_found_as_in_a_sorted_list(
        ids in ids(),
        others in ids(),
        version in 1_u32..=2,
    ) {
        let offset = |number: usize| match number % 5 {
            0 if version == 2 => u64::from(LARGE) << (number % 31),
            3 if version == 1 => u64::from(LARGE) + number as u64,
            _ => number as u64 * 99,
        };
        let entries: Vec<_> = ids.iter().enumerate().map(|(n, id)| (*id, offset(n))).collect();
        let (index, file) = open_both(&encode(version, &entries));
        let index = index.expect("it is whole");
        prop_assert_eq!(index.count() as usize, ids.len());
        for (number, (id, offset)) in (0..).zip(&entries) {
            prop_assert_eq!((index.id(number), index.offset(number)), (*id, *offset));
            prop_assert_eq!(index.search(*id), Ok(number));
            prop_assert_eq!(index.find(*id), Some(*offset));
        }
        for id in &others {
            let found = ids.binary_search(id).map_err(|next| u32::try_from(next).expect("few"));
            prop_assert_eq!(index.search(*id), found.map(|at| u32::try_from(at).expect("few")));
        }
        for id in ids.iter().chain(&others) {
            let read = index.find_in(&file, *id);
            prop_assert!(read.is_none_or(|read| read == index.find(*id)));
            prop_assert!(version == 2 || read.is_none());
        }
    }

    #[test]
    fn any_bytes_are_no_index_or_answer_without_a_panic(
        ids in ids(),
        version in 1_u32..=2,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..40),
        length in any::<prop::sample::Index>(),
        is_cut in any::<bool>(),
    ) {
        let entries: Vec<_> = ids.iter().map(|id| (*id, u64::from(LARGE) - 1)).collect();
        let mut file = encode(version, &entries);
        for (at, byte) in damage {
            let at = at.index(file.len());
            file[at] = byte;
        }
        if is_cut {
            file.truncate(length.index(file.len()).max(1));
        }
        if let Some(index) = open(&file) {
            for id in ids.iter().chain([&Oid::ZERO, &Oid::new([255; 20])]) {
                let (Ok(number) | Err(number)) = index.search(*id);
                prop_assert!(number <= index.count());
            }
            for number in 0..index.count() {
                std::hint::black_box((index.id(number), index.offset(number)));
            }
        }
    }
}

#[test]
fn an_index_whose_length_or_counts_are_wrong_is_none() {
    let entries: Vec<_> = (0..9).map(|byte| (Oid::new([byte; 20]), u64::from(byte))).collect();
    for version in [1, 2] {
        let whole = encode(version, &entries);
        assert!(open(&whole).is_some());
        for len in [1, 4, 8, 1024, 1032, whole.len() - 28, whole.len() - 8, whole.len() - 1] {
            assert!(open(&whole[..len]).is_none(), "{len} bytes of version {version}");
        }
        assert!(open(&[&whole[..], b"x"].concat()).is_none());
        let mut unsorted = whole.clone();
        unsorted[if version == 2 { 8 } else { 0 }] = 1;
        assert!(open(&unsorted).is_none(), "the first count is the greatest");
        let mut more = whole.clone();
        more[if version == 2 { 1028 } else { 1020 }] = 1;
        assert!(open(&more).is_none(), "there are more objects than bytes");
    }
    let mut other = encode(2, &entries);
    other[7] = 3;
    assert!(open(&other).is_none(), "version 3");
}

#[test]
fn reads_find_what_is_where_evenly_spread_ids_are() {
    let mut state = 7_u64;
    let mut id = || {
        let mut bytes = [0; Oid::LEN];
        for word in bytes.as_chunks_mut::<WORD>().0 {
            state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            word.copy_from_slice(&state.to_be_bytes()[..WORD]);
        }
        Oid::new(bytes)
    };
    let ids: std::collections::BTreeSet<_> = (0..100_000).map(|_| id()).collect();
    let entries: Vec<_> = ids.into_iter().zip(12..).collect();
    let (index, file) = open_both(&encode(2, &entries));
    let index = index.expect("it is whole");
    for (id, offset) in entries.iter().step_by(7) {
        assert_eq!(index.find_in(&file, *id), Some(Some(*offset)));
    }
    (0..1000).for_each(|_| assert_eq!(index.find_in(&file, id()), Some(None)));
    let (_, short) = open_both(&[0; 4096]);
    assert_eq!(index.find_in(&short, entries[9].0), None, "the file was replaced");
}

#[test]
fn an_offset_that_the_index_does_not_have_is_that_of_no_object() {
    let id = Oid::new([1; 20]);
    let mut file = encode(2, &[(id, 5)]);
    let at = file.len() - TRAILER_BYTES - WORD;
    file[at] = 0x80;
    assert_eq!(open(&file).expect("its length is right").find(id), Some(0));
}
