//! The memory layer: where bytes come from and who counts them.

mod process;

pub use process::ProcessAllocator;
