//! The system as services see it: traits for time, randomness, the environment, progress and the
//! file system, and their implementations on Linux.

pub mod clock;
pub mod env;
pub mod file_size_limit;
pub mod fs;
pub mod mapped;
pub mod owned_file;
pub mod pipeline;
pub mod progress;
pub mod random;
