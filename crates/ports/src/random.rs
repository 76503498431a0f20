//! The randomness port: unpredictable bytes in production, a fixed sequence in tests.

use std::cell::Cell;
use std::io;

/// The operating system returned no random bytes.
#[derive(Debug, thiserror::Error)]
#[error("the system has no random bytes")]
pub struct RandomError(#[from] io::Error);

/// A source of random bytes.
pub trait Random {
    /// Fills `bytes` with random bytes.
    ///
    /// # Errors
    /// When the operating system returns none.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomError>;
}

/// A source of the bytes `first`, `first + 1`, ... (mod 256), for tests.
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
    /// A source whose first byte is `first`.
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
