//! The clock port: what time it is, and how long something took.
//!
//! Services never ask the system; a test gives them a clock that stands still, so that the same
//! input gives the same commits.

use core::time::Duration;

/// A point in time as git writes it into commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timestamp {
    /// Seconds since 1970-01-01T00:00:00Z.
    pub seconds: i64,
    /// Seconds that local time is ahead of UTC.
    pub offset_seconds: i32,
}

/// A source of time.
pub trait Clock {
    /// The current time with the local offset.
    fn now(&self) -> Timestamp;
    /// Time since an arbitrary fixed moment; it never goes back.
    fn elapsed(&self) -> Duration;
    /// Waits.
    fn sleep(&self, time: Duration);
}

/// A clock that stands still, for tests and for fixtures.
///
/// ```
/// use gitmind_ports::clock::{Clock, FixedClock, Timestamp};
/// let clock = FixedClock(Timestamp { seconds: 1_700_000_000, offset_seconds: 3600 });
/// clock.sleep(std::time::Duration::from_secs(3600));
/// assert_eq!(clock.now().seconds, 1_700_000_000);
/// assert!(clock.elapsed().is_zero());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct FixedClock(pub Timestamp);

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        self.0
    }

    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }

    fn sleep(&self, _: Duration) {}
}
