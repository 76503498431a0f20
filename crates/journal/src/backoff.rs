//! Waits between attempts, so that processes that collided do not collide again.

use core::time::Duration;
use gitmind_ports::clock::Clock;
use gitmind_ports::random::{Random, RandomError};

/// Exponential backoff with full jitter: each wait is a random part of a bound that doubles.
///
/// ```
/// use gitmind_journal::Backoff;
/// use gitmind_ports::clock::{FixedClock, Timestamp};
/// use gitmind_ports::random::CountingRandom;
/// use std::time::Duration;
/// let clock = FixedClock(Timestamp { seconds: 0, offset_seconds: 0 });
/// let random = CountingRandom::new(255);
/// let first = Duration::from_millis(2);
/// let mut backoff = Backoff::new(&clock, &random, first, first * 3);
/// assert_eq!(backoff.wait()?, first);
/// # Ok::<(), gitmind_ports::random::RandomError>(())
/// ```
pub struct Backoff<'b> {
    clock: &'b dyn Clock,
    random: &'b dyn Random,
    wait_max: Duration,
    limit: Duration,
}

impl core::fmt::Debug for Backoff<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Backoff").field("wait_max", &self.wait_max).finish_non_exhaustive()
    }
}

impl<'b> Backoff<'b> {
    /// Waits of at most `first`, then twice that and so on, and never more than `limit`.
    pub const fn new(
        clock: &'b dyn Clock,
        random: &'b dyn Random,
        first: Duration,
        limit: Duration,
    ) -> Self {
        Self { clock, random, wait_max: first, limit }
    }

    /// Sleeps, and returns for how long.
    ///
    /// # Errors
    /// When there are no random bytes.
    pub fn wait(&mut self) -> Result<Duration, RandomError> {
        let mut byte = [0];
        self.random.fill(&mut byte)?;
        let wait = self.wait_max * u32::from(byte[0]) / u32::from(u8::MAX);
        self.clock.sleep(wait);
        self.wait_max = (self.wait_max * 2).min(self.limit);
        Ok(wait)
    }
}
