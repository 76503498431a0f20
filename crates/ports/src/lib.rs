//! The ports of the services: traits for time, randomness, progress and files, and a pipeline.
//!
//! The services depend only on this crate, so that they cannot use an adapter directly.
// Only rustdoc reads the page, so that an edit of README.md recompiles nothing.
#![cfg_attr(any(doc, doctest), doc = "")]
#![cfg_attr(any(doc, doctest), doc = include_str!("../README.md"))]

#[cfg(not(unix))]
compile_error!(
    "git-mind runs on Linux, and is type-checked for macOS and FreeBSD; on Windows use it in WSL. \
     The crate gitmind-memory is for every platform."
);

pub mod clock;
pub mod fs;
pub mod pipeline;
pub mod progress;
pub mod random;
