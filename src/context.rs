//! The context: the ports that an operation runs on, as one value.
//!
//! The command line makes a context of the real adapters, tests make one of fakes. Services get
//! their ports as arguments and never call the system themselves.

mod memory;
mod op_arena;
pub mod operation;
mod toggles;

pub use self::memory::Memory;
pub use self::op_arena::{ArenaTotals, OpArena};
pub(crate) use self::toggles::parse::size as parse_size;
pub use self::toggles::{ArenaSize, Origin, Toggle, ToggleError, Toggles};

use crate::branch::{BranchName, BranchNameError};
use crate::cache::{
    Answer, Endpoint, FoundEdge, Query, QueryError, Rebuild, RebuildError, RebuildOptions, Report,
};
use crate::clock::Clock;
use crate::fs::FileSystem;
use crate::git::{self, Head, Repository};
use crate::memory::{Alloc, Arena, InternTable, Vec};
use crate::oid::Oid;
use crate::progress::Progress;
pub use gitmind_ports::pipeline::workers as available_workers;
use std::ops::ControlFlow;

/// The ports of an operation. A context cannot be made without an allocator.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The allocator, which charges the account of the operation.
    pub alloc: Alloc<'a>,
    /// The git repository with journal and cache.
    pub repository: &'a dyn Repository,
    /// The clock that dates commits and measures durations.
    pub clock: &'a dyn Clock,
    /// Receives the progress of long work.
    pub progress: &'a dyn Progress,
}

impl std::fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context").finish_non_exhaustive()
    }
}

/// What a rebuild needs beside the ports.
#[derive(Debug)]
pub struct Workspace<'w, 'm, 'd> {
    /// Memory that is freed when the rebuild ends. Its cap limits how much is in memory at once.
    pub arena: &'w mut Arena<'m>,
    /// An empty table, of whose kind paths are interned.
    pub texts: &'w InternTable<'d>,
    /// The file system that edges are spilled to when they would exceed the cap, such as
    /// [`PosixFileSystem::from_environment`](crate::fs::PosixFileSystem::from_environment). Without
    /// one, exceeding the cap or a budget is an error.
    pub disk: Option<&'d dyn FileSystem>,
    /// Threads beside the calling one. The repository may have threads of its own.
    pub workers: usize,
}

/// Why the current branch cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum HeadBranchError {
    /// HEAD cannot be read.
    #[error(transparent)]
    Repository(#[from] git::Error),
    /// HEAD is a branch whose name is not valid for a journal.
    #[error(transparent)]
    Name(#[from] BranchNameError),
}

impl<'a> Context<'a> {
    /// The default branch of a command: the one that is checked out, or `HEAD` when HEAD is
    /// detached.
    ///
    /// # Errors
    /// When HEAD cannot be read or the name of its branch is not valid for a journal.
    pub fn head_branch(&self) -> Result<BranchName, HeadBranchError> {
        let name = match self.repository.head()? {
            Head::Detached => "HEAD".into(),
            Head::Branch(name) => name,
        };
        let short = name.strip_prefix("refs/heads/").or_else(|| name.strip_prefix("refs/"));
        Ok(BranchName::new(short.unwrap_or(&name))?)
    }

    /// Brings the cache of `branch` up to date with its journal, or builds it.
    ///
    /// ```
    /// use gitmind::branch::BranchName;
    /// use gitmind::cache::{Direction, Endpoint, QueryError, RebuildOptions};
    /// use gitmind::clock::{FixedClock, Timestamp};
    /// use gitmind::context::{Context, Workspace};
    /// use gitmind::git::fake::FakeRepository;
    /// use gitmind::journal::EdgeOrder;
    /// use gitmind::memory::{Alloc, Arena, Budgeted, InternTable, Pooling, System, Zeroing};
    /// use gitmind::{oid::Oid, progress::Silent, units::Bytes};
    /// use std::ops::ControlFlow;
    /// let budget = Budgeted::new(System::new(), Bytes::from_mib(8));
    /// let alloc = Alloc::new(&budget);
    /// let (repository, branch) = (FakeRepository::default(), BranchName::new("main")?);
    /// // One edge without any field: both ends are the zero id.
    /// repository.set_ref(&branch.journal_ref(), repository.commit(&[], b"oA=="));
    /// let clock = FixedClock(Timestamp { seconds: 1_700_000_000, offset_seconds: 0 });
    /// let context = Context { alloc, repository: &repository, clock: &clock, progress: &Silent };
    ///
    /// let mut arena = Arena::begin(alloc, Bytes::from_mib(1), Bytes::from_mib(4));
    /// let texts = InternTable::new(alloc, Pooling::On, Zeroing::Off);
    /// let workspace = Workspace { arena: &mut arena, texts: &texts, disk: None, workers: 0 };
    /// let edge_order = EdgeOrder::OldestFirst;
    /// let options = RebuildOptions { edge_order, force: false, strict: true };
    /// let report = context.rebuild(workspace, &branch, options)?;
    /// assert_eq!((report.meta.edges, report.meta.commits), (1, 1));
    ///
    /// let to = Endpoint::object(Oid::ZERO, Direction::Reverse);
    /// let answer = context.query(&branch, to, |found| {
    ///     assert_eq!(found.id, 0);
    ///     Ok::<_, QueryError>(ControlFlow::Continue(()))
    /// })?;
    /// assert!(answer.unusable.is_none(), "the cache answered");
    /// drop(arena);
    /// assert_eq!(budget.used(), Bytes::ZERO);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// A [`RebuildError`]; no ref has changed then.
    pub fn rebuild(
        &self,
        workspace: Workspace<'_, '_, 'a>,
        branch: &BranchName,
        options: RebuildOptions,
    ) -> Result<Report, RebuildError> {
        let Self { alloc, repository, clock, progress } = *self;
        let Workspace { arena, texts, disk, workers } = workspace;
        let rebuild = Rebuild { alloc, repository, clock, progress, disk, workers, texts };
        rebuild.run(arena, branch, options)
    }

    /// Calls `visit` with each edge of `branch` that has this endpoint, by ascending ids, until it
    /// breaks.
    ///
    /// # Errors
    /// What `visit` returns, or a [`QueryError`].
    pub fn query<E: From<QueryError>>(
        &self,
        branch: &BranchName,
        endpoint: Endpoint<'_>,
        visit: impl FnMut(&FoundEdge<'_>) -> Result<ControlFlow<()>, E>,
    ) -> Result<Answer, E> {
        Query { alloc: self.alloc, repository: self.repository }.run(branch, endpoint, visit)
    }

    /// For each of `ends`, whether an edge of `branch` that is not taken back starts or ends at the
    /// content, or was recorded under the path.
    ///
    /// # Errors
    /// A [`QueryError`].
    pub fn linked(
        &self,
        branch: &BranchName,
        ends: &[(Oid, &[u8])],
    ) -> Result<Vec<'a, bool>, QueryError> {
        Query { alloc: self.alloc, repository: self.repository }.linked(branch, ends)
    }
}
