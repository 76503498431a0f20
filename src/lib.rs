#![doc = include_str!("../README.md")]

pub mod env;
pub mod memory;
pub mod units;
