//! Integration tests of the cache, on repositories on disk and in memory: a module per concern.
#![allow(clippy::disallowed_methods, reason = "tests are on std")]

mod commit_index;
mod faults;
mod incremental;
mod incremental_merges;
mod linked;
mod malformed;
mod merges;
mod parity;
mod query;
mod query_damage;
mod rebuild;
mod spill;
mod vectors;
mod versions;
