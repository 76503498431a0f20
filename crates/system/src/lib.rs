//! The adapters of the system's ports, on Unix: clocks, random bytes, the environment, files.

pub mod calls;
pub mod clock;
pub mod env;
pub mod file_size_limit;
pub mod fs;
mod listing;
pub mod mapped;
pub mod owned_file;
pub mod random;
pub mod status_signal;
