//! Arenas that add their counters to the totals of their operation when they are dropped.

use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::memory::{Arena, Op};
use crate::units::Bytes;

/// An arena that adds its counters to the totals of its operation when it is dropped.
#[derive(Debug)]
pub struct OpArena<'a> {
    arena: Arena<'a>,
    totals: Option<&'a Counters>,
}

/// What the dropped arenas of an operation have counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ArenaTotals {
    /// The metric `arena.grow.bytes`: bytes of blocks.
    pub grow_bytes: Bytes,
    /// The metric `arena.spills_total`.
    pub spills_total: u64,
    /// Failures that neither a spill absorbed nor the port counted.
    pub failures_total: u64,
}

#[derive(Debug)]
struct Counters {
    grow_bytes: AtomicU64,
    spills: AtomicU64,
    failures: AtomicU64,
}

impl Counters {
    const fn new() -> Self {
        let [grow_bytes, spills, failures] = [const { AtomicU64::new(0) }; 3];
        Self { grow_bytes, spills, failures }
    }
}

/// The totals of every operation.
#[derive(Debug)]
pub(super) struct OpArenas([Counters; Op::COUNT_MAX]);

impl OpArenas {
    pub(super) const fn new() -> Self {
        Self([const { Counters::new() }; Op::COUNT_MAX])
    }

    /// `arena`, counted for `op`; an untagged arena is not counted.
    pub(super) fn of<'a>(&'a self, op: Option<Op>, arena: Arena<'a>) -> OpArena<'a> {
        OpArena { arena, totals: op.map(|op| &self.0[op.index()]) }
    }

    pub(super) fn read(&self, op: Op) -> ArenaTotals {
        let Counters { grow_bytes, spills, failures } = &self.0[op.index()];
        ArenaTotals {
            grow_bytes: Bytes::new(grow_bytes.load(Relaxed)),
            spills_total: spills.load(Relaxed),
            failures_total: failures.load(Relaxed),
        }
    }
}

impl<'a> Deref for OpArena<'a> {
    type Target = Arena<'a>;

    fn deref(&self) -> &Arena<'a> {
        &self.arena
    }
}

impl<'a> DerefMut for OpArena<'a> {
    fn deref_mut(&mut self) -> &mut Arena<'a> {
        &mut self.arena
    }
}

impl Drop for OpArena<'_> {
    fn drop(&mut self) {
        if let Some(totals) = self.totals {
            let stats = self.arena.stats();
            totals.grow_bytes.fetch_add(stats.grow_bytes.get(), Relaxed);
            totals.spills.fetch_add(stats.spills_total, Relaxed);
            totals.failures.fetch_add(stats.failures_above_port_total, Relaxed);
        }
    }
}
