//! Walking the commits of a journal that are newer than a base commit, for incremental rebuilds.

use super::order::{CommitIdList, CycleDetector, History, WalkError, next_number};
use core::ops::ControlFlow;
use gitmind_git::oid::Oid;
use gitmind_git::{Commit, Repository};
use gitmind_memory::Alloc;

/// The outcome of a walk from the tip to a base commit, as of the range `base..tip` in git.
#[derive(Debug)]
pub enum RangeWalk<'a, N> {
    /// The commits of the range, numbered oldest first: their edges follow those of the base.
    Newer(History<'a, N>),
    /// The range has a merge, whose other parents may have commits that the base does not have.
    Merge,
    /// The base is not among the first parents of the tip, or is too many commits back.
    BaseNotFound,
}

/// Visits the commits from `tip` to `base`, `base` excluded, along first parents, at most
/// `commits_max` of them. Their ids are appended to the empty list `ids`.
///
/// # Errors
/// The error of `visit`, or a [`WalkError`].
pub fn walk_range<'a, E: From<WalkError>, N: CommitIdList>(
    repository: &dyn Repository,
    alloc: Alloc<'a>,
    tip: Oid,
    base: Oid,
    commits_max: usize,
    mut ids: N,
    mut visit: impl FnMut(&Commit<'_>) -> Result<(), E>,
) -> Result<RangeWalk<'a, N>, E> {
    if tip == base {
        return Ok(RangeWalk::Newer(History::reversed(ids)));
    }
    let mut cycle = CycleDetector::new(tip);
    let mut reached_base = None;
    let mut outcome: Result<(), E> = Ok(());
    let walked = repository.follow(alloc, tip, &mut |commit| {
        if commit.id == base {
            reached_base = Some(true);
            return ControlFlow::Break(());
        }
        if ids.len() == commits_max {
            return ControlFlow::Break(());
        }
        if commit.parents().nth(1).is_some() {
            reached_base = Some(false);
            return ControlFlow::Break(());
        }
        outcome = (|| {
            cycle.check(commit.id)?;
            next_number(&ids)?;
            visit(commit)?;
            ids.try_push(commit.id)?;
            Ok(())
        })();
        if outcome.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    walked.map_err(WalkError::from)?;
    outcome?;
    Ok(match reached_base {
        Some(true) => RangeWalk::Newer(History::reversed(ids)),
        Some(false) => RangeWalk::Merge,
        None => RangeWalk::BaseNotFound,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use gitmind_git::fake::FakeRepository;
    use gitmind_memory::{System, Vec};

    #[test]
    fn a_range_is_numbered_oldest_first_and_a_merge_or_an_unrelated_base_is_reported() {
        let repository = FakeRepository::default();
        let root = repository.commit(&[], b"root");
        let middle = repository.commit(&[root], b"middle");
        let newer = repository.commit(&[middle], b"newer");
        let tip = repository.commit(&[newer], b"tip");
        let side = repository.commit(&[root], b"side");
        let merge = repository.commit(&[tip, side], b"merge");
        let system = System::new();
        let range = |tip, base, commits_max| {
            let visit = |_: &Commit<'_>| Ok::<_, WalkError>(());
            let alloc = Alloc::new(&system);
            match walk_range(&repository, alloc, tip, base, commits_max, Vec::new(alloc), visit) {
                Ok(RangeWalk::Newer(history)) => {
                    let ids = history.numbered().map(|visit| history.commits()[visit as usize]);
                    Ok(ids.collect::<std::vec::Vec<_>>())
                }
                Ok(RangeWalk::Merge) => Err("merge"),
                Ok(RangeWalk::BaseNotFound) => Err("base not found"),
                Err(error) => panic!("{error}"),
            }
        };
        assert_eq!(range(tip, middle, 9), Ok(vec![newer, tip]));
        assert_eq!(range(tip, root, 3), Ok(vec![middle, newer, tip]));
        assert_eq!(range(tip, root, 2), Err("base not found"));
        assert_eq!(range(tip, tip, 0), Ok(vec![]));
        assert_eq!(range(tip, side, 9), Err("base not found"));
        assert_eq!(range(merge, tip, 9), Err("merge"));
        assert_eq!(range(merge, merge, 9), Ok(vec![]));
    }
}
