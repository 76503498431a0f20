//! Encoding an entry of a pack: a header with kind and size, then a zlib stream.

use crate::ObjectKind;
use gitmind_memory::{MemoryError, Vec};

/// Most bytes in one stored block of a deflate stream (RFC 1951, 3.2.4).
const STORED_BLOCK_BYTES_MAX: usize = 0xffff;
/// Bytes of a zlib stream's header and checksum.
const ZLIB_FRAME_BYTES: usize = 6;

/// Appends the entry of an undeltified object, its content in stored (uncompressed) blocks
/// (RFC 1950, RFC 1951).
///
/// # Errors
/// [`MemoryError`] when an allocation fails; `out` then holds a part of the entry.
pub fn encode_entry(
    kind: ObjectKind,
    data: &[u8],
    out: &mut Vec<'_, u8>,
) -> Result<(), MemoryError> {
    encode_header(kind, data.len(), out)?;
    encode_stored(&[data], out)
}

/// Appends one zlib stream of the concatenated `parts`, in stored (uncompressed) blocks.
///
/// # Errors
/// As [`encode_entry`].
pub fn encode_stored(parts: &[&[u8]], out: &mut Vec<'_, u8>) -> Result<(), MemoryError> {
    let blocks = |part: &[u8]| part.len() / STORED_BLOCK_BYTES_MAX + 1;
    let room = parts.iter().map(|part| part.len() + 5 * blocks(part)).sum::<usize>();
    out.try_reserve(room + ZLIB_FRAME_BYTES)?;
    // Deflate with a 32 KiB window at the fastest level; RFC 1950 requires a multiple of 31.
    out.try_extend_from_slice(&[0x78, 0x01])?;
    let mut checksum = simd_adler32::Adler32::new();
    let mut parts = parts.iter().copied().peekable();
    while let Some(mut rest) = parts.next() {
        checksum.write(rest);
        loop {
            let (block, after) = rest.split_at(rest.len().min(STORED_BLOCK_BYTES_MAX));
            let len = u16::try_from(block.len());
            let len = len.expect("this holds because a block is cut to u16::MAX");
            let is_last = after.is_empty() && parts.peek().is_none();
            out.try_push(u8::from(is_last))?;
            out.try_extend_from_slice(&len.to_le_bytes())?;
            out.try_extend_from_slice(&(!len).to_le_bytes())?;
            out.try_extend_from_slice(block)?;
            if after.is_empty() {
                break;
            }
            rest = after;
        }
    }
    out.try_extend_from_slice(&checksum.finish().to_be_bytes())
}

/// Appends an entry's header: three bits of kind, then the inflated size, low bits first.
///
/// # Errors
/// As [`encode_entry`].
pub fn encode_header(
    kind: ObjectKind,
    size_bytes: usize,
    out: &mut Vec<'_, u8>,
) -> Result<(), MemoryError> {
    let kind = match kind {
        ObjectKind::Commit => 1,
        ObjectKind::Tree => 2,
        ObjectKind::Blob => 3,
        ObjectKind::Tag => 4,
    };
    let mut size = size_bytes;
    let mut byte = kind << 4 | low_bits(size, 4);
    size >>= 4;
    while size > 0 {
        out.try_push(byte | 0x80)?;
        byte = low_bits(size, 7);
        size >>= 7;
    }
    out.try_push(byte)
}

/// The lowest `count` bits of `size`, at most eight.
fn low_bits(size: usize, count: u32) -> u8 {
    let mask = (1_usize << count) - 1;
    u8::try_from(size & mask).expect("this holds because at most eight bits are kept")
}

#[cfg(test)]
mod tests {
    use super::*;
    use gitmind_memory::{Alloc, System};
    use std::io::Read;

    #[test]
    fn an_independent_inflater_reads_stored_content_of_every_block_count() {
        for len in [0, 1, 41, 65_534, 65_535, 65_536, 131_070, 131_071, 200_000] {
            let data: std::vec::Vec<u8> = (0..=250).cycle().take(len).collect();
            let system = System::new();
            let mut entry = Vec::new(Alloc::new(&system));
            encode_entry(ObjectKind::Blob, &data, &mut entry).expect("there is memory");
            let mut header = Vec::new(Alloc::new(&system));
            encode_header(ObjectKind::Blob, len, &mut header).expect("there is memory");
            let mut inflated = vec![];
            let mut reader = flate2::read::ZlibDecoder::new(&entry[header.len()..]);
            reader.read_to_end(&mut inflated).expect("a valid zlib stream");
            assert!(inflated == data, "{len} bytes");
            let stream_bytes = (entry.len() - header.len()) as u64;
            assert_eq!(reader.total_in(), stream_bytes, "{len} bytes");
        }
    }

    #[test]
    fn a_stream_of_parts_inflates_to_their_concatenation() {
        for parts in [&[b"".as_slice(), b"ab"][..], &[b"ab", b""], &[b"a", b"", b"b"], &[b"ab"]] {
            let system = System::new();
            let mut stream = Vec::new(Alloc::new(&system));
            encode_stored(parts, &mut stream).expect("there is memory");
            let mut inflated = vec![];
            let mut reader = flate2::read::ZlibDecoder::new(&*stream);
            reader.read_to_end(&mut inflated).expect("a valid zlib stream");
            assert_eq!(inflated, b"ab");
        }
    }

    #[test]
    fn sizes_grow_the_header_at_four_and_then_seven_bits() {
        let header_len = |size| {
            let system = System::new();
            let mut out = Vec::new(Alloc::new(&system));
            encode_header(ObjectKind::Commit, size, &mut out).expect("there is memory");
            out.len()
        };
        assert_eq!([0, 15, 16, 2047, 2048, 1 << 18].map(header_len), [1, 1, 2, 2, 3, 4]);
    }
}
