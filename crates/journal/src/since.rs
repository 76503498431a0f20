//! The part of a journal that is newer than a commit of it.

use super::order::{CommitNames, CycleDetector, History, WalkError, next_number};
use core::ops::ControlFlow;
use gitmind_git::oid::Oid;
use gitmind_git::{Commit, Repository};
use gitmind_memory::Alloc;

/// What is newer than a commit.
#[derive(Debug)]
pub enum Since<'a, N> {
    /// These commits, numbered oldest first; their edges go on after those of the older ones.
    Newer(History<'a, N>),
    /// There is a merge among them: what its other parents bring is not told by it alone.
    Merge,
    /// The older commit is not met: it is no first parent of a newer one, or one too far.
    NotMet,
}

/// Visits the journal's commits from `tip` to the one before `base`, along first parents, at most
/// `commits_max` of them. Their names are put into `names`, which is empty.
///
/// # Errors
/// What `visit` returns, or a [`WalkError`].
pub fn walk_since<'a, E: From<WalkError>, N: CommitNames>(
    repository: &dyn Repository,
    alloc: Alloc<'a>,
    tip: Oid,
    base: Oid,
    commits_max: usize,
    mut names: N,
    mut visit: impl FnMut(&Commit<'_>) -> Result<(), E>,
) -> Result<Since<'a, N>, E> {
    let mut cycle = CycleDetector::new(tip);
    let mut ends = None;
    let mut outcome: Result<(), E> = Ok(());
    let walked = repository.follow(alloc, tip, &mut |commit| {
        if commit.id == base {
            ends = Some(true);
            return ControlFlow::Break(());
        }
        if names.len() == commits_max {
            return ControlFlow::Break(());
        }
        if commit.parents().nth(1).is_some() {
            ends = Some(false);
            return ControlFlow::Break(());
        }
        outcome = (|| {
            cycle.check(commit.id)?;
            next_number(&names)?;
            visit(commit)?;
            names.try_push(commit.id)?;
            Ok(())
        })();
        if outcome.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    walked.map_err(WalkError::from)?;
    outcome?;
    Ok(match ends {
        Some(true) => Since::Newer(History::reversed(names)),
        Some(false) => Since::Merge,
        None => Since::NotMet,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use gitmind_git::fake::FakeRepository;
    use gitmind_memory::{System, Vec};

    #[test]
    fn what_is_newer_is_numbered_oldest_first_and_a_merge_or_a_stranger_is_told() {
        let repository = FakeRepository::default();
        let root = repository.commit(&[], b"root");
        let middle = repository.commit(&[root], b"middle");
        let newer = repository.commit(&[middle], b"newer");
        let tip = repository.commit(&[newer], b"tip");
        let side = repository.commit(&[root], b"side");
        let merge = repository.commit(&[tip, side], b"merge");
        let system = System::new();
        let since = |tip, base, commits_max| {
            let visit = |_: &Commit<'_>| Ok::<_, WalkError>(());
            let alloc = Alloc::new(&system);
            match walk_since(&repository, alloc, tip, base, commits_max, Vec::new(alloc), visit) {
                Ok(Since::Newer(history)) => {
                    let ids = history.numbered().map(|visit| history.commits()[visit as usize]);
                    Ok(ids.collect::<std::vec::Vec<_>>())
                }
                Ok(Since::Merge) => Err("merge"),
                Ok(Since::NotMet) => Err("not met"),
                Err(error) => panic!("{error}"),
            }
        };
        assert_eq!(since(tip, middle, 9), Ok(vec![newer, tip]));
        assert_eq!(since(tip, root, 3), Ok(vec![middle, newer, tip]));
        assert_eq!(since(tip, root, 2), Err("not met"));
        assert_eq!(since(tip, tip, 0), Ok(vec![]));
        assert_eq!(since(tip, side, 9), Err("not met"));
        assert_eq!(since(merge, tip, 9), Err("merge"));
        assert_eq!(since(merge, merge, 9), Ok(vec![]));
    }
}
