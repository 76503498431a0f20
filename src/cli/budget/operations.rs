//! The operations that are measured, each as a command runs it, one after the other on one fixture.

use super::fixture::Subject;
use super::measure::{Instruments, Measured, OpError, measure};
use super::verdict::Judged;
use crate::cache::{Direction, Endpoint, QueryError, RebuildOptions, Report, Unusable};
use crate::cli::failure::Failure;
use crate::cli::progress::Bar;
use crate::clock::{SystemClock, Zone};
use crate::context::operation;
use crate::context::{Context, Memory, Workspace, available_workers};
use crate::fs::PosixFileSystem;
use crate::git::Repository;
use crate::gitoxide::{GitRepository, Location};
use crate::journal::{EdgeOrder, EdgeStrings, JournalItem, Relation, WalkError, read_newest};
use crate::memory::Alloc;
use crate::oid::Oid;
use crate::units::Bytes;
use std::ops::ControlFlow;

/// An operation and what there is to say about it.
pub(super) struct Row {
    pub(super) measured: Measured,
    pub(super) judged: Judged,
}

/// What was measured, and the edges and commits that were counted on the way.
pub(super) type Rows = (Vec<Row>, Option<(u32, u32)>);

/// Measures every operation; those that need the cache only when there is one.
///
/// # Errors
/// When one fails for want of anything but memory, or does not do what the fixture is pinned to.
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
    let bar = Bar::stderr();
    let (measured, report) = measure(operation::CACHE_REBUILD, instruments, |memory, alloc| {
        rebuild(subject, memory, alloc, fs, &bar)
    })?;
    bar.clear();
    let spilled = report.as_ref().map_or(Bytes::ZERO, |report| report.spilled);
    keep(Measured { spilled, ..measured });
    let Some(report) = report else { return Ok((rows, None)) };
    subject.check_rebuild(&report)?;
    let (measured, edges) = measure(operation::JOURNAL_READ, instruments, |memory, alloc| {
        read(subject, memory, alloc, |_, _| true).map(|found| found.edges)
    })?;
    keep(measured);
    if let Some(edges) = edges {
        subject.check("edges read", edges, u64::from(report.meta.edges))?;
    }
    let (measured, found) = measure(operation::ATTR_QUERY, instruments, |memory, alloc| {
        attribute_query(subject, memory, alloc)
    })?;
    keep(measured);
    if let Some(found) = found {
        if let Some(unusable) = found.unusable {
            let reason = Failure::text_of(&unusable);
            return Err(Failure::new(format!("the query did not use the cache: {reason}")));
        }
        subject.check("an answer of the cache", found.edges.min(1), 1)?;
    }
    Ok((rows, Some((report.meta.edges, report.meta.commits))))
}

/// `git-mind cache-rebuild --force --strict`.
fn rebuild(
    subject: &Subject,
    memory: &Memory,
    alloc: Alloc<'_>,
    fs: &PosixFileSystem,
    bar: &Bar,
) -> Result<Report, OpError> {
    let repository = GitRepository::open(Location::at(&subject.folder)?)?;
    // The date of a commit that is thrown away.
    let clock = SystemClock::start(Zone::default());
    let context = Context { alloc, repository: &repository, clock: &clock, progress: bar };
    let options = RebuildOptions { edge_order: EdgeOrder::OldestFirst, force: true, strict: true };
    let mut arena = memory.arena(alloc);
    let workspace = Workspace { arena: &mut arena, disk: Some(fs), workers: available_workers() };
    Ok(context.rebuild(workspace, &subject.branch, options)?)
}

/// What a read found.
struct Found {
    edges: u64,
    /// The type and the source of the newest edge.
    newest: Option<(Relation, Oid)>,
}

/// `git-mind list --json` without printing: of the edges whose type, beside the newest one's, is
/// wanted.
fn read(
    subject: &Subject,
    memory: &Memory,
    alloc: Alloc<'_>,
    wants: impl Fn(Relation, Relation) -> bool,
) -> Result<Found, OpError> {
    let repository = GitRepository::open(Location::at(&subject.folder)?)?;
    let mut found = Found { edges: 0, newest: None };
    let Some(tip) = repository.resolve(&subject.branch.journal_ref())? else { return Ok(found) };
    let mut strings = EdgeStrings::new(memory.intern_table(alloc));
    read_newest(&repository, alloc, tip, |met| {
        if let JournalItem::Edge(_, edge) = met {
            let (relation, _) = *found.newest.get_or_insert((edge.relation, edge.source));
            if wants(relation, edge.relation) {
                strings.intern(edge)?;
                found.edges += 1;
            }
        }
        Ok::<_, WalkError>(ControlFlow::Continue(()))
    })?;
    Ok(found)
}

/// What a query through the cache found.
struct Answered {
    edges: u64,
    unusable: Option<Unusable>,
}

/// `git-mind list --json --type TYPE`, then `git-mind query --from SOURCE --type TYPE` through the
/// cache, with the type and the source of the newest edge.
fn attribute_query(
    subject: &Subject,
    memory: &Memory,
    alloc: Alloc<'_>,
) -> Result<Answered, OpError> {
    let listed = read(subject, memory, alloc, |newest, relation| newest == relation)?;
    let mut answered = Answered { edges: 0, unusable: None };
    let Some((relation, oid)) = listed.newest else { return Ok(answered) };
    let repository = GitRepository::open(Location::at(&subject.folder)?)?;
    let clock = SystemClock::start(Zone::default());
    let progress = &crate::progress::Silent;
    let context = Context { alloc, repository: &repository, clock: &clock, progress };
    let endpoint = Endpoint { oid, direction: Direction::Forward };
    let answer = context.query(&subject.branch, endpoint, |found| {
        answered.edges += u64::from(found.edge.relation == relation);
        Ok::<_, QueryError>(ControlFlow::Continue(()))
    })?;
    Ok(Answered { unusable: answer.unusable, ..answered })
}
