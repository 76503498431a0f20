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
    /// All chunks, oldest first: the first edge and the object id.
    chunks: Vec<'a, (u32, Oid)>,
    /// Number of the older chunks, which were not read.
    unread: usize,
    /// Number of records of the last chunk.
    records_of_last: u32,
    /// Number of edges in the cache.
    edges: u32,
    /// The first edge of each commit in the chunks that were read.
    first_edges: Map<'a, Oid, u32>,
}

impl<'a> IndexTail<'a> {
    /// Opens the commit index `directory` of the cache that `meta` describes.
    pub(super) fn open(
        repository: &'a dyn Repository,
        alloc: Alloc<'a>,
        directory: Option<Oid>,
        meta: &Meta,
    ) -> Result<Self, ExistingError> {
        let mut chunks = Vec::new(alloc);
        if let Some(directory) = directory {
            let mut buffer = Vec::new(alloc);
            read_verified(repository, directory, ObjectKind::Tree, &mut buffer)?;
            let is_chunk = |entry: &TreeEntry<'_>| {
                entry.mode == EntryMode::File && parse_chunk_name(entry.name).is_some()
            };
            for entry in ordered(&buffer, is_chunk) {
                let entry = entry.map_err(ExistingError::Malformed)?;
                let first_edge = parse_chunk_name(entry.name).unwrap_or_default();
                chunks.try_push((first_edge, entry.id))?;
            }
        }
        if u32::try_from(chunks.len()) != Ok(meta.commits_indexed.div_ceil(RECORDS_PER_CHUNK)) {
            return Err(ExistingError::Malformed(OTHER_COUNT));
        }
        Ok(Self {
            repository,
            alloc,
            unread: chunks.len(),
            chunks,
            records_of_last: records_of_last_chunk(meta.commits_indexed),
            edges: meta.edges,
            first_edges: Map::new(alloc),
        })
    }

    /// Reads up to `chunks` more chunks.
    fn read(&mut self, chunks: usize) -> Result<(), ExistingError> {
        let chunks = chunks.min(self.unread);
        self.first_edges.try_reserve(chunks.saturating_mul(RECORDS_PER_CHUNK as usize))?;
        let mut file = Vec::new(self.alloc);
        for _ in 0..chunks {
            let chunk = self.chunk(self.unread - 1, &mut file)?;
            for CommitRecord { first_edge, commit } in records(&chunk) {
                self.first_edges.try_insert(commit, first_edge)?;
            }
            self.unread -= 1;
        }
        Ok(())
    }

    /// Reads at least `chunks` more chunks, and at least as many as were read.
    pub(super) fn read_more(&mut self, chunks: usize) -> Result<(), ExistingError> {
        let read = self.chunks.len() - self.unread;
        self.read(chunks.max(read).max(CHUNKS_MIN))
    }

    /// The number of chunks to read until one of `commits` is in one that was read; `None` if none
    /// of them is in a chunk that was not read.
    pub(super) fn find<V>(
        &self,
        commits: &Map<'_, Oid, V>,
    ) -> Result<Option<usize>, ExistingError> {
        let mut file = Vec::new(self.alloc);
        for number in (0..self.unread).rev() {
            let chunk = self.chunk(number, &mut file)?;
            if records(&chunk).any(|record| commits.contains_key(&record.commit)) {
                return Ok(Some(self.unread - number));
            }
        }
        Ok(None)
    }

    /// Reads chunk `number` into `file`.
    fn chunk<'f>(
        &self,
        number: usize,
        file: &'f mut Vec<'_, u8>,
    ) -> Result<CommitChunk<'f>, ExistingError> {
        let (first_edge, id) = self.chunks[number];
        read_verified(self.repository, id, ObjectKind::Blob, file)?;
        let chunk = CommitChunk::parse(file)?;
        let next = self.chunks.get(number + 1);
        let (count, end) = match next {
            Some((first_edge, _)) => (RECORDS_PER_CHUNK, *first_edge),
            None => (self.records_of_last, self.edges),
        };
        let (first, last) = chunk.bounds();
        match (chunk.count(), first) == (count, first_edge) && last < end {
            true => Ok(chunk),
            false => Err(ExistingError::Malformed(OTHER_COUNT)),
        }
    }

    /// Whether all chunks were read.
    pub(super) const fn is_whole(&self) -> bool {
        self.unread == 0
    }

    /// The commits that were read have edges from this one on; 0 when all were read.
    pub(super) fn start(&self) -> u32 {
        match self.unread {
            0 => 0,
            unread => self.chunks.get(unread).map_or(self.edges, |(first_edge, _)| *first_edge),
        }
    }

    /// The first edge of a commit, if it is in a chunk that was read.
    pub(super) fn first_edge(&self, commit: &Oid) -> Option<u32> {
        self.first_edges.get(commit).copied()
    }

    /// The records of the chunks that were read, in no order.
    pub(super) fn records(&self) -> impl Iterator<Item = CommitRecord> {
        let records = self.first_edges.iter();
        records
            .map(|(commit, first_edge)| CommitRecord { first_edge: *first_edge, commit: *commit })
    }
}

/// The records of a chunk.
fn records(chunk: &CommitChunk<'_>) -> impl Iterator<Item = CommitRecord> {
    (0..chunk.count() as usize).filter_map(|number| chunk.record(number))
}

/// Chunks that are read at first.
const CHUNKS_MIN: usize = 4;
