//! The test kit: prove that code survives every failed allocation.
//!
//! - [`sweep`]: reruns a closure for each of its requests and makes that request fail; classifies
//!   the outcome of each failure, by call site.
//! - [`assert_no_leaks`]: runs a closure and panics with operation, size and call site of each
//!   block that it did not free.
//! - [`with_budget`]: runs a closure under a hard limit.
//! - [`profile`]: runs a closure and returns the holders of its memory at the peak, by call stack.
//! - [`contract`]: the suite that every [`Port`](super::Port) must pass, for ports of your own.
//!
//! All of it works in debug and release, in threads, and with any error type. `examples/sweep.rs`
//! shows it on a small program.

mod attempt;
pub mod contract;
mod executor;
mod heap;
mod injector;
mod leaks;
mod memory_test;
mod profile;
mod progress;
mod quiet;
mod report;
mod sweep;

pub use self::executor::block_on;
pub use self::heap::TestAllocator;
pub use self::leaks::{assert_no_heap_leaks, assert_no_leaks, with_budget};
pub use self::memory_test::{MemoryTest, TestResult};
pub use self::profile::{profile, profile_heap};
pub use self::report::{Case, Outcome, Repeat, SweepReport};
pub use self::sweep::{Sweep, sweep, sweep_heap};
