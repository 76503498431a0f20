//! The adapters of the ports on Unix: clocks, random bytes, the environment, files.
// Only rustdoc reads the page, so that an edit of README.md recompiles nothing.
#![cfg_attr(any(doc, doctest), doc = "")]
#![cfg_attr(any(doc, doctest), doc = include_str!("../README.md"))]

#[cfg(not(unix))]
compile_error!(
    "git-mind runs on Linux, and is type-checked for macOS and FreeBSD; on Windows use it in WSL. \
     The crates gitmind-memory and gitmind-profile are for every platform."
);

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
