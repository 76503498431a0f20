//! Why readings could not be read.

use gitmind_memory::MemoryError;

/// Why a text has no readings.
#[derive(Debug, PartialEq)]
pub enum ReadError {
    /// A line is not a sensor and a value.
    Line,
    /// An allocation failed.
    Memory(MemoryError),
}

impl From<MemoryError> for ReadError {
    fn from(error: MemoryError) -> Self {
        Self::Memory(error)
    }
}

impl std::fmt::Display for ReadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Line => write!(f, "not a sensor and a value"),
            Self::Memory(error) => error.fmt(f),
        }
    }
}
