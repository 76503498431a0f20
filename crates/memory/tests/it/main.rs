//! The memory layer from outside: ports, containers, accounts and the test kit.

mod arena;
mod arena_containers;
mod arena_model;
mod arena_refusals;
mod budget;
mod contract;
mod faults;
#[cfg(any(debug_assertions, feature = "histogram"))]
mod histogram;
mod intern;
mod intern_secrets;
mod leak;
mod operation;
mod ports;
mod programs;
mod registry;
mod slab;
mod sweep;
mod traced;
