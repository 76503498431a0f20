//! The progress of a long sweep, for a person at a terminal.

use std::io::{IsTerminal, Write, stderr};
use std::time::{Duration, Instant};

/// A line on standard error that is redrawn each second, only on a terminal.
pub(super) struct Progress {
    next: Option<Instant>,
    is_drawn: bool,
}

const INTERVAL: Duration = Duration::from_secs(1);

impl Progress {
    pub(super) fn new() -> Self {
        let next = stderr().is_terminal().then(|| Instant::now() + INTERVAL);
        Self { next, is_drawn: false }
    }

    /// Draws the line when it is time.
    pub(super) fn show(&mut self, failures: usize, requests_left: usize) {
        if self.next.is_some_and(|next| Instant::now() >= next) {
            self.next = Some(Instant::now() + INTERVAL);
            self.is_drawn = true;
            // A terminal that is gone is no reason to fail a sweep.
            let _ = write!(
                stderr(),
                "\r\x1b[Ksweep: {failures} failures tried, {requests_left} requests to go"
            );
        }
    }

    /// Removes the line.
    pub(super) fn end(&self) {
        if self.is_drawn {
            let _ = write!(stderr(), "\r\x1b[K");
        }
    }
}
