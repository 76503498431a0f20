//! A ledger that compares the bytes of the heap with those of the ports.
//!
//! The process's allocator enters the bytes that it allocates, the port at the bottom of the stack
//! those that it admits (see `reconciled`). The difference is heap that bypasses the port. The
//! ledger uses single atomics, not the counters per thread of `counters`: their peaks are exact on
//! any number of threads, and a reconciliation may be slow.

use std::sync::atomic::{AtomicI64, Ordering};

use super::timeline::{Interval, Timeline, Usage};
use crate::units::Bytes;

/// A current value and its maximum so far.
struct Level {
    now: AtomicI64,
    peak: AtomicI64,
}

impl Level {
    const fn new() -> Self {
        Self { now: AtomicI64::new(0), peak: AtomicI64::new(0) }
    }

    fn reset(&self) {
        self.now.store(0, Ordering::Relaxed);
        self.peak.store(0, Ordering::Relaxed);
    }

    fn change(&self, bytes: i64) {
        let level = self.now.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        if bytes > 0 {
            self.peak.fetch_max(level, Ordering::Relaxed);
        }
    }

    fn now(&self) -> u64 {
        Bytes::from_signed(self.now.load(Ordering::Relaxed)).get()
    }

    fn peak(&self) -> Bytes {
        Bytes::from_signed(self.peak.load(Ordering::Relaxed))
    }
}

/// Charged bytes, allocated bytes, and bytes that were allocated without being charged.
pub(super) struct HeapLedger {
    charged: Level,
    allocated: Level,
    past_port: Level,
    timeline: Timeline,
}

/// The peaks of an operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reconciliation {
    /// The maximum of the bytes that the ports had admitted.
    pub charged_peak: Bytes,
    /// The maximum of the live bytes of the heap.
    pub allocated_peak: Bytes,
    /// The maximum of the live bytes of the heap that were not charged.
    pub past_port_peak: Bytes,
}

impl Reconciliation {
    /// The bytes by which the two accounts differ: the maximum that bypassed the port, or charges
    /// without any allocation.
    pub fn gap(&self) -> Bytes {
        let phantom = self.charged_peak.get().saturating_sub(self.allocated_peak.get());
        self.past_port_peak.max(Bytes::new(phantom))
    }
}

impl HeapLedger {
    pub(super) const fn new() -> Self {
        Self {
            charged: Level::new(),
            allocated: Level::new(),
            past_port: Level::new(),
            timeline: Timeline::new(),
        }
    }

    /// Sets everything to zero. No event may be entered meanwhile.
    pub(super) fn restart(&self) {
        [&self.charged, &self.allocated, &self.past_port].into_iter().for_each(Level::reset);
        self.timeline.restart();
    }

    /// Enters that the heap holds `change` bytes more or less.
    pub(super) fn heap(&self, change: i64) {
        self.allocated.change(change);
        self.past_port.change(change);
        self.note();
    }

    /// Enters that the ports have admitted `change` bytes more or less. A charge is entered before
    /// its bytes are allocated and removed after they are freed, so that they never count as
    /// bypassing the port.
    pub(super) fn port(&self, change: i64) {
        self.past_port.change(change.saturating_neg());
        self.charged.change(change);
        self.note();
    }

    fn note(&self) {
        let read = || Usage { charged: self.charged.now(), allocated: self.allocated.now() };
        self.timeline.note(read);
    }

    pub(super) fn read(&self) -> Reconciliation {
        Reconciliation {
            charged_peak: self.charged.peak(),
            allocated_peak: self.allocated.peak(),
            past_port_peak: self.past_port.peak(),
        }
    }

    pub(super) fn intervals(&self) -> impl Iterator<Item = Interval> {
        self.timeline.intervals()
    }
}

impl std::fmt::Debug for HeapLedger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.read().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_past_the_port_is_found_at_its_worst_moment() {
        let ledger = HeapLedger::new();
        let block = |bytes| {
            ledger.port(bytes);
            ledger.heap(bytes);
        };
        block(1000);
        ledger.heap(300);
        ledger.heap(-250);
        block(500);
        let read = ledger.read();
        assert_eq!(read.charged_peak.get(), 1500);
        assert_eq!(read.allocated_peak.get(), 1550, "the 300 were not there with the 1500");
        assert_eq!((read.past_port_peak.get(), read.gap().get()), (300, 300));
    }

    #[test]
    fn a_charge_for_nothing_is_a_gap_too() {
        let ledger = HeapLedger::new();
        ledger.port(4096);
        ledger.heap(1000);
        assert_eq!(ledger.read().past_port_peak, Bytes::ZERO);
        assert_eq!(ledger.read().gap().get(), 3096);
    }

    #[test]
    fn blocks_that_come_and_go_on_threads_never_seem_to_be_past_the_port() {
        let ledger = HeapLedger::new();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..1000 {
                        ledger.port(64);
                        ledger.heap(64);
                        ledger.heap(-64);
                        ledger.port(-64);
                    }
                });
            }
        });
        let read = ledger.read();
        assert_eq!(read.past_port_peak, Bytes::ZERO);
        assert!(read.charged_peak.get() <= 4 * 64 && read.allocated_peak <= read.charged_peak);
        assert!(read.gap().get() < 4 * 64, "what is charged and not yet there: {read:?}");
    }
}
