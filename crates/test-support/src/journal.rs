//! Edges and messages of journals that tests make.

use gitmind_git::oid::Oid;
use gitmind_journal::{Attribution, Edge, Edges};
use gitmind_memory::{Alloc, System};

/// An edge that its time, `number`, tells from others.
///
/// # Ownership
/// Its texts are constants.
pub fn edge(number: u64) -> Edge<'static> {
    let blank = Edges::new(&[0xa0]).next().expect("an edge").expect("a whole one");
    let id = |number: u64| Oid::new([number.to_le_bytes()[0] | 1; 20]);
    Edge {
        source: id(number),
        target: id(number + 2),
        source_path: b"src/a.c",
        target_path: b"docs/a.md",
        timestamp_ms: number,
        attribution: Some(Attribution::default()),
        ..blank
    }
}

/// A message that holds these edges, each given by one byte for its source and one for its target.
pub fn message(edges: &[(u8, u8)]) -> Vec<u8> {
    let mut payload = Vec::new();
    for (source, target) in edges {
        let [source_path, target_path] = paths_of(*source, *target);
        payload.extend_from_slice(&[0xa4, 5, 0x61, source_path, 6, 0x61, target_path, 8, 0x54]);
        payload.extend_from_slice(&[*source; 20]);
        payload.extend_from_slice(&[9, 0x54]);
        payload.extend_from_slice(&[*target; 20]);
    }
    encoded_message(&payload)
}

/// As [`message`], with the type, up to 23, and the flags, up to 23, of each edge.
pub fn marked_message(edges: &[(u8, u8, u8, u8)]) -> Vec<u8> {
    let mut payload = Vec::new();
    for (source, target, relation, flags) in edges {
        let [source_path, target_path] = paths_of(*source, *target);
        let head = [0xa6, 2, *relation, 5, 0x61, source_path, 6, 0x61, target_path, 13, *flags];
        payload.extend_from_slice(&head);
        payload.extend_from_slice(&[8, 0x54]);
        payload.extend_from_slice(&[*source; 20]);
        payload.extend_from_slice(&[9, 0x54]);
        payload.extend_from_slice(&[*target; 20]);
    }
    encoded_message(&payload)
}

/// The paths of an edge of [`message`], a letter each: a path has several objects, and an object
/// has several paths as a source.
fn paths_of(source: u8, target: u8) -> [u8; 2] {
    [b'a' + (source ^ target) % 5, b'a' + target % 7]
}

/// The message that holds this payload.
pub fn encoded_message(payload: &[u8]) -> Vec<u8> {
    let system = System::new();
    let mut message = gitmind_memory::Vec::new(Alloc::new(&system));
    gitmind_journal::encode_message(payload, &mut message).expect("a short payload");
    message.to_vec()
}
