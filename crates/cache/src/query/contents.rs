//! The contents of a query: the object that was asked for, and the older versions of it that
//! AUGMENTS edges lead from.

use super::Endpoint;
use gitmind_git::oid::Oid;
use gitmind_journal::{Edge, Relation};
use gitmind_memory::{Alloc, Map, MemoryError, Vec};

use crate::shard::Direction;

/// How an edge of an answer belongs to the endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Content {
    /// Its end is the object that was asked for.
    Current,
    /// Its end is an older version of that object: the number of AUGMENTS edges from it, or `None`
    /// when they lead to another version that the path had.
    Older(Option<u32>),
    /// Its end was recorded under the path, with an object that no AUGMENTS edge connects.
    OfPath,
}

/// The contents that an endpoint stands for.
pub(super) struct Contents<'q, 'a> {
    pub(super) endpoint: Endpoint<'q>,
    /// For each content the number of versions since, if known.
    versions: Map<'a, Oid, Option<u32>>,
    /// The contents, in the order in which they were found.
    found: Vec<'a, Oid>,
}

impl<'q, 'a> Contents<'q, 'a> {
    /// The object of the endpoint alone.
    pub(super) fn new(alloc: Alloc<'a>, endpoint: Endpoint<'q>) -> Result<Self, MemoryError> {
        let path = endpoint.path.filter(|path| !path.is_empty());
        let endpoint = Endpoint { path, ..endpoint };
        let mut contents = Self { endpoint, versions: Map::new(alloc), found: Vec::new(alloc) };
        if let Some(object) = endpoint.object {
            contents.try_insert(object, Some(0))?;
        }
        Ok(contents)
    }

    /// Adds a content, unless it is there; `since` is the number of versions since.
    pub(super) fn try_insert(
        &mut self,
        content: Oid,
        since: Option<u32>,
    ) -> Result<(), MemoryError> {
        if !self.versions.contains_key(&content) {
            self.versions.try_insert(content, since)?;
            self.found.try_push(content)?;
        }
        Ok(())
    }

    /// The content that was found as number `index`, and the number of versions since.
    pub(super) fn get(&self, index: usize) -> Option<(Oid, Option<u32>)> {
        let content = *self.found.get(index)?;
        Some((content, self.versions.get(&content).copied().flatten()))
    }

    /// All contents, in the order in which they were found.
    pub(super) fn all(&self) -> &[Oid] {
        &self.found
    }

    /// Which end of `edge` is asked for, and how it belongs to the endpoint; `None` if neither is.
    /// The closer end, or else the source.
    pub(super) fn of(&self, edge: &Edge<'_>) -> Option<(Content, Direction)> {
        let ends = [
            (Direction::Forward, edge.source, edge.source_path),
            (Direction::Reverse, edge.target, edge.target_path),
        ];
        let asked = ends.into_iter().filter(|(end, ..)| self.endpoint.includes(*end));
        let matched = asked.filter_map(|(end, object, path)| {
            let content = match self.versions.get(&object) {
                Some(Some(0)) => Content::Current,
                Some(since) => Content::Older(*since),
                None if self.endpoint.path == Some(path) => Content::OfPath,
                None => return None,
            };
            Some((content, end))
        });
        matched.min_by_key(|(content, _)| *content)
    }

    /// Whether `edge` is an AUGMENTS edge from one of the contents to another.
    pub(super) fn connects(&self, edge: &Edge<'_>) -> bool {
        self.endpoint.follow
            && edge.relation == Relation::AUGMENTS
            && self.versions.contains_key(&edge.source)
            && self.versions.contains_key(&edge.target)
    }
}
