//! What services ask of the system, as traits: time, chance, progress, files, jobs done ahead.
//!
//! The system's own implementations are in `gitmind-system`. A service depends on this crate alone,
//! so that it cannot name one of them.

pub mod clock;
pub mod fs;
pub mod pipeline;
pub mod progress;
pub mod random;
