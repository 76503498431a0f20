//! The account of what was charged, so that a refund gives back no more than that.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::units::Bytes;

/// The most that one account holds: above any address space, and 128 accounts fit a signed sum.
const CHARGED_BYTES_MAX: u64 = 1 << 56;

/// What is charged and not refunded, apart from blocks.
#[derive(Debug)]
pub(crate) struct Charges {
    bytes: AtomicU64,
    misuses: AtomicU64,
}

impl Charges {
    /// Nothing is charged.
    pub(crate) const fn new() -> Self {
        Self { bytes: AtomicU64::new(0), misuses: AtomicU64::new(0) }
    }

    /// Sets everything to zero.
    pub(crate) fn reset(&self) {
        self.bytes.store(0, Relaxed);
        self.misuses.store(0, Relaxed);
    }

    /// Enters `bytes`; `false` and no change when the sum cannot be counted.
    #[must_use]
    pub(crate) fn add(&self, bytes: Bytes) -> bool {
        let add = |held: u64| held.checked_add(bytes.get()).filter(|sum| *sum <= CHARGED_BYTES_MAX);
        self.bytes.fetch_update(Relaxed, Relaxed, add).is_ok()
    }

    /// Takes `bytes` out, or what there is; returns what it was.
    pub(crate) fn take(&self, bytes: Bytes) -> Bytes {
        let take = |held: u64| Some(held.saturating_sub(bytes.get()));
        let held = self.bytes.fetch_update(Relaxed, Relaxed, take).unwrap_or_else(|held| held);
        if held < bytes.get() {
            self.misuses.fetch_add(1, Relaxed);
        }
        bytes.min(Bytes::new(held))
    }

    /// How often more was to be taken out than there was.
    pub(crate) fn misuses(&self) -> u64 {
        self.misuses.load(Relaxed)
    }
}
