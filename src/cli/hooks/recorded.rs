//! Which edges from old contents to new ones are there already.

use crate::branch::BranchName;
use crate::cache::{Direction, Endpoint};
use crate::cli::failure::Failure;
use crate::context::Context;
use crate::journal::{
    Edge, JournalItem, PayloadBuffer, Relation, Standing, Tombstones, walk_newest,
};
use crate::memory::{Map, Vec};
use crate::oid::Oid;
use std::ops::ControlFlow;

/// A content and the path that it had.
pub(super) type End<'e> = (Oid, &'e [u8]);

/// What an edge from an old content to a new one is known by: both contents, and when they are the
/// same, both paths.
pub(super) type Step<'s> = (Oid, Oid, &'s [u8], &'s [u8]);

/// The step of an edge.
pub(super) fn step<'s>(old: End<'s>, new: End<'s>) -> Step<'s> {
    let (old_path, new_path) = if old.0 == new.0 { (old.1, new.1) } else { (&[][..], &[][..]) };
    (old.0, new.0, old_path, new_path)
}

/// For each of `steps`, whether a live edge of `branch` says the same, or an earlier one of them.
pub(super) fn find<'a>(
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
            let is_same = step_of(&found.edge) == Some(steps[number]);
            recorded[number] |= is_same && found.standing == Standing::Live;
            Ok::<_, Failure>(flow(recorded[number]))
        })?;
        if answer.unusable.is_some() {
            scan(context, tip, |edge| {
                if let Some(number) = step_of(edge).and_then(|step| numbers.get(&step)) {
                    recorded[*number] = true;
                }
            })?;
            break;
        }
    }
    Ok(recorded)
}

/// The step that an edge says.
fn step_of<'e>(edge: &Edge<'e>) -> Option<Step<'e>> {
    let step = step((edge.source, edge.source_path), (edge.target, edge.target_path));
    (edge.relation == Relation::AUGMENTS).then_some(step)
}

fn flow(is_enough: bool) -> ControlFlow<()> {
    if is_enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}

/// Calls `visit` with each live edge of the journal at `tip`.
fn scan(context: &Context<'_>, tip: Oid, mut visit: impl FnMut(&Edge<'_>)) -> Result<(), Failure> {
    let mut payload = PayloadBuffer::new(context.alloc);
    let mut tombstones = Tombstones::new(context.alloc);
    walk_newest(context.repository, context.alloc, tip, |commit| {
        payload.read_newest(commit, |item| {
            if let JournalItem::Edge(_, edge) = item
                && tombstones.standing(edge)? == Standing::Live
            {
                visit(edge);
            }
            Ok::<_, Failure>(ControlFlow::Continue(()))
        })
    })
}
