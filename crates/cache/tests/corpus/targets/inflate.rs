//! The target for inflating small objects: three decoders agree. The tests of `gitmind-inflate` use
//! it too.

use flate2::{Decompress, FlushDecompress, Status};
use gitmind_inflate::BlockInflater;
use sirocco::Format;
use sirocco::inflate::Decoder;

/// Most bytes of a content.
const CONTENT_BYTES_MAX: usize = 16 << 10;

/// A stream that is accepted, of a commit, and 12 bytes behind it.
const SOUND: &[u8] = b"\
    \x78\xda\x0d\xc4\xcd\x0a\xc2\x20\x00\x00\xe0\xbb\x4f\xe1\x3d\x08\xcd\xbf\x09\x11\x2d\x29\x1a\
    \x8d\x08\x06\x6d\xec\xa6\xe6\x36\xa2\x94\x4c\x0b\x7a\xfa\xf6\x1d\xbe\x14\x9d\x83\x85\x41\x4e\
    \x60\x46\xcc\x20\x2c\x11\x88\xdf\x0a\x66\xd9\x8a\x3a\x4a\x11\xe2\x9c\x31\xa9\xe7\xb9\x95\x40\
    \xe7\x34\x85\x08\x4b\xb8\xd6\x5b\xb3\xb4\x1b\x88\xe1\x02\xcd\x00\x50\x19\x5f\x9b\xa9\x7a\x3d\
    \xcb\x58\xf9\xe4\x65\xe8\x64\xd1\x1e\x47\x95\x7e\x0a\xe7\xef\x8e\x1d\xba\xfe\x32\x88\x77\x1a\
    \xc5\xf9\xf3\xd8\x93\x5a\xc7\xdc\xc4\x7b\xed\x83\x6f\x4f\x7f\x9b\xaa\x27\x77\
    \0\0\0\0\0\0\0\0\0\0\0\0";
/// The length of its content in bytes.
const SOUND_BYTES: usize = 132;

/// What a stream holds, and the length of the stream in bytes.
type Inflated = Option<(Vec<u8>, usize)>;

/// A stream that is accepted has the content and the length that sirocco and zlib-rs find; one with
/// another checksum is tried as well with the right one.
pub(crate) fn inflate(input: &[u8]) {
    // Bytes follow, without which a stream is declined.
    let mut stream = [input, &[0; 16]].concat();
    is_accepted(&stream);
    let deflated = stream.get(2..).and_then(|deflated| by_zlib_rs(deflated, false));
    if let Some((content, len)) = deflated
        && let Some(place) = stream.get_mut(2 + len..2 + len + 4)
    {
        place.copy_from_slice(&checksum(&content).to_be_bytes());
        is_accepted(&stream);
    }
}

/// Whether the stream at the start of `input` is accepted; panics when the decoders disagree.
pub(crate) fn is_accepted(input: &[u8]) -> bool {
    let expected = by_sirocco(input);
    assert_eq!(expected, by_zlib_rs(input, true), "sirocco and zlib-rs");
    let deflated = input.get(2..).and_then(|deflated| by_zlib_rs(deflated, false));
    let size = deflated.map_or(0, |(content, _)| content.len());
    let mut inflater = BlockInflater::new();
    let mut by_block = |size| {
        let mut content = vec![0xa5; size];
        inflater.inflate(input, &mut content).map(|len| (content, len))
    };
    for other in [0, size.saturating_sub(1), size + 1, 2 * size + 300] {
        assert!(other == size || by_block(other).is_none(), "{other} bytes of {size}");
    }
    let inflated = by_block(size);
    assert!(inflated.is_none() || inflated == expected, "the first of three decoders");
    beside_another(input, inflated.as_ref(), size);
    inflated.is_some()
}

/// A stream has the same outcome beside itself, and beside a sound one in either place, which it
/// does not change.
fn beside_another(input: &[u8], expected: Option<&(Vec<u8>, usize)>, size: usize) {
    let mut sound_content = vec![0; SOUND_BYTES];
    let sound_len = BlockInflater::new().inflate(SOUND, &mut sound_content);
    assert!(sound_len.is_some(), "it is sound");
    let mut inflater = BlockInflater::new();
    for sound_at in [None, Some(0), Some(1)] {
        let of = |at| if sound_at == Some(at) { (SOUND, SOUND_BYTES) } else { (input, size) };
        let [(first, first_size), (second, second_size)] = [of(0), of(1)];
        let mut contents = [vec![0xa5; first_size], vec![0x5a; second_size]];
        let [first_content, second_content] = &mut contents;
        let lens = inflater.inflate_two([first, second], [first_content, second_content]);
        for (at, (len, content)) in lens.into_iter().zip(&contents).enumerate() {
            let found = len.map(|len| (content, len));
            match sound_at == Some(at) {
                true => assert_eq!(found, sound_len.map(|len| (&sound_content, len)), "the sound"),
                false => assert_eq!(found, expected.map(|(content, len)| (content, *len))),
            }
        }
    }
}

fn by_sirocco(input: &[u8]) -> Inflated {
    let mut content = vec![0; CONTENT_BYTES_MAX];
    let progress = Decoder::new(Format::Zlib).decompress(input, &mut content, true).ok()?;
    let (is_done, read, written) = (progress.done, progress.consumed, progress.output.len());
    content.truncate(written);
    is_done.then_some((content, read))
}

/// Inflates a stream with a header of zlib and a checksum, or without both.
fn by_zlib_rs(input: &[u8], has_header: bool) -> Inflated {
    let (mut content, mut inflate) = (vec![0; CONTENT_BYTES_MAX], Decompress::new(has_header));
    let status = inflate.decompress(input, &mut content, FlushDecompress::Finish).ok()?;
    content.truncate(usize::try_from(inflate.total_out()).expect("it fits"));
    let read = usize::try_from(inflate.total_in()).expect("it fits");
    (status == Status::StreamEnd).then_some((content, read))
}

/// Adler-32 (RFC 1950, 8.2).
pub(crate) fn checksum(content: &[u8]) -> u32 {
    let sums = content.iter().fold((1, 0), |(low, high), byte| {
        let low = (low + u32::from(*byte)) % 65521;
        (low, (high + low) % 65521)
    });
    sums.1 << 16 | sums.0
}
