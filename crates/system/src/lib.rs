//! The adapters of the system's ports, on Linux: clocks, random bytes, the environment, files.

pub mod calls;
pub mod clock;
pub mod env;
pub mod file_size_limit;
pub mod fs;
pub mod mapped;
pub mod owned_file;
pub mod random;
pub mod signals;
pub mod status_signal;
