//! Walking a journal from its newest commit to its root, one commit in memory at a time.
//!
//! The order is the reverse of [`EdgeOrder::OldestFirst`]. Along first parents it needs no memory
//! for each commit. At a merge, the walk first finds the commits that the other parents add, and
//! visits these. If finding them needs too many reads, it sorts the ids of all older commits
//! instead, which allocates up to 70 bytes for each.

use super::ancestry::added;
use super::order::{CycleDetector, EdgeOrder, WalkError, walk};
use core::ops::ControlFlow;
use gitmind_git::oid::Oid;
use gitmind_git::{Commit, ObjectKind, Repository};
use gitmind_memory::{Alloc, Vec};

/// Most commits that are read to find those that the other parents of merges add.
const READS_MAX: usize = 2000;

/// Visits the commits of the journal at `tip`, newest first, until `visit` breaks. Allocates from
/// `alloc`.
///
/// # Errors
/// The error of `visit`, or a [`WalkError`].
pub fn walk_newest<E: From<WalkError>>(
    repository: &dyn Repository,
    alloc: Alloc<'_>,
    tip: Oid,
    mut visit: impl FnMut(&Commit<'_>) -> Result<ControlFlow<()>, E>,
) -> Result<(), E> {
    let mut cycle = CycleDetector::new(tip);
    let mut reads_left = READS_MAX;
    let (mut next, mut parents) = (tip, Vec::new(alloc));
    loop {
        parents.clear();
        let mut outcome = Ok(ControlFlow::Continue(()));
        let mut merge = None;
        let walked = repository.follow(alloc, next, &mut |commit| {
            outcome = cycle.check(commit.id).map_err(E::from).and_then(|()| visit(commit));
            if matches!(outcome, Ok(ControlFlow::Continue(()))) && commit.parents().nth(1).is_some()
            {
                merge = Some(parents.try_extend(commit.parents()).map(|()| commit.id));
            }
            match outcome {
                Ok(flow) if merge.is_none() => flow,
                _ => ControlFlow::Break(()),
            }
        });
        walked.map_err(WalkError::from)?;
        let _flow = outcome?;
        let Some(merge) = merge.transpose().map_err(WalkError::from)? else { return Ok(()) };
        match added_by_others(repository, alloc, &parents, &mut reads_left)? {
            None => return below_merge(repository, alloc, merge, visit),
            Some(ids) => {
                if visit_all(repository, alloc, &ids, &mut visit)?.is_break() {
                    return Ok(());
                }
            }
        }
        next = parents[0];
    }
}

/// The commits that the parents but the first add to those before them, oldest first.
fn added_by_others<'a>(
    repository: &dyn Repository,
    alloc: Alloc<'a>,
    parents: &[Oid],
    reads_left: &mut usize,
) -> Result<Option<Vec<'a, Oid>>, WalkError> {
    let mut all = Vec::new(alloc);
    for (index, parent) in parents.iter().enumerate().skip(1) {
        match added(repository, alloc, &parents[..index], *parent, reads_left)? {
            None => return Ok(None),
            Some(mut ids) => all.try_append(&mut ids)?,
        }
    }
    Ok(Some(all))
}

/// Visits the commits with these ids, the last one first.
fn visit_all<E: From<WalkError>>(
    repository: &dyn Repository,
    alloc: Alloc<'_>,
    ids: &[Oid],
    visit: &mut impl FnMut(&Commit<'_>) -> Result<ControlFlow<()>, E>,
) -> Result<ControlFlow<()>, E> {
    let mut buffer = Vec::new(alloc);
    for id in ids.iter().rev() {
        repository.read(*id, ObjectKind::Commit, &mut buffer).map_err(WalkError::from)?;
        let commit = Commit::parse_stored(*id, &buffer).map_err(WalkError::from)?;
        if visit(&commit)?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}

/// Visits the ancestors of `merge`.
fn below_merge<E: From<WalkError>>(
    repository: &dyn Repository,
    alloc: Alloc<'_>,
    merge: Oid,
    mut visit: impl FnMut(&Commit<'_>) -> Result<ControlFlow<()>, E>,
) -> Result<(), E> {
    let visit_nothing = |_: &Commit<'_>| Ok::<(), WalkError>(());
    let history = walk(repository, alloc, merge, EdgeOrder::OldestFirst, visit_nothing)?;
    let mut ids = Vec::new(alloc);
    let in_order = history.numbered().map(|visit| history.commits()[visit as usize]);
    ids.try_extend(in_order).map_err(WalkError::from)?;
    // The merge, which was visited before, is the last commit of its own history.
    ids.pop();
    visit_all(repository, alloc, &ids, &mut visit).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;
    use gitmind_git::fake::FakeRepository;
    use gitmind_memory::System;
    use std::vec::Vec;

    fn visited(repository: &FakeRepository, tip: Oid, limit: usize) -> Vec<Oid> {
        let system = System::new();
        let mut visited = Vec::new();
        let walked = walk_newest(repository, Alloc::new(&system), tip, |commit| {
            visited.push(commit.id);
            let is_enough = visited.len() == limit;
            Ok::<_, WalkError>(if is_enough {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            })
        });
        walked.expect("a whole history");
        visited
    }

    #[test]
    fn the_order_is_the_reverse_of_oldest_first_and_a_break_ends_the_walk() {
        let repository = FakeRepository::default();
        let root = repository.commit(&[], b"root");
        let left = repository.commit(&[root], b"left");
        let right = repository.commit(&[root], b"right");
        let merge = repository.commit(&[left, right], b"merge");
        let tip = repository.commit(&[merge], b"tip");
        let expected = [tip, merge, right, left, root];
        for limit in 1..=expected.len() {
            assert_eq!(visited(&repository, tip, limit), expected[..limit]);
        }
        assert_eq!(visited(&repository, left, 9), [left, root]);
    }

    #[test]
    fn a_commit_that_is_its_own_ancestor_ends_the_walk() {
        // Regression: this walk had no cycle detection and did not end.
        for older in 0..4 {
            let repository = FakeRepository::default();
            let root = repository.commit(&[], b"root");
            let commit = |parent, _| repository.commit(&[parent], b"");
            let tip = (0..older).fold(root, commit);
            let after = repository.commit(&[tip], b"");
            let looped = repository.contents()[&after].1.clone();
            repository.damage(root, ObjectKind::Commit, &looped);
            let system = System::new();
            let outcome = walk_newest(&repository, Alloc::new(&system), tip, |_| {
                Ok::<_, WalkError>(ControlFlow::Continue(()))
            });
            assert!(matches!(outcome, Err(WalkError::Cycle { .. })), "{older}: {outcome:?}");
        }
    }
}
