//! Encoding: the bytes that the C tool's writer produces for an edge.
//!
//! Keys are ascending, integers and lengths have their shortest form, and every field is present:
//! ten fields in the basic form, fifteen with attribution.

use super::super::edge::Edge;
use super::{key, limit, major};
use gitmind_git::oid::Oid;
use gitmind_memory::{MemoryError, Vec};

/// Why an edge cannot be encoded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// A text is longer than readers accept.
    #[error("the {field} has {len} bytes, the limit is {limit}")]
    TooLong {
        /// Which text.
        field: &'static str,
        /// Its length in bytes.
        len: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// An allocation failed.
    #[error("no memory to encode an edge: {0}")]
    Memory(#[from] MemoryError),
}

/// Appends `edge` to `out`.
///
/// ```
/// use gitmind_journal::{Edges, encode_edge};
/// use gitmind_memory::{self as memory, Alloc, System};
/// let edge = Edges::new(&[0xa0]).next().expect("an empty map is an edge")?;
/// let system = System::new();
/// let mut bytes = memory::Vec::new(Alloc::new(&system));
/// encode_edge(&edge, &mut bytes)?;
/// assert_eq!(Edges::new(&bytes).next(), Some(Ok(edge)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// When a text is over its limit or an allocation fails; `out` is then unchanged.
pub fn encode_edge(edge: &Edge<'_>, out: &mut Vec<'_, u8>) -> Result<(), EncodeError> {
    check_limits(edge)?;
    out.try_reserve(encoded_len(edge))?;
    let mut written = Ok(());
    write_edge(edge, &mut |bytes| {
        // Cannot fail: the capacity was reserved above.
        written = written.and_then(|()| out.try_extend_from_slice(bytes));
    });
    Ok(written?)
}

/// The number of bytes that [`encode_edge`] appends.
pub fn encoded_len(edge: &Edge<'_>) -> usize {
    let mut len = 0;
    write_edge(edge, &mut |bytes| len += bytes.len());
    len
}

fn check_limits(edge: &Edge<'_>) -> Result<(), EncodeError> {
    let attribution = edge.attribution.unwrap_or_default();
    let texts = [
        ("source path", edge.source_path, limit::PATH_BYTES_MAX),
        ("target path", edge.target_path, limit::PATH_BYTES_MAX),
        ("ULID", edge.ulid, limit::ULID_BYTES_MAX),
        ("author", attribution.author, limit::AUTHOR_BYTES_MAX),
        ("session", attribution.session, limit::SESSION_BYTES_MAX),
    ];
    match texts.into_iter().find(|(_, text, limit)| text.len() > *limit) {
        Some((field, text, limit)) => Err(EncodeError::TooLong { field, len: text.len(), limit }),
        None => Ok(()),
    }
}

pub(crate) fn write_edge(edge: &Edge<'_>, out: &mut impl FnMut(&[u8])) {
    let fields = if edge.attribution.is_some() { 15 } else { 10 };
    head(major::MAP, fields, out);
    oid_field(key::LEGACY_SOURCE, &edge.legacy_source, out);
    oid_field(key::LEGACY_TARGET, &edge.legacy_target, out);
    uint_field(key::RELATION, edge.relation.0.into(), out);
    uint_field(key::CONFIDENCE, edge.confidence.0.into(), out);
    uint_field(key::TIMESTAMP, edge.timestamp_ms, out);
    text_field(key::SOURCE_PATH, edge.source_path, out);
    text_field(key::TARGET_PATH, edge.target_path, out);
    text_field(key::ULID, edge.ulid, out);
    oid_field(key::SOURCE, &edge.source, out);
    oid_field(key::TARGET, &edge.target, out);
    if let Some(attribution) = &edge.attribution {
        uint_field(key::ORIGIN, attribution.origin.0.into(), out);
        text_field(key::AUTHOR, attribution.author, out);
        text_field(key::SESSION, attribution.session, out);
        uint_field(key::FLAGS, attribution.flags.into(), out);
        uint_field(key::LANE, attribution.lane.into(), out);
    }
}

fn uint_field(key: u64, value: u64, out: &mut impl FnMut(&[u8])) {
    head(major::UINT, key, out);
    head(major::UINT, value, out);
}

fn oid_field(key: u64, oid: &Oid, out: &mut impl FnMut(&[u8])) {
    string_field(key, major::BYTES, oid.as_bytes(), out);
}

fn text_field(key: u64, text: &[u8], out: &mut impl FnMut(&[u8])) {
    string_field(key, major::TEXT, text, out);
}

fn string_field(key: u64, major: u8, bytes: &[u8], out: &mut impl FnMut(&[u8])) {
    head(major::UINT, key, out);
    head(major, bytes.len() as u64, out);
    out(bytes);
}

/// Writes the head of an item: its major type, and `value` in the shortest form.
fn head(major: u8, value: u64, out: &mut impl FnMut(&[u8])) {
    let first = |info: u8| major << 5 | info;
    let [b0, b1, b2, b3, b4, b5, b6, b7] = value.to_be_bytes();
    match value {
        0..=23 => out(&[first(b7)]),
        24..=0xff => out(&[first(24), b7]),
        0x100..=0xffff => out(&[first(25), b6, b7]),
        0x1_0000..=0xffff_ffff => out(&[first(26), b4, b5, b6, b7]),
        _ => out(&[first(27), b0, b1, b2, b3, b4, b5, b6, b7]),
    }
}
