//! The adapters of the ports on Unix: clocks, random bytes, the environment, files.
// Only rustdoc reads the page, so that an edit of README.md recompiles nothing.
#![cfg_attr(any(doc, doctest), doc = "")]
#![cfg_attr(any(doc, doctest), doc = include_str!("../README.md"))]

pub mod calls;
pub mod clock;
pub mod env;
pub mod file_size_limit;
pub mod fs;
mod listing;
pub mod mapped;
pub mod owned_file;
pub mod random;
pub mod signals;
pub mod status_signal;
