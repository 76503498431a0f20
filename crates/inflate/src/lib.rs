//! Inflates zlib streams of small git objects.
// Only rustdoc reads the page, so that an edit of README.md recompiles nothing.
#![cfg_attr(any(doc, doctest), doc = "")]
#![cfg_attr(any(doc, doctest), doc = include_str!("../README.md"))]
#![cfg_attr(not(test), no_std)]

mod bits;
mod block;
mod code;
mod content;
mod format;

pub use block::BlockInflater;
