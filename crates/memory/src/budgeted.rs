//! A decorator that keeps the sum of live bytes under a hard limit.
//!
//! Charge first, then allocate: one compare-and-swap admits the bytes or changes nothing, so
//! concurrent charges never exceed the limit, and a failure changes nothing. The requested sizes
//! are counted; `git-mind budget` reconciles them with the heap's overhead.
//!
//! While a block is being moved by `grow`, the heap holds it twice for a moment; only the new size
//! is charged.

use std::fmt;

use super::counters::Diagnostics;
use super::error::{ErrorKind, MemoryError};
use super::gate::{Gate, Gated};
use super::op::OpTag;
use super::port::Port;
use super::sync::{AtomicBool, AtomicU64, Ordering};
use super::undo::Undo;
use crate::units::Bytes;

/// The soft limit in percent of the hard one.
pub const SOFT_LIMIT_PERCENT: u64 = 80;

/// An observer that is called when a budget runs low.
///
/// The thread that exceeds the soft limit calls it inside its request. It may use the same budget;
/// when it unwinds, the request has changed nothing.
pub trait BudgetObserver: Send + Sync {
    /// Called once, when the soft limit is exceeded for the first time.
    fn soft_limit_passed(&self, warning: BudgetWarning);
}

impl<O: BudgetObserver + ?Sized> BudgetObserver for std::sync::Arc<O> {
    fn soft_limit_passed(&self, warning: BudgetWarning) {
        (**self).soft_limit_passed(warning);
    }
}

/// The state of a budget that runs low.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BudgetWarning {
    /// The bytes in use.
    pub used: Bytes,
    /// The soft limit, above which the observer is called.
    pub soft_limit: Bytes,
    /// The hard limit, above which requests fail.
    pub hard_limit: Bytes,
}

impl fmt::Display for BudgetWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { used, hard_limit, .. } = self;
        write!(f, "memory runs low: {used} of {hard_limit} in use")
    }
}

/// An observer that does nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl BudgetObserver for Silent {
    fn soft_limit_passed(&self, _warning: BudgetWarning) {}
}

/// The exact account of a budget.
struct Ledger {
    hard_bytes: u64,
    used_bytes: AtomicU64,
    peak_bytes: AtomicU64,
}

impl Ledger {
    fn new(hard_limit: Bytes) -> Self {
        let zero = || AtomicU64::new(0);
        // What is used is seen as signed by `refund`, and no heap holds more than fits that.
        let hard_bytes = hard_limit.get().min(i64::MAX.cast_unsigned());
        Self { hard_bytes, used_bytes: zero(), peak_bytes: zero() }
    }

    /// Adds `bytes` and returns the new sum, or changes nothing.
    fn charge(&self, bytes: u64) -> Option<u64> {
        let add = |used: u64| used.checked_add(bytes).filter(|sum| *sum <= self.hard_bytes);
        let before = self.used_bytes.fetch_update(Ordering::AcqRel, Ordering::Relaxed, add).ok()?;
        // Each value that `used` takes upwards passes here, so the maximum of them is the peak. It
        // never falls, so most values need no write, which is a locked instruction.
        let used = before + bytes;
        if used > self.peak_bytes.load(Ordering::Relaxed) {
            self.peak_bytes.fetch_max(used, Ordering::Relaxed);
        }
        Some(used)
    }

    /// Subtracts `bytes`, or the whole sum if it is less; returns `false` then.
    ///
    /// The subtraction comes first because it is one instruction. Until a sum below zero is
    /// corrected, it is out of range and admits nothing.
    #[inline]
    fn refund(&self, bytes: u64) -> bool {
        let bytes_max = i64::MAX.cast_unsigned();
        let left = self.used_bytes.fetch_sub(bytes.min(bytes_max), Ordering::AcqRel);
        let left = left.wrapping_sub(bytes.min(bytes_max));
        if left.cast_signed() < 0 {
            self.saturate();
        }
        left.cast_signed() >= 0
    }

    /// Corrects a sum below zero, whichever thread caused it.
    #[cold]
    #[inline(never)]
    fn saturate(&self) {
        let zero = |used: u64| (used.cast_signed() < 0).then_some(0);
        // Another thread may have done it, which leaves nothing to do.
        let _ = self.used_bytes.fetch_update(Ordering::AcqRel, Ordering::Relaxed, zero);
    }

    fn used(&self) -> u64 {
        let used = self.used_bytes.load(Ordering::Acquire);
        used.cast_signed().max(0).cast_unsigned()
    }
}

/// A port with a soft and a hard limit, on top of another port. The hard limit is exact on any
/// number of threads; a failure changes nothing.
///
/// ```
/// use gitmind_memory::{self as memory, Alloc, Budgeted, ErrorKind, System};
/// use gitmind_memory::units::Bytes;
/// let budget = Budgeted::new(System::new(), Bytes::new(100));
/// let mut kept = memory::Vec::new(Alloc::new(&budget));
/// kept.try_extend_from_slice(&[0_u8; 60])?;
/// let failed = memory::Vec::<u8>::try_with_capacity(41, Alloc::new(&budget));
/// assert_eq!(failed.unwrap_err().kind(), ErrorKind::OverBudget);
/// assert_eq!(budget.used().get() + 40, budget.hard_limit().get());
/// drop(kept);
/// assert_eq!(budget.used(), Bytes::ZERO);
/// # Ok::<(), gitmind_memory::MemoryError>(())
/// ```
pub type Budgeted<P, O = Silent> = Gated<P, Budget<O>>;

/// Admits bytes up to a hard limit, and warns once at a soft one.
pub struct Budget<O> {
    observer: O,
    ledger: Ledger,
    soft_bytes: u64,
    warned: AtomicBool,
    failures: AtomicU64,
}

impl<P: Port> Budgeted<P> {
    /// A budget of `hard_limit` over `inner`.
    pub fn new(inner: P, hard_limit: Bytes) -> Self {
        Self::with_observer(inner, hard_limit, Silent)
    }
}

impl<P: Port, O: BudgetObserver> Budgeted<P, O> {
    /// A budget of `hard_limit` over `inner` that calls `observer` at its soft limit.
    pub fn with_observer(inner: P, hard_limit: Bytes, observer: O) -> Self {
        // Dividing first keeps the product in range; the error is below 80 bytes.
        let soft_bytes = hard_limit.get() / 100 * SOFT_LIMIT_PERCENT
            + hard_limit.get() % 100 * SOFT_LIMIT_PERCENT / 100;
        let budget = Budget {
            observer,
            ledger: Ledger::new(hard_limit),
            soft_bytes,
            warned: AtomicBool::new(false),
            failures: AtomicU64::new(0),
        };
        Self::with_gate(inner, budget)
    }

    /// The bytes charged at present; never above [`Budgeted::hard_limit`].
    pub fn used(&self) -> Bytes {
        self.gate().used()
    }

    /// The most that was ever charged.
    pub fn peak(&self) -> Bytes {
        self.gate().peak()
    }

    /// The hard limit, above which requests fail.
    pub const fn hard_limit(&self) -> Bytes {
        self.gate().hard_limit()
    }

    /// The soft limit, above which the observer is called.
    pub const fn soft_limit(&self) -> Bytes {
        Bytes::new(self.gate().soft_bytes)
    }
}

impl<O: BudgetObserver> Budget<O> {
    fn used(&self) -> Bytes {
        Bytes::new(self.ledger.used())
    }

    fn peak(&self) -> Bytes {
        Bytes::new(self.ledger.peak_bytes.load(Ordering::Acquire))
    }

    const fn hard_limit(&self) -> Bytes {
        Bytes::new(self.ledger.hard_bytes)
    }

    #[cold]
    fn warn(&self, used: u64) {
        // The load keeps the cache line shared once the warning is out.
        if !self.warned.load(Ordering::Relaxed) && !self.warned.swap(true, Ordering::Relaxed) {
            let (soft_limit, hard_limit) = (Bytes::new(self.soft_bytes), self.hard_limit());
            let used = Bytes::new(used);
            self.observer.soft_limit_passed(BudgetWarning { used, soft_limit, hard_limit });
        }
    }

    #[cold]
    fn over(&self, requested: Bytes, op: OpTag<'_>) -> MemoryError {
        self.failures.fetch_add(1, Ordering::Relaxed);
        MemoryError::new(ErrorKind::OverBudget, op.op(), requested).with_limit(self.hard_limit())
    }
}

impl<O> fmt::Debug for Budget<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budget")
            .field("used", &self.ledger.used())
            .field("peak", &self.ledger.peak_bytes.load(Ordering::Acquire))
            .field("hard_limit", &self.ledger.hard_bytes)
            .finish_non_exhaustive()
    }
}

impl<O: BudgetObserver> Gate for Budget<O> {
    #[inline]
    fn admit(&self, size: Bytes, op: OpTag<'_>) -> Result<(), MemoryError> {
        self.admit_growth(size, size, op)
    }

    fn refused(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    #[inline]
    fn admit_growth(&self, _: Bytes, more: Bytes, op: OpTag<'_>) -> Result<(), MemoryError> {
        if more == Bytes::ZERO {
            return Ok(());
        }
        let used = self.ledger.charge(more.get()).ok_or_else(|| self.over(more, op))?;
        if used >= self.soft_bytes {
            // An observer that unwinds has refused the request.
            let refund = Undo::new(|| self.release(more));
            self.warn(used);
            refund.disarm();
        }
        Ok(())
    }

    #[inline]
    fn release(&self, less: Bytes) {
        if !self.ledger.refund(less.get()) {
            self.failures.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The bytes that the budget has admitted, with the counts of blocks and failures of the port
    /// below.
    fn diagnostics(&self, below: Diagnostics) -> Diagnostics {
        Diagnostics {
            bytes_outstanding: self.used(),
            peak_bytes: self.peak(),
            failures_total: below.failures_total.saturating_add(self.refused()),
            ..below
        }
    }
}

#[cfg(all(test, gm_loom))]
mod loom_tests;
