//! The encoding of the records of edges and files in a scratch file.

use gitmind_git::oid::Oid;

/// Source, position in visiting order, and target of an edge.
pub(super) const FORWARD_BYTES: usize = Oid::LEN + 4 + Oid::LEN;
/// An end of an edge, an object or the key of a path, and its position in visiting order.
pub(super) const END_BYTES: usize = Oid::LEN + 4;
/// An object and the id of its forward file.
pub(super) const FILE_BYTES: usize = Oid::LEN + Oid::LEN;
/// For a source with a single target: the target, the number of edges, and the id of the forward
/// file of the source.
pub(super) const SINGLE_BYTES: usize = Oid::LEN + 4 + Oid::LEN;

/// The record of an edge in the partition of its source.
pub(super) fn forward(source: Oid, visit: u32, target: Oid) -> [u8; FORWARD_BYTES] {
    let mut record = [0; FORWARD_BYTES];
    record[..20].copy_from_slice(source.as_bytes());
    record[20..24].copy_from_slice(&visit.to_le_bytes());
    record[24..].copy_from_slice(target.as_bytes());
    record
}

/// The record of an edge in the partition of its target, or of the path of one of its ends.
pub(super) fn end(end: Oid, visit: u32) -> [u8; END_BYTES] {
    let mut record = [0; END_BYTES];
    record[..20].copy_from_slice(end.as_bytes());
    record[20..].copy_from_slice(&visit.to_le_bytes());
    record
}

/// The record of an object's forward file.
pub(super) fn file(object: Oid, file: Oid) -> [u8; FILE_BYTES] {
    let mut record = [0; FILE_BYTES];
    record[..20].copy_from_slice(object.as_bytes());
    record[20..].copy_from_slice(file.as_bytes());
    record
}

/// The record of a source all of whose `edges` end at `target`, in the partition of the target.
pub(super) fn single(target: Oid, edges: u32, file: Oid) -> [u8; SINGLE_BYTES] {
    forward(target, edges, file)
}

/// The object id at `offset` of a record.
pub(super) fn oid(record: &[u8], offset: usize) -> Oid {
    let mut bytes = [0; Oid::LEN];
    bytes.copy_from_slice(&record[offset..offset + Oid::LEN]);
    Oid::new(bytes)
}

/// The number after the first object id of a record.
pub(super) fn number(record: &[u8]) -> u32 {
    let mut bytes = [0; 4];
    bytes.copy_from_slice(&record[Oid::LEN..Oid::LEN + 4]);
    u32::from_le_bytes(bytes)
}
