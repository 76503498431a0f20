//! Properties of the files of the path index: round trip, damaged files.

use super::*;
use gitmind_memory::System;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::vec::Vec as StdVec;

/// For each key the ids of both directions.
type Model = BTreeMap<[u8; 20], [BTreeSet<u32>; 2]>;

fn models() -> impl Strategy<Value = Model> {
    let ids = || prop::collection::btree_set(0..300_000_u32, 0..30);
    let key = prop::collection::vec(any::<u8>(), 20);
    let key = key.prop_map(|key| <[u8; 20]>::try_from(key).expect("20 bytes"));
    prop::collection::btree_map(key, [ids(), ids()], 0..20)
}

fn encoded(model: &Model) -> StdVec<u8> {
    let system = System::new();
    let alloc = Alloc::new(&system);
    let mut draft = PathFileDraft::new(alloc);
    for (key, lists) in model {
        let [forward, reverse] =
            lists.each_ref().map(|ids| ids.iter().copied().collect::<StdVec<_>>());
        draft.try_push(Oid::new(*key), &forward, &reverse).expect("there is memory");
    }
    let mut file = Vec::new(alloc);
    draft.take_into(&mut file).expect("there is memory");
    assert_eq!(draft.count(), 0, "it starts anew");
    file.to_vec()
}

proptest! {
    #[test]
    fn each_path_has_its_lists_and_others_have_none(model in models(), other in any::<[u8; 20]>()) {
        let file = encoded(&model);
        if model.is_empty() {
            prop_assert!(PathFile::parse(&file).is_err(), "a file without paths is not written");
            return Ok(());
        }
        let system = System::new();
        let parsed = PathFile::parse(&file).expect("it was written");
        prop_assert_eq!(parsed.len(), model.len());
        for (index, (key, lists)) in model.iter().enumerate() {
            prop_assert_eq!(parsed.key(index), Oid::new(*key));
            let directions = [Direction::Forward, Direction::Reverse];
            for (direction, ids) in directions.into_iter().zip(lists) {
                let list = parsed.find(Oid::new(*key)).of(direction);
                let decoded = decode_list(Alloc::new(&system), list).expect("it was written");
                prop_assert!(decoded.iter().eq(ids));
            }
        }
        let found = parsed.find(Oid::new(other));
        prop_assert!(model.contains_key(&other) || found.of(Direction::Forward).is_empty());
    }

    #[test]
    fn a_changed_or_shortened_file_is_an_error_or_parses_without_panic(
        model in models(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        cut in any::<bool>(),
    ) {
        let mut file = encoded(&model);
        let at = at.index(file.len());
        if cut {
            file.truncate(at);
            prop_assert!(PathFile::parse(&file).is_err());
        } else {
            file[at] = byte;
        }
        let system = System::new();
        if let Ok(parsed) = PathFile::parse(&file) {
            for index in 0..parsed.len() {
                let lists = parsed.lists(index);
                let _ = decode_list(Alloc::new(&system), lists.of(Direction::Forward));
                let _ = decode_list(Alloc::new(&system), lists.of(Direction::Reverse));
            }
        }
    }
}

#[test]
fn the_empty_path_has_no_row() {
    let system = System::new();
    let mut draft = PathFileDraft::new(Alloc::new(&system));
    draft.try_push(NO_PATH, &[1, 2], &[3]).expect("there is memory");
    assert_eq!(draft.count(), 0);
}

#[test]
fn a_count_beyond_the_file_and_rows_out_of_order_are_errors() {
    let lists = [BTreeSet::from([1]), BTreeSet::from([2])];
    let file = encoded(&Model::from([([1; 20], lists.clone()), ([2; 20], lists)]));
    let changed = |at: usize, bytes: &[u8]| {
        let mut file = file.clone();
        file[at..at + bytes.len()].copy_from_slice(bytes);
        PathFile::parse(&file).expect_err("it is damaged").to_string()
    };
    let damaged = "the path index is damaged: ";
    assert_eq!(
        changed(12, &[0xff; 4]),
        format!("{damaged}it has fewer rows than its number of paths")
    );
    assert_eq!(changed(16, &[3; 20]), format!("{damaged}its keys are not in order"));
    assert_eq!(changed(16, &[0; 20]), format!("{damaged}it has no paths, or the empty one"));
    assert_eq!(changed(36, &[0xff]), format!("{damaged}its lists are not where its rows say"));
    assert_eq!(changed(8, &[2]), "path index version 2 is not supported, only 1");
    assert_eq!(changed(0, b"x"), "the file does not start with the magic number of a path index");
}
