//! `git-mind budget`: the memory that a rebuild of a pinned journal needs, against its cap.

use super::args::{Args, BudgetArgs};
use super::failure::{Exit, Failure};
use super::output::Output;
use super::repository::start_folder;
use super::telemetry::Session;
use crate::branch::BranchName;
use crate::cache::{RebuildOptions, Report};
use crate::clock::{SystemClock, Zone};
use crate::context::{Context, Memory, Workspace, available_workers};
use crate::env::Environment;
use crate::fixture::{Fixture, FixtureError, FixtureList, Journal, unpack};
use crate::fs::{FsError, PosixFileSystem, SafeName, TempDir};
use crate::git::gitoxide::{GitRepository, Location};
use crate::journal::EdgeOrder;
use crate::memory::{Op, ProcessAllocator};
use crate::progress::Silent;
use crate::telemetry::Level;
use crate::units::Bytes;
use serde::Serialize;
use std::io::{self, Write};
use std::path::Path;

/// Most heap bytes that a rebuild may have live at once.
const CAP: Bytes = Bytes::from_mib(256);
/// Share of the cap from which on a warning is due, in percent.
const WARN_PERCENT: u64 = 80;

pub(super) fn run(
    args: &Args,
    options: &BudgetArgs,
    env: &dyn Environment,
    allocator: &ProcessAllocator,
    session: &Session<'_>,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let measured = measure(args, options, env, allocator, session).map_err(Failure::unknown)?;
    if options.json {
        output.json(&measured)?;
    } else {
        print(&measured, output)?;
    }
    if measured.peak_bytes > CAP.get() {
        output.error(&format!("the peak is over the cap of {CAP}"), None);
        return Ok(Exit::Failure);
    }
    if measured.peak_bytes >= CAP.get() / 100 * WARN_PERCENT {
        output.warning(&format!("the peak is at {} of the cap", percent(measured.peak_bytes)));
    }
    Ok(Exit::Success)
}

/// What was measured, as `--json` prints it.
#[derive(Serialize)]
struct Measured {
    schema: u32,
    fixture: String,
    fixture_sha256: String,
    operation: &'static str,
    edges: u32,
    commits: u32,
    peak_bytes: u64,
    cap_bytes: u64,
    within_budget: bool,
}

/// Unpacks the fixture, rebuilds its cache, and checks that the result is the pinned one.
fn measure(
    args: &Args,
    options: &BudgetArgs,
    env: &dyn Environment,
    allocator: &ProcessAllocator,
    session: &Session<'_>,
) -> Result<Measured, Failure> {
    let list = fixtures(args, options)?;
    let fixture = list.get(&options.fixture).map_err(explain)?;
    let fs = PosixFileSystem::from_environment(env);
    let folder = temp_folder(&fs, session)?;
    unpack(&list, fixture, folder.path()).map_err(explain)?;
    let [journal, ..] = &fixture.journals[..] else {
        return Err(Failure::new(format!("fixture `{}` lists no journal", fixture.name)));
    };
    let (report, peak) = rebuild(folder.path(), journal, allocator, session.memory, &fs)?;
    check(fixture, journal, &report)?;
    folder.close().map_err(explain_folder)?;
    Ok(Measured {
        schema: 1,
        fixture: fixture.name.clone(),
        fixture_sha256: fixture.sha256.clone(),
        operation: "cache.rebuild",
        edges: report.meta.edges,
        commits: report.meta.commits,
        peak_bytes: peak.get(),
        cap_bytes: CAP.get(),
        within_budget: peak <= CAP,
    })
}

/// An empty folder for the fixture; what earlier runs left behind is removed and said.
fn temp_folder<'f, 's: 'f>(
    fs: &'f PosixFileSystem,
    session: &Session<'s>,
) -> Result<TempDir<'f>, Failure> {
    let (scope, label) = (SafeName::new("budget")?, SafeName::new("fixture")?);
    let folder =
        TempDir::create(fs, &scope, &label, session.memory.alloc()).map_err(explain_folder)?;
    let swept = folder.swept();
    let level = if swept.failed > 0 { Level::Warn } else { Level::Info };
    if swept.removed > 0 || swept.failed > 0 {
        session.telemetry.log(level, "fs", "temp_swept", |event| {
            event.number("removed", swept.removed.into())?;
            event.number("failed", swept.failed.into())
        });
    }
    Ok(folder)
}

fn explain_folder(error: FsError) -> Failure {
    let hint = error.hint().map(str::to_owned);
    Failure::new(error).hint_if(hint)
}

fn fixtures(args: &Args, options: &BudgetArgs) -> Result<FixtureList, Failure> {
    let start = std::path::absolute(start_folder(args).join("."))?;
    let list = match &options.fixtures_dir {
        Some(folder) => FixtureList::read(&start.join(folder)),
        None => FixtureList::find(&start, std::env::current_exe().ok().as_deref()),
    };
    list.map_err(explain)
}

fn explain(error: FixtureError) -> Failure {
    let hint = match &error {
        FixtureError::NoList { .. } => Some(
            "run it in a checkout of gitmind, or name the folder with --fixtures-dir DIR".into(),
        ),
        FixtureError::Unknown { known, .. } => Some(format!("there are {}", known.join(", "))),
        FixtureError::Hash { .. } => Some(
            "restore it (git checkout -- fixtures), or correct fixtures.toml if it was \
                  changed on purpose"
                .into(),
        ),
        _ => None,
    };
    Failure::new(error).hint_if(hint)
}

/// Rebuilds the cache of a journal in the repository at `folder`; returns its heap peak too.
fn rebuild(
    folder: &Path,
    journal: &Journal,
    allocator: &ProcessAllocator,
    memory: &Memory,
    fs: &PosixFileSystem,
) -> Result<(Report, Bytes), Failure> {
    let branch = BranchName::new(&journal.branch)?;
    let options = RebuildOptions { edge_order: EdgeOrder::OldestFirst, force: true, strict: true };
    allocator.start_counting();
    let outcome = (|| {
        let repository = GitRepository::open(Location::at(folder)?)?;
        // The date of a commit that is thrown away.
        let clock = SystemClock::start(Zone::default());
        let scope = memory.begin(Op::CacheRebuild)?;
        let _entered = scope.enter();
        let alloc = scope.tag(memory.alloc());
        let context = Context { alloc, repository: &repository, clock: &clock, progress: &Silent };
        let workspace = Workspace {
            arena: &mut memory.arena(alloc),
            disk: Some(fs),
            workers: available_workers(),
        };
        Ok::<_, Failure>(context.rebuild(workspace, &branch, options)?)
    })();
    let peak = allocator.stop_counting();
    Ok((outcome?, peak))
}

/// A measurement of something else than the pinned work says nothing.
fn check(fixture: &Fixture, journal: &Journal, report: &Report) -> Result<(), Failure> {
    let pairs = [
        ("journal tip", report.meta.journal_tip.to_string(), journal.tip.clone()),
        ("edges", report.meta.edges.to_string(), journal.edges.to_string()),
        ("commits", report.meta.commits.to_string(), journal.commits.to_string()),
        ("shards tree", report.shards_tree.to_string(), journal.shards_tree_oldest_first.clone()),
    ];
    match pairs.into_iter().find(|(_, actual, expected)| actual != expected) {
        None => Ok(()),
        Some((what, actual, expected)) => Err(Failure::new(format!(
            "the rebuild of fixture `{}` gave {what} {actual}, the list says {expected}",
            fixture.name
        ))),
    }
}

fn print(measured: &Measured, output: &mut Output) -> io::Result<()> {
    let peak = Bytes::new(measured.peak_bytes);
    writeln!(output, "operation  {}", measured.operation)?;
    writeln!(output, "fixture    {}, SHA-256 {}", measured.fixture, measured.fixture_sha256)?;
    writeln!(output, "journal    {} edges in {} commits", measured.edges, measured.commits)?;
    writeln!(output, "heap peak  {peak} ({} bytes)", peak.get())?;
    writeln!(output, "cap        {CAP}, {} used", percent(peak.get()))?;
    let verdict = if measured.within_budget { "within budget" } else { "over budget" };
    writeln!(output, "verdict    {verdict}")
}

/// A share of the cap in percent with one decimal, rounded down.
fn percent(bytes: u64) -> String {
    let permille = u128::from(bytes) * 1000 / u128::from(CAP.get());
    format!("{}.{} %", permille / 10, permille % 10)
}
