//! The target for inflating small objects: three decoders agree. The tests of `gitmind-inflate` use
//! it too.

use flate2::{Decompress, FlushDecompress, Status};
use gitmind_inflate::BlockInflater;
use sirocco::Format;
use sirocco::inflate::Decoder;

/// Most bytes of a content.
const CONTENT_BYTES_MAX: usize = 16 << 10;

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
    inflated.is_some()
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
