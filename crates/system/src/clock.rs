//! The system's clocks and its local time zone.

mod zone;

pub use self::zone::Zone;
pub use gitmind_ports::clock::{Clock, FixedClock, Timestamp};

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The system's clocks.
#[derive(Clone, Debug)]
pub struct SystemClock {
    started: Instant,
    zone: Zone,
}

impl SystemClock {
    /// Starts measuring elapsed time now; `zone` gives the offset of timestamps.
    pub fn start(zone: Zone) -> Self {
        Self { started: Instant::now(), zone }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let seconds = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        Timestamp { seconds, offset_seconds: self.zone.offset_seconds(seconds) }
    }

    fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    fn sleep(&self, time: Duration) {
        std::thread::sleep(time);
    }
}
