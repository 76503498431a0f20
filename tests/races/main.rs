//! Many at once on one repository: appends, rebuilds, git's collection of garbage. Nothing is lost
//! and nobody fails.
//!
//! With `GITMIND_LONG=1` each race has its full length (docs/testing.md).

mod appends;
mod collections;
#[path = "../it/edges.rs"]
mod edges;
#[path = "../it/injection.rs"]
mod injection;
mod interrupted;
#[path = "../it/isolated.rs"]
mod isolated;
mod rebuilds;
mod refs;
mod support;
mod threads;
