//! The sum of open charges, so that a refund subtracts no more than was charged.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::units::Bytes;

/// Upper bound of the sum: above any address space, and 128 such sums fit a signed integer.
const CHARGED_BYTES_MAX: u64 = 1 << 56;

/// Bytes that were charged and not refunded; blocks are not among them.
#[derive(Debug)]
pub(crate) struct Charges {
    bytes: AtomicU64,
    misuses: AtomicU64,
}

impl Charges {
    /// A sum of zero.
    pub(crate) const fn new() -> Self {
        Self { bytes: AtomicU64::new(0), misuses: AtomicU64::new(0) }
    }

    /// Sets the sum and the count of misuses to zero.
    pub(crate) fn reset(&self) {
        self.bytes.store(0, Relaxed);
        self.misuses.store(0, Relaxed);
    }

    /// Adds `bytes`; `false` and no change when the sum would exceed its bound.
    #[must_use]
    pub(crate) fn add(&self, bytes: Bytes) -> bool {
        let add = |held: u64| held.checked_add(bytes.get()).filter(|sum| *sum <= CHARGED_BYTES_MAX);
        self.bytes.fetch_update(Relaxed, Relaxed, add).is_ok()
    }

    /// Subtracts `bytes`, or the whole sum when it is less; returns how much.
    pub(crate) fn take(&self, bytes: Bytes) -> Bytes {
        let take = |held: u64| Some(held.saturating_sub(bytes.get()));
        let held = self.bytes.fetch_update(Relaxed, Relaxed, take).unwrap_or_else(|held| held);
        if held < bytes.get() {
            self.misuses.fetch_add(1, Relaxed);
        }
        bytes.min(Bytes::new(held))
    }

    /// The number of subtractions that exceeded the sum.
    pub(crate) fn misuses(&self) -> u64 {
        self.misuses.load(Relaxed)
    }
}
