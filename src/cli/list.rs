//! `git-mind list`: the edges of a journal, newest first, one commit in memory at a time.

use super::args::{Args, ListArgs};
use super::count::counted;
use super::escape::Escaped;
use super::failure::{Exit, Failure};
use super::list_filter::EdgeFilter;
use super::list_json::JsonList;
use super::list_line::LineFormat;
use super::malformed;
use super::output::Output;
use super::shown::Shown;
use super::telemetry::{Session, clock, milliseconds};
use super::{habits, repository, revision};
use crate::branch::BranchName;
use crate::clock::{Clock, Zone};
use crate::context::Context;
use crate::context::operation;
use crate::env::Environment;
use crate::gitoxide::GitRepository;
use crate::journal::{JournalItem, MalformedCounts, Standing, Tombstones, read_newest};
use crate::memory::Alloc;
use crate::progress::Silent;
use crate::telemetry::{Level, Metric};
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Duration;

/// What a list shows.
pub(super) struct Wanted<'a> {
    is_porcelain: bool,
    options: &'a ListArgs,
    filter: EdgeFilter<'a>,
    zone: Zone,
}

pub(super) fn run(
    args: &Args,
    options: &ListArgs,
    env: &dyn Environment,
    session: &Session<'_>,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let repository = repository::open(args, env)?;
    let clock = clock(env);
    let op = if options.filter.is_set() { operation::ATTR_QUERY } else { operation::JOURNAL_READ };
    let scope = session.memory.begin(op)?;
    let _entered = scope.enter();
    let alloc = scope.tag(session.memory.alloc());
    let context = Context { alloc, repository: &repository, clock: &clock, progress: &Silent };
    let branch = repository::branch(&context, options.branch.as_deref())?;
    let tip = repository::journal_tip(&repository, &branch)?;
    let tip = revision::tip_at(&repository, alloc, tip, options.at.as_deref(), env)?;
    options.habits.explain(output);
    let wanted = wanted(&repository, alloc, options, env)?;
    let wanted = Wanted { is_porcelain: args.habits.porcelain, ..wanted };
    options.view.apply(&repository, env, output)?;
    let git_dir = repository.location().git_dir.clone();
    let malformed = reading(session, &branch, git_dir, &clock, || {
        print(&context, &branch, tip, &wanted, session, output)
    })?;
    malformed::warn(&malformed, output);
    Ok(Exit::Success)
}

/// What the arguments of a list select.
pub(super) fn wanted<'a>(
    repository: &GitRepository,
    alloc: Alloc<'a>,
    options: &'a ListArgs,
    env: &dyn Environment,
) -> Result<Wanted<'a>, Failure> {
    let (zone, now) = (Zone::from_environment(env), clock(env).now());
    let filter = options.filter.prepare(alloc, repository, repository.location(), (&zone, now))?;
    Ok(Wanted { is_porcelain: false, options, filter, zone })
}

/// Runs `work`, which reads a journal, with the events and metrics of a read.
pub(super) fn reading<T>(
    session: &Session<'_>,
    branch: &BranchName,
    git_dir: PathBuf,
    clock: &dyn Clock,
    work: impl FnOnce() -> Result<T, Failure>,
) -> Result<T, Failure> {
    session.about(branch.as_str(), "read", git_dir);
    let log = |name, duration: Option<Duration>| {
        session.telemetry.log(Level::Info, "journal", name, |event| {
            event.text("branch", branch.as_str().as_bytes())?;
            event.text("mode", b"read")?;
            duration.map_or(Ok(()), |time| event.number("duration_ms", milliseconds(time)))
        });
    };
    log("journal_read_start", None);
    let outcome = work();
    let duration = clock.elapsed();
    session.record_duration(Metric::JournalReadDuration, duration);
    let name = if outcome.is_ok() { "journal_read_ok" } else { "journal_read_failed" };
    log(name, Some(duration));
    outcome
}

/// Prints the edges, as lines, as a document or for the scripts of the C tool.
fn print(
    context: &Context<'_>,
    branch: &BranchName,
    tip: crate::oid::Oid,
    wanted: &Wanted<'_>,
    session: &Session<'_>,
    output: &mut Output,
) -> Result<MalformedCounts, Failure> {
    let malformed = if wanted.is_porcelain {
        let mut shown = 0_u64;
        let malformed = each(context, tip, wanted, session, |found| {
            shown += 1;
            Ok(habits::edge(found.edge, output)?)
        })?;
        habits::pair("status", "success", output)?;
        habits::pair("count", shown, output)?;
        malformed
    } else if wanted.options.json {
        let mut list = JsonList::begin(branch, output)?;
        let malformed = each(context, tip, wanted, session, |shown| Ok(list.edge(shown)?))?;
        list.end(&[
            ("commits_skipped", malformed.skipped.into()),
            ("edges_truncated", malformed.truncated.into()),
            ("commits_of_old_format", malformed.old_format.into()),
        ])?;
        malformed
    } else {
        let format =
            LineFormat { columns: output.columns(), zone: &wanted.zone, palette: output.palette() };
        let mut shown = 0_u64;
        let malformed = each(context, tip, wanted, session, |edge| {
            shown += 1;
            Ok(format.write(edge, 0, output)?)
        })?;
        output.flush()?;
        let kind = if wanted.options.filter.is_set() { THAT_MATCH } else { "" };
        conclude(branch, shown, kind, wanted.options.limit, output)?;
        malformed
    };
    Ok(malformed)
}

/// What the summary line says about edges that pass a filter.
pub(super) const THAT_MATCH: &str = " that match";

/// Prints the summary line: how many edges of this kind were shown.
pub(super) fn conclude(
    branch: &BranchName,
    shown: u64,
    kind: &str,
    limit: Option<u64>,
    output: &mut Output,
) -> io::Result<()> {
    let branch = Escaped::bytes(branch.as_str().as_bytes());
    match shown {
        0 if limit == Some(0) => writeln!(output, "0 edges{kind}"),
        0 => writeln!(output, "No edges{kind} on `{branch}`"),
        1 if kind == THAT_MATCH => writeln!(output, "1 edge that matches"),
        shown => writeln!(output, "{}{kind}", counted(shown, "edge")),
    }
}

/// Calls `show` with each edge that counts and passes the filter, up to the limit.
pub(super) fn each(
    context: &Context<'_>,
    tip: crate::oid::Oid,
    wanted: &Wanted<'_>,
    session: &Session<'_>,
    mut show: impl FnMut(&Shown<'_>) -> Result<(), Failure>,
) -> Result<MalformedCounts, Failure> {
    let Wanted { options, filter, .. } = wanted;
    let mut left = options.limit.unwrap_or(u64::MAX);
    let (mut malformed, mut edges_read) = (MalformedCounts::default(), 0);
    if left == 0 {
        return Ok(malformed);
    }
    let mut tombstones = Tombstones::new(context.alloc);
    read_newest(context.repository, context.alloc, tip, |item| {
        match item {
            JournalItem::Edge(commit, edge) => {
                edges_read += 1;
                let standing = tombstones.standing(edge)?;
                let (id, committed, place) = (None, commit.author(), None);
                let shown = Shown { id, commit: commit.id, committed, standing, edge, place };
                if (options.all || standing == Standing::Live) && filter.wants(&shown) {
                    show(&shown)?;
                    left -= 1;
                }
            }
            JournalItem::Malformed(found) => {
                malformed::diagnose(session, &found);
                malformed.add(found);
            }
        }
        let flow = if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
        Ok::<_, Failure>(flow)
    })?;
    session.record(Metric::JournalReadEdges, None, edges_read);
    Ok(malformed)
}
