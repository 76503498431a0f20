//! Marked edges of a cache: which edges are of type AUGMENTS, and what tombstones take back.
//!
//! A file with a header, the ids of AUGMENTS edges as a bitmap file has them behind its header, and
//! a row for each tombstone, in the order of what it takes back. A query follows a file through its
//! versions by the first, and tells by the second whether an edge is taken back, without reading
//! any other edge.

use super::bitmap::{decode_ids, encode_ids};
use super::commit_index::le_u32;
use super::existing::ExistingError;
use super::numbered::NumberedCommits;
use gitmind_git::oid::Oid;
use gitmind_journal::{CommitIdList, Edge, EdgeKey, EdgeOrder, Relation, Standing};
use gitmind_memory::{Alloc, MemoryError, Vec};

/// Name of the file in the root tree.
pub(super) const NAME: &[u8] = b"marks";
const MAGIC: &[u8; 8] = b"GMMARKS\0";
const VERSION: u32 = 1;
const HEADER_BYTES: usize = 16;
const ROW_BYTES: usize = 2 * Oid::LEN + 2 + 4;
const DAMAGED: ExistingError = ExistingError::Malformed("its file of marked edges is damaged");

/// The marked edges of a journal, by visiting positions while it is read, then by edge ids.
#[derive(Debug)]
pub(super) struct Marks<'a> {
    /// AUGMENTS edges, ascending.
    augments: Vec<'a, u32>,
    /// Tombstones, in the order of positions, then in that of keys and ids.
    tombstones: Vec<'a, (EdgeKey, u32)>,
}

impl<'a> Marks<'a> {
    pub(super) fn new(alloc: Alloc<'a>) -> Self {
        Self { augments: Vec::new(alloc), tombstones: Vec::new(alloc) }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.augments.is_empty() && self.tombstones.is_empty()
    }

    pub(super) fn has_tombstones(&self) -> bool {
        !self.tombstones.is_empty()
    }

    /// The ids of the AUGMENTS edges, ascending.
    pub(super) fn augments(&self) -> &[u32] {
        &self.augments
    }

    /// Adds the edge at `position`, if it is marked; positions must ascend.
    pub(super) fn try_push(&mut self, edge: &Edge<'_>, position: u32) -> Result<(), MemoryError> {
        if edge.relation == Relation::AUGMENTS {
            self.augments.try_push(position)?;
        }
        if edge.is_tombstone() {
            self.tombstones.try_push((edge.key(), position))?;
        }
        Ok(())
    }

    /// Takes back the edges from `position` on.
    pub(super) fn truncate(&mut self, position: u32) {
        self.augments.truncate(self.augments.partition_point(|edge| *edge < position));
        self.tombstones.truncate(self.tombstones.partition_point(|(_, edge)| *edge < position));
    }

    /// The same edges by their ids.
    pub(super) fn numbered<N: CommitIdList>(
        self,
        commits: &NumberedCommits<'_, N>,
    ) -> Result<Self, MemoryError> {
        let mut numbered = Self::new(self.augments.alloc());
        commits.place(&self.augments, |edge| *edge, |_, id| numbered.augments.try_push(id))?;
        commits.place(
            &self.tombstones,
            |(_, edge)| *edge,
            |(key, _), id| numbered.tombstones.try_push((*key, id)),
        )?;
        numbered.tombstones.sort_unstable();
        Ok(numbered)
    }

    /// Removes the edges with ids from `end` on.
    pub(super) fn truncate_ids(&mut self, end: u32) {
        self.augments.truncate(self.augments.partition_point(|id| *id < end));
        self.tombstones.retain(|(_, id)| *id < end);
    }

    /// The highest id.
    pub(super) fn last(&self) -> Option<u32> {
        let tombstones = self.tombstones.iter().map(|(_, id)| *id).max();
        self.augments.last().copied().max(tombstones)
    }

    /// Adds the edges of `newer`, whose ids follow the first `before` ids.
    pub(super) fn try_append(&mut self, newer: &Marks<'_>, before: u32) -> Result<(), MemoryError> {
        self.augments.try_extend(newer.augments.iter().map(|id| before + id))?;
        self.tombstones.try_extend(newer.tombstones.iter().map(|(key, id)| (*key, before + id)))?;
        self.tombstones.sort_unstable();
        Ok(())
    }

    /// The standing of the edge with this id.
    pub(super) fn standing(&self, edge: &Edge<'_>, id: u32, order: EdgeOrder) -> Standing {
        if edge.is_tombstone() {
            return Standing::Tombstone;
        }
        let key = edge.key();
        let start = self.tombstones.partition_point(|(other, _)| *other < key);
        let equal = &self.tombstones[start..];
        let equal = &equal[..equal.partition_point(|(other, _)| *other == key)];
        let is_taken_back = match order {
            EdgeOrder::OldestFirst => equal.last().is_some_and(|(_, tombstone)| *tombstone > id),
            EdgeOrder::NewestFirst => equal.first().is_some_and(|(_, tombstone)| *tombstone < id),
        };
        if is_taken_back { Standing::TakenBack } else { Standing::Live }
    }

    /// Appends the file.
    pub(super) fn encode(&self, out: &mut Vec<'_, u8>) -> Result<(), MemoryError> {
        let mut ids = Vec::new(self.augments.alloc());
        if !self.augments.is_empty() {
            encode_ids(&self.augments, &mut ids)?;
        }
        // At most 8 KiB and 8 bytes for each of 65 536 containers.
        let ids_bytes = u32::try_from(ids.len()).expect("this holds because ids have 32 bits");
        out.try_reserve(HEADER_BYTES + ids.len() + ROW_BYTES * self.tombstones.len())?;
        let parts: [&[u8]; 4] = [MAGIC, &VERSION.to_le_bytes(), &ids_bytes.to_le_bytes(), &ids];
        parts.iter().try_for_each(|part| out.try_extend_from_slice(part))?;
        for (EdgeKey { source, target, relation }, id) in &self.tombstones {
            let (relation, id) = (relation.0.to_le_bytes(), id.to_le_bytes());
            let row: [&[u8]; 4] = [source.as_bytes(), target.as_bytes(), &relation, &id];
            row.iter().try_for_each(|part| out.try_extend_from_slice(part))?;
        }
        Ok(())
    }

    /// Decodes a file.
    pub(super) fn parse(alloc: Alloc<'a>, file: &[u8]) -> Result<Self, ExistingError> {
        let split = file.split_first_chunk::<HEADER_BYTES>();
        let (header, rest) = split.ok_or(DAMAGED)?;
        let [version, ids_bytes] = [8, 12].map(|at| le_u32(&header[at..]));
        if !header.starts_with(MAGIC) || version != VERSION {
            return Err(DAMAGED);
        }
        let split = usize::try_from(ids_bytes).ok().and_then(|len| rest.split_at_checked(len));
        let (ids, rows) = split.ok_or(DAMAGED)?;
        let (rows, []) = rows.as_chunks::<ROW_BYTES>() else { return Err(DAMAGED) };
        let mut marks = Self::new(alloc);
        if !ids.is_empty() {
            marks.augments = decode_ids(alloc, ids)?;
        }
        marks.tombstones.try_extend(rows.iter().map(tombstone))?;
        match marks.tombstones.is_sorted() {
            true => Ok(marks),
            false => Err(DAMAGED),
        }
    }
}

/// The key and the id of a row.
fn tombstone(row: &[u8; ROW_BYTES]) -> (EdgeKey, u32) {
    let [source, target] = [0, Oid::LEN].map(|at| {
        let mut id = [0; Oid::LEN];
        id.copy_from_slice(&row[at..at + Oid::LEN]);
        Oid::new(id)
    });
    let relation = Relation(u16::from_le_bytes([row[2 * Oid::LEN], row[2 * Oid::LEN + 1]]));
    (EdgeKey { source, target, relation }, le_u32(&row[2 * Oid::LEN + 2..]))
}
