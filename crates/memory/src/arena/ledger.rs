//! The bytes that an arena holds, and the cap that they never exceed.

use std::cell::Cell;

use crate::alloc::Alloc;
use crate::error::{ErrorKind, MemoryError};
use crate::undo::Undo;
use crate::units::Bytes;

/// The account of one arena. A failed admission has changed nothing but the count of failures.
#[derive(Debug)]
pub(super) struct Ledger<'a> {
    pub(super) alloc: Alloc<'a>,
    cap_bytes: u64,
    held_bytes: Cell<u64>,
    peak_bytes: Cell<u64>,
    grow_bytes: Cell<u64>,
    /// Failures without a later spill.
    failed: Cell<u64>,
    /// Those of the failures that the port has not counted.
    failed_above_port: Cell<u64>,
    spills: Cell<u64>,
    /// Whether a call of the port is running, which may call the arena.
    is_busy: Cell<bool>,
}

impl<'a> Ledger<'a> {
    pub(super) const fn new(alloc: Alloc<'a>, cap: Bytes) -> Self {
        Self {
            alloc,
            cap_bytes: cap.get(),
            held_bytes: Cell::new(0),
            peak_bytes: Cell::new(0),
            grow_bytes: Cell::new(0),
            failed: Cell::new(0),
            failed_above_port: Cell::new(0),
            spills: Cell::new(0),
            is_busy: Cell::new(false),
        }
    }

    /// Bytes that can still be admitted.
    pub(super) const fn left_bytes(&self) -> u64 {
        // Never negative, because `admit` compares before it adds.
        self.cap_bytes - self.held_bytes.get()
    }

    /// Adds `bytes` if the sum stays within the cap and `take` succeeds.
    pub(super) fn admitted<T>(
        &self,
        bytes: u64,
        take: impl FnOnce() -> Result<T, MemoryError>,
    ) -> Result<T, Failure> {
        if bytes > self.left_bytes() {
            return Err(Failure::OverCap);
        }
        let taken = self.undisturbed(take)?;
        let held = self.held_bytes.get() + bytes;
        self.held_bytes.set(held);
        self.peak_bytes.set(self.peak_bytes.get().max(held));
        self.grow_bytes.set(self.grow_bytes.get().saturating_add(bytes));
        Ok(taken)
    }

    /// Whether a call of the port is running, so that blocks and records must not change.
    pub(super) const fn is_busy(&self) -> bool {
        self.is_busy.get()
    }

    /// Calls the port. Calls of the arena from inside get no new block, and no block is freed
    /// meanwhile.
    pub(super) fn undisturbed<T>(
        &self,
        ask: impl FnOnce() -> Result<T, MemoryError>,
    ) -> Result<T, Failure> {
        if self.is_busy.replace(true) {
            return Err(Failure::Reentrant);
        }
        let _ends = Undo::new(|| self.is_busy.set(false));
        ask().map_err(Failure::Port)
    }

    /// Subtracts `bytes`.
    pub(super) fn released(&self, bytes: u64) {
        debug_assert!(bytes <= self.held_bytes.get(), "more comes back than was taken");
        self.held_bytes.set(self.held_bytes.get() - bytes);
    }

    /// The error of a request for `bytes` that ended with `failure`.
    #[cold]
    pub(super) fn error(&self, failure: Failure, bytes: usize) -> MemoryError {
        self.failed.set(self.failed.get() + 1);
        if !matches!(failure, Failure::Port(_)) {
            self.count_above_port();
        }
        let op = self.alloc.op().op();
        match failure {
            Failure::Port(error) => error.with_op(op),
            Failure::Reentrant => MemoryError::new(ErrorKind::Reentrant, op, bytes.into()),
            Failure::OverCap => {
                MemoryError::new(ErrorKind::OverCap, op, bytes.into()).with_limit(self.cap())
            }
        }
    }

    pub(super) const fn cap(&self) -> Bytes {
        Bytes::new(self.cap_bytes)
    }

    pub(super) const fn held(&self) -> Bytes {
        Bytes::new(self.held_bytes.get())
    }

    pub(super) const fn peak(&self) -> Bytes {
        Bytes::new(self.peak_bytes.get())
    }

    pub(super) const fn grown(&self) -> Bytes {
        Bytes::new(self.grow_bytes.get())
    }

    /// Counts a failure that the port does not count.
    pub(super) fn count_above_port(&self) {
        self.failed_above_port.set(self.failed_above_port.get() + 1);
    }

    /// Counts a spill, and resets the count of failures.
    pub(super) fn note_spill(&self) {
        self.spills.set(self.spills.get() + 1);
        self.absorb_failures();
    }

    pub(super) fn absorb_failures(&self) {
        self.failed.set(0);
        self.failed_above_port.set(0);
    }

    pub(super) const fn failures(&self) -> u64 {
        self.failed.get()
    }

    pub(super) const fn failures_above_port(&self) -> u64 {
        self.failed_above_port.get()
    }

    pub(super) const fn spills(&self) -> u64 {
        self.spills.get()
    }
}

/// Why a request failed. Only after a failure by the cap there is another way to try.
#[derive(Clone, Copy, Debug)]
pub(super) enum Failure {
    /// It does not fit the cap, or its size overflows.
    OverCap,
    /// The request came from inside a call of the port.
    Reentrant,
    /// The port or the heap has failed.
    Port(MemoryError),
}
