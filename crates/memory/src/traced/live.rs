//! The table of live blocks, with the call stack of each.
//!
//! One lock for all: it is for tests and diagnosis, where unwinding the stack costs more. The
//! table is held by the process's heap, never by the port that is being traced; when it cannot
//! grow, the request that needed it fails.

use std::collections::BTreeMap;
use std::fmt;
use std::ptr::NonNull;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use super::lock;
use super::report::Leak;
use crate::callsite::{CallSiteId, CallStack};
use crate::error::{ErrorKind, MemoryError};
use crate::op::{Op, OpTag};
use crate::undo::Undo;
use crate::units::Bytes;

/// What is known about a live block.
#[derive(Clone, Copy)]
pub(super) struct Record {
    size: usize,
    op: Option<(Op, u64)>,
    stack: CallStack,
}

impl Record {
    pub(super) fn new(size: usize, op: OpTag<'_>, stack: CallStack) -> Self {
        Self { size, op: op.stats().map(|stats| (stats.op(), stats.serial())), stack }
    }
}

type Table = hashbrown::HashMap<usize, Record, foldhash::fast::FixedState>;

#[derive(Default)]
pub(super) struct LiveBlocks(Mutex<Table>, AtomicUsize);

impl LiveBlocks {
    /// Adds a block. Empty blocks have no address of their own and are not kept.
    ///
    /// # Errors
    /// `Exhausted` when the table cannot grow.
    pub(super) fn insert(&self, start: NonNull<u8>, record: Record) -> Result<(), MemoryError> {
        if record.size > 0 {
            let mut table = lock(&self.0);
            self.reserve(&mut table)?;
            let before = table.insert(start.addr().get(), record);
            debug_assert!(before.is_none(), "the port below handed out a live block again");
        }
        Ok(())
    }

    /// Whether a block of `size` bytes is live at `start`.
    pub(super) fn contains(&self, start: NonNull<u8>, size: usize) -> bool {
        size == 0 || known(&lock(&self.0), start, size)
    }

    /// Removes a block before it is freed, so that its address can be handed out again.
    pub(super) fn remove(&self, start: NonNull<u8>, size: usize) -> bool {
        size == 0 || {
            let mut table = lock(&self.0);
            let ours = known(&table, start, size);
            if ours {
                table.remove(&start.addr().get());
            }
            ours
        }
    }

    /// Replaces a block by what `request` makes of it; `None`, without a request, for a foreign
    /// block. It is not in the table while the port is asked, which may call back, and may give
    /// another thread the old address at once; there is room kept for it.
    pub(super) fn replace(
        &self,
        start: NonNull<u8>,
        size: usize,
        record: Record,
        request: impl FnOnce() -> Result<NonNull<u8>, MemoryError>,
    ) -> Option<Result<NonNull<u8>, MemoryError>> {
        let mut table = lock(&self.0);
        if size > 0 && !known(&table, start, size) {
            return None;
        }
        if let Err(error) = self.reserve(&mut table) {
            return Some(Err(error));
        }
        let before = if size > 0 { table.remove(&start.addr().get()) } else { None };
        self.1.fetch_add(1, Relaxed);
        drop(table);
        let enter = |start: NonNull<u8>, record: Option<Record>| {
            let mut table = lock(&self.0);
            self.1.fetch_sub(1, Relaxed);
            if let Some(record) = record.filter(|record| record.size > 0) {
                table.insert(start.addr().get(), record);
            }
        };
        let restore = Undo::new(|| enter(start, before));
        let block = match request() {
            Ok(block) => block,
            Err(error) => return Some(Err(error)),
        };
        restore.disarm();
        enter(block, Some(record));
        Some(Ok(block))
    }

    /// Makes room for one more than those that are being resized.
    fn reserve(&self, table: &mut Table) -> Result<(), MemoryError> {
        let exhausted = MemoryError::new(ErrorKind::Exhausted, None, size_of::<Record>().into());
        table.try_reserve(1 + self.1.load(Relaxed)).map_err(|_| exhausted)
    }

    /// The blocks that are live now, those of one size, operation and call site together.
    pub(super) fn leaks(&self) -> Vec<Leak> {
        type Key = (Option<(Op, u64)>, CallSiteId, usize);
        let mut groups: BTreeMap<Key, Leak> = BTreeMap::new();
        for record in lock(&self.0).values() {
            let Record { size, op, stack } = *record;
            let leak = groups.entry((op, stack.id(), size)).or_insert_with(|| Leak {
                op,
                size: Bytes::from(size),
                count: 0,
                stack,
            });
            leak.count += 1;
        }
        groups.into_values().collect()
    }
}

impl fmt::Debug for LiveBlocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LiveBlocks({})", lock(&self.0).len())
    }
}

fn known(table: &Table, start: NonNull<u8>, size: usize) -> bool {
    table.get(&start.addr().get()).is_some_and(|record| record.size == size)
}
