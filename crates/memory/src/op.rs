//! The operations that memory is taken for.

use std::fmt;

use super::counters::{Counters, Diagnostics};

/// A service operation, the value of the tag `alloc.op`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Op {
    /// A journal becomes a cache.
    CacheRebuild,
    /// Edges are read from a journal.
    JournalRead,
    /// Edges are appended to a journal.
    JournalAppend,
    /// Edges are looked up by their attributes.
    AttrQuery,
    /// Edges are looked up in a cache.
    CacheQuery,
}

impl Op {
    /// Every operation, in the order of reports.
    pub const ALL: [Self; 5] = [
        Self::CacheRebuild,
        Self::JournalRead,
        Self::JournalAppend,
        Self::AttrQuery,
        Self::CacheQuery,
    ];

    /// The tag's value, as telemetry and reports print it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CacheRebuild => "cache.rebuild",
            Self::JournalRead => "journal.read",
            Self::JournalAppend => "journal.append",
            Self::AttrQuery => "attr.query",
            Self::CacheQuery => "cache.query",
        }
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// One run of an operation and what it has taken.
#[derive(Debug)]
pub struct OpStats {
    op: Op,
    serial: u64,
    pub(super) counters: Counters,
}

impl OpStats {
    /// A run of `op` that has taken nothing; `serial` tells it from other runs of the same kind.
    pub const fn new(op: Op, serial: u64) -> Self {
        Self { op, serial, counters: Counters::new() }
    }

    /// What is being run.
    pub const fn op(&self) -> Op {
        self.op
    }

    /// The number of this run.
    pub const fn serial(&self) -> u64 {
        self.serial
    }

    /// What this run has taken so far, as far as the port counts it.
    pub fn diagnostics(&self) -> Diagnostics {
        self.counters.read()
    }
}

/// On whose account memory is taken: one run of an operation, or nobody's.
///
/// A handle carries it, so it follows the work to whichever thread uses the handle.
#[derive(Clone, Copy, Debug, Default)]
pub struct OpTag<'a>(Option<&'a OpStats>);

impl<'a> OpTag<'a> {
    /// Nobody's account.
    pub const NONE: Self = Self(None);

    /// The account of `stats`.
    pub const fn of(stats: &'a OpStats) -> Self {
        Self(Some(stats))
    }

    /// The operation, when there is one.
    #[inline]
    pub fn op(self) -> Option<Op> {
        self.0.map(OpStats::op)
    }

    /// The run, when there is one.
    #[inline]
    pub const fn stats(self) -> Option<&'a OpStats> {
        self.0
    }
}
