//! The order in which the commits of a journal, and with them its edges, are numbered.
//!
//! *Newest first* is the order of the C tool: from the tip along first parents to the root. It
//! omits the other parents of merges, and every append changes every number.
//!
//! *Oldest first* is the default order: a depth-first post-order over the parents of each commit,
//! in the order in which the commit lists them. An append along the first parent changes no number.
//!
//! Both are computed in one pass that reads each commit once, newest first, which is the order of
//! commits in a pack. The walk gives each commit a visit number, and the order is a permutation of
//! the visit numbers. A journal without merges needs no table for it.

use core::ops::ControlFlow;
use gitmind_git::oid::Oid;
use gitmind_git::{self as git, Commit, Follow, Repository};
use gitmind_memory::{Alloc, Map, MemoryError, Vec};
use gitmind_ports::fs::FsError;

/// The order in which the edges of a journal are numbered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EdgeOrder {
    /// From the oldest edge, all parents of merges included: stable under append.
    OldestFirst,
    /// From the newest edge along first parents, as the C tool does.
    NewestFirst,
}

impl EdgeOrder {
    /// The name used on the command line and in a cache.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OldestFirst => "oldest-first",
            Self::NewestFirst => "newest-first",
        }
    }

    /// The order with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::OldestFirst, Self::NewestFirst].into_iter().find(|order| order.name() == name)
    }
}

/// Why the commits of a journal cannot be visited or put in order.
#[derive(Debug, thiserror::Error)]
pub enum WalkError {
    /// A commit cannot be read.
    #[error(transparent)]
    Repository(#[from] git::Error),
    /// A commit is its own ancestor, which is possible only in a damaged repository.
    #[error("commit {id} is its own ancestor")]
    Cycle {
        /// The commit.
        id: Oid,
    },
    /// There are more commits than 32-bit visit numbers.
    #[error("the journal has more than {} commits", u32::MAX)]
    TooManyCommits,
    /// The ids of commits cannot be written to the scratch file, or read from it.
    #[error("cannot store the ids of commits in a temporary file")]
    CommitIds(#[source] FsError),
    /// An allocation for a payload or for the order of the commits failed.
    #[error("no memory to read the journal: {0}")]
    Memory(#[from] MemoryError),
}

impl WalkError {
    /// The allocation failure, if one is the cause, at whatever depth.
    pub const fn memory(&self) -> Option<MemoryError> {
        match self {
            Self::Memory(error)
            | Self::Repository(git::Error::Memory(error))
            | Self::CommitIds(FsError::Memory(error)) => Some(*error),
            _ => None,
        }
    }
}

impl From<FsError> for WalkError {
    fn from(error: FsError) -> Self {
        match error {
            FsError::Memory(error) => Self::Memory(error),
            error => Self::CommitIds(error),
        }
    }
}

/// A list of the ids of visited commits, by visit number.
pub trait CommitIdList {
    /// Appends the id of the next visited commit.
    ///
    /// # Errors
    /// [`WalkError::Memory`] or [`WalkError::CommitIds`].
    fn try_push(&mut self, id: Oid) -> Result<(), WalkError>;

    /// The number of ids.
    fn len(&self) -> usize;

    /// The id with visit number `index`, which is less than [`len`](Self::len).
    ///
    /// # Errors
    /// [`WalkError::Memory`] or [`WalkError::CommitIds`].
    fn get(&self, index: usize) -> Result<Oid, WalkError>;

    /// Whether the list is empty.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl CommitIdList for Vec<'_, Oid> {
    fn try_push(&mut self, id: Oid) -> Result<(), WalkError> {
        Ok(Vec::try_push(self, id)?)
    }

    fn len(&self) -> usize {
        self.as_slice().len()
    }

    fn get(&self, index: usize) -> Result<Oid, WalkError> {
        Ok(self[index])
    }
}

/// The commits of a journal and their order.
#[derive(Debug)]
pub struct History<'a, N = Vec<'a, Oid>> {
    ids: N,
    numbering: Numbering<'a>,
}

/// The permutation of visit numbers that is the order.
#[derive(Debug)]
enum Numbering<'a> {
    AsVisited,
    Reversed,
    Listed(Vec<'a, u32>),
}

impl History<'_> {
    /// The ids of the commits; the index is the visit number.
    pub fn commits(&self) -> &[Oid] {
        &self.ids
    }
}

impl<N: CommitIdList> History<'_, N> {
    /// The history of a chain of first parents, visited newest first and numbered oldest first.
    pub(super) const fn reversed(ids: N) -> Self {
        Self { ids, numbering: Numbering::Reversed }
    }

    /// The list of the ids of the commits.
    pub const fn commit_ids(&self) -> &N {
        &self.ids
    }

    /// The visit numbers of all commits, in the order in which their edges are numbered.
    pub fn numbered(&self) -> impl Iterator<Item = u32> + Clone + Send + Sync + '_ {
        let (numbering, last) = (&self.numbering, self.last());
        // The walk fails on more commits than a u32 can number.
        (0_u32..).take(self.ids.len()).map(move |position| match numbering {
            Numbering::AsVisited => position,
            Numbering::Reversed => last - position,
            Numbering::Listed(visits) => visits[position as usize],
        })
    }

    /// The visit number of the last visited commit; 0 without commits.
    fn last(&self) -> u32 {
        u32::try_from(self.ids.len().saturating_sub(1)).unwrap_or(u32::MAX)
    }
}

/// Visits each commit of the journal at `tip` that is part of `order` once, newest first, and
/// returns their order. Allocates from `alloc`.
///
/// ```
/// use gitmind_git::fake::FakeRepository;
/// use gitmind_journal::{EdgeOrder, WalkError, walk};
/// use gitmind_memory::{Alloc, System};
/// let (repository, system) = (FakeRepository::default(), System::new());
/// let oldest = repository.commit(&[], b"oA==");
/// let newest = repository.commit(&[oldest], b"oA==");
/// let (mut visited, order) = (vec![], EdgeOrder::OldestFirst);
/// let history = walk(&repository, Alloc::new(&system), newest, order, |commit| {
///     visited.push(commit.id);
///     Ok::<_, WalkError>(())
/// })?;
/// assert_eq!(visited, [newest, oldest]);
/// // Visited newest first, numbered oldest first.
/// assert_eq!(history.numbered().collect::<Vec<_>>(), [1, 0]);
/// # Ok::<(), WalkError>(())
/// ```
///
/// # Errors
/// The error of `visit`, or a [`WalkError`].
pub fn walk<'a, E: From<WalkError>>(
    repository: &dyn Repository,
    alloc: Alloc<'a>,
    tip: Oid,
    order: EdgeOrder,
    visit: impl FnMut(&Commit<'_>) -> Result<(), E>,
) -> Result<History<'a>, E> {
    walk_into(repository, alloc, tip, order, Vec::new(alloc), visit)
}

/// As [`walk`], with the ids of the commits appended to the empty list `ids`.
///
/// # Errors
/// The error of `visit`, or a [`WalkError`].
pub fn walk_into<'a, E: From<WalkError>, N: CommitIdList>(
    repository: &dyn Repository,
    alloc: Alloc<'a>,
    tip: Oid,
    order: EdgeOrder,
    ids: N,
    visit: impl FnMut(&Commit<'_>) -> Result<(), E>,
) -> Result<History<'a, N>, E> {
    walk_until(repository, alloc, tip, order, ids, |_| false, visit)
}

/// As [`walk_into`], without the commits of `is_base` and those reached only through them. If these
/// commits and all their ancestors are the start of the order of `tip`, the result is the rest of
/// that order.
///
/// # Errors
/// The error of `visit`, or a [`WalkError`].
pub fn walk_until<'a, E: From<WalkError>, N: CommitIdList>(
    repository: &dyn Repository,
    alloc: Alloc<'a>,
    tip: Oid,
    order: EdgeOrder,
    ids: N,
    is_base: impl FnMut(&Oid) -> bool,
    visit: impl FnMut(&Commit<'_>) -> Result<(), E>,
) -> Result<History<'a, N>, E> {
    let follows_merges = order == EdgeOrder::OldestFirst;
    let merges = Vec::new(alloc);
    let mut walk = Walk { alloc, visit, is_base, follows_merges, ids, merges, seen: None };
    let mut numbering = Ok(Numbering::AsVisited);
    repository.follow_many(alloc, &mut |follow| numbering = walk.run(follow, tip, order));
    Ok(History { ids: walk.ids, numbering: numbering? })
}

struct Walk<'a, N, B, V> {
    alloc: Alloc<'a>,
    visit: V,
    /// Whether a commit and its ancestors are excluded from the walk.
    is_base: B,
    /// Whether parents other than the first are part of the order.
    follows_merges: bool,
    /// The visited commits.
    ids: N,
    /// Visit number of each merge with each of its parents but the first, in ascending order of
    /// visit numbers.
    merges: Vec<'a, (u32, Oid)>,
    /// The visited commits as a set, once there is a second chain, which may reach them.
    seen: Option<Map<'a, Oid, ()>>,
}

/// A chain of first parents, whose commits are moved to the order, the oldest first.
struct Chain {
    /// Visit number of the newest commit of the chain.
    newest: u32,
    /// One more than the visit number of the oldest commit that is not in the order yet.
    end: u32,
    /// Number of other parents of that commit that were followed.
    parents_followed: usize,
}

impl<'a, E, N, B, V> Walk<'a, N, B, V>
where
    E: From<WalkError>,
    N: CommitIdList,
    B: FnMut(&Oid) -> bool,
    V: FnMut(&Commit<'_>) -> Result<(), E>,
{
    /// Visits the commits of `order`, and returns their numbering.
    fn run(
        &mut self,
        follow: &mut Follow<'_>,
        tip: Oid,
        order: EdgeOrder,
    ) -> Result<Numbering<'a>, E> {
        self.chain(follow, tip)?;
        Ok(match order {
            EdgeOrder::NewestFirst => Numbering::AsVisited,
            EdgeOrder::OldestFirst if self.merges.is_empty() => Numbering::Reversed,
            EdgeOrder::OldestFirst => Numbering::Listed(self.post_order(follow)?),
        })
    }

    /// Visits `tip` and its first parents down to a root, or to a commit that was visited before or
    /// is not part of the walk.
    fn chain(&mut self, follow: &mut Follow<'_>, tip: Oid) -> Result<Chain, E> {
        let Self { visit, is_base, follows_merges, ids, merges, seen, .. } = self;
        let newest = next_number(ids)?;
        let mut cycle = CycleDetector::new(tip);
        let mut outcome: Result<(), E> = Ok(());
        let walked = follow(tip, &mut |commit| {
            let is_seen = seen.as_ref().is_some_and(|seen| seen.get(&commit.id).is_some());
            if is_seen || is_base(&commit.id) {
                return ControlFlow::Break(());
            }
            outcome = (|| {
                cycle.check(commit.id)?;
                let number = next_number(ids)?;
                if *follows_merges {
                    let mut others = commit.parents().skip(1);
                    let mut push = |parent| merges.try_push((number, parent));
                    others.try_for_each(&mut push).map_err(WalkError::from)?;
                }
                visit(commit)?;
                ids.try_push(commit.id)?;
                if let Some(seen) = seen {
                    seen.try_insert(commit.id, ()).map_err(WalkError::from)?;
                }
                Ok(())
            })();
            if outcome.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        walked.map_err(WalkError::from)?;
        outcome?;
        Ok(Chain { newest, end: next_number(&self.ids)?, parents_followed: 0 })
    }

    /// Follows the other parents of merges, after the first chain, and returns the visit numbers in
    /// post-order.
    fn post_order(&mut self, follow: &mut Follow<'_>) -> Result<Vec<'a, u32>, E> {
        let mut seen = Map::new(self.alloc);
        seen.try_reserve(self.ids.len()).map_err(WalkError::from)?;
        for visit in 0..self.ids.len() {
            seen.try_insert(self.ids.get(visit)?, ()).map_err(WalkError::from)?;
        }
        self.seen = Some(seen);
        let mut order = Vec::new(self.alloc);
        let end = next_number(&self.ids)?;
        let mut chains = Vec::new(self.alloc);
        let first = Chain { newest: 0, end, parents_followed: 0 };
        chains.try_push(first).map_err(WalkError::from)?;
        while let Some(chain) = chains.last_mut() {
            if chain.newest == chain.end {
                chains.pop();
                continue;
            }
            let number = chain.end - 1;
            let first = self.merges.partition_point(|(merge, _)| *merge < number);
            let other_parent = self.merges.get(first + chain.parents_followed);
            match other_parent.filter(|(merge, _)| *merge == number) {
                Some(&(_, parent)) => {
                    chain.parents_followed += 1;
                    chains.try_push(self.chain(follow, parent)?).map_err(WalkError::from)?;
                }
                None => {
                    order.try_push(number).map_err(WalkError::from)?;
                    chain.end = number;
                    chain.parents_followed = 0;
                }
            }
        }
        Ok(order)
    }
}

/// The visit number of the next commit.
pub(super) fn next_number(ids: &impl CommitIdList) -> Result<u32, WalkError> {
    u32::try_from(ids.len()).map_err(|_| WalkError::TooManyCommits)
}

/// Detects a cycle in a chain of commits in constant space (Brent, 1980): each commit is compared
/// with a landmark, which is replaced by the current commit after 1, 2, 4, 8, ... steps.
pub(super) struct CycleDetector {
    landmark: Oid,
    steps: u64,
    steps_max: u64,
}

impl CycleDetector {
    pub(super) fn new(start: Oid) -> Self {
        Self { landmark: start, steps: 0, steps_max: 1 }
    }

    /// Checks the next commit of the chain.
    pub(super) fn check(&mut self, id: Oid) -> Result<(), WalkError> {
        if self.steps > 0 && id == self.landmark {
            return Err(WalkError::Cycle { id });
        }
        if self.steps == self.steps_max {
            self.landmark = id;
            self.steps_max = self.steps_max.saturating_mul(2);
            self.steps = 0;
        }
        self.steps += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
