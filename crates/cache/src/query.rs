//! The query: the edges that start or end at an object or a path, with their ids.
//!
//! A cache answers it: the bitmap gives the ids, the commit index their journal commits, and each
//! of these is read once. Commits that are newer than the cache are read as well. The hash of every
//! object of the cache is verified, and so is the endpoint of every edge. When the cache is
//! missing, damaged or not of an earlier state of the journal, a walk of the journal gives the same
//! edges with the same ids. Edges that were visited before the damage was found are not visited
//! again.
//!
//! The ids are numbered in the order of the cache if it answers, else oldest first.

mod contents;
mod emitter;
mod error;
mod linked;
mod lookup;
mod newer;

pub use self::contents::Content;
pub use self::error::{QueryError, Unusable};

use self::contents::Contents;
use self::emitter::{EmitError, Emitter, View};
use self::lookup::Lookup;
use self::newer::Range;
use super::marks::Marks;
use super::shard::Direction;
use core::ops::ControlFlow;
use gitmind_git::branch::BranchName;
use gitmind_git::oid::Oid;
use gitmind_git::{Repository, Signature};
use gitmind_journal::{Edge, EdgeOrder, MalformedCounts, Standing};
use gitmind_memory::{Alloc, Vec};

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
    /// Whether that end is the source or the target; `None`: either.
    pub direction: Option<Direction>,
    /// Whether edges of older contents are found too. A chain of AUGMENTS edges leads from such a
    /// content to the object, or to another content that the path had.
    pub follow: bool,
}

impl<'e> Endpoint<'e> {
    /// The edges that start or end at an object, under whatever path.
    pub const fn object(object: Oid, direction: Direction) -> Self {
        Self { object: Some(object), path: None, direction: Some(direction), follow: false }
    }

    /// The edges of a file with all its contents: `object` is the one that it has now, if any.
    pub const fn file(object: Option<Oid>, path: &'e [u8], direction: Option<Direction>) -> Self {
        Self { object, path: Some(path), direction, follow: true }
    }

    /// Whether `end` is asked for.
    const fn includes(&self, end: Direction) -> bool {
        match self.direction {
            None => true,
            Some(direction) => matches!(
                (direction, end),
                (Direction::Forward, Direction::Forward) | (Direction::Reverse, Direction::Reverse)
            ),
        }
    }
}

/// An edge of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoundEdge<'a> {
    /// The edge id.
    pub id: u32,
    /// The journal commit that holds it.
    pub commit: Oid,
    /// The author and the time of that commit; `None` when its header is malformed.
    pub author: Option<Signature<'a>>,
    /// The edge itself.
    pub edge: Edge<'a>,
    /// The relation of its content to the endpoint.
    pub content: Content,
    /// The end by which it does so: the source if `Forward`.
    pub end: Direction,
    /// Whether it is live, taken back or a tombstone.
    pub standing: Standing,
    /// Whether it is an AUGMENTS edge from one of the contents that the endpoint has or had to
    /// another.
    pub connects_contents: bool,
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
    /// The number of commits that were read since they are newer than the cache.
    pub commits_newer: u64,
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
        let mut emitter = Emitter::new(repository, alloc, visit);
        let (edge_order, unusable) = match Lookup::open(repository, alloc, branch, tip) {
            Ok(lookup) => match self.answer(
                Some(&lookup),
                tip,
                lookup.meta.edge_order,
                endpoint,
                &mut emitter,
            ) {
                Ok(Some(answer)) => return Ok(answer),
                Ok(None) => (EdgeOrder::OldestFirst, lookup.stale(tip)),
                Err(EmitError::Object(error)) if error.memory().is_none() => {
                    (lookup.meta.edge_order, Unusable::Damaged(error))
                }
                Err(error) => return Err(error.into_visitors()),
            },
            Err(unusable) => (EdgeOrder::OldestFirst, unusable),
        };
        // An allocation failure does not mean that the cache is damaged.
        if let Some(failure) = unusable.memory() {
            return Err(QueryError::Memory(failure).into());
        }
        let answer = self.answer(None, tip, edge_order, endpoint, &mut emitter);
        let answer = answer.map_err(EmitError::into_visitors)?;
        let answer = answer.expect("this holds because a walk of the whole journal has no base");
        Ok(Answer { unusable: Some(unusable), commits_newer: 0, ..answer })
    }

    /// Answers from a cache and the commits that are newer, or from the journal alone; `None` if
    /// the cache is not of an earlier state of the journal.
    fn answer<V, E>(
        &self,
        lookup: Option<&Lookup<'_, '_>>,
        tip: Oid,
        edge_order: EdgeOrder,
        endpoint: Endpoint<'_>,
        emitter: &mut Emitter<'_, '_, V>,
    ) -> Result<Option<Answer>, EmitError<E>>
    where
        V: FnMut(&FoundEdge<'_>) -> Result<ControlFlow<()>, E>,
    {
        let Self { alloc, repository } = *self;
        let mut contents = Contents::new(alloc, endpoint)?;
        let base = lookup.map(|lookup| (lookup.meta.journal_tip, lookup.meta.edges));
        let range = Range { repository, alloc, tip, order: edge_order, base };
        let Some(mut newer) = range.read(&contents)? else { return Ok(None) };
        let mut marks = lookup.map_or_else(|| Ok(Marks::new(alloc)), Lookup::marks)?;
        let found_first = contents.all().len();
        let ids = match lookup {
            Some(lookup) => lookup.ids(&mut contents, &marks, &newer)?,
            None => {
                newer.follow(&mut contents)?;
                Vec::new(alloc)
            }
        };
        if contents.all().len() > found_first && newer.commits() > 0 {
            newer.find_again(&contents)?;
        }
        let before = base.map_or(0, |(_, edges)| edges);
        marks.try_append(&newer.marks, before)?;
        let view = View { contents: &contents, marks: &marks, order: edge_order };
        let mut malformed = newer.malformed.clone();
        let mut flow = ControlFlow::Continue(());
        if let Some(lookup) = lookup {
            flow = lookup.emit(&ids, &view, emitter)?;
            let of_cache = lookup.meta.malformed();
            malformed.skipped += of_cache.skipped;
            malformed.truncated += of_cache.truncated;
        }
        if flow.is_continue() {
            newer.emit(&view, emitter)?;
        }
        let (edges, commits_newer) = (emitter.edges(), newer.commits() as u64);
        Ok(Some(Answer { edge_order, edges, unusable: None, commits_newer, malformed }))
    }
}
