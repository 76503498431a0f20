//! The ledger of a profile: live blocks by address, and the bytes of each call stack.
//!
//! The amount of each stack at the peak is known without copying any amounts when a peak is
//! reached. Peaks are numbered. Before a stack's amount changes, it is the amount at every peak
//! since the stack's last change, so it is stored as that of the latest peak. The cost of an event
//! does not depend on the number of stacks, and the amounts of all stacks add up to the peak.
//!
//! The tables are in the process's heap, never in a port that is being profiled.

use std::fmt;
use std::ops::AddAssign;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use super::{Held, Holder, Profile, Refused};
use crate::callsite::{CallSiteId, CallStack};
use crate::op::Op;
use crate::units::Bytes;

/// Bytes and blocks, as a sum of changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Amount {
    bytes: i64,
    blocks: i64,
}

impl Amount {
    const NONE: Self = Self { bytes: 0, blocks: 0 };

    fn block(size: usize) -> Self {
        Self { bytes: Bytes::from(size).signed(), blocks: 1 }
    }

    const fn less(self) -> Self {
        Self { bytes: -self.bytes, blocks: -self.blocks }
    }

    fn held(self) -> Held {
        let blocks = u64::try_from(self.blocks).unwrap_or(0);
        Held { bytes: Bytes::from_signed(self.bytes), blocks }
    }
}

impl AddAssign for Amount {
    fn add_assign(&mut self, other: Self) {
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.blocks = self.blocks.saturating_add(other.blocks);
    }
}

/// A sum over stacks, and its maximum so far.
#[derive(Clone, Copy)]
struct Level {
    now: Amount,
    peak: Amount,
    /// The number of peaks so far.
    peaks: u64,
}

impl Level {
    const EMPTY: Self = Self { now: Amount::NONE, peak: Amount::NONE, peaks: 0 };

    fn change(&mut self, by: Amount) {
        self.now += by;
        if self.now.bytes > self.peak.bytes {
            self.peak = self.now;
            self.peaks += 1;
        }
    }
}

/// The amount of a stack at the peak with a number.
#[derive(Clone, Copy, Default)]
struct AtPeak {
    amount: Amount,
    peaks: u64,
}

impl AtPeak {
    /// The amount at the latest peak of `level`, if the amount has been `now` since the last
    /// change.
    fn latest(self, now: Amount, level: &Level) -> Self {
        if self.peaks < level.peaks { Self { amount: now, peaks: level.peaks } } else { self }
    }
}

/// The memory of one operation and one call stack.
struct Entry {
    op: Option<Op>,
    /// The start of its return addresses in the list of all, and their number.
    stack: (usize, usize),
    now: Amount,
    total: Amount,
    at_peak: AtPeak,
    at_peak_of_op: AtPeak,
}

impl Entry {
    const fn new(op: Option<Op>, stack: (usize, usize), peaks: u64, peaks_of_op: u64) -> Self {
        Self {
            op,
            stack,
            now: Amount::NONE,
            total: Amount::NONE,
            at_peak: AtPeak { amount: Amount::NONE, peaks },
            at_peak_of_op: AtPeak { amount: Amount::NONE, peaks: peaks_of_op },
        }
    }
}

/// A table cannot grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoRoom;

/// The index of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct EntryId(usize);

/// A live block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block {
    size: usize,
    entry: EntryId,
    /// The number of the run of its operation.
    serial: u64,
}

/// A block that is out of the table while it is resized; nothing when it is empty.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Detached(Option<Block>);

type Key = (CallSiteId, Option<Op>);

/// Live blocks, and the memory of each call stack.
pub(crate) struct SiteLedger {
    blocks: HashMap<usize, Block, FixedState>,
    /// The number of blocks that are out of the table while they are resized; room for them is
    /// reserved.
    detached: usize,
    /// Charges, oldest first.
    charges: Vec<(EntryId, i64)>,
    ids: HashMap<Key, EntryId, FixedState>,
    entries: Vec<Entry>,
    addresses: Vec<usize>,
    /// The memory of no stack: blocks from before the start, and those for which the tables had no
    /// room.
    unattributed: Entry,
    all: Level,
    ops: [Level; Op::COUNT_MAX],
    refused: Option<Refused>,
}

impl SiteLedger {
    pub(crate) const fn new() -> Self {
        Self {
            blocks: HashMap::with_hasher(FixedState::with_seed(0)),
            detached: 0,
            charges: Vec::new(),
            ids: HashMap::with_hasher(FixedState::with_seed(0)),
            entries: Vec::new(),
            addresses: Vec::new(),
            unattributed: Entry::new(None, (0, 0), 0, 0),
            all: Level::EMPTY,
            ops: [Level::EMPTY; Op::COUNT_MAX],
            refused: None,
        }
    }

    /// Whether a block of `size` bytes is live at `start`.
    pub(crate) fn contains(&self, start: usize, size: usize) -> bool {
        self.blocks.get(&start).is_some_and(|block| block.size == size)
    }

    /// The entry of a call stack, with room for one more block.
    ///
    /// # Errors
    /// When a table cannot grow.
    pub(crate) fn entry(&mut self, op: Option<Op>, stack: &CallStack) -> Result<EntryId, NoRoom> {
        self.blocks.try_reserve(1 + self.detached).map_err(|_| NoRoom)?;
        let key = (stack.id(), op);
        if let Some(id) = self.ids.get(&key) {
            return Ok(*id);
        }
        self.ids.try_reserve(1).map_err(|_| NoRoom)?;
        self.entries.try_reserve(1).map_err(|_| NoRoom)?;
        let addresses = stack.addresses();
        self.addresses.try_reserve(addresses.len()).map_err(|_| NoRoom)?;
        let place = (self.addresses.len(), addresses.len());
        self.addresses.extend_from_slice(addresses);
        let peaks_of_op = op.map_or(0, |op| self.ops[op.index()].peaks);
        let id = EntryId(self.entries.len());
        self.entries.push(Entry::new(op, place, self.all.peaks, peaks_of_op));
        self.ids.insert(key, id);
        Ok(id)
    }

    /// Enters a block that was allocated.
    pub(crate) fn insert(&mut self, start: usize, size: usize, holder: EntryId, serial: u64) {
        let before = self.blocks.insert(start, Block { size, entry: holder, serial });
        debug_assert!(before.is_none(), "the port below handed out a live block again");
        self.change(&[(holder, Amount::block(size))]);
        self.entries[holder.0].total += Amount::block(size);
    }

    /// Enters that a block is about to be freed; `false` when it is not known.
    pub(crate) fn remove(&mut self, start: usize, size: usize) -> bool {
        let known = self.contains(start, size);
        if let Some(block) = known.then(|| self.blocks.remove(&start)).flatten() {
            self.change(&[(block.entry, Amount::block(size).less())]);
        }
        known
    }

    /// Removes a block from the table while it is resized; `None` when it is not known. The amounts
    /// are unchanged. A block without bytes is in no table; resizing may enter it.
    pub(crate) fn detach(&mut self, start: usize, size: usize) -> Option<Detached> {
        let block = if size == 0 { None } else { self.take_out(start, size).map(Some)? };
        self.detached += 1;
        Some(Detached(block))
    }

    fn take_out(&mut self, start: usize, size: usize) -> Option<Block> {
        if self.contains(start, size) { self.blocks.remove(&start) } else { None }
    }

    /// Puts a detached block back unchanged.
    pub(crate) fn attach(&mut self, start: usize, detached: Detached) {
        self.detached -= 1;
        if let Detached(Some(block)) = detached {
            self.blocks.insert(start, block);
        }
    }

    /// Enters a detached block with its new `size` and `start`.
    pub(crate) fn replace(
        &mut self,
        Detached(old): Detached,
        (start, size): (usize, usize),
        (holder, serial): (EntryId, u64),
    ) {
        let new = (size > 0).then_some(Block { size, entry: holder, serial });
        self.attach(start, Detached(new));
        let (before, after) = (old.map_or(0, |old| old.size), size);
        let more = Bytes::from(after.saturating_sub(before)).signed();
        let more = Amount { bytes: more, blocks: 0 };
        self.entries[holder.0].total += more;
        self.entries[holder.0].total.blocks += i64::from(before == 0 && after > 0);
        let taken = (holder, new.map_or(Amount::NONE, |new| Amount::block(new.size)));
        match old {
            None => self.change(&[taken]),
            Some(old) => self.change(&[(old.entry, Amount::block(old.size).less()), taken]),
        }
    }

    /// Enters a charge.
    ///
    /// # Errors
    /// When the list cannot grow; nothing has changed then.
    pub(crate) fn charge(&mut self, entry: EntryId, bytes: Bytes) -> Result<(), NoRoom> {
        let bytes = bytes.signed();
        self.charges.try_reserve(1).map_err(|_| NoRoom)?;
        self.charges.push((entry, bytes));
        self.change(&[(entry, Amount { bytes, blocks: 0 })]);
        self.entries[entry.0].total.bytes += bytes;
        Ok(())
    }

    /// Enters a refund of `op`. A refund does not say which charge it ends: the latest of the same
    /// size is taken, else the latest.
    pub(crate) fn refund(&mut self, op: Option<Op>, bytes: Bytes) {
        let mut left = bytes.signed();
        while left > 0 {
            let of_op = |entry: EntryId| self.op_of(entry) == op;
            let latest =
                |wanted: &dyn Fn(&(EntryId, i64)) -> bool| self.charges.iter().rposition(wanted);
            let found = latest(&|(entry, charged)| of_op(*entry) && *charged == left)
                .or_else(|| latest(&|(entry, _)| of_op(*entry)))
                .or_else(|| latest(&|_| true));
            let Some(at) = found else { return };
            let (entry, charged) = self.charges[at];
            let part = charged.min(left);
            left -= part;
            if part == charged {
                self.charges.remove(at);
            } else {
                self.charges[at].1 -= part;
            }
            self.change(&[(entry, Amount { bytes: -part, blocks: 0 })]);
        }
    }

    /// Stores a failed request if it is the first: later ones may fail because of it.
    pub(crate) fn refuse(&mut self, refused: Refused) {
        self.refused.get_or_insert(refused);
    }

    /// Enters bytes that were allocated or freed and that no table knows.
    pub(crate) fn unattributed(&mut self, bytes: i64) {
        let by = Amount { bytes, blocks: bytes.signum() };
        let Entry { now, at_peak, .. } = &mut self.unattributed;
        *at_peak = at_peak.latest(*now, &self.all);
        *now += by;
        self.all.change(by);
    }

    /// Changes several amounts at once: no peak can occur between the changes.
    fn change(&mut self, changes: &[(EntryId, Amount)]) {
        let mut sum = Amount::NONE;
        for (EntryId(id), by) in changes {
            let Entry { op, now, at_peak, at_peak_of_op, .. } = &mut self.entries[*id];
            *at_peak = at_peak.latest(*now, &self.all);
            if let Some(op) = op {
                *at_peak_of_op = at_peak_of_op.latest(*now, &self.ops[op.index()]);
            }
            *now += *by;
            sum += *by;
        }
        self.all.change(sum);
        match *changes {
            [(from, _), (to, _)] if self.op_of(from) == self.op_of(to) => {
                self.change_op(self.op_of(to), sum);
            }
            _ => changes.iter().for_each(|(entry, by)| self.change_op(self.op_of(*entry), *by)),
        }
    }

    fn op_of(&self, entry: EntryId) -> Option<Op> {
        self.entries[entry.0].op
    }

    fn change_op(&mut self, op: Option<Op>, by: Amount) {
        if let Some(op) = op {
            self.ops[op.index()].change(by);
        }
    }

    /// The live blocks: size, run of an operation, and call stack.
    pub(crate) fn live(&self) -> impl Iterator<Item = (usize, Option<(Op, u64)>, CallStack)> {
        self.blocks.values().map(|block| {
            let entry = &self.entries[block.entry.0];
            (block.size, entry.op.map(|op| (op, block.serial)), self.stack(entry))
        })
    }

    fn stack(&self, entry: &Entry) -> CallStack {
        let (start, len) = entry.stack;
        CallStack::of(&self.addresses[start..start + len])
    }

    /// The memory of the stacks of `op`, or of all operations.
    pub(crate) fn profile(&self, op: Option<Op>) -> Profile {
        let level = op.map_or(&self.all, |op| &self.ops[op.index()]);
        let entries = self.entries.iter().filter(|entry| op.is_none() || entry.op == op);
        let mut total = Amount::NONE;
        let mut holders = Vec::new();
        for entry in entries {
            total += entry.total;
            let at_peak = if op.is_none() { entry.at_peak } else { entry.at_peak_of_op };
            let at_peak = at_peak.latest(entry.now, level).amount;
            // Its request failed, or what it has resized is another's by now.
            if [entry.total, entry.now, at_peak] == [Amount::NONE; 3] {
                continue;
            }
            holders.push(Holder {
                op: entry.op,
                stack: self.stack(entry),
                peak: at_peak.held(),
                end: entry.now.held(),
                total: entry.total.held(),
            });
        }
        let unattributed = self.unattributed.at_peak.latest(self.unattributed.now, level);
        let unattributed = if op.is_none() { unattributed.amount.bytes } else { 0 };
        holders.sort_by_key(|holder| std::cmp::Reverse((holder.peak.bytes, holder.total.bytes)));
        Profile {
            op,
            peak: level.peak.held(),
            end: level.now.held(),
            total: total.held(),
            unattributed_bytes: unattributed,
            own_bytes: self.own_bytes(),
            refused: self.refused.filter(|refused| op.is_none() || refused.op == op),
            holders,
        }
    }

    fn own_bytes(&self) -> Bytes {
        let tables = self.blocks.allocation_size() + self.ids.allocation_size();
        let lists = self.entries.capacity() * size_of::<Entry>()
            + self.addresses.capacity() * size_of::<usize>()
            + self.charges.capacity() * size_of::<(EntryId, i64)>();
        Bytes::from(tables + lists)
    }
}

impl fmt::Debug for SiteLedger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SiteLedger({} blocks, {} stacks)", self.blocks.len(), self.entries.len())
    }
}

#[cfg(test)]
mod tests;
