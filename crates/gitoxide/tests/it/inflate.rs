//! The inflater for packs against zlib-rs: both accept and reject the same streams.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
use proptest::prelude::*;
use sirocco::Format;
use sirocco::inflate::Decoder;

/// Most inflated bytes of any stream here.
const ROOM_BYTES: usize = 1 << 14;

/// `stream` inflated as for packs, in two steps, and the bytes of `stream` that were read.
fn by_packs(inflate: &mut Decoder, stream: &[u8], first: usize) -> Option<(Vec<u8>, usize)> {
    let mut room = vec![0; first];
    inflate.reset();
    let (mut read, mut written) = (0, 0);
    loop {
        let progress = inflate.decompress(&stream[read..], &mut room, true).ok()?;
        read += progress.consumed;
        written += progress.output.len();
        if progress.done {
            room.truncate(written);
            return Some((room, read));
        }
        if room.len() == ROOM_BYTES {
            return None;
        }
        room.resize(ROOM_BYTES, 0);
    }
}

/// The same with zlib-rs.
fn by_zlib_rs(stream: &[u8]) -> Option<(Vec<u8>, usize)> {
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

/// Bytes with up to `most` different values, like those of commits, bitmaps or noise.
fn content() -> impl Strategy<Value = Vec<u8>> {
    (1..=255_u8, 0..4000_usize).prop_flat_map(|(most, len)| {
        prop::collection::vec(any::<u8>().prop_map(move |byte| byte % most), len)
    })
}

proptest! {
    #[test]
    fn sound_streams_of_every_level_inflate_to_their_content(
        contents in prop::collection::vec((content(), 0..=9_u32), 1..4),
        after in prop::collection::vec(any::<u8>(), 0..20),
        first in 0..5000_usize,
    ) {
        // One inflater, as for the commits of a pack.
        let mut inflate = Decoder::new(Format::Zlib);
        for (content, level) in contents {
            let mut stream = deflate(&content, level);
            let len = stream.len();
            stream.extend_from_slice(&after);
            for first in [first, content.len()] {
                let inflated = by_packs(&mut inflate, &stream, first);
                prop_assert_eq!(inflated, Some((content.clone(), len)));
            }
        }
    }

    #[test]
    fn damaged_streams_are_accepted_by_both_or_by_neither(
        content in content(),
        level in 0..=9_u32,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        end in any::<prop::sample::Index>(),
        is_cut in any::<bool>(),
        first in 0..5000_usize,
    ) {
        let mut stream = deflate(&content, level);
        for (at, byte) in damage {
            let at = at.index(stream.len());
            stream[at] = byte;
        }
        if is_cut {
            stream.truncate(end.index(stream.len()));
        }
        let inflated = by_packs(&mut Decoder::new(Format::Zlib), &stream, first);
        prop_assert_eq!(inflated, by_zlib_rs(&stream));
    }
}

#[test]
fn commits_inflate_the_same_with_both() {
    let repository = gitmind_test_support::TempRepository::fixture("medium");
    repository.git(&["repack", "-q", "-adf", "--window=0"]);
    let list = repository.git(&["rev-list", "refs/gitmind/edges/main"]);
    let mut inflate = Decoder::new(Format::Zlib);
    for id in list.lines().step_by(50) {
        let commit = repository.git(&["cat-file", "commit", id]);
        for level in [1, 6, 9] {
            let stream = deflate(commit.as_bytes(), level);
            let by_packs = by_packs(&mut inflate, &stream, commit.len());
            assert_eq!(by_packs, by_zlib_rs(&stream));
            assert_eq!(by_packs, Some((commit.clone().into_bytes(), stream.len())));
        }
    }
}
