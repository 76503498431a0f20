//! The test kit: prove that code survives every failure of its memory.
//!
//! - [`sweep`]: runs a closure again and again, each time with another of its requests failing, and
//!   classifies what became of each failure, by call site.
//! - [`assert_no_leaks`]: runs a closure and panics with operation, size and place of what it kept.
//! - [`with_budget`]: runs a closure under a hard limit.
//! - [`profile`]: runs a closure and says who held its memory at the peak, by call stack.
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
