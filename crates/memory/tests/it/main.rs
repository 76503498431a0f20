//! The memory layer from outside: ports, containers, accounts and the test kit.

mod arena;
mod arena_containers;
mod arena_failures;
mod arena_model;
mod budget;
mod charges;
mod column;
mod containers;
#[cfg(feature = "testing")]
mod contract;
mod deque;
mod faults;
#[cfg(feature = "histogram")]
mod histogram;
mod intern;
mod intern_secrets;
mod leak;
mod operation;
#[cfg(feature = "testing")]
mod pool_sweeps;
mod ports;
mod profile;
mod programs;
mod reasons;
mod reentrance;
mod registry;
mod slab;
#[cfg(feature = "testing")]
mod sweep;
mod traced;
mod watched;
