//! The part of an answer that is not in the cache: the commits that are newer, or the whole
//! journal.
//!
//! The walk is newest first, and an edge id is known only when all older commits have been counted.
//! So the first pass stores 24 bytes for each commit, the position of each edge found, 4 bytes, and
//! what AUGMENTS edges and tombstones say. The edges found are read again in the order of their
//! ids. When the endpoint turns out to have older contents, another pass finds their edges.

use super::contents::Contents;
use super::emitter::{EmitError, Emitter, View};
use super::{FoundEdge, QueryError};
use crate::commit_index::CommitRecord;
use crate::marks::Marks;
use crate::numbered::NumberedCommits;
use core::ops::ControlFlow;
use gitmind_git::oid::Oid;
use gitmind_git::{Commit, Repository};
use gitmind_journal::{
    Edge, EdgeOrder, JournalItem, MalformedCounts, PayloadBuffer, RangeWalk, Relation, walk,
    walk_range,
};
use gitmind_memory::{Alloc, Column, Vec};

/// A cache that is this many commits behind is still used.
const COMMITS_MAX: usize = 1 << 16;

/// The commits of a journal that are newer than a cache.
#[derive(Clone, Copy)]
pub(super) struct Range<'q, 'a> {
    pub(super) repository: &'q dyn Repository,
    pub(super) alloc: Alloc<'a>,
    pub(super) tip: Oid,
    pub(super) order: EdgeOrder,
    /// The tip of the cache and its number of edges; `None`: all commits are newer.
    pub(super) base: Option<(Oid, u32)>,
}

/// What these commits have for an endpoint.
pub(super) struct Newer<'q, 'a> {
    range: Range<'q, 'a>,
    commits: NumberedCommits<'a>,
    /// The positions of the edges found, ascending.
    found: Vec<'a, u32>,
    /// The objects of AUGMENTS edges, target first, in ascending order, and whether the target was
    /// recorded under the path of the endpoint.
    versions: Vec<'a, (Oid, Oid, bool)>,
    /// The marked edges, with ids from 0 for the first of these commits.
    pub(super) marks: Marks<'a>,
    pub(super) malformed: MalformedCounts,
}

impl<'q, 'a> Range<'q, 'a> {
    /// Reads the commits; `None` when the base is not among the nearest first parents of the tip.
    pub(super) fn read(
        self,
        contents: &Contents<'_, '_>,
    ) -> Result<Option<Newer<'q, 'a>>, QueryError> {
        let alloc = self.alloc;
        let (mut found, mut versions) = (Vec::new(alloc), Vec::new(alloc));
        let (mut marks, mut malformed) = (Marks::new(alloc), MalformedCounts::default());
        let endpoint = contents.endpoint;
        let commits = self.each(&mut malformed, |position, edge| {
            if contents.of(edge).is_some() {
                found.try_push(position)?;
            }
            if endpoint.follow && edge.relation == Relation::AUGMENTS {
                let is_of_path = endpoint.path == Some(edge.target_path);
                versions.try_push((edge.target, edge.source, is_of_path))?;
            }
            Ok(marks.try_push(edge, position)?)
        })?;
        let Some(commits) = commits else { return Ok(None) };
        versions.sort_unstable();
        let marks = marks.numbered(&commits)?;
        Ok(Some(Newer { range: self, commits, found, versions, marks, malformed }))
    }

    /// Visits each edge with its position in visiting order.
    pub(super) fn each(
        &self,
        malformed: &mut MalformedCounts,
        mut visit: impl FnMut(u32, &Edge<'_>) -> Result<(), QueryError>,
    ) -> Result<Option<NumberedCommits<'a>>, QueryError> {
        let Self { repository, alloc, tip, order, base } = *self;
        let (mut starts, mut payload) = (Column::new(alloc), PayloadBuffer::new(alloc));
        let mut edges_read = 0_u32;
        let read = |commit: &Commit<'_>| {
            starts.try_push(edges_read)?;
            let read = payload.read(commit, |item| {
                match item {
                    JournalItem::Edge(_, edge) => {
                        visit(edges_read, edge)?;
                        edges_read = edges_read.checked_add(1).ok_or(QueryError::TooManyEdges)?;
                    }
                    JournalItem::Malformed(found) => malformed.add(found),
                }
                Ok::<_, QueryError>(ControlFlow::Continue(()))
            });
            read.map(|_| ())
        };
        let history = match base {
            None => walk(repository, alloc, tip, order, read)?,
            Some((base, _)) => {
                let ids = Vec::new(alloc);
                match walk_range(repository, alloc, tip, base, COMMITS_MAX, ids, read)? {
                    RangeWalk::Newer(history) => history,
                    RangeWalk::Merge | RangeWalk::BaseNotFound => return Ok(None),
                }
            }
        };
        starts.try_push(edges_read)?;
        Ok(Some(NumberedCommits::new(history, starts)))
    }
}

impl Newer<'_, '_> {
    /// The number of commits.
    pub(super) fn commits(&self) -> usize {
        self.commits.len()
    }

    /// The objects from which AUGMENTS edges lead to `target`.
    pub(super) fn sources_of(&self, target: Oid) -> impl Iterator<Item = Oid> + '_ {
        let start = self.versions.partition_point(|(other, ..)| *other < target);
        let of_target =
            self.versions[start..].iter().take_while(move |(other, ..)| *other == target);
        of_target.map(|(_, source, _)| *source)
    }

    /// The objects of AUGMENTS edges whose target was recorded under the path.
    pub(super) fn versions_of_path(&self) -> impl Iterator<Item = [Oid; 2]> + '_ {
        let of_path = self.versions.iter().filter(|(.., is_of_path)| *is_of_path);
        of_path.map(|(target, source, _)| [*target, *source])
    }

    /// Adds the older contents from which AUGMENTS edges lead to the known ones.
    pub(super) fn follow(&self, contents: &mut Contents<'_, '_>) -> Result<(), QueryError> {
        let mut next = 0;
        for is_of_path in [false, true] {
            for [target, source] in self.versions_of_path().filter(|_| is_of_path) {
                contents.try_insert(target, None)?;
                contents.try_insert(source, None)?;
            }
            while let Some((content, since)) = contents.get(next) {
                next += 1;
                let since = since.map(|since| since.saturating_add(1));
                let mut sources = self.sources_of(content);
                sources.try_for_each(|source| contents.try_insert(source, since))?;
            }
        }
        Ok(())
    }

    /// Finds the edges of all `contents`, of which there are more now.
    pub(super) fn find_again(&mut self, contents: &Contents<'_, '_>) -> Result<(), QueryError> {
        let Self { range, found, .. } = self;
        found.clear();
        range.each(&mut MalformedCounts::default(), |position, edge| {
            if contents.of(edge).is_some() {
                found.try_push(position)?;
            }
            Ok(())
        })?;
        Ok(())
    }

    /// Visits the edges found that `emitter` has not visited yet.
    pub(super) fn emit<V, E>(
        &self,
        view: &View<'_, '_, '_>,
        emitter: &mut Emitter<'_, '_, V>,
    ) -> Result<(), EmitError<E>>
    where
        V: FnMut(&FoundEdge<'_>) -> Result<ControlFlow<()>, E>,
    {
        let (found, before) = (&self.found, self.range.base.map_or(0, |(_, edges)| edges));
        for span in self.commits.spans() {
            let until = |position: u32| found.partition_point(|edge| *edge < position);
            let found = &found[until(span.visited.start)..until(span.visited.end)];
            let first_edge = before + span.first_edge;
            let ids = found.iter().map(|edge| edge - span.visited.start + first_edge);
            let next_id = emitter.next_id();
            let mut ids = ids.filter(|id| *id >= next_id).peekable();
            if ids.peek().is_none() {
                continue;
            }
            let commit = self.commits.record(&span).map_err(QueryError::from)?.commit;
            if emitter.commit(&CommitRecord { first_edge, commit }, ids, view)?.is_break() {
                break;
            }
        }
        Ok(())
    }
}
