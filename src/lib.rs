#![doc = include_str!("../README.md")]

pub mod branch;
pub mod cache;
pub mod clock;
pub mod env;
pub mod git;
pub mod journal;
pub mod memory;
pub mod oid;
pub mod progress;
pub mod units;
