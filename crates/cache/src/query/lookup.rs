//! Answering a query from a cache: bitmap, commit index, commits.

use super::emitter::{EmitError, Emitter};
use super::{Answer, Endpoint, FoundEdge, Unusable};
use crate::bitmap::decode_bitmap;
use crate::commit_index::{
    CommitChunk, RECORDS_PER_CHUNK, parse_chunk_name, records_of_last_chunk,
};
use crate::existing::ExistingError;
use crate::meta::Meta;
use crate::path_file::{PathFile, decode_list};
use crate::path_keys::path_key;
use crate::root::{Root, read_verified};
use crate::shard::{Direction, file_name, shard_name};
use core::ops::ControlFlow;
use gitmind_git::branch::BranchName;
use gitmind_git::oid::Oid;
use gitmind_git::{EntryMode, ObjectKind, Repository, entries};
use gitmind_journal::EdgeOrder;
use gitmind_memory::{Alloc, MemoryError, Vec};

/// A cache whose metadata is valid and current.
pub(super) struct Lookup<'q, 'a> {
    repository: &'q dyn Repository,
    alloc: Alloc<'a>,
    root: Root<'a>,
    meta: Meta,
}

/// The directory entry of a chunk of the commit index.
struct ChunkEntry {
    first_edge: u32,
    /// The first edge of the next chunk; the number of edges for the last.
    end: u32,
    blob: Oid,
}

impl<'q, 'a> Lookup<'q, 'a> {
    /// Opens the cache of `branch`, whose journal is at `tip`.
    pub(super) fn open(
        repository: &'q dyn Repository,
        alloc: Alloc<'a>,
        branch: &BranchName,
        tip: Oid,
    ) -> Result<Self, Unusable> {
        let commit = repository.resolve(&branch.cache_ref()).map_err(ExistingError::from)?;
        let commit = commit.ok_or(Unusable::Missing)?;
        let (_, root) = Root::read(repository, alloc, commit)?;
        let meta = match root.meta {
            Some(meta) => meta,
            None if root.has_c_tool_layout() => return Err(Unusable::OtherTool),
            None => return Err(ExistingError::Malformed("it has no metadata").into()),
        };
        let mut blob = Vec::new(alloc);
        read_verified(repository, meta, ObjectKind::Blob, &mut blob)?;
        let meta = Meta::parse(&blob).map_err(ExistingError::from)?;
        if meta.journal_tip != tip {
            return Err(Unusable::Stale { built_from: meta.journal_tip, tip });
        }
        Ok(Self { repository, alloc, root, meta })
    }

    /// The order in which the cache numbers edges.
    pub(super) fn edge_order(&self) -> EdgeOrder {
        self.meta.edge_order
    }

    /// The report of an answer with `edges` edges.
    pub(super) fn report(&self, edges: u64) -> Answer {
        Answer {
            edge_order: self.meta.edge_order,
            edges,
            unusable: None,
            malformed: self.meta.malformed(),
        }
    }

    /// Visits the edges with this endpoint.
    pub(super) fn answer<V, E>(
        &self,
        endpoint: Endpoint<'_>,
        emitter: &mut Emitter<'_, '_, V>,
    ) -> Result<(), EmitError<E>>
    where
        V: FnMut(&FoundEdge<'_>) -> Result<ControlFlow<()>, E>,
    {
        let ids = self.ids(endpoint)?;
        if ids.last().is_some_and(|last| *last >= self.meta.edges) {
            return Err(
                ExistingError::Malformed("it has an edge id beyond its number of edges").into()
            );
        }
        let chunks = self.chunks()?;
        let mut file = Vec::new(self.alloc);
        let mut ids = &ids[..];
        while let Some(id) = ids.first() {
            let number = chunks.partition_point(|chunk| chunk.first_edge <= *id);
            let chunk = number.checked_sub(1).map(|number| (number, &chunks[number]));
            let (number, entry) = chunk.ok_or(ExistingError::Edge { id: *id })?;
            let is_last = number + 1 == chunks.len();
            read_verified(self.repository, entry.blob, ObjectKind::Blob, &mut file)?;
            let chunk = self.check(CommitChunk::parse(&file), entry, is_last)?;
            let in_chunk;
            (in_chunk, ids) = ids.split_at(ids.partition_point(|id| *id < entry.end));
            if emit_chunk(&chunk, entry, in_chunk, emitter)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// The ids of the edges with this endpoint, ascending.
    fn ids(&self, endpoint: Endpoint<'_>) -> Result<Vec<'a, u32>, ExistingError> {
        let Endpoint { object, path, direction } = endpoint;
        let of_object = object.map(|object| self.ids_of_object(object, direction)).transpose()?;
        let path = path.filter(|path| !path.is_empty());
        let of_path = path.map(|path| self.ids_of_path(path, direction)).transpose()?;
        match (of_object, of_path) {
            (Some(of_object), Some(of_path)) => Ok(union(of_object, &of_path)?),
            (of_object, of_path) => Ok(of_object.or(of_path).unwrap_or(Vec::new(self.alloc))),
        }
    }

    /// The ids of the edges of an object. One without edges has no file.
    fn ids_of_object(
        &self,
        object: Oid,
        direction: Direction,
    ) -> Result<Vec<'a, u32>, ExistingError> {
        let none = Vec::new(self.alloc);
        let shard = find(self.root.shards.as_bytes(), &shard_name(object.shard()))?;
        let Some(shard) = shard else { return Ok(none) };
        let mut buffer = Vec::new(self.alloc);
        read_verified(self.repository, shard, ObjectKind::Tree, &mut buffer)?;
        let file = find(&buffer, &file_name(object, direction))?;
        let Some(file) = file else { return Ok(none) };
        read_verified(self.repository, file, ObjectKind::Blob, &mut buffer)?;
        Ok(decode_bitmap(self.alloc, &buffer)?)
    }

    /// The ids of the edges that were recorded under a path.
    fn ids_of_path(
        &self,
        path: &[u8],
        direction: Direction,
    ) -> Result<Vec<'a, u32>, ExistingError> {
        let none = Vec::new(self.alloc);
        let Some(directory) = self.root.paths else {
            return match self.meta.paths {
                0 => Ok(none),
                _ => Err(ExistingError::Malformed("it has no path index")),
            };
        };
        let key = path_key(path);
        let mut buffer = Vec::new(self.alloc);
        read_verified(self.repository, directory, ObjectKind::Tree, &mut buffer)?;
        let file = find(&buffer, &shard_name(key.shard()))?;
        let Some(file) = file else { return Ok(none) };
        read_verified(self.repository, file, ObjectKind::Blob, &mut buffer)?;
        Ok(decode_list(self.alloc, PathFile::parse(&buffer)?.find(key).of(direction))?)
    }

    /// The chunks of the commit index, in order, after the checks that need only the directory.
    fn chunks(&self) -> Result<Vec<'a, ChunkEntry>, ExistingError> {
        let mut chunks: Vec<'_, ChunkEntry> = Vec::new(self.alloc);
        let Some(directory) = self.root.commits else {
            return match self.meta.commits_indexed {
                0 => Ok(chunks),
                _ => Err(ExistingError::Malformed("it has no commit index")),
            };
        };
        let mut tree = Vec::new(self.alloc);
        read_verified(self.repository, directory, ObjectKind::Tree, &mut tree)?;
        for entry in entries(&tree) {
            let entry = entry.map_err(ExistingError::Malformed)?;
            let first_edge = parse_chunk_name(entry.name);
            let first_edge = first_edge.filter(|_| entry.mode == EntryMode::File);
            let first_edge = first_edge.ok_or(ExistingError::Malformed(NOT_A_CHUNK))?;
            match chunks.last_mut() {
                Some(last) if last.first_edge < first_edge => last.end = first_edge,
                None if first_edge == 0 => {}
                _ => return Err(ExistingError::Malformed("its commit index is not in order")),
            }
            let end = self.meta.edges;
            chunks.try_push(ChunkEntry { first_edge, end, blob: entry.id })?;
        }
        let expected = self.meta.commits_indexed.div_ceil(RECORDS_PER_CHUNK);
        if chunks.len() as u64 != u64::from(expected) {
            return Err(ExistingError::Malformed("its commit index has another number of chunks"));
        }
        Ok(chunks)
    }

    /// Checks a chunk against its directory entry and the metadata.
    fn check<'f>(
        &self,
        chunk: Result<CommitChunk<'f>, crate::CommitIndexError>,
        entry: &ChunkEntry,
        is_last: bool,
    ) -> Result<CommitChunk<'f>, ExistingError> {
        let chunk = chunk?;
        let count = match is_last {
            true => records_of_last_chunk(self.meta.commits_indexed),
            false => RECORDS_PER_CHUNK,
        };
        let (first, last) = chunk.bounds();
        if first != entry.first_edge || last >= entry.end || chunk.count() != count {
            return Err(ExistingError::Malformed("a chunk of its commit index is out of place"));
        }
        Ok(chunk)
    }
}

const NOT_A_CHUNK: &str = "its commit index has an entry that is not a chunk";

/// Visits the edges with these ids, all of which are in this chunk.
fn emit_chunk<V, E>(
    chunk: &CommitChunk<'_>,
    entry: &ChunkEntry,
    mut ids: &[u32],
    emitter: &mut Emitter<'_, '_, V>,
) -> Result<ControlFlow<()>, EmitError<E>>
where
    V: FnMut(&FoundEdge<'_>) -> Result<ControlFlow<()>, E>,
{
    while let Some(&id) = ids.first() {
        let number = chunk.find(id).ok_or(ExistingError::Edge { id })?;
        let record = chunk.record(number).ok_or(ExistingError::Edge { id })?;
        let end = chunk.record(number + 1).map_or(entry.end, |next| next.first_edge);
        let in_commit;
        (in_commit, ids) = ids.split_at(ids.partition_point(|id| *id < end));
        let in_commit = in_commit.iter().copied();
        if emitter.commit(&record, in_commit)?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}

/// All ids of two lists, each ascending.
fn union<'a>(mut all: Vec<'a, u32>, more: &[u32]) -> Result<Vec<'a, u32>, MemoryError> {
    if !more.iter().eq(&all) {
        all.try_extend_from_slice(more)?;
        all.sort_unstable();
        all.dedup();
    }
    Ok(all)
}

/// The object id of the entry `name` of a tree.
fn find(tree: &[u8], name: &[u8]) -> Result<Option<Oid>, ExistingError> {
    for entry in entries(tree) {
        let entry = entry.map_err(ExistingError::Malformed)?;
        if entry.name == name {
            return Ok(Some(entry.id));
        }
    }
    Ok(None)
}
