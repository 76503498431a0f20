//! The library of git-mind: its journal and cache rebuild under a memory contract.
//!
//! Links to pages and directories lead to the files beside the sources of this crate.
// Only rustdoc reads the page, so that an edit of it compiles nothing again.
#![cfg_attr(any(doc, doctest), doc = "")]
#![cfg_attr(any(doc, doctest), doc = include_str!("../README.md"))]

pub mod cli;
pub mod context;

pub use gitmind_cache as cache;
pub use gitmind_fixture as fixture;
pub use gitmind_git as git;
pub use gitmind_git::{branch, oid};
pub use gitmind_gitoxide as gitoxide;
pub use gitmind_journal as journal;
pub use gitmind_memory as memory;
pub use gitmind_memory::units;
pub use gitmind_ports::{pipeline, progress};
pub use gitmind_system::{clock, env, fs, random};
pub use gitmind_telemetry as telemetry;
