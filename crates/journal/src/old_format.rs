//! The format of June 2025: edges as CBOR arrays, raw in the message of a commit.
//!
//! An array of 7 is source, target, type, confidence, time, path of the source, path of the target.
//! Arrays of 8 and 13 have a ULID too, and 13 an attribution, with lengths and numbers that are not
//! CBOR. All were written as text, so a message ends before its first zero byte and the rest is
//! lost. In each array of 13 the time of eight bytes has a zero byte.

use super::cbor::{encoded_len, is_old_array, old_edge, write_edge};

/// The mark of lost edges in a payload: the first byte of an array.
const LOST: u8 = 0x87;

/// Whether a message is in this format: it starts with an array, whose first byte is not base64.
pub(super) fn is_old(message: &[u8]) -> bool {
    message.first().is_some_and(|first| is_old_array(*first))
}

/// The length of the payload that [`transcode`] writes.
pub(super) fn decoded_len(message: &[u8]) -> usize {
    let (mut rest, mut len) = (message, 0);
    while let Some((edge, after)) = old_edge(rest) {
        len += encoded_len(&edge);
        rest = after;
    }
    len + usize::from(!rest.is_empty())
}

/// Writes the edges of `message` in today's form, and [`LOST`] if there are more, into `payload`,
/// which has the right length.
pub(super) fn transcode(message: &[u8], payload: &mut [u8]) {
    let (mut rest, mut at) = (message, 0);
    while let Some((edge, after)) = old_edge(rest) {
        write_edge(&edge, &mut |bytes| {
            payload[at..at + bytes.len()].copy_from_slice(bytes);
            at += bytes.len();
        });
        rest = after;
    }
    if let Some(last) = payload.get_mut(at) {
        *last = LOST;
    }
}

#[cfg(test)]
mod tests {
    use crate::{Confidence, Edges, decode_message};
    use gitmind_memory::{Alloc, System};
    use std::vec::Vec;

    /// An edge of June 2025, as that program wrote it at 2025-06-15T12:00:00Z.
    fn array(source_path: &str, confidence: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0x87, 0x54];
        bytes.extend([0xaa; 20]);
        bytes.push(0x54);
        bytes.extend([0xbb; 20]);
        bytes.push(1);
        bytes.extend(confidence);
        bytes.extend([0x1a, 0x68, 0x4e, 0xb5, 0xc1]);
        bytes.push(0x60 + u8::try_from(source_path.len()).expect("a short path"));
        bytes.extend(source_path.as_bytes());
        bytes.extend(b"\x65b.txt");
        bytes
    }

    /// The paths of the edges that can be read, and whether all can.
    fn read(message: &[u8]) -> (Vec<Vec<u8>>, bool) {
        let system = System::new();
        let mut payload = gitmind_memory::Vec::new(Alloc::new(&system));
        decode_message(message, &mut payload).expect("there is memory");
        let mut is_whole = true;
        let edges = Edges::new(&payload).filter_map(|edge| {
            let read = edge.as_ref().map(|edge| edge.source_path.to_vec());
            is_whole &= edge.as_ref().map_or_else(|error| !error.is_old_format(), |_| true);
            read.ok()
        });
        (edges.collect(), is_whole)
    }

    #[test]
    fn arrays_of_seven_are_read_with_percent_and_seconds() {
        for (confidence, expected) in [
            (&[0x18, 100][..], Confidence::CERTAIN),
            (&[0x18, 50], Confidence(7680)),
            (&[0x19, 0x3c, 0x11], Confidence(0x3c11)),
        ] {
            let system = System::new();
            let mut payload = gitmind_memory::Vec::new(Alloc::new(&system));
            decode_message(&array("a.txt", confidence), &mut payload).expect("it is whole");
            let edges: Vec<_> = Edges::new(&payload).map(|edge| edge.expect("whole")).collect();
            let [edge] = edges[..] else { panic!("{edges:?}") };
            assert_eq!(
                (edge.source.as_bytes(), edge.target.as_bytes()),
                (&[0xaa; 20], &[0xbb; 20])
            );
            assert_eq!((edge.legacy_source, edge.legacy_target), (edge.source, edge.target));
            assert_eq!((edge.relation.0, edge.confidence), (1, expected));
            assert_eq!(edge.timestamp_ms, 1_749_988_801_000);
            assert_eq!((edge.source_path, edge.target_path), (&b"a.txt"[..], &b"b.txt"[..]));
            assert_eq!((edge.ulid, edge.attribution), (&b""[..], None));
        }
    }

    #[test]
    fn what_is_lost_is_said_and_what_is_before_it_is_read() {
        let certain = [0x18, 100];
        let two = [array("a", &certain), array("c", &certain)].concat();
        assert_eq!(read(&two), (vec![b"a".to_vec(), b"c".to_vec()], true));
        for cut in 1..two.len() {
            let (paths, is_whole) = read(&two[..cut]);
            let whole = cut / (two.len() / 2);
            assert_eq!((paths.len(), is_whole), (whole, cut == two.len() / 2), "cut at {cut}");
            // A zero byte cuts as well.
            assert_eq!(read(&[&two[..cut], b"\0", &two[cut..]].concat()).0.len(), whole);
        }
        for first in [0x88, 0x8d] {
            assert_eq!(read(&[first, 0x54, 1, 2, 3]), (vec![], false));
        }
    }
}
