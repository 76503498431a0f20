//! Integration tests of the journal on a repository in memory.
#![allow(clippy::disallowed_methods, reason = "tests are on std")]

mod append;
mod contended;
mod merge;
