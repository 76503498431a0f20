//! The randomness port: unpredictable bytes, or the same ones in every test.

use std::cell::Cell;
use std::io;

/// The system has no random bytes.
#[derive(Debug, thiserror::Error)]
#[error("the system has no random bytes")]
pub struct RandomError(#[from] io::Error);

/// A source of random bytes.
pub trait Random {
    /// Fills `bytes`.
    ///
    /// # Errors
    /// When the system has none.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomError>;
}

/// Bytes that count up from a start, for tests.
///
/// ```
/// use gitmind_ports::random::{CountingRandom, Random};
/// let random = CountingRandom::new(254);
/// let mut bytes = [0; 3];
/// random.fill(&mut bytes)?;
/// assert_eq!(bytes, [254, 255, 0]);
/// # Ok::<(), gitmind_ports::random::RandomError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct CountingRandom(Cell<u8>);

impl CountingRandom {
    /// Starts at `first`.
    pub const fn new(first: u8) -> Self {
        Self(Cell::new(first))
    }
}

impl Random for CountingRandom {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomError> {
        for byte in bytes {
            *byte = self.0.replace(self.0.get().wrapping_add(1));
        }
        Ok(())
    }
}
