//! The query: the edges that start or end at an object or a path, with their ids.
//!
//! A current cache answers it: the bitmap gives the ids, the commit index their journal commits,
//! and each of these is read once. The hash of every object of the cache is verified, and so is the
//! endpoint of every edge. When the cache is missing, stale or damaged, a walk of the journal gives
//! the same edges with the same ids. Edges that were visited before the damage was found are not
//! visited again.
//!
//! The ids are numbered in the order of the cache if its metadata is valid and current, else oldest
//! first.

mod emitter;
mod error;
mod lookup;
mod scan;

pub use self::error::{QueryError, Unusable};

use self::emitter::{EmitError, Emitter};
use self::lookup::Lookup;
use super::shard::Direction;
use core::ops::ControlFlow;
use gitmind_git::branch::BranchName;
use gitmind_git::oid::Oid;
use gitmind_git::{Repository, Signature};
use gitmind_journal::{Edge, EdgeOrder, MalformedCounts};
use gitmind_memory::Alloc;

/// What a query needs.
#[derive(Clone, Copy)]
pub struct Query<'a> {
    /// Allocates the buffers of the query.
    pub alloc: Alloc<'a>,
    /// The repository that holds the journal and the cache.
    pub repository: &'a dyn Repository,
}

impl core::fmt::Debug for Query<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Query").finish_non_exhaustive()
    }
}

/// The object or the path at one end of the edges of a query. With both, edges of either are found:
/// those of a file, whatever its content was when they were recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoint<'e> {
    /// The object.
    pub object: Option<Oid>,
    /// The path under which that end was recorded, in the bytes of the journal; not empty.
    pub path: Option<&'e [u8]>,
    /// Whether that end is the source or the target.
    pub direction: Direction,
}

impl Endpoint<'_> {
    /// The edges that start or end at an object, under whatever path.
    pub const fn object(object: Oid, direction: Direction) -> Self {
        Self { object: Some(object), path: None, direction }
    }

    /// The object of `edge` at this end.
    pub const fn object_of(&self, edge: &Edge<'_>) -> Oid {
        match self.direction {
            Direction::Forward => edge.source,
            Direction::Reverse => edge.target,
        }
    }

    /// Whether `edge` has this endpoint.
    fn is_of(&self, edge: &Edge<'_>) -> bool {
        let path = match self.direction {
            Direction::Forward => edge.source_path,
            Direction::Reverse => edge.target_path,
        };
        self.object == Some(self.object_of(edge))
            || self.path.is_some_and(|wanted| wanted == path && !path.is_empty())
    }
}

/// An edge of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoundEdge<'a> {
    /// The edge id.
    pub id: u32,
    /// The journal commit that holds it.
    pub commit: Oid,
    /// Who made that commit, and when; `None` when its header is malformed.
    pub author: Option<Signature<'a>>,
    /// The edge itself.
    pub edge: Edge<'a>,
}

/// How a query was answered.
#[derive(Debug)]
pub struct Answer {
    /// The order in which the ids number the edges.
    pub edge_order: EdgeOrder,
    /// Number of edges that were visited.
    pub edges: u64,
    /// Why the cache could not be used; `None` if the answer is from the cache.
    pub unusable: Option<Unusable>,
    /// The malformed commits of the journal, whose edges are in no answer; only their counts if the
    /// answer is from the cache.
    pub malformed: MalformedCounts,
}

impl Query<'_> {
    /// Visits the edges of `branch` with this endpoint, in ascending order of ids, until `visit`
    /// breaks.
    ///
    /// ```
    /// use gitmind_git::branch::BranchName;
    /// use gitmind_cache::{Direction, Endpoint, Query, QueryError};
    /// use gitmind_git::{fake::FakeRepository, oid::Oid};
    /// use gitmind_memory::{Alloc, System};
    /// use std::ops::ControlFlow;
    /// let (repository, system) = (FakeRepository::default(), System::new());
    /// // One edge without any field: both ends are the zero id.
    /// repository.set_ref("refs/gitmind/edges/main", repository.commit(&[], b"oA=="));
    /// let query = Query { alloc: Alloc::new(&system), repository: &repository };
    /// let from = Endpoint::object(Oid::ZERO, Direction::Forward);
    /// let mut ids = vec![];
    /// let answer = query.run(&BranchName::new("main")?, from, |found| {
    ///     ids.push(found.id);
    ///     Ok::<_, QueryError>(ControlFlow::Continue(()))
    /// })?;
    /// assert_eq!(ids, [0]);
    /// let why = answer.unusable.map(|why| why.to_string());
    /// assert_eq!(why.as_deref(), Some("there is no cache"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The error of `visit`, or a [`QueryError`]. An unusable cache is not an error; the journal
    /// answers.
    pub fn run<E: From<QueryError>>(
        &self,
        branch: &BranchName,
        endpoint: Endpoint<'_>,
        visit: impl FnMut(&FoundEdge<'_>) -> Result<ControlFlow<()>, E>,
    ) -> Result<Answer, E> {
        let Self { alloc, repository } = *self;
        let tip = repository.resolve(&branch.journal_ref()).map_err(QueryError::from)?;
        let tip = tip.ok_or_else(|| QueryError::NoJournal(branch.clone()))?;
        let mut emitter = Emitter::new(repository, alloc, endpoint, visit);
        let (edge_order, unusable) = match Lookup::open(repository, alloc, branch, tip) {
            Ok(lookup) => match lookup.answer(endpoint, &mut emitter) {
                Ok(()) => return Ok(lookup.report(emitter.edges())),
                Err(EmitError::Visit(error)) => return Err(error),
                Err(EmitError::Object(error)) => (lookup.edge_order(), Unusable::Damaged(error)),
            },
            Err(unusable) => (EdgeOrder::OldestFirst, unusable),
        };
        // An allocation failure does not mean that the cache is damaged.
        if let Some(failure) = unusable.memory() {
            return Err(QueryError::Memory(failure).into());
        }
        let scan = scan::Scan { repository, alloc, tip, edge_order, endpoint };
        let answer = scan.run(&mut emitter)?;
        Ok(Answer { unusable: Some(unusable), edges: emitter.edges(), ..answer })
    }
}
