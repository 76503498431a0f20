//! Crafted packs: entries and ids that git would not write.

use super::*;
use crate::Location;
use gitmind_git::encode_stored;
use gitmind_memory::units::Bytes;
use gitmind_memory::{ErrorKind, System, testing};
use std::ops::ControlFlow;
use std::path::Path;
use tempfile::TempDir;

const COMMIT: u8 = 1;
const REF_DELTA: u8 = 7;

/// An entry that claims `size` bytes and holds `content`; a delta is preceded by its base's id.
fn entry(kind: u8, size: usize, base: &[u8], content: &[u8]) -> std::vec::Vec<u8> {
    let low = |bits: usize, mask: u8| u8::try_from(bits & usize::from(mask)).expect("it is masked");
    let (mut entry, mut rest) = (vec![kind << 4 | low(size, 0x0f)], size >> 4);
    while rest > 0 {
        *entry.last_mut().expect("there is one") |= 0x80;
        entry.push(low(rest, 0x7f));
        rest >>= 7;
    }
    let system = System::new();
    let mut stored = Vec::new(Alloc::new(&system));
    encode_stored(&[content], &mut stored).expect("there is memory");
    [&entry, base, &stored].concat()
}

/// Writes a pack and its index into `objects`; the ids of `entries` ascend.
fn write_pack(objects: &Path, entries: &[(Oid, std::vec::Vec<u8>)]) {
    let count = u32::try_from(entries.len()).expect("few").to_be_bytes();
    let mut pack = [b"PACK\0\0\0\x02".as_slice(), &count].concat();
    let (mut names, mut offsets): (std::vec::Vec<u8>, std::vec::Vec<u8>) = Default::default();
    for (name, entry) in entries {
        names.extend(name.as_bytes());
        offsets.extend(u32::try_from(pack.len()).expect("small").to_be_bytes());
        pack.extend(entry);
    }
    pack.extend([0; 20]);
    let below = |first: u8| entries.iter().filter(|(name, _)| name.as_bytes()[0] <= first).count();
    let fan_out =
        (0..=255).flat_map(|first| u32::try_from(below(first)).expect("few").to_be_bytes());
    let mut index = b"\xfftOc\0\0\0\x02".to_vec();
    index.extend(fan_out);
    index.extend(names);
    index.extend(vec![0; 4 * entries.len()]);
    index.extend(offsets);
    index.extend([0; 40]);
    let directory = objects.join("pack");
    std::fs::create_dir_all(&directory).expect("there is room");
    std::fs::write(directory.join("pack-1.pack"), pack).expect("there is room");
    std::fs::write(directory.join("pack-1.idx"), index).expect("there is room");
}

/// A repository with one pack of `entries`, and its open objects.
fn packed(entries: &[(Oid, std::vec::Vec<u8>)]) -> (TempDir, Objects) {
    let directory = tempfile::tempdir().expect("a directory");
    write_pack(&directory.path().join("objects"), entries);
    let location = Location::bare(directory.path());
    let directories = vec![location.objects_dir.clone()];
    let objects = Objects::open(&location, directories).expect("it is there");
    (directory, objects)
}

fn commit_of(len: usize) -> std::vec::Vec<u8> {
    let mut commit = format!("tree {}\nauthor a\n\n", Oid::ZERO).into_bytes();
    commit.resize(len, b'.');
    commit
}

/// A number in the encoding of a delta's header.
fn varint(mut number: usize) -> std::vec::Vec<u8> {
    let mut bytes = vec![];
    while number > 0x7f {
        bytes.push(u8::try_from(number & 0x7f).expect("it is masked") | 0x80);
        number >>= 7;
    }
    bytes.push(u8::try_from(number).expect("seven bits"));
    bytes
}

#[test]
fn a_delta_is_rejected_by_its_sizes_before_anything_is_inflated() {
    // Regression: a base of 30 MB was inflated for each delta on it, and a result of 64 MiB was
    // made, before the size of the result was checked.
    let (base, delta) = (Oid::new([1; 20]), Oid::new([2; 20]));
    for (base_len, result_len, is_read) in
        [(300, 200, true), (100_000, 300, true), (4 << 20, 200, false), (300, 4 << 20, false)]
    {
        let copied = result_len.min(base_len);
        let mut instructions = [varint(base_len), varint(result_len)].concat();
        for _ in 0..result_len.div_ceil(copied) {
            let [low, high, ..] = copied.to_le_bytes();
            instructions.extend([0xb0, low, high]);
        }
        let (_directory, objects) = packed(&[
            (base, entry(COMMIT, base_len, b"", &commit_of(base_len))),
            (delta, entry(REF_DELTA, instructions.len(), base.as_bytes(), &instructions)),
        ]);
        let system = System::new();
        let (mut decoder, mut scratch) = (Decoder::default(), Scratch::new(Alloc::new(&system)));
        let (pack, offset) = objects.packs()[0].find(delta).expect("it is there");
        let mut bytes = Vec::new(Alloc::new(&system));
        let decoded = decoder.commit(pack, offset, COMMIT_BYTES_MAX, &mut scratch, &mut bytes);
        let is_commit = matches!(decoded, Ok(Decoded::Commit { .. }));
        assert_eq!((is_commit, bytes.len()), (is_read, if is_read { result_len } else { 0 }));
        let taken = scratch.capacity() + bytes.capacity();
        assert!(taken <= 3 * COMMIT_BYTES_MAX, "{taken} for {result_len} of {base_len}");
    }
}

#[test]
fn a_packed_commit_is_not_given_the_memory_that_it_claims() {
    // Regression: a commit that claimed 64 MiB had that much of the budget allocated.
    let id = Oid::new([1; 20]);
    for claimed in [64 << 20, COMMIT_BYTES_MAX + 1, 1 << 40] {
        let (_directory, objects) = packed(&[(id, entry(COMMIT, claimed, b"", &commit_of(90)))]);
        let (followed, _) = testing::with_budget(Bytes::new(64 << 10), |alloc| {
            let mut follower = Follower::new(&objects, 0, alloc);
            follower.follow(id, &mut |_| ControlFlow::Continue(()))
        });
        assert!(matches!(followed, Err(Error::Corrupt { .. })), "{claimed}: {followed:?}");
    }
}

#[test]
fn an_object_is_not_given_the_memory_that_it_claims_in_a_large_pack() {
    // Regression: what a pack has behind an entry could inflate to the claim, so 64 MiB were taken.
    let [id, base, other] = [1, 2, 3].map(|byte| Oid::new([byte; 20]));
    let claims_a_result = [varint(300), varint(60 << 20), vec![0x90, 200]].concat();
    for first in [
        entry(COMMIT, 60 << 20, b"", &commit_of(20_000)),
        entry(REF_DELTA, 60 << 20, base.as_bytes(), &claims_a_result),
        entry(REF_DELTA, claims_a_result.len(), base.as_bytes(), &claims_a_result),
    ] {
        let others = [300, 200_000].map(|len| entry(COMMIT, len, b"", &commit_of(len)));
        let [base_entry, large] = others;
        let (_directory, objects) = packed(&[(id, first), (base, base_entry), (other, large)]);
        let (read, _) = testing::with_budget(Bytes::new(256 << 10), |alloc| {
            objects.read(id, ObjectKind::Commit, &mut Vec::new(alloc))
        });
        assert!(matches!(read, Err(Error::Corrupt { .. })), "{read:?}");
    }
}

#[test]
fn a_large_commit_is_read_and_its_buffer_is_freed() {
    let (system, content) = (System::new(), commit_of(BYTES_RETAINED_MAX + 1));
    let id = object_id(ObjectKind::Commit, &content).expect("no SHA-1 collision");
    let (_directory, objects) = packed(&[(id, entry(COMMIT, content.len(), b"", &content))]);
    let mut follower = Follower::new(&objects, 0, Alloc::new(&system));
    let mut seen = 0;
    let followed = follower.follow(id, &mut |commit| {
        seen = commit.message.len();
        ControlFlow::Continue(())
    });
    assert!(followed.is_ok() && seen > BYTES_RETAINED_MAX - 100, "{followed:?}, {seen}");
    assert_eq!(follower.bytes.capacity(), 0);
    let (failed, _) = testing::with_budget(Bytes::new(64 << 10), |alloc| {
        Follower::new(&objects, 0, alloc).follow(id, &mut |_| ControlFlow::Continue(()))
    });
    assert!(matches!(failed, Err(Error::Memory(error)) if error.kind() == ErrorKind::OverBudget));
}

#[test]
fn orders_are_cached_up_to_a_number_of_objects() {
    let entries =
        [1, 2, 3].map(|byte| (Oid::new([byte; 20]), entry(COMMIT, 90, b"", &commit_of(90))));
    let (_directory, objects) = packed(&entries);
    let (system, file) = (System::new(), &objects.packs()[0]);
    let (pack, _) = file.find(Oid::new([1; 20])).expect("it is there");
    let alloc = Alloc::new(&system);
    assert_eq!(Orders::new(2, alloc).of(0, pack), Ok(None), "there are three");
    let mut orders = Orders::new(7, alloc);
    let mut order_of = |number| {
        let order = orders.of(number, pack).expect("there is memory").expect("there are three");
        assert_eq!(order, [0, 1, 2]);
        orders.count()
    };
    assert_eq!([0, 0, 1, 0, 1, 2, 2].map(&mut order_of), [1, 1, 2, 2, 2, 1, 1]);
}
