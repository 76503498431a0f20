//! The report of a measurement, and its JSON document.

use super::environment::BuildEnvironment;
use super::fixture::Subject;
use super::operations::Row;
use super::verdict::permille;
use crate::cli::telemetry::milliseconds;
use serde::Serialize;

/// The measurements, their subject and their environment.
pub(super) struct Report {
    pub(super) fixture: String,
    pub(super) fixture_sha256: String,
    /// Numbers of edges and commits, counted by the rebuild or from the list of fixtures.
    pub(super) journal: Option<(u32, u32)>,
    pub(super) rows: Vec<Row>,
    pub(super) environment: BuildEnvironment,
}

/// What `--json` prints. Members may be added; `schema` changes with the meaning of one.
#[derive(Serialize)]
pub(super) struct Document<'a> {
    schema: u32,
    fixture: &'a str,
    fixture_sha256: &'a str,
    edges: Option<u32>,
    commits: Option<u32>,
    within_budget: bool,
    operations: Vec<Operation>,
    environment: &'a BuildEnvironment,
}

#[derive(Serialize)]
struct Operation {
    op: &'static str,
    verdict: &'static str,
    /// Whether the peak is at least 80 % of the cap.
    near_cap: bool,
    problems: Vec<ProblemDocument>,
    peak_bytes: u64,
    cap_bytes: u64,
    /// Truncated to three decimals, as every share in this document.
    share_of_cap: f64,
    charged_bytes: u64,
    allocator_bytes: u64,
    /// `null` where the kernel does not report it.
    resident_bytes: Option<u64>,
    gap_bytes: u64,
    gap_share: f64,
    gap_allowed_bytes: u64,
    arena_grow_bytes: u64,
    arena_spills_total: u64,
    spilled_bytes: u64,
    failures_total: u64,
    allocations_total: u64,
    leaked_bytes: u64,
    duration_ms: u64,
}

#[derive(Serialize)]
struct ProblemDocument {
    kind: &'static str,
    message: String,
}

impl Report {
    pub(super) fn new(
        subject: &Subject,
        journal: Option<(u32, u32)>,
        rows: Vec<Row>,
        environment: BuildEnvironment,
    ) -> Self {
        let pinned = subject.pinned.as_ref().map(|journal| (journal.edges, journal.commits));
        Self {
            fixture: subject.name.clone(),
            fixture_sha256: subject.sha256.clone(),
            journal: journal.or(pinned),
            rows,
            environment,
        }
    }

    /// Whether no operation has a problem.
    pub(super) fn is_within(&self) -> bool {
        self.rows.iter().all(|row| row.judged.problems.is_empty())
    }

    pub(super) fn document(&self) -> Document<'_> {
        Document {
            schema: 2,
            fixture: &self.fixture,
            fixture_sha256: &self.fixture_sha256,
            edges: self.journal.map(|(edges, _)| edges),
            commits: self.journal.map(|(_, commits)| commits),
            within_budget: self.is_within(),
            operations: self.rows.iter().map(Operation::new).collect(),
            environment: &self.environment,
        }
    }
}

impl Operation {
    fn new(Row { measured, judged }: &Row) -> Self {
        let accounts = measured.accounts;
        let peak = accounts.allocated_peak;
        let problem = |problem: &super::verdict::Problem| ProblemDocument {
            kind: problem.name(),
            message: problem.to_string(),
        };
        Self {
            op: measured.op.name(),
            verdict: judged.name(),
            near_cap: judged.is_near,
            problems: judged.problems.iter().map(problem).collect(),
            peak_bytes: peak.get(),
            cap_bytes: measured.cap.get(),
            share_of_cap: fraction(judged.permille_of_cap),
            charged_bytes: accounts.charged_peak.get(),
            allocator_bytes: peak.get(),
            resident_bytes: measured.resident.map(crate::units::Bytes::get),
            gap_bytes: accounts.gap().get(),
            gap_share: fraction(permille(accounts.gap(), peak)),
            gap_allowed_bytes: judged.gap_allowed.get(),
            arena_grow_bytes: measured.arena.grow_bytes.get(),
            arena_spills_total: measured.arena.spills_total,
            spilled_bytes: measured.spilled.get(),
            failures_total: measured.failures_total,
            allocations_total: measured.allocations_total,
            leaked_bytes: measured.leaked.get(),
            duration_ms: milliseconds(measured.duration),
        }
    }
}

/// Thousandths as a fraction.
fn fraction(permille: u128) -> f64 {
    f64::from(u32::try_from(permille).unwrap_or(u32::MAX)) / 1000.0
}
