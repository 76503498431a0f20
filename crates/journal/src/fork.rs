//! The fork of two tips of a journal: the newest common commit of their first parents. Up to it
//! both have the same edge ids.

use super::order::WalkError;
use core::ops::ControlFlow;
use gitmind_git::Repository;
use gitmind_git::oid::Oid;
use gitmind_memory::{Alloc, Map, Vec};

/// First parents of each tip that are read in the first step; each further step reads eight times
/// as many.
const CHAIN_MIN: usize = 16;

/// The newest commit that is among the first parents of two tips.
#[derive(Debug)]
pub struct Fork<'a> {
    /// The commit, which may be one of the tips.
    pub commit: Oid,
    /// The first parents of the old tip down to that commit, which is excluded, newest first.
    pub old: Vec<'a, Oid>,
}

/// The fork of the tips `new` and `old`; `None` if there is none within `commits_max` first parents
/// of both.
///
/// ```
/// use gitmind_git::fake::FakeRepository;
/// use gitmind_journal::{WalkError, find_fork};
/// use gitmind_memory::{Alloc, System};
/// let (repository, system) = (FakeRepository::default(), System::new());
/// let root = repository.commit(&[], b"oA==");
/// let ours = repository.commit(&[root], b"oQA=");
/// let theirs = repository.commit(&[root], b"oA==");
/// let merge = repository.commit(&[theirs, ours], b"");
/// let fork = find_fork(&repository, Alloc::new(&system), merge, ours, 9)?.expect("a common root");
/// assert_eq!((fork.commit, fork.old.as_slice()), (root, &[ours][..]));
/// # Ok::<(), WalkError>(())
/// ```
///
/// # Errors
/// A [`WalkError`] when a commit cannot be read or an allocation fails.
pub fn find_fork<'a>(
    repository: &dyn Repository,
    alloc: Alloc<'a>,
    new: Oid,
    old: Oid,
    commits_max: usize,
) -> Result<Option<Fork<'a>>, WalkError> {
    let mut limit = CHAIN_MIN.min(commits_max);
    loop {
        let mut of_new = Map::new(alloc);
        let is_old = |id: &Oid| *id == old;
        let reached_old = follow(repository, alloc, new, limit, is_old, |id| {
            of_new.try_insert(id, ())?;
            Ok(())
        })?;
        let mut above = Vec::new(alloc);
        let is_new = |id: &Oid| of_new.contains_key(id) || reached_old == Some(*id);
        let commit = follow(repository, alloc, old, limit, is_new, |id| {
            above.try_push(id)?;
            Ok(())
        })?;
        if let Some(commit) = commit {
            return Ok(Some(Fork { commit, old: above }));
        }
        if limit == commits_max || of_new.len() < limit && above.len() < limit {
            return Ok(None);
        }
        limit = limit.saturating_mul(8).min(commits_max);
    }
}

/// Visits `tip` and its first parents, at most `commits_max` of them, up to the first one that is
/// `last`, which is returned.
fn follow(
    repository: &dyn Repository,
    alloc: Alloc<'_>,
    tip: Oid,
    commits_max: usize,
    is_last: impl Fn(&Oid) -> bool,
    mut visit: impl FnMut(Oid) -> Result<(), WalkError>,
) -> Result<Option<Oid>, WalkError> {
    let (mut left, mut last, mut outcome) = (commits_max, None, Ok(()));
    repository.follow(alloc, tip, &mut |commit| {
        if is_last(&commit.id) {
            last = Some(commit.id);
            return ControlFlow::Break(());
        }
        if left == 0 {
            return ControlFlow::Break(());
        }
        left -= 1;
        outcome = visit(commit.id);
        if outcome.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    outcome.map(|()| last)
}
