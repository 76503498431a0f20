//! The clock port: wall-clock time, monotonic time and sleep.
//!
//! Services never call the system's clock. Tests pass a fixed clock, so that the same input gives
//! the same commits.

use core::time::Duration;

/// A point in time as git writes it into commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timestamp {
    /// Seconds since 1970-01-01T00:00:00Z.
    pub seconds: i64,
    /// Offset of local time from UTC in seconds, positive to the east.
    pub offset_seconds: i32,
}

/// A source of time.
pub trait Clock {
    /// The current time with the local offset.
    fn now(&self) -> Timestamp;
    /// Monotonic time since an arbitrary fixed moment.
    fn elapsed(&self) -> Duration;
    /// Blocks the calling thread for `time`.
    fn sleep(&self, time: Duration);
}

/// A clock with a fixed time, for tests and fixtures; its `sleep` returns at once.
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
