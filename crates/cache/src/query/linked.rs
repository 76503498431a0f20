//! Whether contents and paths have any edge that counts, for many of them at once.
//!
//! The cache is opened once, and journal commits that are newer are read once. Of the cache's edges
//! none is read, unless tombstones may have taken back all that an end has.

use super::lookup::Lookup;
use super::newer::Range;
use super::{Endpoint, Query, QueryError};
use crate::existing::ExistingError;
use core::ops::ControlFlow;
use gitmind_git::branch::BranchName;
use gitmind_git::oid::Oid;
use gitmind_journal::{
    Edge, JournalItem, MalformedCounts, PayloadBuffer, Standing, Tombstones, walk_newest,
};
use gitmind_memory::{Alloc, Map, MemoryError, Vec};

/// A content, and the path that it has or had.
type End<'e> = (Oid, &'e [u8]);

impl<'a> Query<'a> {
    /// For each of `ends`, whether an edge of `branch` that is not taken back starts or ends at the
    /// content, or was recorded under the path; the empty path stands for none.
    ///
    /// ```
    /// use gitmind_git::branch::BranchName;
    /// use gitmind_cache::Query;
    /// use gitmind_git::{fake::FakeRepository, oid::Oid};
    /// use gitmind_memory::{Alloc, System};
    /// let (repository, system) = (FakeRepository::default(), System::new());
    /// // One edge without any field: both ends are the zero id.
    /// repository.set_ref("refs/gitmind/edges/main", repository.commit(&[], b"oA=="));
    /// let query = Query { alloc: Alloc::new(&system), repository: &repository };
    /// let ends = [(Oid::ZERO, &b""[..]), (Oid::new([1; 20]), b"a.c")];
    /// assert_eq!(*query.linked(&BranchName::new("main")?, &ends)?, [true, false]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// A [`QueryError`]. An unusable cache is not an error; the journal answers.
    pub fn linked(
        &self,
        branch: &BranchName,
        ends: &[(Oid, &[u8])],
    ) -> Result<Vec<'a, bool>, QueryError> {
        let Self { alloc, repository } = *self;
        let tip = repository.resolve(&branch.journal_ref())?;
        let tip = tip.ok_or_else(|| QueryError::NoJournal(branch.clone()))?;
        let failure = match Lookup::open(repository, alloc, branch, tip) {
            Ok(lookup) => match self.linked_in(&lookup, branch, tip, ends) {
                Ok(Some(linked)) => return Ok(linked),
                Ok(None) => None,
                Err(Failed::Query(error)) => return Err(error),
                Err(Failed::Cache(error)) => error.memory(),
            },
            Err(unusable) => unusable.memory(),
        };
        match failure {
            // An allocation failure does not mean that the cache is damaged.
            Some(failure) => Err(failure.into()),
            None => self.linked_in_journal(tip, ends),
        }
    }

    /// Answers from a cache; `None` if it is not of an earlier state of the journal.
    fn linked_in(
        &self,
        lookup: &Lookup<'_, 'a>,
        branch: &BranchName,
        tip: Oid,
        ends: &[End<'_>],
    ) -> Result<Option<Vec<'a, bool>>, Failed> {
        let Self { alloc, repository } = *self;
        let mut newer = Seen::new(alloc, ends)?;
        let mut has_tombstones = lookup.marks()?.has_tombstones();
        let base = Some((lookup.meta.journal_tip, lookup.meta.edges));
        let range = Range { repository, alloc, tip, order: lookup.meta.edge_order, base };
        let commits = range.each(&mut MalformedCounts::default(), |_, edge| {
            has_tombstones |= edge.is_tombstone();
            newer.see(edge);
            Ok(())
        })?;
        if commits.is_none() {
            return Ok(None);
        }
        let (mut linked, mut buffer) = (Vec::new(alloc), Vec::new(alloc));
        for end @ (object, path) in ends {
            let mut is_linked = newer.has(end) || lookup.has_edges(*object, path, &mut buffer)?;
            if is_linked && has_tombstones {
                is_linked = self.is_live(branch, *end)?;
            }
            linked.try_push(is_linked)?;
        }
        Ok(Some(linked))
    }

    /// Whether one of the edges of an end is not taken back.
    fn is_live(&self, branch: &BranchName, (object, path): End<'_>) -> Result<bool, QueryError> {
        let mut is_live = false;
        let endpoint = Endpoint { follow: false, ..Endpoint::file(Some(object), path, None) };
        self.run(branch, endpoint, |found| {
            is_live = found.standing == Standing::Live;
            let is_enough = is_live;
            Ok(if is_enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })
        .map(|_| is_live)
    }

    /// Answers by a walk of the whole journal.
    fn linked_in_journal(&self, tip: Oid, ends: &[End<'_>]) -> Result<Vec<'a, bool>, QueryError> {
        let Self { alloc, repository } = *self;
        let mut seen = Seen::new(alloc, ends)?;
        let (mut payload, mut tombstones) = (PayloadBuffer::new(alloc), Tombstones::new(alloc));
        walk_newest(repository, alloc, tip, |commit| {
            payload.read_newest(commit, |item| {
                if let JournalItem::Edge(_, edge) = item
                    && tombstones.standing(edge)? == Standing::Live
                {
                    seen.see(edge);
                }
                Ok::<_, QueryError>(ControlFlow::Continue(()))
            })
        })?;
        let mut linked = Vec::new(alloc);
        linked.try_extend(ends.iter().map(|end| seen.has(end)))?;
        Ok(linked)
    }
}

/// Why a cache did not answer.
enum Failed {
    Cache(ExistingError),
    Query(QueryError),
}

impl From<ExistingError> for Failed {
    fn from(error: ExistingError) -> Self {
        Self::Cache(error)
    }
}

impl<E: Into<QueryError>> From<E> for Failed {
    fn from(error: E) -> Self {
        Self::Query(error.into())
    }
}

/// Which of the contents and paths that are asked for edges have had.
struct Seen<'e, 'a> {
    objects: Map<'a, Oid, bool>,
    paths: Map<'a, &'e [u8], bool>,
}

impl<'e, 'a> Seen<'e, 'a> {
    fn new(alloc: Alloc<'a>, ends: &[End<'e>]) -> Result<Self, MemoryError> {
        let mut seen = Self { objects: Map::new(alloc), paths: Map::new(alloc) };
        for (object, path) in ends {
            seen.objects.try_insert(*object, false)?;
            if !path.is_empty() {
                seen.paths.try_insert(path, false)?;
            }
        }
        Ok(seen)
    }

    fn see(&mut self, edge: &Edge<'_>) {
        for (object, path) in [(edge.source, edge.source_path), (edge.target, edge.target_path)] {
            let found = [self.objects.get_mut(&object), self.paths.get_mut(path)];
            found.into_iter().flatten().for_each(|is_seen| *is_seen = true);
        }
    }

    fn has(&self, (object, path): &End<'_>) -> bool {
        let found = [self.objects.get(object), self.paths.get(*path)];
        found.into_iter().flatten().any(|is_seen| *is_seen)
    }
}
