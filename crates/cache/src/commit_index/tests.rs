//! Properties of chunks of the commit index: round trip, lookup, damaged files.

use super::*;
use gitmind_memory::testing::sweep;
use gitmind_memory::{Alloc, System};
use proptest::prelude::*;

type Records = std::vec::Vec<CommitRecord>;

fn chunk(records: &[CommitRecord]) -> std::vec::Vec<u8> {
    let system = System::new();
    let mut file = Vec::new(Alloc::new(&system));
    encode_commit_chunk(records.iter().copied(), &mut file).expect("there is memory");
    file.to_vec()
}

fn read(file: &[u8]) -> Result<Records, CommitIndexError> {
    let chunk = CommitChunk::parse(file)?;
    Ok((0..).map_while(|index| chunk.record(index)).collect())
}

/// Records with ascending first edges.
fn records() -> impl Strategy<Value = Records> {
    let firsts = prop::collection::btree_set(any::<u32>(), 1..60);
    (firsts, any::<u8>()).prop_map(|(firsts, byte)| {
        let commit = |n: usize| Oid::new([byte.wrapping_add(u8::try_from(n).unwrap_or(0)); 20]);
        let record = |(n, first_edge)| CommitRecord { first_edge, commit: commit(n) };
        firsts.into_iter().enumerate().map(record).collect()
    })
}

proptest! {
    #[test]
    fn encoded_records_decode_to_themselves(records in records()) {
        let file = chunk(&records);
        prop_assert_eq!(file.len(), 16 + 24 * records.len());
        prop_assert_eq!(read(&file), Ok(records));
    }

    #[test]
    fn an_edge_is_found_in_the_record_that_a_linear_scan_finds(
        records in records(),
        edges: [u32; 8],
    ) {
        let file = chunk(&records);
        let chunk = CommitChunk::parse(&file).expect("we wrote it");
        let firsts = records.iter().flat_map(|r| [r.first_edge, r.first_edge.wrapping_sub(1)]);
        for edge in firsts.chain(edges) {
            let scan = records.iter().rposition(|record| record.first_edge <= edge);
            prop_assert_eq!(chunk.find(edge), scan);
        }
        let (first, last) = (records[0], records[records.len() - 1]);
        prop_assert_eq!(chunk.bounds(), (first.first_edge, last.first_edge));
    }

    #[test]
    fn any_bytes_are_an_error_or_the_encoding_of_their_records(
        mut file in prop::collection::vec(any::<u8>(), 0..120),
        is_likely: bool,
        count in 0..5_u32,
    ) {
        if is_likely && file.len() >= 16 {
            file[..12].copy_from_slice(b"GMCOMMIT\x01\0\0\0");
            file[12..16].copy_from_slice(&count.to_le_bytes());
        }
        if let Ok(records) = read(&file) {
            prop_assert_eq!(chunk(&records), file);
        }
    }

    #[test]
    fn one_flipped_bit_changes_at_most_one_record(
        records in records(),
        at in any::<prop::sample::Index>(),
        bit in 0..8_u8,
    ) {
        let mut file = chunk(&records);
        let at = at.index(file.len());
        file[at] ^= 1 << bit;
        if let Ok(others) = read(&file) {
            prop_assert!(at >= 16, "the header is checked whole");
            let changed = others.iter().zip(&records).filter(|(a, b)| a != b).count();
            prop_assert_eq!((others.len(), changed), (records.len(), 1));
        }
    }

    #[test]
    fn file_names_are_eight_digits_in_the_order_of_edge_ids(a: u32, b: u32) {
        prop_assert_eq!(parse_chunk_name(&chunk_name(a)), Some(a));
        prop_assert_eq!(a.cmp(&b), chunk_name(a).cmp(&chunk_name(b)));
        prop_assert_eq!(chunk_name(a).to_vec(), format!("{a:08x}").into_bytes());
    }
}

#[test]
fn a_length_that_does_not_match_the_count_is_an_error() {
    let record = |first_edge| CommitRecord { first_edge, commit: Oid::new([7; 20]) };
    let sound = chunk(&[record(0), record(2)]);
    for cut in 0..sound.len() {
        assert!(read(&sound[..cut]).is_err(), "cut at {cut}");
    }
    for count in [0_u32, 1, 3, u32::MAX] {
        let mut file = sound.clone();
        file[12..16].copy_from_slice(&count.to_le_bytes());
        assert!(matches!(read(&file), Err(CommitIndexError::Damaged(_))), "{count}");
    }
    let mut future = sound.clone();
    future[8] = 2;
    assert_eq!(read(&future), Err(CommitIndexError::Version(2)));
    let none = chunk(&[]);
    assert!(matches!(read(&none), Err(CommitIndexError::Damaged(_))));
    let unsorted = chunk(&[record(2), record(2)]);
    assert!(matches!(read(&unsorted), Err(CommitIndexError::Damaged(_))));
}

#[test]
fn a_chunk_has_at_most_records_per_chunk_records() {
    let record = |first_edge| CommitRecord { first_edge, commit: Oid::ZERO };
    let all: Records = (0..RECORDS_PER_CHUNK + 1).map(record).collect();
    let mut file = chunk(&all);
    let read = read(&file).expect("the rest is for the next one");
    assert_eq!(read, all[..RECORDS_PER_CHUNK as usize]);
    file[12..16].copy_from_slice(&(RECORDS_PER_CHUNK + 1).to_le_bytes());
    file.extend_from_slice(&RECORDS_PER_CHUNK.to_le_bytes());
    file.extend_from_slice(&[0; 20]);
    assert!(matches!(CommitChunk::parse(&file), Err(CommitIndexError::Damaged(_))));
}

#[test]
fn other_spellings_are_not_file_names_of_chunks() {
    for name in [&b"0"[..], b"0000000A", b"+0000001", b"000000001", b"0000000g", b"", b"\xff"] {
        assert_eq!(parse_chunk_name(name), None, "{name:?}");
    }
}

#[test]
fn each_allocation_failure_is_returned() {
    let records = [CommitRecord { first_edge: 0, commit: Oid::ZERO }; 3];
    sweep(|alloc| encode_commit_chunk(records, &mut Vec::new(alloc))).assert_propagated();
}
