//! The query: the edges that start or end at an object, with their ids.
//!
//! The answer comes from the branch's cache when that is current: bitmap, commit index, then the
//! journal commits that hold the edges, each read once. Every object of the cache must have the
//! content that its name stands for, and every edge the endpoint that was asked for. When the cache
//! is missing, stale or damaged, the journal is walked instead and gives the same edges with the
//! same ids; what was handed over before the damage was met stays, and is not repeated.
//!
//! Ids are those of the cache's numbering while its metadata is readable and current, and those of
//! oldest-first otherwise.

mod emitter;
mod error;
mod lookup;
mod scan;

pub use self::error::{QueryError, Unusable};

use self::emitter::{EmitError, Emitter};
use self::lookup::Lookup;
use super::shard::Direction;
use core::ops::ControlFlow;
use gitmind_git::Repository;
use gitmind_git::branch::BranchName;
use gitmind_git::oid::Oid;
use gitmind_journal::{Edge, EdgeOrder, MalformedCounts};
use gitmind_memory::Alloc;

/// What a query needs.
#[derive(Clone, Copy)]
pub struct Query<'a> {
    /// Where the memory of the query comes from.
    pub alloc: Alloc<'a>,
    /// Where the journal and the cache are.
    pub repository: &'a dyn Repository,
}

impl core::fmt::Debug for Query<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Query").finish_non_exhaustive()
    }
}

/// Which edges are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The object at one end of them.
    pub oid: Oid,
    /// Which end that is.
    pub direction: Direction,
}

impl Endpoint {
    /// Whether `edge` has this endpoint.
    fn is_of(&self, edge: &Edge<'_>) -> bool {
        self.oid
            == match self.direction {
                Direction::Forward => edge.source,
                Direction::Reverse => edge.target,
            }
    }
}

/// An edge of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoundEdge<'a> {
    /// Its id.
    pub id: u32,
    /// The journal commit that holds it.
    pub commit: Oid,
    /// The edge itself.
    pub edge: Edge<'a>,
}

/// How a query was answered.
#[derive(Debug)]
pub struct Answer {
    /// What the ids are.
    pub edge_order: EdgeOrder,
    /// Edges that were handed over.
    pub edges: u64,
    /// Why the cache did not do; `None` when the answer is the cache's.
    pub unusable: Option<Unusable>,
    /// The malformed commits of the journal, whose edges are in no answer; a cache knows their
    /// number alone.
    pub malformed: MalformedCounts,
}

impl Query<'_> {
    /// Hands the edges of `branch` with this endpoint to `visit`, by ascending ids, until it
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
    /// let from = Endpoint { oid: Oid::ZERO, direction: Direction::Forward };
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
    /// What `visit` returns, or a [`QueryError`]. A cache that cannot be used is none.
    pub fn run<E: From<QueryError>>(
        &self,
        branch: &BranchName,
        endpoint: Endpoint,
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
        // The cache may be whole when only memory was short.
        if let Some(refused) = unusable.memory() {
            return Err(QueryError::Memory(refused).into());
        }
        let scan = scan::Scan { repository, alloc, tip, edge_order, endpoint };
        let answer = scan.run(&mut emitter)?;
        Ok(Answer { unusable: Some(unusable), edges: emitter.edges(), ..answer })
    }
}
