//! Journals in memory: what is appended, and what is read.
#![allow(clippy::disallowed_methods, reason = "tests are on std")]

mod append;
