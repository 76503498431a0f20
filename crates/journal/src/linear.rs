//! The edges of other journals that a journal lacks, in order, for a merge without a merge commit.

use super::batch::{Batch, BatchError};
use super::cbor::encode_edge;
use super::edge::Edge;
use super::merge::MergeError;
use super::order::{EdgeOrder, WalkError, walk};
use super::reader::{JournalItem, MalformedCounts, PayloadBuffer};
use core::ops::ControlFlow;
use gitmind_git::oid::Oid;
use gitmind_git::{Commit, ObjectKind, Repository, object_id};
use gitmind_memory::{Alloc, Map, Vec};

/// Longest ULID that an edge can have, in bytes.
const ULID_BYTES_MAX: usize = 26;

/// Edges that a journal lacks, each once, oldest first.
pub(super) struct Lacking<'a> {
    pub(super) batch: Batch<'a>,
    /// Malformed commits among those that the journal has not.
    pub(super) malformed: MalformedCounts,
    /// Edges that cannot be appended, since a text of theirs is none.
    pub(super) left_out: u64,
}

impl<'a> Lacking<'a> {
    /// No edges.
    pub(super) fn none(alloc: Alloc<'a>) -> Self {
        let malformed = MalformedCounts::default();
        Self { batch: Batch::new(alloc), malformed, left_out: 0 }
    }

    /// The edges of the journals at `others` that the one at `base` lacks. Reads all of them.
    pub(super) fn read(
        repository: &dyn Repository,
        alloc: Alloc<'a>,
        base: Oid,
        others: &[Oid],
    ) -> Result<Self, MergeError> {
        let mut lacking = Self::none(alloc);
        let mut known = Known { edges: Map::new(alloc), encoded: Vec::new(alloc) };
        let mut payload = PayloadBuffer::new(alloc);
        let oldest_first = EdgeOrder::OldestFirst;
        let mut commits = Map::new(alloc);
        walk(repository, alloc, base, oldest_first, |commit| {
            commits.try_insert(commit.id, ()).map_err(WalkError::from)?;
            payload
                .read(commit, |item| {
                    if let JournalItem::Edge(_, edge) = item {
                        known.is_new(edge)?;
                    }
                    Ok::<_, MergeError>(ControlFlow::Continue(()))
                })
                .map(|_| ())
        })?;
        let mut buffer = Vec::new(alloc);
        for &tip in others {
            let visit = |_: &Commit<'_>| Ok::<_, WalkError>(());
            let history = walk(repository, alloc, tip, oldest_first, visit)?;
            for visit in history.numbered() {
                let id = history.commits()[visit as usize];
                if commits.try_insert(id, ())?.is_some() {
                    continue;
                }
                repository.read(id, ObjectKind::Commit, &mut buffer)?;
                let commit = Commit::parse_stored(id, &buffer)?;
                payload
                    .read(&commit, |item| {
                        lacking.add(item, &mut known)?;
                        Ok::<_, MergeError>(ControlFlow::Continue(()))
                    })
                    .map(|_| ())?;
            }
        }
        Ok(lacking)
    }

    fn add(&mut self, item: JournalItem<'_>, known: &mut Known<'_>) -> Result<(), MergeError> {
        match item {
            JournalItem::Malformed(malformed) => self.malformed.add(malformed),
            JournalItem::Edge(_, edge) if known.is_new(edge)? => match self.batch.push(edge) {
                Err(BatchError::NotText { .. }) => self.left_out += 1,
                pushed => pushed?,
            },
            JournalItem::Edge(..) => {}
        }
        Ok(())
    }
}

/// What tells edges apart: whether it is a tombstone, which may have the ULID of what it takes
/// back, and the ULID with zeros behind it, or else the hash of the whole edge.
type Identity = (bool, [u8; ULID_BYTES_MAX]);

/// Edges that were read.
struct Known<'a> {
    edges: Map<'a, Identity, ()>,
    /// Buffer of an edge without a ULID.
    encoded: Vec<'a, u8>,
}

impl Known<'_> {
    /// Adds an edge; returns whether it was not there.
    fn is_new(&mut self, edge: &Edge<'_>) -> Result<bool, MergeError> {
        let mut bytes = [0; ULID_BYTES_MAX];
        if edge.ulid.is_empty() {
            self.encoded.clear();
            encode_edge(edge, &mut self.encoded).map_err(BatchError::from)?;
            let hash = object_id(ObjectKind::Blob, &self.encoded)?;
            bytes[..Oid::LEN].copy_from_slice(hash.as_bytes());
            // No ULID has zeros before other bytes.
            bytes[ULID_BYTES_MAX - 1] = 1;
        } else {
            let ulid = edge.ulid.iter().take(ULID_BYTES_MAX);
            bytes.iter_mut().zip(ulid).for_each(|(byte, of_ulid)| *byte = *of_ulid);
        }
        let identity = (edge.is_tombstone(), bytes);
        Ok(self.edges.try_insert(identity, ())?.is_none())
    }
}
