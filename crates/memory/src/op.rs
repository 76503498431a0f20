//! Operations, for which memory is allocated.

use std::fmt;

use super::counters::{Counters, Diagnostics};

/// An operation of the program, which declares it: a name, and a number for its counters.
///
/// ```
/// use gitmind_memory::Op;
///
/// const IMPORT: Op = Op::new(0, "import");
/// const EXPORT: Op = Op::new(1, "export");
///
/// assert_eq!(IMPORT.name(), "import");
/// assert_ne!(IMPORT, EXPORT);
/// ```
///
/// No two operations of a program have the same number: they would share their counters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Op {
    index: u8,
    name: &'static str,
}

impl Op {
    /// The most operations that a program may declare; numbers are below it.
    pub const COUNT_MAX: usize = 16;

    /// The operation `name` with the number `index`, which orders reports too.
    ///
    /// # Panics
    /// When `index` is not below [`Op::COUNT_MAX`]. For a `const` operation this is a compile
    /// error.
    #[track_caller]
    pub const fn new(index: u8, name: &'static str) -> Self {
        assert!((index as usize) < Self::COUNT_MAX, "an operation's number is below 16");
        Self { index, name }
    }

    /// The number, which is below [`Op::COUNT_MAX`].
    #[inline]
    pub const fn index(self) -> usize {
        self.index as usize
    }

    /// The name, as telemetry and reports print it.
    pub const fn name(self) -> &'static str {
        self.name
    }
}

impl fmt::Debug for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Op").field(&self.name).finish()
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name)
    }
}

/// One run of an operation, and its allocations.
#[derive(Debug)]
pub struct OpStats {
    op: Op,
    serial: u64,
    pub(super) counters: Counters,
}

impl OpStats {
    /// A run of `op` that has allocated nothing; `serial` tells it from other runs of `op`.
    pub const fn new(op: Op, serial: u64) -> Self {
        Self { op, serial, counters: Counters::new() }
    }

    /// The operation.
    pub const fn op(&self) -> Op {
        self.op
    }

    /// The number of this run.
    pub const fn serial(&self) -> u64 {
        self.serial
    }

    /// The allocations of this run so far, as the port counts them.
    pub fn diagnostics(&self) -> Diagnostics {
        self.counters.read()
    }
}

/// The account that allocations are charged to: that of one run of an operation, or none.
///
/// A handle carries it, so it applies on any thread that uses the handle.
#[derive(Clone, Copy, Debug, Default)]
pub struct OpTag<'a>(Option<&'a OpStats>);

impl<'a> OpTag<'a> {
    /// No account: the memory is untagged.
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
