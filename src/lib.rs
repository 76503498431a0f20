// The library of git-mind. Its front page is README.md, which only rustdoc reads, so that an edit of
// the page compiles nothing again.
#![cfg_attr(any(doc, doctest), doc = include_str!("../README.md"))]
#![cfg_attr(any(doc, doctest), doc = "")]
//! Links to pages and directories lead to the files beside the sources of this crate.

#![forbid(unsafe_code)]

pub mod branch;
pub mod cache;
pub mod cli;
pub mod clock;
pub mod context;
pub mod env;
pub mod fixture;
pub mod fs;
pub mod git;
pub mod journal;
pub mod oid;
mod pipeline;
pub mod progress;
pub mod random;
pub mod telemetry;

pub use gitmind_memory as memory;
pub use gitmind_memory::units;
