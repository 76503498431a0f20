//! The order in which a journal's commits, and so its edges, are numbered.
//!
//! *Newest first* is the C tool's: from the tip along first parents to the root. It does not see
//! what merges brought in, and every append shifts every number.
//!
//! *Oldest first* is ours: the order of a commit's history is that of its first parent, then what
//! each other parent adds in its own order, then the commit itself; that is a depth-first
//! post-order over parents in order. An append along the first parent never moves a number.
//!
//! Both are found in one pass that reads each commit once, newest first, as packs store them: the
//! walk hands out visit numbers, and the order is a permutation of those. A journal without merges
//! needs no table for it.

use core::ops::ControlFlow;
use gitmind_git::oid::Oid;
use gitmind_git::{self as git, Commit, Follow, Repository};
use gitmind_memory::{Alloc, Map, MemoryError, Vec};
use gitmind_ports::fs::FsError;

/// How the edges of a journal are numbered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EdgeOrder {
    /// From the first edge ever written, merges included: stable under append.
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

/// Why a journal's commits cannot be put in order.
#[derive(Debug, thiserror::Error)]
pub enum WalkError {
    /// A commit cannot be read.
    #[error(transparent)]
    Repository(#[from] git::Error),
    /// A commit is its own ancestor, which only a damaged repository can say.
    #[error("commit {id} is its own ancestor")]
    Cycle {
        /// The commit.
        id: Oid,
    },
    /// There are more commits than numbers.
    #[error("the journal has more than {} commits", u32::MAX)]
    TooManyCommits,
    /// The names of commits cannot be kept on the disk.
    #[error("cannot keep the names of commits on the disk")]
    Names(#[source] FsError),
    /// There was no memory for a commit's payload or for the order of the commits.
    #[error("no memory to read the journal: {0}")]
    Memory(#[from] MemoryError),
}

impl WalkError {
    /// The refusal, however deep it was, when memory was short.
    pub const fn memory(&self) -> Option<MemoryError> {
        match self {
            Self::Memory(error)
            | Self::Repository(git::Error::Memory(error))
            | Self::Names(FsError::Memory(error)) => Some(*error),
            _ => None,
        }
    }
}

impl From<FsError> for WalkError {
    fn from(error: FsError) -> Self {
        match error {
            FsError::Memory(error) => Self::Memory(error),
            error => Self::Names(error),
        }
    }
}

/// The names of visited commits; the index is the visit number.
pub trait CommitNames {
    /// Adds the name of the commit that was visited now.
    ///
    /// # Errors
    /// [`WalkError::Memory`] or [`WalkError::Names`].
    fn try_push(&mut self, name: Oid) -> Result<(), WalkError>;

    /// How many there are.
    fn len(&self) -> usize;

    /// The name with this index, which is below the count.
    ///
    /// # Errors
    /// [`WalkError::Memory`] or [`WalkError::Names`].
    fn get(&self, index: usize) -> Result<Oid, WalkError>;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl CommitNames for Vec<'_, Oid> {
    fn try_push(&mut self, name: Oid) -> Result<(), WalkError> {
        Ok(Vec::try_push(self, name)?)
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
    names: N,
    numbering: Numbering<'a>,
}

/// How visit numbers become the order.
#[derive(Debug)]
enum Numbering<'a> {
    AsVisited,
    Reversed,
    Listed(Vec<'a, u32>),
}

impl History<'_> {
    /// The commits as they were visited; the index is the visit number.
    pub fn commits(&self) -> &[Oid] {
        &self.names
    }
}

impl<N: CommitNames> History<'_, N> {
    /// Commits of a chain, each visited before its first parent.
    pub(super) const fn reversed(names: N) -> Self {
        Self { names, numbering: Numbering::Reversed }
    }

    /// The names of the commits; the index is the visit number.
    pub const fn names(&self) -> &N {
        &self.names
    }

    /// The visit numbers of all commits, in the order in which their edges are numbered.
    pub fn numbered(&self) -> impl Iterator<Item = u32> + Clone + '_ {
        // The walk refuses more commits than a u32 can number.
        (0_u32..).take(self.names.len()).map(|position| match &self.numbering {
            Numbering::AsVisited => position,
            Numbering::Reversed => self.last() - position,
            Numbering::Listed(visits) => visits[position as usize],
        })
    }

    /// The visit number of the last commit; 0 when there is none.
    fn last(&self) -> u32 {
        u32::try_from(self.names.len().saturating_sub(1)).unwrap_or(u32::MAX)
    }
}

/// Visits every commit of the journal at `tip` that `order` numbers, each once. What it keeps is
/// taken from `alloc`.
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
/// What `visit` returns, or a [`WalkError`].
pub fn walk<'a, E: From<WalkError>>(
    repository: &dyn Repository,
    alloc: Alloc<'a>,
    tip: Oid,
    order: EdgeOrder,
    visit: impl FnMut(&Commit<'_>) -> Result<(), E>,
) -> Result<History<'a>, E> {
    walk_into(repository, alloc, tip, order, Vec::new(alloc), visit)
}

/// As [`walk`], with the names of the commits put into `names`, which is empty.
///
/// # Errors
/// What `visit` returns, or a [`WalkError`].
pub fn walk_into<'a, E: From<WalkError>, N: CommitNames>(
    repository: &dyn Repository,
    alloc: Alloc<'a>,
    tip: Oid,
    order: EdgeOrder,
    names: N,
    visit: impl FnMut(&Commit<'_>) -> Result<(), E>,
) -> Result<History<'a, N>, E> {
    let merges_count = order == EdgeOrder::OldestFirst;
    let mut walk = Walk { alloc, visit, merges_count, names, merges: Vec::new(alloc), seen: None };
    let mut numbering = Ok(Numbering::AsVisited);
    repository.follow_many(alloc, &mut |follow| numbering = walk.run(follow, tip, order));
    Ok(History { names: walk.names, numbering: numbering? })
}

struct Walk<'a, N, V> {
    alloc: Alloc<'a>,
    visit: V,
    merges_count: bool,
    /// Visited commits; the index is the visit number.
    names: N,
    /// Visit number and other parents of merges: sorted by the number, parents in order.
    merges: Vec<'a, (u32, Oid)>,
    /// The visited commits, once there is a second chain that could meet them.
    seen: Option<Map<'a, Oid, ()>>,
}

/// A chain of first parents whose commits are being put in order, oldest first.
struct Chain {
    /// Visit number of its newest commit.
    newest: u32,
    /// Visit number after its oldest commit that is not yet in the order.
    end: u32,
    /// Other parents of that commit that were already followed.
    parents_followed: usize,
}

impl<'a, E, N, V> Walk<'a, N, V>
where
    E: From<WalkError>,
    N: CommitNames,
    V: FnMut(&Commit<'_>) -> Result<(), E>,
{
    /// Visits what `tip` and `order` say, and returns how it is numbered.
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

    /// Visits `tip` and its first parents down to a root or to a commit that was visited before.
    fn chain(&mut self, follow: &mut Follow<'_>, tip: Oid) -> Result<Chain, E> {
        let Self { visit, merges_count, names, merges, seen, .. } = self;
        let newest = next_number(names)?;
        let mut cycle = CycleDetector::new(tip);
        let mut outcome: Result<(), E> = Ok(());
        let walked = follow(tip, &mut |commit| {
            if seen.as_ref().is_some_and(|seen| seen.get(&commit.id).is_some()) {
                return ControlFlow::Break(());
            }
            outcome = (|| {
                cycle.check(commit.id)?;
                let number = next_number(names)?;
                if *merges_count {
                    let mut others = commit.parents().skip(1);
                    let mut push = |parent| merges.try_push((number, parent));
                    others.try_for_each(&mut push).map_err(WalkError::from)?;
                }
                visit(commit)?;
                names.try_push(commit.id)?;
                if let Some(seen) = seen {
                    seen.try_insert(commit.id, ()).map_err(WalkError::from)?;
                }
                Ok(())
            })();
            if outcome.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        walked.map_err(WalkError::from)?;
        outcome?;
        Ok(Chain { newest, end: next_number(&self.names)?, parents_followed: 0 })
    }

    /// Follows the other parents of merges and lists visit numbers in post-order. The first chain
    /// has been visited.
    fn post_order(&mut self, follow: &mut Follow<'_>) -> Result<Vec<'a, u32>, E> {
        let mut seen = Map::new(self.alloc);
        seen.try_reserve(self.names.len()).map_err(WalkError::from)?;
        for visit in 0..self.names.len() {
            seen.try_insert(self.names.get(visit)?, ()).map_err(WalkError::from)?;
        }
        self.seen = Some(seen);
        let mut order = Vec::new(self.alloc);
        let end = next_number(&self.names)?;
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

/// The visit number that the next commit gets.
pub(super) fn next_number(names: &impl CommitNames) -> Result<u32, WalkError> {
    u32::try_from(names.len()).map_err(|_| WalkError::TooManyCommits)
}

/// Finds a cycle in a chain of commits in constant space (Brent, 1980): each commit is compared
/// with one before it, which is replaced at distances that double.
pub(super) struct CycleDetector {
    landmark: Oid,
    steps: u64,
    steps_max: u64,
}

impl CycleDetector {
    pub(super) fn new(start: Oid) -> Self {
        Self { landmark: start, steps: 0, steps_max: 1 }
    }

    /// Takes the next commit of the chain.
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
