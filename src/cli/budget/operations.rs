//! The measured operations, run one after the other on one fixture, each as its command runs it.

use super::fixture::Subject;
use super::measure::{Instruments, Measured, OpError, measure};
use super::verdict::Judged;
use crate::cache::{Direction, Endpoint, QueryError, RebuildOptions, Report, Unusable};
use crate::cli::failure::Failure;
use crate::cli::progress::Bar;
use crate::clock::{FixedClock, Timestamp};
use crate::context::operation;
use crate::context::{Context, Memory, Workspace};
use crate::env::FixedEnvironment;
use crate::fs::PosixFileSystem;
use crate::git::Repository;
use crate::gitoxide::GitRepository;
use crate::journal::{EdgeOrder, JournalItem, Relation, WalkError, read_newest};
use crate::memory::Alloc;
use crate::oid::Oid;
use crate::progress::{Progress, Silent};
use crate::units::Bytes;
use std::ops::ControlFlow;

/// An operation, its measurement and its verdict.
pub(super) struct Row {
    pub(super) measured: Measured,
    pub(super) judged: Judged,
}

/// The measurements, and the numbers of edges and commits of the journal.
pub(super) type Rows = (Vec<Row>, Option<(u32, u32)>);

/// Measures every operation; those that need the cache are skipped when the rebuild failed.
///
/// # Errors
/// When an operation fails for another reason than memory, or its results are not the pinned ones.
pub(super) fn run_all(
    subject: &Subject,
    instruments: Instruments<'_>,
    fs: &PosixFileSystem,
) -> Result<Rows, Failure> {
    let mut rows = Vec::new();
    let mut keep = |measured: Measured| {
        let judged = Judged::new(&measured);
        rows.push(Row { measured, judged });
    };
    let (measured, report) = measure(operation::CACHE_REBUILD, instruments, |memory, alloc| {
        rebuild(subject, instruments, (memory, alloc), fs)
    })?;
    let spilled = report.as_ref().map_or(Bytes::ZERO, |report| report.spilled);
    keep(Measured { spilled, ..measured });
    let Some(report) = report else { return Ok((rows, None)) };
    subject.check_rebuild(&report)?;
    let (measured, edges) = measure(operation::JOURNAL_READ, instruments, |_, alloc| {
        read(&open(subject, instruments.workers)?, subject, alloc, |_, _| true)
            .map(|found| found.edges)
    })?;
    keep(measured);
    if let Some(edges) = edges {
        subject.check("edges read", edges, u64::from(report.meta.edges))?;
    }
    let (measured, found) = measure(operation::ATTR_QUERY, instruments, |_, alloc| {
        attribute_query(subject, alloc, instruments.workers)
    })?;
    keep(measured);
    if let Some(found) = found {
        if let Some(unusable) = found.unusable {
            let reason = Failure::text_of(&unusable);
            return Err(Failure::new(format!("the query did not use the cache: {reason}")));
        }
        subject.check("edges from the cache", found.edges.min(1), 1)?;
    }
    Ok((rows, Some((report.meta.edges, report.meta.commits))))
}

/// The repository, as a command opens it that runs without variables and configuration of the
/// user's and the system's, so that the figures are not theirs.
fn open(subject: &Subject, workers: usize) -> Result<GitRepository, OpError> {
    let env = FixedEnvironment::from([("GIT_CONFIG_NOSYSTEM", "1")]);
    let repository = GitRepository::find(&subject.directory, &env, |_| ())?;
    Ok(repository.with_workers(workers))
}

/// The same moment in every run, which dates what is written, so that its names are the same.
const CLOCK: FixedClock = FixedClock(Timestamp { seconds: 1_700_000_000, offset_seconds: 0 });

/// `git-mind cache-rebuild --force --strict`.
fn rebuild(
    subject: &Subject,
    Instruments { workers, is_profiled, .. }: Instruments<'_>,
    (memory, alloc): (&Memory, Alloc<'_>),
    fs: &PosixFileSystem,
) -> Result<Report, OpError> {
    // What a terminal takes is in no profile.
    let bar = (!is_profiled).then(|| Bar::stderr(memory));
    let progress = bar.as_ref().map_or(&Silent as &dyn Progress, |bar| bar);
    let repository = open(subject, workers)?;
    let context = Context { alloc, repository: &repository, clock: &CLOCK, progress };
    let options = RebuildOptions { edge_order: EdgeOrder::OldestFirst, force: true, strict: true };
    let mut arena = memory.arena(alloc);
    let (arena, texts) = (&mut arena, &memory.intern_table(alloc));
    let workspace = Workspace { arena, texts, disk: Some(fs), workers };
    let report = context.rebuild(workspace, &subject.branch, options);
    bar.iter().for_each(Bar::clear);
    Ok(report?)
}

/// The result of a read.
struct Found {
    edges: u64,
    /// The type and the source of the newest edge.
    newest: Option<(Relation, Oid)>,
}

/// `git-mind list --json` without printing, of the edges for which `wants` holds. `wants` gets the
/// type of the newest edge and that of the edge.
fn read(
    repository: &GitRepository,
    subject: &Subject,
    alloc: Alloc<'_>,
    wants: impl Fn(Relation, Relation) -> bool,
) -> Result<Found, OpError> {
    let mut found = Found { edges: 0, newest: None };
    let Some(tip) = repository.resolve(&subject.branch.journal_ref())? else { return Ok(found) };
    read_newest(repository, alloc, tip, |item| {
        if let JournalItem::Edge(_, edge) = item {
            let (relation, _) = *found.newest.get_or_insert((edge.relation, edge.source));
            if wants(relation, edge.relation) {
                found.edges += 1;
            }
        }
        Ok::<_, WalkError>(ControlFlow::Continue(()))
    })?;
    Ok(found)
}

/// The result of a query through the cache.
struct Answered {
    edges: u64,
    unusable: Option<Unusable>,
}

/// `git-mind list --json --type TYPE`, then `git-mind query --from SOURCE --type TYPE` through the
/// cache, with the type and the source of the newest edge.
fn attribute_query(
    subject: &Subject,
    alloc: Alloc<'_>,
    workers: usize,
) -> Result<Answered, OpError> {
    let listed =
        read(&open(subject, workers)?, subject, alloc, |newest, relation| newest == relation)?;
    let mut answered = Answered { edges: 0, unusable: None };
    let Some((relation, oid)) = listed.newest else { return Ok(answered) };
    let repository = open(subject, workers)?;
    let context = Context { alloc, repository: &repository, clock: &CLOCK, progress: &Silent };
    let endpoint = Endpoint::object(oid, Direction::Forward);
    let answer = context.query(&subject.branch, endpoint, |found| {
        answered.edges += u64::from(found.edge.relation == relation);
        Ok::<_, QueryError>(ControlFlow::Continue(()))
    })?;
    Ok(Answered { unusable: answer.unusable, ..answered })
}
