//! The verdict on an operation: its peak against its cap, charged against allocated bytes.

use super::measure::Measured;
use crate::memory::{MemoryError, Op, SOFT_LIMIT_PERCENT};
use crate::units::Bytes;
use std::fmt;

/// Heap bytes that may bypass the port whatever the journal: inflate tables of each thread, the
/// index of packs, buffers of std and the libraries.
/// docs/decisions/0029-measure-the-peak-of-the-gap.md lists them.
const GAP_CONSTANT: Bytes = Bytes::new(192 << 10);
/// Percentage of the heap's peak that may bypass the port in addition.
const GAP_PERCENT: u64 = 1;

/// Why an operation is not within budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Problem {
    /// The peak is above the cap.
    Over { op: Op, peak: Bytes, cap: Bytes },
    /// An allocation failed because it would exceed the cap.
    ExceededCap { op: Op, error: MemoryError },
    /// Allocations failed for another reason than a cap.
    Failed { op: Op, failures_total: u64 },
    /// Charged and allocated bytes differ by more than is allowed.
    Gap { op: Op, charged: Bytes, allocated: Bytes, gap: Bytes, allowed: Bytes },
    /// Memory was not freed.
    Leaked { op: Op, bytes: Bytes, report: Option<String> },
}

impl Problem {
    /// One word for programs.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Over { .. } | Self::ExceededCap { .. } => "over",
            Self::Failed { .. } => "refused",
            Self::Gap { .. } => "gap",
            Self::Leaked { .. } => "leaked",
        }
    }

    pub(super) const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Over { .. } | Self::ExceededCap { .. } => Some(
                "--plot FILE.svg shows when the cap is reached, --profile FILE.svg what holds \
                     the memory, --cap BYTES sets another cap",
            ),
            Self::Leaked { .. } => Some("GM_ALLOC_TRACE=sites names the call sites"),
            Self::Failed { .. } | Self::Gap { .. } => None,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Over { op, peak, cap } => {
                write!(f, "{op}: the peak of {peak} is over the cap of {cap}")
            }
            Self::ExceededCap { op, error } => {
                let (requested, limit) = (error.requested(), error.limit());
                write!(f, "{op}: an allocation of {requested} would exceed the cap of {limit}")
            }
            Self::Failed { op, failures_total } => {
                write!(f, "{op}: {failures_total} allocations failed")
            }
            Self::Gap { op, charged, allocated, gap, allowed } => write!(
                f,
                "{op}: {gap} of heap bypassed the port, {allowed} is allowed: {} bytes charged at \
                 the peak, {} bytes allocated",
                charged.get(),
                allocated.get()
            ),
            Self::Leaked { op, bytes, report } => {
                write!(f, "{op}: {bytes} leaked")?;
                report.as_ref().map_or(Ok(()), |report| write!(f, ": {report}"))
            }
        }
    }
}

/// The verdict on an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Judged {
    op: Op,
    /// The share of the cap, in thousandths, rounded down.
    pub(super) permille_of_cap: u128,
    /// Whether the peak is at or above the soft limit, where a warning is due.
    pub(super) is_near: bool,
    /// Most heap bytes that may bypass the port.
    pub(super) gap_allowed: Bytes,
    /// Why the operation is not within budget; empty when it is.
    pub(super) problems: Vec<Problem>,
}

impl Judged {
    /// Judges what was measured.
    pub(super) fn new(measured: &Measured) -> Self {
        let &Measured { op, cap, accounts, failures_total, leaked, .. } = measured;
        let peak = accounts.allocated_peak;
        let mut problems = Vec::new();
        match measured.failure {
            Some(error) if measured.has_exceeded_cap() => {
                problems.push(Problem::ExceededCap { op, error });
            }
            _ if peak > cap => problems.push(Problem::Over { op, peak, cap }),
            _ => {}
        }
        if failures_total > 0 && problems.is_empty() {
            problems.push(Problem::Failed { op, failures_total });
        }
        let gap_allowed = Bytes::new(GAP_CONSTANT.get() + peak.get() / 100 * GAP_PERCENT);
        if accounts.gap() > gap_allowed {
            let (charged, allocated) = (accounts.charged_peak, peak);
            let (gap, allowed) = (accounts.gap(), gap_allowed);
            problems.push(Problem::Gap { op, charged, allocated, gap, allowed });
        }
        if leaked > Bytes::ZERO || measured.trace_report.is_some() {
            let report = measured.trace_report.clone();
            problems.push(Problem::Leaked { op, bytes: leaked, report });
        }
        let permille_of_cap = permille(peak, cap);
        let is_near = permille_of_cap >= u128::from(SOFT_LIMIT_PERCENT) * 10;
        Self { op, permille_of_cap, is_near, gap_allowed, problems }
    }

    /// The verdict in one word: that of the first problem, `near` or `within`.
    pub(super) fn name(&self) -> &'static str {
        match self.problems.first() {
            Some(problem) => problem.name(),
            None if self.is_near => "near",
            None => "within",
        }
    }

    /// The warning, when the peak is near the cap but not above it.
    pub(super) fn warning(&self) -> Option<String> {
        let is_over = self.problems.iter().any(|problem| problem.name() == "over");
        let is_due = self.is_near && !is_over;
        is_due.then(|| format!("{}: the peak is at {} of the cap", self.op, self.share()))
    }

    /// The share of the cap in percent with one decimal.
    pub(super) fn share(&self) -> String {
        percent(self.permille_of_cap)
    }
}

/// `part` of `whole` in thousandths, rounded down.
pub(super) fn permille(part: Bytes, whole: Bytes) -> u128 {
    u128::from(part.get()) * 1000 / u128::from(whole.get().max(1))
}

/// Thousandths as percent.
pub(super) fn percent(permille: u128) -> String {
    format!("{}.{} %", permille / 10, permille % 10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::operation;
    use crate::memory::{ErrorKind, Reconciliation};

    const CAP: Bytes = Bytes::from_mib(100);

    fn measured(allocated: u64, charged: u64, past_port: u64) -> Measured {
        let mut accounts = Reconciliation::default();
        accounts.charged_peak = Bytes::new(charged);
        accounts.allocated_peak = Bytes::new(allocated);
        accounts.past_port_peak = Bytes::new(past_port);
        Measured { accounts, ..Measured::nothing(operation::CACHE_REBUILD, CAP) }
    }

    fn names(measured: &Measured) -> Vec<&'static str> {
        Judged::new(measured).problems.iter().map(Problem::name).collect()
    }

    #[test]
    fn a_warning_is_due_from_eighty_percent_of_the_cap_up_to_it() {
        let judged = |mib: u64| Judged::new(&measured(mib << 20, mib << 20, 0));
        assert_eq!((judged(79).name(), judged(79).warning()), ("within", None));
        assert_eq!(judged(80).name(), "near");
        let warning = judged(100).warning().expect("at the cap");
        assert!(warning.contains("cache.rebuild") && warning.contains("100.0 %"), "{warning}");
        assert_eq!((judged(101).name(), judged(101).warning()), ("over", None));
    }

    #[test]
    fn one_byte_over_the_cap_is_over() {
        let bytes = CAP.get() + 1;
        assert_eq!(names(&measured(bytes, bytes, 0)), ["over"]);
        assert_eq!(names(&measured(bytes - 1, bytes - 1, 0)), [""; 0]);
    }

    #[test]
    fn a_gap_beyond_the_constant_and_one_percent_names_both_accounts() {
        let allowed = (192 << 10) + (10 << 20) / 100;
        let within = measured(10 << 20, 9 << 20, allowed);
        assert_eq!(names(&within), [""; 0]);
        let beyond = Judged::new(&measured(10 << 20, 9 << 20, allowed + 1));
        assert_eq!(beyond.name(), "gap");
        let text = beyond.problems[0].to_string();
        for number in ["9437184 bytes charged", "10485760 bytes allocated"] {
            assert!(text.contains(number), "{text}");
        }
        assert_eq!(names(&measured(1 << 20, 9 << 20, 0)), ["gap"], "charged and never there");
    }

    #[test]
    fn a_failed_allocation_is_a_problem_even_when_the_operation_went_on() {
        let failed = Measured { failures_total: 1, ..measured(1 << 20, 1 << 20, 0) };
        assert_eq!(names(&failed), ["refused"]);
    }

    #[test]
    fn exceeding_the_cap_is_over_and_an_injected_failure_is_not() {
        let failed = |kind| {
            let error = MemoryError::new(kind, None, CAP).with_limit(CAP);
            let accounts = measured(1 << 20, 1 << 20, 0);
            Measured { failures_total: 1, failure: Some(error), ..accounts }
        };
        assert_eq!(names(&failed(ErrorKind::OverBudget)), ["over"]);
        assert_eq!(names(&failed(ErrorKind::OverCap)), ["over"]);
        assert_eq!(names(&failed(ErrorKind::Injected)), ["refused"]);
        let close = measured(CAP.get() - 1, CAP.get() - 1, 0).accounts;
        let over = Measured { accounts: close, ..failed(ErrorKind::OverBudget) };
        assert_eq!(Judged::new(&over).warning(), None, "the error says it already");
    }

    #[test]
    fn a_leak_is_a_problem() {
        let leaked = Measured { leaked: Bytes::new(7), ..measured(1 << 20, 1 << 20, 0) };
        assert_eq!(names(&leaked), ["leaked"]);
    }
}
