//! `git-mind budget`: measures, prints, and decides the exit code.

use super::environment::BuildEnvironment;
use super::fixture::{self, Subject};
use super::measure::Instruments;
use super::plot;
use super::report::Report;
use super::{operations, text};
use crate::cli::args::{Args, BudgetArgs};
use crate::cli::failure::{Exit, Failure};
use crate::cli::output::{Output, WholeFile};
use crate::cli::repository::start_directory;
use crate::cli::telemetry::Session;
use crate::context::Toggles;
use crate::env::Environment;
use crate::fs::PosixFileSystem;
use crate::memory::ProcessAllocator;
use crate::telemetry::Metric;

/// The ports and settings of the command.
pub(in crate::cli) struct Run<'a, 's> {
    pub(in crate::cli) env: &'a dyn Environment,
    pub(in crate::cli) toggles: &'a Toggles,
    pub(in crate::cli) allocator: &'static ProcessAllocator,
    pub(in crate::cli) session: &'a Session<'s>,
}

pub(in crate::cli) fn run(
    args: &Args,
    options: &BudgetArgs,
    run: &Run<'_, '_>,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let start = start_directory(args);
    let plot = options.plot.as_deref().map(|path| WholeFile::create(&start.join(path), "plot"));
    let plot = plot.transpose().map_err(Failure::unknown)?;
    let report = measure(args, options, run, output).map_err(Failure::unknown)?;
    if let Some(file) = plot {
        plot::draw(file, &report).map_err(Failure::unknown)?;
    }
    record(&report, run.session);
    if options.json {
        output.json(&report.document())?;
    } else {
        text::print(&report, output)?;
    }
    for row in &report.rows {
        if let Some(warning) = row.judged.warning() {
            output.warning(&warning);
        }
        for problem in &row.judged.problems {
            output.error(&problem.to_string(), problem.hint());
        }
    }
    Ok(if report.is_within() { Exit::Success } else { Exit::Failure })
}

/// Unpacks the fixture, runs the operations on it, and checks their results against the pinned
/// ones.
fn measure(
    args: &Args,
    options: &BudgetArgs,
    run: &Run<'_, '_>,
    output: &mut Output,
) -> Result<Report, Failure> {
    let fs = PosixFileSystem::from_environment(run.env);
    let directory = fixture::temp_directory(&fs, run.session)?;
    let subject = Subject::prepare(args, options, directory.path())?;
    let toggles = match options.cap {
        Some(cap) => run.toggles.clone().with_rebuild_within(cap),
        None => run.toggles.clone(),
    };
    let (allocator, rebuild_cap) = (run.allocator, options.cap);
    let instruments = Instruments { toggles: &toggles, allocator, rebuild_cap };
    let (rows, journal) = operations::run_all(&subject, instruments, &fs)?;
    let environment = BuildEnvironment::read(&start_directory(args), &toggles);
    for row in &rows {
        if let Some(histogram) = &row.measured.histogram {
            output.note(&format!("{}: {histogram}; {environment}", row.measured.op));
        }
    }
    let report = Report::new(&subject, journal, rows, environment);
    directory.close()?;
    Ok(report)
}

/// Records the metrics of the operations, each of which had a `Memory` of its own.
fn record(report: &Report, session: &Session<'_>) {
    for row in &report.rows {
        let (op, measured) = (Some(row.measured.op), &row.measured);
        session.record(Metric::AllocPeak, op, measured.accounts.charged_peak.get());
        session.record(Metric::AllocFailures, op, measured.failures_total);
        session.record(Metric::ArenaGrow, op, measured.arena.grow_bytes.get());
        session.record(Metric::ArenaSpills, op, measured.arena.spills_total);
    }
}
