//! A decorator that enters the bytes that it admits in the ledger of the process's heap.
//!
//! It belongs directly above the bottom of a stack, so that it sees the bytes that decorators add,
//! such as stamps. Before [`ProcessAllocator::start_reconciling`] it enters nothing.

use super::error::MemoryError;
use super::gate::{Gate, Gated};
use super::op::OpTag;
use super::port::Port;
use super::process::ProcessAllocator;
use crate::units::Bytes;

/// A port whose bytes are compared with those of the heap.
pub type Reconciled<P> = Gated<P, Reconciler>;

/// Admits everything, and enters it in the ledger of the process's allocator.
#[derive(Debug)]
pub struct Reconciler(&'static ProcessAllocator);

impl<P: Port> Reconciled<P> {
    /// Enters the bytes that `inner` admits in the ledger of `process`.
    pub fn new(inner: P, process: &'static ProcessAllocator) -> Self {
        Self::with_gate(inner, Reconciler(process))
    }
}

impl Gate for Reconciler {
    #[inline]
    fn admit(&self, _: Bytes, _: OpTag<'_>) -> Result<(), MemoryError> {
        Ok(())
    }

    #[inline]
    fn admit_growth(&self, _: Bytes, more: Bytes, _: OpTag<'_>) -> Result<(), MemoryError> {
        self.0.enter_port(more.signed());
        Ok(())
    }

    #[inline]
    fn release(&self, less: Bytes) {
        self.0.enter_port(-less.signed());
    }
}
