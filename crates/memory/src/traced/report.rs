//! What a traced port has to complain about, for people.

use std::fmt;

use crate::callsite::CallStack;
use crate::counters::Diagnostics;
use crate::op::Op;
use crate::port::PortId;
use crate::units::Bytes;

/// Live blocks of one size from one call site.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Leak {
    /// The operation they were taken for and the number of its run.
    pub op: Option<(Op, u64)>,
    /// The size of each.
    pub size: Bytes,
    /// How many there are.
    pub count: u64,
    /// Where they were taken.
    pub stack: CallStack,
}

impl fmt::Display for Leak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { op, size, count, stack } = self;
        match op {
            Some((op, serial)) => write!(f, "{op} #{serial}: ")?,
            None => f.write_str("no operation: ")?,
        }
        write!(f, "{count} x {} bytes, allocated by {stack}", size.get())
    }
}

/// How a block was misused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Misuse {
    /// Passed to `deallocate`.
    Free,
    /// Passed to `grow`.
    Grow,
    /// Passed to `shrink`.
    Shrink,
}

/// A block that was passed to a port it does not belong to, or with a size it does not have.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Violation {
    /// What was attempted.
    pub misuse: Misuse,
    /// The size the caller named.
    pub size: Bytes,
    /// The operation of the handle.
    pub op: Option<Op>,
    /// Where it was attempted.
    pub stack: CallStack,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = match self.misuse {
            Misuse::Free => "free",
            Misuse::Grow => "grow",
            Misuse::Shrink => "shrink",
        };
        let op = self.op.map_or("no operation", Op::name);
        let (size, stack) = (self.size.get(), &self.stack);
        write!(f, "{op}: refused to {verb} a foreign block of {size} bytes, passed by {stack}")
    }
}

/// What is outstanding and what was misused.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TraceReport {
    /// The port that was traced.
    pub id: PortId,
    /// Its counters.
    pub diagnostics: Diagnostics,
    /// The live blocks, when they are kept with their call sites.
    pub leaks: Option<Vec<Leak>>,
    /// How often a foreign block was passed in.
    pub violations_total: u64,
    /// The first of those.
    pub violations: Vec<Violation>,
}

impl TraceReport {
    /// Whether nothing is outstanding and nothing was misused.
    pub fn is_clean(&self) -> bool {
        let Diagnostics { bytes_outstanding, blocks_outstanding, .. } = self.diagnostics;
        bytes_outstanding == Bytes::ZERO && blocks_outstanding == 0 && self.violations_total == 0
    }

    /// The report without the blocks that were taken below one of `functions`, by a part of its
    /// path; nothing when it is clean without them.
    #[cfg(feature = "testing")]
    pub(crate) fn ignoring(mut self: Box<Self>, functions: &[String]) -> Option<Box<Self>> {
        let is_ignored = |leak: &mut Leak| {
            let callers = leak.stack.sites(usize::MAX);
            callers.iter().any(|site| functions.iter().any(|name| site.function.contains(name)))
        };
        for leak in self.leaks.iter_mut().flat_map(|leaks| leaks.extract_if(.., is_ignored)) {
            let counters = &mut self.diagnostics;
            let bytes = leak.size.get().saturating_mul(leak.count);
            let left = counters.bytes_outstanding.get().saturating_sub(bytes);
            counters.bytes_outstanding = Bytes::new(left);
            counters.blocks_outstanding = counters.blocks_outstanding.saturating_sub(leak.count);
        }
        (!self.is_clean()).then_some(self)
    }
}

impl fmt::Display for TraceReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Diagnostics { bytes_outstanding, blocks_outstanding, .. } = self.diagnostics;
        write!(
            f,
            "{}: {} bytes in {blocks_outstanding} blocks outstanding, {} foreign blocks",
            self.id,
            bytes_outstanding.get(),
            self.violations_total
        )?;
        for leak in self.leaks.iter().flatten() {
            write!(f, "\n  {leak}")?;
        }
        match &self.leaks {
            None if blocks_outstanding > 0 => f.write_str("\n  `Trace::sites` names them")?,
            Some(_) if blocks_outstanding == 0 && bytes_outstanding > Bytes::ZERO => {
                f.write_str("\n  bytes that were charged and not refunded")?;
            }
            _ => {}
        }
        for violation in &self.violations {
            write!(f, "\n  {violation}")?;
        }
        Ok(())
    }
}

impl std::error::Error for TraceReport {}
