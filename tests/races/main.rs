//! Many at once on one repository: appends, rebuilds, git's collection of garbage. Nothing is lost
//! and nobody fails.
//!
//! With `GITMIND_LONG=1` each race has its full length (docs/testing.md).

mod appends;
mod collections;
mod interrupted;
mod rebuilds;
mod refs;
