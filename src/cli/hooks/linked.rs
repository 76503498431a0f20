//! Which contents are linked, and which edges from old contents to new ones are there already.

use crate::branch::BranchName;
use crate::cache::{Direction, Endpoint};
use crate::cli::failure::Failure;
use crate::context::Context;
use crate::journal::{
    Edge, JournalItem, PayloadBuffer, Relation, Standing, Tombstones, walk_newest,
};
use crate::memory::{Map, MemoryError, Vec};
use crate::oid::Oid;
use std::ops::ControlFlow;

/// A content and the path that it had.
pub(super) type End<'e> = (Oid, &'e [u8]);

/// For each of `ends`, whether a live edge of `branch` starts or ends at the content, or was
/// recorded under the path. The journal is at `tip`.
///
/// The cache answers, one end at a time; when it cannot, one walk of the journal answers for all.
pub(super) fn linked<'a>(
    context: &Context<'a>,
    branch: &BranchName,
    tip: Oid,
    ends: &[End<'_>],
) -> Result<Vec<'a, bool>, Failure> {
    let mut linked = Vec::new(context.alloc);
    for &(object, path) in ends {
        let mut is_linked = false;
        let endpoint = Endpoint { follow: false, ..Endpoint::file(Some(object), path, None) };
        let answer = context.query(branch, endpoint, |found| {
            is_linked = found.standing == Standing::Live;
            Ok::<_, Failure>(flow(is_linked))
        })?;
        if answer.unusable.is_some() {
            return scan_ends(context, tip, ends);
        }
        linked.try_push(is_linked)?;
    }
    Ok(linked)
}

/// What an edge from an old content to a new one is known by: both contents, and when they are the
/// same, both paths.
pub(super) type Step<'s> = (Oid, Oid, &'s [u8], &'s [u8]);

/// The step of an edge.
pub(super) fn step<'s>(old: End<'s>, new: End<'s>) -> Step<'s> {
    let (old_path, new_path) = if old.0 == new.0 { (old.1, new.1) } else { (&[][..], &[][..]) };
    (old.0, new.0, old_path, new_path)
}

/// For each of `steps`, whether a live edge of `branch` says the same, or an earlier one of them.
pub(super) fn recorded<'a>(
    context: &Context<'a>,
    branch: &BranchName,
    tip: Oid,
    steps: &[Step<'_>],
) -> Result<Vec<'a, bool>, Failure> {
    let mut recorded = Vec::new(context.alloc);
    let mut numbers = Map::new(context.alloc);
    for (number, step) in steps.iter().enumerate() {
        let is_new = !numbers.contains_key(step);
        if is_new {
            numbers.try_insert(*step, number)?;
        }
        recorded.try_push(!is_new)?;
    }
    for number in 0..steps.len() {
        if recorded[number] {
            continue;
        }
        let from = Endpoint::object(steps[number].0, Direction::Forward);
        let answer = context.query(branch, from, |found| {
            recorded[number] |=
                found.standing == Standing::Live && says(&found.edge, steps[number]);
            Ok::<_, Failure>(flow(recorded[number]))
        })?;
        if answer.unusable.is_some() {
            scan(context, tip, |edge| {
                let of_edge =
                    step((edge.source, edge.source_path), (edge.target, edge.target_path));
                if let Some(number) = numbers.get(&of_edge).filter(|_| is_step(edge)) {
                    recorded[*number] = true;
                }
                Ok(())
            })?;
            break;
        }
    }
    Ok(recorded)
}

/// Whether a live edge leads from an old content to a new one.
fn is_step(edge: &Edge<'_>) -> bool {
    edge.relation == Relation::AUGMENTS && !edge.is_tombstone()
}

fn says(edge: &Edge<'_>, wanted: Step<'_>) -> bool {
    is_step(edge)
        && step((edge.source, edge.source_path), (edge.target, edge.target_path)) == wanted
}

fn flow(is_enough: bool) -> ControlFlow<()> {
    if is_enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}

/// Looks for all ends in one walk of the journal.
fn scan_ends<'a>(
    context: &Context<'a>,
    tip: Oid,
    ends: &[End<'_>],
) -> Result<Vec<'a, bool>, Failure> {
    let (mut objects, mut paths) = (Map::new(context.alloc), Map::new(context.alloc));
    for &(object, path) in ends {
        objects.try_insert(object, false)?;
        paths.try_insert(path, false)?;
    }
    scan(context, tip, |edge| {
        for (object, path) in [(edge.source, edge.source_path), (edge.target, edge.target_path)] {
            if let Some(is_linked) = objects.get_mut(&object) {
                *is_linked = true;
            }
            if let Some(is_linked) = paths.get_mut(path) {
                *is_linked = true;
            }
        }
        Ok(())
    })?;
    let mut linked = Vec::new(context.alloc);
    let is_in = |(object, path): &End<'_>| {
        objects.get(object) == Some(&true) || paths.get(*path) == Some(&true)
    };
    linked.try_extend(ends.iter().map(is_in))?;
    Ok(linked)
}

/// Calls `visit` with each live edge of the journal at `tip`.
fn scan(
    context: &Context<'_>,
    tip: Oid,
    mut visit: impl FnMut(&Edge<'_>) -> Result<(), MemoryError>,
) -> Result<(), Failure> {
    let mut payload = PayloadBuffer::new(context.alloc);
    let mut tombstones = Tombstones::new(context.alloc);
    walk_newest(context.repository, context.alloc, tip, |commit| {
        payload.read_newest(commit, |item| {
            if let JournalItem::Edge(_, edge) = item
                && tombstones.standing(edge)? == Standing::Live
            {
                visit(edge)?;
            }
            Ok::<_, Failure>(ControlFlow::Continue(()))
        })
    })
}
