//! The newest records of a commit index, read from its end on: which commits of a journal a cache
//! has, and the numbers of their edges.
//!
//! Edge ids ascend from each commit to its descendants. So when a commit is in the part that was
//! read, each of its descendants that the cache has is in that part too.

use super::commit_index::{
    CommitChunk, CommitRecord, RECORDS_PER_CHUNK, parse_chunk_name, records_of_last_chunk,
};
use super::existing::ExistingError;
use super::meta::Meta;
use super::root::read_verified;
use super::update::{OTHER_COUNT, ordered};
use gitmind_git::oid::Oid;
use gitmind_git::{EntryMode, ObjectKind, Repository, TreeEntry};
use gitmind_memory::{Alloc, Map, Vec};

/// The newest records of a commit index.
pub(super) struct IndexTail<'a> {
    repository: &'a dyn Repository,
    alloc: Alloc<'a>,
    /// The chunks that are not read yet, oldest first: the first edge and the object id.
    unread: Vec<'a, (u32, Oid)>,
    /// Number of records of the newest of these.
    records_of_newest: u32,
    /// The records that were read, oldest first within a chunk.
    records: Vec<'a, CommitRecord>,
    first_edges: Map<'a, Oid, u32>,
    /// The least first edge of the records that were read; 0 when all were.
    start: u32,
}

impl<'a> IndexTail<'a> {
    /// Opens the commit index `directory` of the cache that `meta` describes.
    pub(super) fn open(
        repository: &'a dyn Repository,
        alloc: Alloc<'a>,
        directory: Option<Oid>,
        meta: &Meta,
    ) -> Result<Self, ExistingError> {
        let mut unread = Vec::new(alloc);
        if let Some(directory) = directory {
            let mut buffer = Vec::new(alloc);
            read_verified(repository, directory, ObjectKind::Tree, &mut buffer)?;
            let is_chunk = |entry: &TreeEntry<'_>| {
                entry.mode == EntryMode::File && parse_chunk_name(entry.name).is_some()
            };
            for entry in ordered(&buffer, is_chunk) {
                let entry = entry.map_err(ExistingError::Malformed)?;
                let first_edge = parse_chunk_name(entry.name).unwrap_or_default();
                unread.try_push((first_edge, entry.id))?;
            }
        }
        if u32::try_from(unread.len()) != Ok(meta.commits_indexed.div_ceil(RECORDS_PER_CHUNK)) {
            return Err(ExistingError::Malformed(OTHER_COUNT));
        }
        Ok(Self {
            repository,
            alloc,
            unread,
            records_of_newest: records_of_last_chunk(meta.commits_indexed),
            records: Vec::new(alloc),
            first_edges: Map::new(alloc),
            start: meta.edges,
        })
    }

    /// Reads up to `chunks` more chunks.
    pub(super) fn read(&mut self, chunks: usize) -> Result<(), ExistingError> {
        let mut file = Vec::new(self.alloc);
        for _ in 0..chunks {
            let Some((first_edge, id)) = self.unread.pop() else { break };
            read_verified(self.repository, id, ObjectKind::Blob, &mut file)?;
            let chunk = CommitChunk::parse(&file)?;
            let (first, last) = chunk.bounds();
            let count = core::mem::replace(&mut self.records_of_newest, RECORDS_PER_CHUNK);
            if (chunk.count(), first) != (count, first_edge) || last >= self.start {
                return Err(ExistingError::Malformed(OTHER_COUNT));
            }
            self.first_edges.try_reserve(chunk.count() as usize)?;
            for record in (0..chunk.count() as usize).filter_map(|number| chunk.record(number)) {
                self.records.try_push(record)?;
                self.first_edges.try_insert(record.commit, record.first_edge)?;
            }
            self.start = first_edge;
        }
        Ok(())
    }

    /// Reads four times as many chunks as were read.
    pub(super) fn read_more(&mut self) -> Result<(), ExistingError> {
        let read = self.records.len().div_ceil(RECORDS_PER_CHUNK as usize);
        self.read((3 * read).max(CHUNKS_MIN))
    }

    /// Whether all records were read.
    pub(super) fn is_whole(&self) -> bool {
        self.unread.is_empty()
    }

    /// Whether no record was read.
    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Number of records that were read.
    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    /// The least first edge of the records that were read.
    pub(super) fn start(&self) -> u32 {
        if self.is_whole() { 0 } else { self.start }
    }

    /// The first edge of a commit, if it is in a record that was read.
    pub(super) fn first_edge(&self, commit: &Oid) -> Option<u32> {
        self.first_edges.get(commit).copied()
    }

    /// The records that were read, in no order.
    pub(super) fn records(&self) -> &[CommitRecord] {
        &self.records
    }
}

/// Chunks that are read at first.
const CHUNKS_MIN: usize = 4;
