//! The library of git-mind: links between files as git commits, indexed within a memory limit.
//!
//! Relative links below lead to files of the repository.
// Only rustdoc reads the page, so that an edit of README.md recompiles nothing.
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
pub use gitmind_ports::progress;
pub use gitmind_profile as profile;
pub use gitmind_system::{clock, env, fs, random};
pub use gitmind_telemetry as telemetry;
