//! A decorator that fails requests on a schedule.
//!
//! Errors on the out-of-memory path are rarely met; this makes the Nth one happen. It
//! counts requests, not bytes, and never fails to free memory. The schedule is the four
//! numbers of SQLite's test allocator: a countdown, a repeat count, what failed, and what was
//! granted after the first failure.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::error::{ErrorKind, MemoryError};
use super::gate::{Gate, Gated};
use super::op::OpTag;
use super::port::Port;
use crate::units::Bytes;

/// Which requests fail, by their number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    first: u64,
    count: u64,
}

impl Schedule {
    /// No request.
    pub const NEVER: Self = Self { first: u64::MAX, count: 0 };

    /// Request number `nth`, counted from 1, alone. Number 0 does not exist and never fails.
    pub const fn once(nth: u64) -> Self {
        Self::times(nth, 1)
    }

    /// Request number `nth` and every later one.
    pub const fn forever(nth: u64) -> Self {
        Self::times(nth, u64::MAX)
    }

    /// Request number `nth` and those after it, `count` in all.
    pub const fn times(nth: u64, count: u64) -> Self {
        if nth == 0 { Self::NEVER } else { Self { first: nth, count } }
    }

    /// Whether request number `nth` fails.
    const fn fails(self, nth: u64) -> bool {
        nth >= self.first && nth - self.first < self.count
    }
}

/// The requests to a [`Faulty`] since it was made or reset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Faults {
    /// Requests that could have failed.
    pub requests: u64,
    /// Requests that were.
    pub failed: u64,
    /// Requests granted after the first failure.
    pub granted_after: u64,
}

/// A port that fails the requests of its schedule, over the one below.
///
/// ```
/// use gitmind_memory::{Alloc, ErrorKind, Faulty, Schedule, System};
/// let faulty = Faulty::new(System::new(), Schedule::once(2));
/// let alloc = Alloc::new(&faulty);
/// let asked = [(); 3].map(|()| alloc.try_box(1_u8).map(drop).map_err(|error| error.kind()));
/// assert_eq!(asked, [Ok(()), Err(ErrorKind::Injected), Ok(())]);
/// assert_eq!(faulty.faults().granted_after, 1);
/// ```
pub type Faulty<P> = Gated<P, Scheduled>;

/// Fails the requests of its schedule, and counts requests.
#[derive(Debug)]
pub struct Scheduled {
    first: AtomicU64,
    count: AtomicU64,
    requests: AtomicU64,
    failed: AtomicU64,
}

impl<P: Port> Faulty<P> {
    /// `inner` under `schedule`.
    pub fn new(inner: P, schedule: Schedule) -> Self {
        let gate = Scheduled {
            first: AtomicU64::new(schedule.first),
            count: AtomicU64::new(schedule.count),
            requests: AtomicU64::new(0),
            failed: AtomicU64::new(0),
        };
        Self::with_gate(inner, gate)
    }

    /// Starts again with `schedule`, as if nothing had been requested yet.
    ///
    /// No other thread may be inside a request; numbers would be skipped or repeated then.
    pub fn reset(&self, schedule: Schedule) {
        let gate = self.gate();
        gate.first.store(schedule.first, Relaxed);
        gate.count.store(schedule.count, Relaxed);
        gate.requests.store(0, Relaxed);
        gate.failed.store(0, Relaxed);
    }

    /// What has happened since the last reset.
    pub fn faults(&self) -> Faults {
        let gate = self.gate();
        let (requests, failed) = (gate.requests.load(Relaxed), gate.failed.load(Relaxed));
        let since_first = (requests + 1).saturating_sub(gate.first.load(Relaxed));
        Faults { requests, failed, granted_after: since_first.saturating_sub(failed) }
    }
}

impl Scheduled {
    /// The one place to stop a debugger at, when a test fails under a schedule.
    #[cold]
    #[inline(never)]
    fn fail(&self, requested: Bytes, op: OpTag<'_>) -> MemoryError {
        self.failed.fetch_add(1, Relaxed);
        MemoryError::new(ErrorKind::Injected, op.op(), requested)
    }
}

impl Gate for Scheduled {
    #[inline]
    fn admit(&self, size: Bytes, op: OpTag<'_>) -> Result<(), MemoryError> {
        let nth = self.requests.fetch_add(1, Relaxed) + 1;
        let schedule =
            Schedule { first: self.first.load(Relaxed), count: self.count.load(Relaxed) };
        if schedule.fails(nth) { Err(self.fail(size, op)) } else { Ok(()) }
    }

    fn refused(&self) -> u64 {
        self.failed.load(Relaxed)
    }
}
