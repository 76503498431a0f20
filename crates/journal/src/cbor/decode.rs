//! Decoding: an iterator over the edges of a payload, which borrow from it.

use super::super::edge::{Confidence, Edge, Origin, Relation};
use super::{key, limit, major};
use gitmind_git::oid::Oid;

/// Largest number of map entries that the first byte of a CBOR map can hold.
const FIELDS_MAX: u8 = 23;

/// Why the bytes at some offset of a payload are not an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("byte {offset} of the payload is not part of an edge: {problem}")]
pub struct CborError {
    /// Offset of the malformed edge, in bytes from the start of the payload.
    pub offset: usize,
    /// What is wrong with the edge.
    pub problem: &'static str,
}

impl CborError {
    /// Whether the edge is one of June 2025 that was truncated when it was written.
    pub fn is_old_format(&self) -> bool {
        self.problem == OLD_FORMAT
    }
}

/// An iterator over the edges of a payload, in order; it ends after the first error.
///
/// ```
/// use gitmind_journal::{Confidence, Edges};
/// // An empty map is an edge without ids; 0xff is not the start of an item.
/// let mut edges = Edges::new(&[0xa0, 0xff]);
/// let edge = edges.next().expect("a map")?;
/// assert!(edge.source.is_zero());
/// assert_eq!(edge.confidence, Confidence::CERTAIN);
/// assert_eq!(edges.next().expect("an error").map_err(|error| error.offset), Err(1));
/// assert_eq!(edges.next(), None);
/// # Ok::<(), gitmind_journal::CborError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Edges<'a> {
    payload: &'a [u8],
    offset: usize,
}

impl<'a> Edges<'a> {
    /// Starts at the first byte of `payload`.
    pub const fn new(payload: &'a [u8]) -> Self {
        Self::at(payload, 0)
    }

    /// Starts at a byte of `payload`.
    pub(crate) const fn at(payload: &'a [u8], offset: usize) -> Self {
        Self { payload, offset }
    }

    /// The byte at which the next edge starts.
    pub(crate) const fn offset(&self) -> usize {
        self.offset
    }
}

impl<'a> Iterator for Edges<'a> {
    type Item = Result<Edge<'a>, CborError>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.payload.get(self.offset..).filter(|rest| !rest.is_empty())?;
        let mut cursor = Cursor { rest };
        match cursor.edge() {
            Ok(edge) => {
                self.offset = self.payload.len() - cursor.rest.len();
                Some(Ok(edge))
            }
            Err(problem) => {
                let offset = core::mem::replace(&mut self.offset, self.payload.len());
                Some(Err(CborError { offset, problem }))
            }
        }
    }
}

/// The bytes that are not decoded yet.
struct Cursor<'a> {
    rest: &'a [u8],
}

type Read<T> = Result<T, &'static str>;

impl<'a> Cursor<'a> {
    fn edge(&mut self) -> Read<Edge<'a>> {
        let (major, fields) = self.initial()?;
        if is_old_array(major << 5 | fields) {
            return Err(OLD_FORMAT);
        }
        if major != major::MAP || fields > FIELDS_MAX {
            return Err("not a map with its count in the first byte");
        }
        let mut edge = blank();
        for _ in 0..fields {
            self.field(&mut edge)?;
        }
        if edge.source.is_zero() {
            edge.source = edge.legacy_source;
        }
        if edge.target.is_zero() {
            edge.target = edge.legacy_target;
        }
        Ok(edge)
    }

    /// Reads an array of 7. Its confidence is a percentage up to 100, its time is in seconds.
    #[expect(clippy::cast_possible_truncation, reason = "as for a field of a map")]
    fn old_edge(&mut self) -> Read<Edge<'a>> {
        if self.initial()? != (major::ARRAY, 7) {
            return Err(OLD_FORMAT);
        }
        let (source, target) = (self.oid()?, self.oid()?);
        let relation = Relation(self.uint()? as u16);
        let confidence = match self.uint()? {
            percent @ 0..=100 => percent * u64::from(Confidence::CERTAIN.0) / 100,
            stored => stored,
        };
        let seconds = self.uint()?;
        let (legacy_source, legacy_target) = (source, target);
        Ok(Edge {
            legacy_source,
            legacy_target,
            source,
            target,
            relation,
            confidence: Confidence(confidence as u16),
            timestamp_ms: seconds.saturating_mul(1000),
            source_path: self.text(limit::PATH_BYTES_MAX)?,
            target_path: self.text(limit::PATH_BYTES_MAX)?,
            ..blank()
        })
    }

    /// Reads one key and its value into `edge`.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the format's integers wrap to their field's width, as in the C reader"
    )]
    fn field(&mut self, edge: &mut Edge<'a>) -> Read<()> {
        match self.uint()? {
            key::LEGACY_SOURCE => edge.legacy_source = self.oid()?,
            key::LEGACY_TARGET => edge.legacy_target = self.oid()?,
            key::RELATION => edge.relation = Relation(self.uint()? as u16),
            key::CONFIDENCE => edge.confidence = Confidence(self.uint()? as u16),
            key::TIMESTAMP => edge.timestamp_ms = self.uint()?,
            key::SOURCE_PATH => edge.source_path = self.text(limit::PATH_BYTES_MAX)?,
            key::TARGET_PATH => edge.target_path = self.text(limit::PATH_BYTES_MAX)?,
            key::ULID => edge.ulid = self.text(limit::ULID_BYTES_MAX)?,
            key::SOURCE => edge.source = self.oid()?,
            key::TARGET => edge.target = self.oid()?,
            key @ key::ORIGIN..=key::LANE => {
                let attribution = edge.attribution.get_or_insert_default();
                match key {
                    key::ORIGIN => attribution.origin = Origin(self.uint()? as u32),
                    key::AUTHOR => attribution.author = self.text(limit::AUTHOR_BYTES_MAX)?,
                    key::SESSION => attribution.session = self.text(limit::SESSION_BYTES_MAX)?,
                    key::FLAGS => attribution.flags = self.uint()? as u32,
                    _ => attribution.lane = self.uint()? as u32,
                }
            }
            _ => return Err("unknown field number"),
        }
        Ok(())
    }

    /// Reads an unsigned integer, in the shortest or a longer encoding.
    fn uint(&mut self) -> Read<u64> {
        let (major, info) = self.initial()?;
        if major != major::UINT {
            return Err("not an unsigned integer");
        }
        match info {
            0..=23 => Ok(u64::from(info)),
            24 => self.array().map(|[byte]: [u8; 1]| u64::from(byte)),
            25 => self.array().map(|bytes| u64::from(u16::from_be_bytes(bytes))),
            26 => self.array().map(|bytes| u64::from(u32::from_be_bytes(bytes))),
            27 => self.array().map(u64::from_be_bytes),
            _ => Err("reserved or indefinite integer"),
        }
    }

    /// Reads a byte string of 20 bytes.
    fn oid(&mut self) -> Read<Oid> {
        let bytes = self.string(major::BYTES, "not a byte string")?;
        bytes.try_into().map(Oid::new).map_err(|_| "not 20 bytes long")
    }

    /// Reads a text of at most `bytes_max` bytes and cuts it at its first NUL, as the C tool does.
    fn text(&mut self, bytes_max: usize) -> Read<&'a [u8]> {
        let text = self.string(major::TEXT, "not a text")?;
        if text.len() > bytes_max {
            return Err("text is too long for its field");
        }
        let end = memchr::memchr(0, text).unwrap_or(text.len());
        Ok(&text[..end])
    }

    /// Reads a string of the major type `expected`; its length has at most two bytes.
    fn string(&mut self, expected: u8, otherwise: &'static str) -> Read<&'a [u8]> {
        let (major, info) = self.initial()?;
        if major != expected {
            return Err(otherwise);
        }
        let len = match info {
            0..=23 => usize::from(info),
            24 => self.array().map(|[byte]: [u8; 1]| usize::from(byte))?,
            25 => self.array().map(|bytes| usize::from(u16::from_be_bytes(bytes)))?,
            _ => return Err("string length takes more than two bytes or is indefinite"),
        };
        let (string, rest) = self.rest.split_at_checked(len).ok_or(TOO_SHORT)?;
        self.rest = rest;
        Ok(string)
    }

    /// Reads the first byte of an item: the major type and the five bits of additional information.
    fn initial(&mut self) -> Read<(u8, u8)> {
        let [byte] = self.array()?;
        Ok((byte >> 5, byte & 0x1f))
    }

    fn array<const N: usize>(&mut self) -> Read<[u8; N]> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or(TOO_SHORT)?;
        self.rest = rest;
        Ok(*bytes)
    }
}

/// Whether an item that starts with this byte is an array of as many items as edges had in June
/// 2025.
pub(crate) const fn is_old_array(first: u8) -> bool {
    first >> 5 == major::ARRAY && matches!(first & 0x1f, 7 | 8 | 13)
}

/// Reads an edge as of June 2025, an array of 7, and returns what follows it.
pub(crate) fn old_edge(bytes: &[u8]) -> Option<(Edge<'_>, &[u8])> {
    let mut cursor = Cursor { rest: bytes };
    let edge = cursor.old_edge().ok()?;
    Some((edge, cursor.rest))
}

const OLD_FORMAT: &str = "an edge in the format of June 2025, which lost data";
const TOO_SHORT: &str = "the payload ends too early";

/// An edge whose fields have the defaults of absent fields.
const fn blank<'a>() -> Edge<'a> {
    Edge {
        legacy_source: Oid::ZERO,
        legacy_target: Oid::ZERO,
        relation: Relation(0),
        confidence: Confidence::CERTAIN,
        timestamp_ms: 0,
        source_path: b"",
        target_path: b"",
        ulid: b"",
        source: Oid::ZERO,
        target: Oid::ZERO,
        attribution: None,
    }
}
