// The library of git-mind. Its front page is README.md, which only rustdoc reads, so that an edit of
// the page compiles nothing again.
#![cfg_attr(any(doc, doctest), doc = include_str!("../README.md"))]
#![cfg_attr(any(doc, doctest), doc = "")]
//! Links to pages and directories lead to the files beside the sources of this crate.

#[forbid(unsafe_code)]
pub mod branch;
#[forbid(unsafe_code)]
pub mod cache;
#[forbid(unsafe_code)]
pub mod cli;
#[forbid(unsafe_code)]
pub mod clock;
#[forbid(unsafe_code)]
pub mod context;
#[forbid(unsafe_code)]
pub mod env;
#[forbid(unsafe_code)]
pub mod fixture;
#[forbid(unsafe_code)]
pub mod fs;
#[forbid(unsafe_code)]
pub mod git;
#[forbid(unsafe_code)]
pub mod journal;
pub mod memory;
#[forbid(unsafe_code)]
pub mod oid;
#[forbid(unsafe_code)]
mod pipeline;
#[forbid(unsafe_code)]
pub mod progress;
#[forbid(unsafe_code)]
pub mod random;
#[forbid(unsafe_code)]
pub mod telemetry;
#[forbid(unsafe_code)]
pub mod units;
