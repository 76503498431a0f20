//! `git-mind cache-rebuild`.

use super::args::{Args, RebuildArgs, workers};
use super::count::{counted, elapsed};
use super::errors;
use super::failure::{Exit, Failure};
use super::output::Output;
use super::progress::Bar;
use super::telemetry::{Session, clock, milliseconds};
use super::{escape::Escaped, habits, malformed, repository};
use crate::branch::BranchName;
use crate::cache::{Mode, RebuildError, RebuildOptions, Report};
use crate::clock::Clock;
use crate::context::operation;
use crate::context::{Context, Workspace};
use crate::env::Environment;
use crate::fs::{FileSystem, PosixFileSystem};
use crate::telemetry::{Level, Metric};
use crate::units::Bytes;
use serde::Serialize;
use std::io::{self, Write};
use std::time::Duration;

pub(super) fn run(
    args: &Args,
    options: &RebuildArgs,
    env: &dyn Environment,
    session: &Session<'_>,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let clock = clock(env);
    let workers = workers(options.threads);
    let repository = repository::open(args, env)?.with_workers(workers);
    let bar = Bar::stderr(session.memory);
    let scope = session.memory.begin(operation::CACHE_REBUILD)?;
    let _entered = scope.enter();
    let alloc = scope.tag(session.memory.alloc());
    let fs = PosixFileSystem::from_environment(env);
    let mut arena = session.memory.arena(alloc);
    let disk = (!options.no_spill).then_some(&fs as &dyn FileSystem);
    let texts = &session.memory.intern_table(alloc);
    let workspace = Workspace { arena: &mut arena, texts, disk, workers };
    let context = Context { alloc, repository: &repository, clock: &clock, progress: &bar };
    let branch = repository::branch(&context, options.branch.as_deref())?;
    let rebuild_options = RebuildOptions {
        edge_order: options.edge_order.into(),
        force: options.force,
        strict: options.strict,
    };
    let wanted = if options.force { Mode::Full.name() } else { "auto" };
    session.about(branch.as_str(), wanted, repository.location().git_dir.clone());
    session.telemetry.log(Level::Info, "cache", "rebuild_start", |event| {
        event.text("branch", branch.as_str().as_bytes())?;
        event.text("mode", wanted.as_bytes())
    });
    let outcome = context.rebuild(workspace, &branch, rebuild_options);
    bar.clear();
    tell(session, (&branch, wanted), &outcome, clock.elapsed());
    let report = outcome.map_err(|error| {
        let hint = match &error {
            RebuildError::NoJournal(_) => Some(repository::journals_hint(&repository, &branch)),
            error if error.is_over_cap() && options.no_spill => Some(errors::no_spill_hint()),
            _ => None,
        };
        Failure::from(error).hint_if(hint)
    })?;
    warn(&report, output);
    if let Some(packs) = report.written.and_then(|_| repository.packs_over_limit()) {
        output.note(&format!(
            "there are {packs} packs, since each cache that is written is one: `git gc` joins them"
        ));
    }
    let duration = clock.elapsed();
    if args.habits.porcelain {
        porcelain(&branch, &report, duration, output)?;
    } else if options.json {
        output.json(&RebuildDocument::new(&branch, &report, duration))?;
    } else {
        print(&branch, &report, duration, output)?;
    }
    Ok(Exit::Success)
}

/// Events and metrics of a rebuild.
fn tell(
    session: &Session<'_>,
    (branch, wanted): (&BranchName, &str),
    outcome: &Result<Report, RebuildError>,
    duration: Duration,
) {
    let branch = branch.as_str().as_bytes();
    session.record_duration(Metric::CacheRebuildDuration, duration);
    let report = match outcome {
        Ok(report) => report,
        Err(error) => {
            if let RebuildError::Malformed(found) = error {
                malformed::diagnose(session, found);
            }
            let error = error.to_string();
            session.telemetry.log(Level::Info, "cache", "rebuild_failed", |event| {
                event.text("branch", branch)?;
                event.text("mode", wanted.as_bytes())?;
                event.text("error", error.as_bytes())
            });
            session.telemetry.diagnostic("cache", "rebuild_failed", |event| {
                event.text("branch", branch)?;
                event.text("error", error.as_bytes())
            });
            return;
        }
    };
    session.mode(report.mode.name());
    session.telemetry.log(Level::Info, "cache", "rebuild_ok", |event| {
        event.text("branch", branch)?;
        event.text("mode", report.mode.name().as_bytes())?;
        event.number("edge_count", report.meta.edges.into())?;
        event.number("duration_ms", milliseconds(duration))
    });
    for malformed in report.malformed.first() {
        malformed::diagnose(session, malformed);
    }
    session.record(Metric::CacheEdgesProcessed, None, report.edges_indexed.into());
    if let Some(written) = &report.written {
        session.record(Metric::CacheTreeSize, None, written.size.get());
    }
}

/// Warns about malformed commits, and says why an existing cache was replaced.
fn warn(report: &Report, output: &mut Output) {
    if let Some(reason) = &report.replaced_because {
        output.warning(&format!("the existing cache could not be read: {reason}"));
    }
    if let Some(because) = &report.full_because {
        output.note(&format!("the whole cache was rebuilt: {because}"));
    }
    malformed::warn(&report.malformed, output);
}

/// The lines of the C tool. The size is that of the objects that were written.
fn porcelain(
    branch: &BranchName,
    report: &Report,
    duration: Duration,
    output: &mut Output,
) -> io::Result<()> {
    let is_current = matches!(report.mode, Mode::Current);
    let status = if is_current { "up-to-date" } else { "success" };
    habits::pair("status", status, output)?;
    habits::pair("branch", branch, output)?;
    if !is_current {
        let size = report.written.map_or(0, |written| written.size.get());
        habits::pair("edges", report.meta.edges, output)?;
        habits::pair("cache_size_kb", size / 1024, output)?;
        let seconds = duration.as_secs_f64();
        habits::pair("build_time_seconds", format_args!("{seconds:.3}"), output)?;
    }
    Ok(())
}

fn print(
    branch: &BranchName,
    report: &Report,
    duration: Duration,
    output: &mut Output,
) -> io::Result<()> {
    let meta = &report.meta;
    let branch_name = Escaped::bytes(branch.as_str().as_bytes());
    let (edges, commits) = (counted(meta.edges, "edge"), counted(meta.commits, "commit"));
    let duration = elapsed(duration);
    match report.mode {
        Mode::Current => {
            writeln!(output, "The cache of `{branch_name}` is current: {edges} from {commits}")?;
        }
        Mode::Incremental => writeln!(
            output,
            "Brought the cache of `{branch_name}` up to date: {edges} from {commits} in \
             {duration}"
        )?,
        Mode::Full => writeln!(
            output,
            "Rebuilt the cache of `{branch_name}`: {edges} from {commits} in \
             {duration}"
        )?,
    }
    writeln!(output, "  cache commit  {}", report.cache_commit)?;
    writeln!(output, "  root tree     {}", report.root_tree)?;
    writeln!(output, "  shards tree   {} ({})", report.shards_tree, meta.edge_order.name())?;
    if let Some(written) = &report.written {
        writeln!(
            output,
            "  written       {}, {}",
            counted(written.objects, "object"),
            written.size
        )?;
    }
    if report.spilled > Bytes::ZERO {
        writeln!(
            output,
            "  spilled       {} to disk, because the edges exceed the memory limit",
            report.spilled
        )?;
    }
    Ok(())
}

/// What `--json` prints.
#[derive(Serialize)]
struct RebuildDocument<'a> {
    schema: u32,
    branch: &'a str,
    mode: &'a str,
    edge_order: &'a str,
    edges: u32,
    commits: u32,
    commits_skipped: u32,
    edges_truncated: u32,
    /// Distinct paths of the edges.
    paths: u32,
    journal_tip: String,
    cache_commit: String,
    root_tree: String,
    shards_tree: String,
    objects_written: u32,
    bytes_written: u64,
    /// Why an existing cache was not updated incrementally; null when it was, or there was none.
    full_because: Option<String>,
    /// Bytes that were spilled to disk because the arena was full.
    spilled_bytes: u64,
    duration_ms: u64,
}

impl<'a> RebuildDocument<'a> {
    fn new(branch: &'a BranchName, report: &Report, duration: Duration) -> Self {
        let meta = &report.meta;
        Self {
            schema: 1,
            branch: branch.as_str(),
            mode: report.mode.name(),
            edge_order: meta.edge_order.name(),
            edges: meta.edges,
            commits: meta.commits,
            commits_skipped: meta.commits_skipped,
            edges_truncated: meta.edges_truncated,
            paths: meta.paths,
            journal_tip: meta.journal_tip.to_string(),
            cache_commit: report.cache_commit.to_string(),
            root_tree: report.root_tree.to_string(),
            shards_tree: report.shards_tree.to_string(),
            objects_written: report.written.map_or(0, |written| written.objects),
            bytes_written: report.written.map_or(0, |written| written.size.get()),
            full_because: report.full_because.as_ref().map(ToString::to_string),
            spilled_bytes: report.spilled.get(),
            duration_ms: u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
        }
    }
}
