//! `git-mind budget`: measures, prints, and decides the exit code.

use super::environment::BuildEnvironment;
use super::fixture::{self, Subject};
use super::measure::Instruments;
use super::plot;
use super::report::Report;
use super::{growth, operations, recording, text};
use crate::cli::args::{Args, BudgetArgs, ProfileFile, workers};
use crate::cli::failure::{Exit, Failure};
use crate::cli::output::{Output, WholeFile};
use crate::cli::repository::start_directory;
use crate::cli::telemetry::Session;
use crate::context::Toggles;
use crate::env::Environment;
use crate::fs::PosixFileSystem;
use crate::memory::ProcessAllocator;
use crate::profile::Comparison;
use crate::telemetry::Metric;
use std::path::Path;

/// Why a profile has no lines, and what to do.
const NO_LINES: &str = "this program has no line tables, so the profile names functions without \
                        lines; cargo's own builds have them";

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
    let create = |path: &Path, what| WholeFile::create(&start.join(path), what);
    let plot = options.plot.as_deref().map(|path| create(path, "plot"));
    let plot = plot.transpose().map_err(Failure::unknown)?;
    let profiles = options.profile.iter().map(|file| create(&file.path, "profile"));
    let profiles = profiles.collect::<Result<Vec<_>, _>>().map_err(Failure::unknown)?;
    let base = options.against.as_ref().map(|path| growth::read(&start.join(path)));
    let base = base.transpose().map_err(Failure::unknown)?;
    let report = measure(args, options, run, output).map_err(Failure::unknown)?;
    let recording = recording::of(&report, options.cap);
    if let Some(file) = plot {
        plot::draw(file, &report, &recording).map_err(Failure::unknown)?;
    }
    for (file, ProfileFile { format, .. }) in profiles.into_iter().zip(&options.profile) {
        recording::write(file, *format, &report, &recording).map_err(Failure::unknown)?;
    }
    if is_profiled(options) && !recording::has_lines(&recording) {
        output.warning(NO_LINES);
    }
    record(&report, run.session);
    let comparison = base.map(|base| Comparison::between(&base, &recording, options.tolerance));
    let comparison = comparison.transpose().map_err(|error| Failure::new(error).unknown())?;
    if options.json {
        output.json(&report.document())?;
    } else if !options.markdown {
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
    let mut exceeds = false;
    if let Some(comparison) = comparison {
        growth::print(&comparison, options.markdown, output)?;
        exceeds = comparison.exceeds();
    }
    Ok(if report.is_within() && !exceeds { Exit::Success } else { Exit::Failure })
}

/// Whether the options require names of call sites.
fn is_profiled(options: &BudgetArgs) -> bool {
    options.plot.is_some() || !options.profile.is_empty() || options.against.is_some()
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
    let subject = Subject::prepare(args, options, &fixture::of_fixed_length(directory.path())?)?;
    let toggles = match options.cap {
        Some(cap) => run.toggles.clone().with_rebuild_within(cap),
        None => run.toggles.clone(),
    };
    let (allocator, rebuild_cap) = (run.allocator, options.cap);
    let workers = workers(options.threads);
    let is_profiled = is_profiled(options);
    let instruments =
        Instruments { toggles: &toggles, allocator, rebuild_cap, workers, is_profiled };
    let (rows, journal) = operations::run_all(&subject, instruments, &fs)?;
    let environment = BuildEnvironment::read(&start_directory(args), &toggles, workers + 1);
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
