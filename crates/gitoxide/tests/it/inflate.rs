//! The inflater that reads packs against the one of zlib-rs: what one takes, the other takes.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
use proptest::prelude::*;

/// More than any stream here holds.
const ROOM_BYTES: usize = 1 << 14;

/// What the inflater of the packs makes of `stream`, and how much of it that takes.
fn ours(inflate: &mut gix_zlib::Inflate, stream: &[u8]) -> Option<(Vec<u8>, usize)> {
    let mut room = vec![0; ROOM_BYTES];
    inflate.reset();
    let (status, read, written) = inflate.once(stream, &mut room).ok()?;
    room.truncate(written);
    (status == gix_zlib::Status::StreamEnd).then_some((room, read))
}

/// The same by zlib-rs.
fn theirs(stream: &[u8]) -> Option<(Vec<u8>, usize)> {
    let (mut room, mut inflate) = (vec![0; ROOM_BYTES], Decompress::new(true));
    let status = inflate.decompress(stream, &mut room, FlushDecompress::Finish).ok()?;
    room.truncate(usize::try_from(inflate.total_out()).expect("it fits"));
    let read = usize::try_from(inflate.total_in()).expect("it fits");
    (status == Status::StreamEnd).then_some((room, read))
}

fn deflate(content: &[u8], level: u32) -> Vec<u8> {
    let mut stream = Vec::with_capacity(2 * ROOM_BYTES);
    let mut compress = Compress::new(Compression::new(level), true);
    let status = compress.compress_vec(content, &mut stream, FlushCompress::Finish);
    assert!(matches!(status, Ok(Status::StreamEnd)), "there is room");
    stream
}

/// Bytes with as many different values as commits, bitmaps or noise have.
fn content() -> impl Strategy<Value = Vec<u8>> {
    (1..=255_u8, 0..4000_usize).prop_flat_map(|(most, len)| {
        prop::collection::vec(any::<u8>().prop_map(move |byte| byte % most), len)
    })
}

proptest! {
    #[test]
    fn sound_streams_of_every_level_come_out_as_they_went_in(
        contents in prop::collection::vec((content(), 0..=9_u32), 1..4),
        after in prop::collection::vec(any::<u8>(), 0..20),
    ) {
        // One inflater, as for the commits of a pack.
        let mut inflate = gix_zlib::Inflate::default();
        for (content, level) in contents {
            let mut stream = deflate(&content, level);
            let len = stream.len();
            stream.extend_from_slice(&after);
            prop_assert_eq!(ours(&mut inflate, &stream), Some((content, len)));
        }
    }

    #[test]
    fn damaged_streams_are_taken_by_both_or_by_neither(
        content in content(),
        level in 0..=9_u32,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        end in any::<prop::sample::Index>(),
        is_cut in any::<bool>(),
    ) {
        let mut stream = deflate(&content, level);
        for (at, byte) in damage {
            let at = at.index(stream.len());
            stream[at] = byte;
        }
        if is_cut {
            stream.truncate(end.index(stream.len()));
        }
        prop_assert_eq!(ours(&mut gix_zlib::Inflate::default(), &stream), theirs(&stream));
    }
}

#[test]
fn commits_come_out_the_same_through_both() {
    let repository = gitmind_test_support::TempRepository::fixture("medium");
    repository.git(&["repack", "-q", "-adf", "--window=0"]);
    let list = repository.git(&["rev-list", "refs/gitmind/edges/main"]);
    let mut inflate = gix_zlib::Inflate::default();
    for id in list.lines().step_by(50) {
        let commit = repository.git(&["cat-file", "commit", id]);
        for level in [1, 6, 9] {
            let stream = deflate(commit.as_bytes(), level);
            let (ours, theirs) = (ours(&mut inflate, &stream), theirs(&stream));
            assert_eq!(ours, theirs);
            assert_eq!(ours, Some((commit.clone().into_bytes(), stream.len())));
        }
    }
}
