//! Inflates zlib streams of the shape that git gives small objects: one block with dynamic Huffman
//! codes of at most 11 bits, and a content whose size is known.
//!
//! A rebuild spends most of its time on such streams, of some 500 bytes, and a third of that on the
//! tables of their codes. A decoder of this shape alone takes fewer instructions than a general
//! one. It declines all other streams and all damaged ones, which the caller gives to a general
//! decoder; what it accepts has the bytes and the length that every decoder finds.
//!
//! The formats are zlib (RFC 1950) and deflate (RFC 1951). Nothing is allocated: the tables are the
//! caller's.
//!
//! ```
//! use gitmind_inflate::BlockInflater;
//! let stored = b"\x78\x01\x01\x05\x00\xfa\xffhello\x06\x2c\x02\x15";
//! let mut content = [0; 5];
//! assert_eq!(BlockInflater::new().inflate(stored, &mut content), None, "it is not compressed");
//! ```
#![cfg_attr(not(test), no_std)]

mod bits;
mod block;
mod code;
mod content;
mod format;

pub use block::BlockInflater;
