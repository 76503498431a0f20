//! One object inside a pack: a header with kind and size, then a zlib stream.

use crate::git::ObjectKind;

/// Most bytes in one stored block of a deflate stream (RFC 1951, 3.2.4).
const STORED_BLOCK_BYTES_MAX: usize = 0xffff;

/// Appends the entry of a whole object, its content in stored blocks (RFC 1950, RFC 1951).
pub(super) fn encode_stored(kind: ObjectKind, data: &[u8], out: &mut Vec<u8>) {
    encode_header(kind, data.len(), out);
    // Deflate with a 32 KiB window at the fastest level: 0x7801 is a multiple of 31, as it must be.
    out.extend_from_slice(&[0x78, 0x01]);
    let mut rest = data;
    loop {
        let (block, after) = rest.split_at(rest.len().min(STORED_BLOCK_BYTES_MAX));
        let len =
            u16::try_from(block.len()).expect("this holds because a block is cut to u16::MAX");
        out.push(u8::from(after.is_empty()));
        out.extend_from_slice(&len.to_le_bytes());
        out.extend_from_slice(&(!len).to_le_bytes());
        out.extend_from_slice(block);
        if after.is_empty() {
            break;
        }
        rest = after;
    }
    let mut checksum = simd_adler32::Adler32::new();
    checksum.write(data);
    out.extend_from_slice(&checksum.finish().to_be_bytes());
}

/// Appends the header of an entry: three bits of kind and the inflated size, low bits first.
pub(crate) fn encode_header(kind: ObjectKind, size_bytes: usize, out: &mut Vec<u8>) {
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
        out.push(byte | 0x80);
        byte = low_bits(size, 7);
        size >>= 7;
    }
    out.push(byte);
}

/// The lowest `count` bits of `size`, at most eight.
fn low_bits(size: usize, count: u32) -> u8 {
    let mask = (1_usize << count) - 1;
    u8::try_from(size & mask).expect("this holds because at most eight bits are kept")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn an_independent_inflater_reads_stored_content_of_every_block_count() {
        for len in [0, 1, 41, 65_534, 65_535, 65_536, 131_070, 131_071, 200_000] {
            let data: Vec<u8> = (0..=250).cycle().take(len).collect();
            let mut entry = Vec::new();
            encode_stored(ObjectKind::Blob, &data, &mut entry);
            let mut header = Vec::new();
            encode_header(ObjectKind::Blob, len, &mut header);
            let mut inflated = Vec::new();
            let mut reader = flate2::read::ZlibDecoder::new(&entry[header.len()..]);
            reader.read_to_end(&mut inflated).expect("a valid zlib stream");
            assert!(inflated == data, "{len} bytes");
            let stream_bytes = (entry.len() - header.len()) as u64;
            assert_eq!(reader.total_in(), stream_bytes, "{len} bytes");
        }
    }

    #[test]
    fn sizes_grow_the_header_at_four_and_then_seven_bits() {
        let header_len = |size| {
            let mut out = Vec::new();
            encode_header(ObjectKind::Commit, size, &mut out);
            out.len()
        };
        assert_eq!([0, 15, 16, 2047, 2048, 1 << 18].map(header_len), [1, 1, 2, 2, 3, 4]);
    }
}
