//! Concurrent processes on one repository: appends, rebuilds, `git gc`. Nothing is lost and no
//! command fails.
//!
//! With `GITMIND_LONG=1` each race has its full length (docs/testing.md).

mod appends;
mod collections;
mod interrupted;
mod merges;
mod rebuilds;
mod refs;
