#![doc = include_str!("../README.md")]

pub mod branch;
pub mod cache;
pub mod cli;
pub mod clock;
pub mod context;
pub mod env;
pub mod fixture;
pub mod git;
pub mod journal;
pub mod memory;
pub mod oid;
pub mod progress;
pub mod units;
