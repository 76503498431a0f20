//! Walking a journal from its newest commit to its root, one commit in memory at a time.
//!
//! The order is the reverse of [`EdgeOrder::OldestFirst`]. Down to the first merge that is the
//! chain of first parents, which needs no memory for each commit. Below a merge, the walk first
//! sorts the ids of all older commits, which allocates up to 70 bytes for each.

use super::order::{CycleDetector, EdgeOrder, WalkError, walk};
use core::ops::ControlFlow;
use gitmind_git::oid::Oid;
use gitmind_git::{Commit, ObjectKind, Repository};
use gitmind_memory::{Alloc, Vec};

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
    let mut outcome = Ok(ControlFlow::Continue(()));
    let mut merge = None;
    let walked = repository.follow(alloc, tip, &mut |commit| {
        outcome = cycle.check(commit.id).map_err(E::from).and_then(|()| visit(commit));
        if commit.parents().nth(1).is_some() {
            merge = Some(commit.id);
        }
        match outcome {
            Ok(flow) if merge.is_none() => flow,
            _ => ControlFlow::Break(()),
        }
    });
    walked.map_err(WalkError::from)?;
    match (outcome?, merge) {
        (ControlFlow::Continue(()), Some(merge)) => below_merge(repository, alloc, merge, visit),
        _ => Ok(()),
    }
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
    let mut order = Vec::new(alloc);
    order.try_extend(history.numbered()).map_err(WalkError::from)?;
    // The merge, which was visited before, is the last commit of its own history.
    order.pop();
    let mut buffer = Vec::new(alloc);
    for &visit_number in order.iter().rev() {
        let id = history.commits()[visit_number as usize];
        repository.read(id, ObjectKind::Commit, &mut buffer).map_err(WalkError::from)?;
        let commit = Commit::parse_stored(id, &buffer).map_err(WalkError::from)?;
        if visit(&commit)?.is_break() {
            break;
        }
    }
    Ok(())
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
