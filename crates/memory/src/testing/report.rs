//! What became of each failure of a sweep.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::callsite::{CallStack, Site};

/// How often the requests of a call site failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Repeat {
    /// One of them, as when memory is short for a moment.
    Once,
    /// One of them and every later request of any site, as when memory stays short.
    Forever,
}

/// The outcome of a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// It came back to the caller as an error, and nothing was asked again.
    Propagated,
    /// The run succeeded as if nothing had happened: the error was dropped, or worked around.
    Swallowed,
    /// The call site asked again, this many times.
    Retried(u64),
    /// The error that came back is not one about memory.
    Misreported(String),
    /// The same plan had two outcomes, or its call site was not reached again.
    Nondeterministic(String),
    /// The run panicked with this message.
    Panicked(String),
    /// The run kept this.
    Leaked(String),
    /// The caller's invariant did not hold afterwards.
    InvariantBroken(String),
    /// It was not tried, because nothing in the names of what asks the heap says that it can report
    /// a failure: it ends the process, or the program has no line tables.
    NotTried,
}

impl Outcome {
    /// Whether it is the outcome of code that handles failures.
    pub const fn is_expected(&self) -> bool {
        matches!(self, Self::Propagated)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Propagated => f.write_str("propagated"),
            Self::Swallowed => f.write_str("swallowed: the run succeeded all the same"),
            Self::Retried(times) => write!(f, "retried {times} times"),
            Self::Misreported(error) => write!(f, "misreported as: {error}"),
            Self::Nondeterministic(how) => write!(f, "nondeterministic: {how}"),
            Self::Panicked(message) => write!(f, "panicked: {message}"),
            Self::Leaked(report) => write!(f, "leaked: {report}"),
            Self::NotTried => f.write_str("not tried: it aborts the process, by its name"),
            Self::InvariantBroken(what) => write!(f, "invariant broken: {what}"),
        }
    }
}

/// One failure and its outcome.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Case {
    /// The call site whose request failed.
    pub site: Site,
    /// The stack it was called with.
    pub stack: CallStack,
    /// Which of its requests failed, from one.
    pub request: u64,
    /// Requests that it makes in a run without a failure; none when only a failure leads to it.
    pub requests: u64,
    /// Failures that came before it in the same run, because only they lead to it.
    pub failed_before: usize,
    /// How often it failed.
    pub repeat: Repeat,
    /// The outcome.
    pub outcome: Outcome,
    /// Whether the sweep was told that the code may continue without this memory, and it did.
    pub is_benign: bool,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let repeat = match self.repeat {
            Repeat::Once => "once",
            Repeat::Forever => "forever",
        };
        write!(f, "{}, ", self.stack)?;
        if self.requests > 1 {
            write!(f, "request {} of {}, ", self.request, self.requests)?;
        }
        write!(f, "failed {repeat}")?;
        if self.failed_before > 0 {
            write!(f, " after {} other failures", self.failed_before)?;
        }
        write!(f, ": {}", self.outcome)
    }
}

/// The result of a sweep.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SweepReport {
    /// Every failure that was tried.
    pub cases: Vec<Case>,
    /// Runs of the closure, the clean ones included.
    pub runs: u64,
    /// Requests of a run without a failure.
    pub requests: u64,
    /// Those of them that failed in some run.
    pub requests_tried: u64,
    /// Whether the limit on call stacks was reached, so that some were not tried.
    pub truncated: bool,
    /// Which part of the call stacks was tried, when not all: its index, and the number of parts.
    pub shard: Option<(usize, usize)>,
}

impl SweepReport {
    /// Distinct call sites that requested memory; the number to quote.
    pub fn call_sites(&self) -> usize {
        self.cases.iter().map(|case| &case.site).collect::<BTreeSet<_>>().len()
    }

    /// Distinct stacks that led to them.
    pub fn call_stacks(&self) -> usize {
        self.cases.iter().map(|case| case.stack.id()).collect::<BTreeSet<_>>().len()
    }

    /// The cases that were not returned as an error, without the benign ones.
    pub fn unexpected(&self) -> impl Iterator<Item = &Case> {
        self.cases.iter().filter(|case| !case.outcome.is_expected() && !case.is_benign)
    }

    /// Failures after which the code was allowed to continue, and did.
    pub fn benign(&self) -> usize {
        self.cases.iter().filter(|case| case.is_benign).count()
    }

    /// Asserts that every failure was returned as an error and that none was left out.
    ///
    /// # Panics
    /// With every case that did not.
    #[track_caller]
    pub fn assert_propagated(&self) {
        let is_empty = self.cases.is_empty() && self.shard.is_none();
        let is_clean = !self.truncated && !is_empty;
        assert!(is_clean && self.unexpected().next().is_none(), "{self}");
    }
}

impl fmt::Display for SweepReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} call sites on {} call stacks, {} failures in {} runs, {} not propagated",
            self.call_sites(),
            self.call_stacks(),
            self.cases.len(),
            self.runs,
            self.unexpected().count()
        )?;
        if self.benign() > 0 {
            write!(f, ", {} benign", self.benign())?;
        }
        if let Some((index, count)) = self.shard {
            write!(f, "\n  only part {index} of {count} of the call stacks")?;
        }
        if self.requests_tried < self.requests {
            let (tried, all) = (self.requests_tried, self.requests);
            write!(
                f,
                "\n  {tried} of {all} requests failed: others have the same stacks or are not tried"
            )?;
        }
        if self.unexpected().any(|case| case.site.place.is_none()) {
            f.write_str(
                "\n  places are missing: the program was built without line tables, or is stripped",
            )?;
        }
        if self.truncated {
            f.write_str("\n  some call stacks were not tried: raise the limit")?;
        }
        if self.cases.is_empty() {
            f.write_str("\n  nothing was asked for, so nothing was tried")?;
        }
        let lines: Vec<_> = self.unexpected().map(|case| (case.to_string(), case)).collect();
        let mut times = BTreeMap::<&str, usize>::new();
        lines.iter().for_each(|(line, _)| *times.entry(line).or_default() += 1);
        for (line, case) in &lines {
            write!(f, "\n  {line}")?;
            if times[line.as_str()] > 1 {
                // Recursion, for one, reaches a place with the same callers.
                write!(f, " ({} calls deep)", case.stack.depth())?;
            }
        }
        Ok(())
    }
}
