//! The library of git-mind: its journal and cache rebuild under a memory contract.
//!
//! Links to pages and directories lead to the files beside the sources of this crate.
// Only rustdoc reads the page, so that an edit of it compiles nothing again.
#![cfg_attr(any(doc, doctest), doc = "")]
#![cfg_attr(any(doc, doctest), doc = include_str!("../README.md"))]
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
