//! The test kit: prove that code survives every failure of its memory.
//!
//! - [`sweep`]: runs a closure again and again, each time with another of its call sites refused,
//!   and classifies what became of each refusal.
//! - [`assert_no_leaks`]: runs a closure and reports by operation, size and place what it kept.
//! - [`with_budget`]: runs a closure under a hard limit.
//! - [`contract`]: the suite that every [`Port`](super::Port) must pass, for ports of your own.
//!
//! All of it works in debug and release, in threads, and with any error type. `examples/sweep.rs`
//! shows it on a small program.

pub mod contract;
