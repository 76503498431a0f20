//! The live blocks of a traced port, and what each call stack holds.
//!
//! One lock for all: unwinding the stack costs more. When the ledger cannot grow, the request that
//! needed it fails.

use std::collections::BTreeMap;
use std::ptr::NonNull;
use std::sync::Mutex;

use super::lock;
use super::report::Leak;
use crate::callsite::{CallSiteId, CallStack};
use crate::error::{ErrorKind, MemoryError};
use crate::op::{Op, OpStats, OpTag};
use crate::profile::{Block, NoRoom, Profile, Refused, SiteLedger};
use crate::undo::Undo;
use crate::units::Bytes;

/// The call stack and operation that allocate a block.
#[derive(Clone, Copy)]
pub(super) struct Taker<'s> {
    op: OpTag<'s>,
    stack: CallStack,
}

impl<'s> Taker<'s> {
    /// The caller, for `op`.
    #[inline(never)]
    pub(super) fn new(op: OpTag<'s>) -> Self {
        Self { op, stack: CallStack::capture() }
    }

    /// The number of the run of its operation.
    fn serial(&self) -> u64 {
        self.op.stats().map_or(0, OpStats::serial)
    }
}

#[derive(Debug)]
pub(super) struct LiveBlocks(Mutex<SiteLedger>);

impl LiveBlocks {
    pub(super) const fn new() -> Self {
        Self(Mutex::new(SiteLedger::new()))
    }

    /// Adds a block. Empty blocks have no address of their own and are not kept.
    ///
    /// # Errors
    /// `Exhausted` when the ledger cannot grow.
    pub(super) fn insert(
        &self,
        start: NonNull<u8>,
        size: usize,
        taker: &Taker<'_>,
    ) -> Result<(), MemoryError> {
        if size > 0 {
            let mut ledger = lock(&self.0);
            let entry =
                ledger.entry(taker.op.op(), &taker.stack).map_err(|NoRoom| no_room(taker))?;
            ledger.insert(start.addr().get(), size, entry, taker.serial());
        }
        Ok(())
    }

    /// Whether a block of `size` bytes is live at `start`.
    pub(super) fn contains(&self, start: NonNull<u8>, size: usize) -> bool {
        size == 0 || lock(&self.0).contains(start.addr().get(), size)
    }

    /// Removes a block before it is freed, so that its address can be allocated again.
    pub(super) fn remove(&self, start: NonNull<u8>, size: usize) -> bool {
        size == 0 || lock(&self.0).remove(start.addr().get(), size)
    }

    /// Replaces a block by what `request` makes of it; `None`, without a request, for a foreign
    /// block. It is not in the table while the port is asked, which may call back, and may give
    /// another thread the old address at once; there is room kept for it.
    pub(super) fn replace(
        &self,
        start: NonNull<u8>,
        (old, new): (usize, usize),
        taker: &Taker<'_>,
        request: impl FnOnce() -> Result<NonNull<u8>, MemoryError>,
    ) -> Option<Result<NonNull<u8>, MemoryError>> {
        let address = start.addr().get();
        let mut ledger = lock(&self.0);
        if old > 0 && !ledger.contains(address, old) {
            return None;
        }
        let entry = match ledger.entry(taker.op.op(), &taker.stack) {
            Ok(entry) => entry,
            Err(NoRoom) => return Some(Err(no_room(taker))),
        };
        let detached = ledger.detach(address, old)?;
        drop(ledger);
        let restore = Undo::new(|| lock(&self.0).attach(address, detached));
        let block = match request() {
            Ok(block) => block,
            Err(error) => return Some(Err(error)),
        };
        restore.disarm();
        let to = (block.addr().get(), new);
        lock(&self.0).replace(detached, to, (entry, taker.serial()));
        Some(Ok(block))
    }

    /// Enters a charge for memory from elsewhere.
    ///
    /// # Errors
    /// `Exhausted` when the ledger cannot grow.
    pub(super) fn charge(&self, bytes: Bytes, taker: &Taker<'_>) -> Result<(), MemoryError> {
        let mut ledger = lock(&self.0);
        let entry = ledger.entry(taker.op.op(), &taker.stack).map_err(|NoRoom| no_room(taker))?;
        ledger.charge(entry, bytes).map_err(|NoRoom| no_room(taker))
    }

    /// Takes a charge out again.
    pub(super) fn refund(&self, bytes: Bytes, op: OpTag<'_>) {
        lock(&self.0).refund(op.op(), bytes);
    }

    /// Enters that `bytes` were refused.
    pub(super) fn refuse(&self, bytes: Bytes, op: OpTag<'_>) {
        lock(&self.0).refuse(Refused::new(bytes, op.op(), CallStack::capture()));
    }

    /// What the stacks of `op` hold, or all.
    pub(super) fn profile(&self, op: Option<Op>) -> Profile {
        lock(&self.0).profile(op)
    }

    /// The blocks that are live now, those of one size, operation and call site together.
    pub(super) fn leaks(&self) -> Vec<Leak> {
        type Key = (Option<(Op, u64)>, CallSiteId, usize);
        let mut groups: BTreeMap<Key, Leak> = BTreeMap::new();
        for (size, op, stack) in lock(&self.0).live() {
            let new = || Leak { op, size: Bytes::from(size), count: 0, stack };
            groups.entry((op, stack.id(), size)).or_insert_with(new).count += 1;
        }
        groups.into_values().collect()
    }
}

/// The failure of a request that exceeds the capacity of the tables.
fn no_room(taker: &Taker<'_>) -> MemoryError {
    MemoryError::new(ErrorKind::Exhausted, taker.op.op(), size_of::<Block>().into())
}
