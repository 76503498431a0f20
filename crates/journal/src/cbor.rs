//! The CBOR form of an edge: a map of up to 15 unsigned keys.
//!
//! The code is written by hand because it accepts the same input as the C tool's reader, which is
//! not a profile of RFC 8949. It accepts less: the map count must be in the first byte, lengths
//! have at most two bytes, and there are no tags and no indefinite lengths. It accepts more:
//! integers need not be in their shortest form, keys may be in any order, and of a repeated key the
//! last value counts.
//!
//! Decoding untrusted bytes never panics, never allocates, and makes at most one pass.

mod decode;
mod encode;

pub use decode::{CborError, Edges};
pub(crate) use decode::{is_old_array, old_edge};
pub(crate) use encode::write_edge;
pub use encode::{EncodeError, encode_edge, encoded_len};

/// Keys of the map.
mod key {
    pub(super) const LEGACY_SOURCE: u64 = 0;
    pub(super) const LEGACY_TARGET: u64 = 1;
    pub(super) const RELATION: u64 = 2;
    pub(super) const CONFIDENCE: u64 = 3;
    pub(super) const TIMESTAMP: u64 = 4;
    pub(super) const SOURCE_PATH: u64 = 5;
    pub(super) const TARGET_PATH: u64 = 6;
    pub(super) const ULID: u64 = 7;
    pub(super) const SOURCE: u64 = 8;
    pub(super) const TARGET: u64 = 9;
    pub(super) const ORIGIN: u64 = 10;
    pub(super) const AUTHOR: u64 = 11;
    pub(super) const SESSION: u64 = 12;
    pub(super) const FLAGS: u64 = 13;
    pub(super) const LANE: u64 = 14;
}

/// Longest text of each field, in bytes.
mod limit {
    pub(super) const PATH_BYTES_MAX: usize = 4095;
    pub(super) const ULID_BYTES_MAX: usize = 26;
    pub(super) const AUTHOR_BYTES_MAX: usize = 63;
    pub(super) const SESSION_BYTES_MAX: usize = 31;
}

/// Major types of a CBOR item's first byte.
mod major {
    pub(super) const UINT: u8 = 0;
    pub(super) const BYTES: u8 = 2;
    pub(super) const TEXT: u8 = 3;
    pub(super) const ARRAY: u8 = 4;
    pub(super) const MAP: u8 = 5;
}

#[cfg(test)]
mod tests;
