//! `git-mind list`: the edges of a journal, newest commit first, one commit in memory at a time.

use super::args::{Args, ListArgs};
use super::escape::Escaped;
use super::failure::{Exit, Failure};
use super::list_json::JsonList;
use super::malformed::{MalformedMet, diagnose};
use super::output::Output;
use super::repository;
use super::telemetry::{Session, milliseconds};
use crate::branch::BranchName;
use crate::clock::{Clock, SystemClock};
use crate::context::Context;
use crate::env::Environment;
use crate::fs::OwnedPath;
use crate::git::{Commit, Repository};
use crate::journal::{Edge, Malformed, MessageError, PayloadBuffer, WalkError, walk_newest};
use crate::memory::Op;
use crate::progress::Silent;
use crate::telemetry::{Level, Metric};
use std::io::{self, Write};
use std::ops::ControlFlow;

/// What a list shows.
struct Wanted<'a> {
    options: &'a ListArgs,
    /// What the path of the filter stands for in the tree.
    from: Option<OwnedPath<'a>>,
}

/// Why a list ends early.
enum ListError {
    Walk(WalkError),
    Print(io::Error),
    OutOfMemory(MessageError),
}

impl From<WalkError> for ListError {
    fn from(error: WalkError) -> Self {
        Self::Walk(error)
    }
}

impl From<io::Error> for ListError {
    fn from(error: io::Error) -> Self {
        Self::Print(error)
    }
}

impl From<ListError> for Failure {
    fn from(error: ListError) -> Self {
        match error {
            ListError::Walk(error) => {
                let hint = repository::walk_hint(&error);
                let failure = Self::new(error);
                match hint {
                    Some(hint) => failure.hint(hint),
                    None => failure,
                }
            }
            ListError::Print(error) => Self::new(error),
            ListError::OutOfMemory(error) => Self::new(error),
        }
    }
}

pub(super) fn run(
    args: &Args,
    options: &ListArgs,
    env: &dyn Environment,
    session: &Session<'_>,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let repository = repository::open(args, env)?;
    let clock = SystemClock::start();
    let op = if options.filter.is_set() { Op::AttrQuery } else { Op::JournalRead };
    let scope = session.memory.begin(op)?;
    let _entered = scope.enter();
    let alloc = scope.tag(session.memory.alloc());
    let context = Context { alloc, repository: &repository, clock: &clock, progress: &Silent };
    let branch = repository::branch(&context, options.branch.as_deref())?;
    let tip = repository.resolve(&branch.journal_ref())?.ok_or_else(|| {
        let missing =
            format!("branch `{branch}` has no journal ({} does not exist)", branch.journal_ref());
        Failure::new(missing).hint(repository::journals_hint(&repository))
    })?;
    // What is no path of the tree can still be one that somebody wrote.
    let from = options.filter.from();
    let from = from.and_then(|path| repository::tree_path(alloc, repository.location(), path).ok());
    session.about(branch.as_str(), "read", repository.location().git_dir.clone());
    let log = |level, name, duration: Option<std::time::Duration>| {
        session.telemetry.log(level, "journal", name, |event| {
            event.text("branch", branch.as_str().as_bytes())?;
            event.text("mode", b"read")?;
            duration.map_or(Ok(()), |time| event.number("duration_ms", milliseconds(time)))
        });
    };
    log(Level::Info, "journal_read_start", None);
    let outcome = print(&context, &branch, tip, &Wanted { options, from }, session, output);
    let duration = clock.elapsed();
    session.record_duration(Metric::JournalReadDuration, duration);
    match &outcome {
        Ok(_) => log(Level::Info, "journal_read_ok", Some(duration)),
        Err(_) => log(Level::Info, "journal_read_failed", Some(duration)),
    }
    outcome?.warn(output);
    Ok(Exit::Success)
}

/// Prints the edges, as lines or as a document.
fn print(
    context: &Context<'_>,
    branch: &BranchName,
    tip: crate::oid::Oid,
    wanted: &Wanted<'_>,
    session: &Session<'_>,
    output: &mut Output,
) -> Result<MalformedMet, Failure> {
    let columns = output.columns();
    let malformed = if wanted.options.json {
        let mut list = JsonList::begin(branch, output)?;
        let malformed =
            each(context, tip, wanted, session, |commit, edge| list.edge(commit, edge))?;
        list.end(&malformed)?;
        malformed
    } else {
        let mut shown = 0_u64;
        let malformed = each(context, tip, wanted, session, |_, edge| {
            shown += 1;
            writeln!(output, "{}", super::list_line::line(edge, columns))
        })?;
        output.flush()?;
        conclude(branch, shown, wanted.options, output)?;
        malformed
    };
    Ok(malformed)
}

/// Says how many edges there were, apart from the answer.
fn conclude(
    branch: &BranchName,
    shown: u64,
    options: &ListArgs,
    output: &mut Output,
) -> io::Result<()> {
    let branch = Escaped::bytes(branch.as_str().as_bytes());
    let kind = if options.filter.is_set() { " that match" } else { "" };
    match shown {
        0 if options.limit == Some(0) => writeln!(output, "0 edges{kind}"),
        0 => writeln!(output, "No edges{kind} on `{branch}`"),
        1 => writeln!(output, "1 edge{kind}"),
        shown => writeln!(output, "{shown} edges{kind}"),
    }
}

/// Shows each edge that the options ask for.
fn each(
    context: &Context<'_>,
    tip: crate::oid::Oid,
    wanted: &Wanted<'_>,
    session: &Session<'_>,
    mut show: impl FnMut(&Commit<'_>, &Edge<'_>) -> io::Result<()>,
) -> Result<MalformedMet, ListError> {
    let Wanted { options, from } = wanted;
    let mut left = options.limit.unwrap_or(u64::MAX);
    let mut payload = PayloadBuffer::new(context.alloc);
    let (mut met, mut edges_read) = (MalformedMet::default(), 0);
    if left == 0 {
        return Ok(met);
    }
    walk_newest(context.repository, context.alloc, tip, |commit| {
        let edges = match payload.edges(commit) {
            Ok(edges) => edges,
            Err(error @ MessageError::Memory(_)) => return Err(ListError::OutOfMemory(error)),
            Err(problem) => {
                met.skipped += 1;
                let malformed = Malformed::Skipped { commit: commit.id, problem };
                diagnose(session, &malformed);
                met.first.get_or_insert(malformed);
                return Ok(ControlFlow::Continue(()));
            }
        };
        for (edges_kept, edge) in (0..).zip(edges) {
            edges_read += u64::from(edge.is_ok());
            match edge {
                Ok(edge) if options.filter.wants(&edge, from.as_ref()) => {
                    show(commit, &edge)?;
                    left -= 1;
                    if left == 0 {
                        return Ok(ControlFlow::Break(()));
                    }
                }
                Ok(_) => {}
                Err(problem) => {
                    met.truncated += 1;
                    let commit = commit.id;
                    let malformed = Malformed::Truncated { commit, edges_kept, problem };
                    diagnose(session, &malformed);
                    met.first.get_or_insert(malformed);
                }
            }
        }
        Ok(ControlFlow::Continue(()))
    })?;
    session.record(Metric::JournalReadEdges, None, edges_read);
    Ok(met)
}
