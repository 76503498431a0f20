//! Answering a query from a cache: bitmaps, path index, marked edges, commit index, commits.

use super::FoundEdge;
use super::Unusable;
use super::contents::Contents;
use super::emitter::{EmitError, Emitter, View};
use super::newer::Newer;
use crate::bitmap::decode_bitmap;
use crate::commit_index::{
    CommitChunk, CommitRecord, RECORDS_PER_CHUNK, parse_chunk_name, records_of_last_chunk,
};
use crate::existing::ExistingError;
use crate::indexed::edges_of;
use crate::marks::Marks;
use crate::meta::Meta;
use crate::path_file::{PathFile, decode_list};
use crate::path_keys::path_key;
use crate::root::{Root, read_verified};
use crate::shard::{Direction, file_name, shard_name};
use arrayvec::ArrayVec;
use core::ops::ControlFlow;
use gitmind_git::branch::BranchName;
use gitmind_git::oid::Oid;
use gitmind_git::{EntryMode, ObjectKind, Repository, entries};
use gitmind_journal::{Edge, EdgeOrder, PayloadBuffer, Relation};
use gitmind_memory::{Alloc, Vec};

/// A cache whose metadata is valid.
pub(super) struct Lookup<'q, 'a> {
    repository: &'q dyn Repository,
    alloc: Alloc<'a>,
    root: Root<'a>,
    pub(super) meta: Meta,
}

/// The directory entry of a chunk of the commit index.
struct ChunkEntry {
    first_edge: u32,
    /// The first edge of the next chunk; the number of edges for the last.
    end: u32,
    blob: Oid,
}

/// The ids of edges at one end or both.
type Lists<'a> = ArrayVec<(Direction, Vec<'a, u32>), 2>;

/// A chunk of the commit index that was read, with its number.
type LastChunk<'a> = (Option<usize>, Vec<'a, u8>);

const BOTH: [Direction; 2] = [Direction::Forward, Direction::Reverse];

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
        let lookup = Self { repository, alloc, root, meta };
        // Only the ids of the order oldest first are those of a longer journal too.
        match lookup.meta.edge_order {
            EdgeOrder::NewestFirst if lookup.meta.journal_tip != tip => Err(lookup.stale(tip)),
            _ => Ok(lookup),
        }
    }

    /// Why the cache cannot be used for the journal at `tip`.
    pub(super) fn stale(&self, tip: Oid) -> Unusable {
        Unusable::Stale { built_from: self.meta.journal_tip, tip }
    }

    /// The marked edges.
    pub(super) fn marks(&self) -> Result<Marks<'a>, ExistingError> {
        let Some(blob) = self.root.marks else { return Ok(Marks::new(self.alloc)) };
        let mut file = Vec::new(self.alloc);
        read_verified(self.repository, blob, ObjectKind::Blob, &mut file)?;
        Marks::parse(self.alloc, &file)
    }

    /// Visits the edges with these ids, which must ascend.
    pub(super) fn emit<V, E>(
        &self,
        ids: &[u32],
        view: &View<'_, '_, '_>,
        emitter: &mut Emitter<'_, '_, V>,
    ) -> Result<ControlFlow<()>, EmitError<E>>
    where
        V: FnMut(&FoundEdge<'_>) -> Result<ControlFlow<()>, E>,
    {
        let (chunks, mut last) = (self.chunks()?, (None, Vec::new(self.alloc)));
        self.commits(&chunks, &mut last, ids, |record, ids| {
            emitter.commit(record, ids.iter().copied(), view)
        })
    }

    /// The ids of the edges of all contents, ascending. Adds the older contents from which AUGMENTS
    /// edges lead to those that are there, in the cache and in `newer`.
    pub(super) fn ids(
        &self,
        contents: &mut Contents<'_, '_>,
        marks: &Marks<'_>,
        newer: &Newer<'_, '_>,
    ) -> Result<Vec<'a, u32>, ExistingError> {
        let endpoint = contents.endpoint;
        let follows_cache = endpoint.follow && !marks.augments().is_empty();
        let chunks = if follows_cache { self.chunks()? } else { Vec::new(self.alloc) };
        let mut last = (None, Vec::new(self.alloc));
        let mut sources = |ids: &Vec<'_, u32>, visit: &mut Visit<'_>| {
            let mut augments = Vec::new(self.alloc);
            let is_augments = |id: &&u32| marks.augments().binary_search(id).is_ok();
            augments.try_extend(ids.iter().filter(is_augments).copied())?;
            self.edges(&chunks, &mut last, &augments, visit)
        };
        let mut ids = Vec::new(self.alloc);
        let mut lists = 0;
        let mut add = |list: &[u32]| {
            lists += usize::from(!list.is_empty());
            ids.try_extend_from_slice(list)
        };
        let leads_back = |end: Direction| end == Direction::Reverse && follows_cache;
        let wanted = |end: Direction| endpoint.includes(end) || leads_back(end);
        let mut next = 0;
        for is_of_path in [false, true] {
            if let Some(path) = endpoint.path.filter(|_| is_of_path) {
                for (end, list) in self.ids_of_path(path, wanted)? {
                    if endpoint.includes(end) {
                        add(&list)?;
                    }
                    if leads_back(end) {
                        sources(&list, &mut |edge| {
                            contents.try_insert(edge.target, None)?;
                            Ok(contents.try_insert(edge.source, None)?)
                        })?;
                    }
                }
                for [target, source] in newer.versions_of_path() {
                    contents.try_insert(target, None)?;
                    contents.try_insert(source, None)?;
                }
            }
            while let Some((content, since)) = contents.get(next) {
                next += 1;
                let since = since.map(|since| since.saturating_add(1));
                for (end, list) in self.ids_of_object(content, wanted)? {
                    if endpoint.includes(end) {
                        add(&list)?;
                    }
                    if leads_back(end) {
                        sources(&list, &mut |edge| Ok(contents.try_insert(edge.source, since)?))?;
                    }
                }
                for source in newer.sources_of(content) {
                    contents.try_insert(source, since)?;
                }
            }
        }
        if lists > 1 {
            ids.sort_unstable();
            ids.dedup();
        }
        match ids.last() {
            Some(last) if *last >= self.meta.edges => {
                Err(ExistingError::Malformed("it has an edge id beyond its number of edges"))
            }
            _ => Ok(ids),
        }
    }

    /// The ids of the edges of an object, at each end that is `wanted`. One without edges has no
    /// file.
    fn ids_of_object(
        &self,
        object: Oid,
        wanted: impl Fn(Direction) -> bool,
    ) -> Result<Lists<'a>, ExistingError> {
        let mut lists = Lists::new();
        let shard = find(self.root.shards.as_bytes(), &shard_name(object.shard()))?;
        let Some(shard) = shard else { return Ok(lists) };
        let (mut tree, mut file) = (Vec::new(self.alloc), Vec::new(self.alloc));
        read_verified(self.repository, shard, ObjectKind::Tree, &mut tree)?;
        for end in BOTH.into_iter().filter(|end| wanted(*end)) {
            if let Some(blob) = find(&tree, &file_name(object, end))? {
                read_verified(self.repository, blob, ObjectKind::Blob, &mut file)?;
                lists.push((end, decode_bitmap(self.alloc, &file)?));
            }
        }
        Ok(lists)
    }

    /// The ids of the edges that were recorded under a path, at each end that is `wanted`.
    fn ids_of_path(
        &self,
        path: &[u8],
        wanted: impl Fn(Direction) -> bool,
    ) -> Result<Lists<'a>, ExistingError> {
        let (key, mut buffer) = (path_key(path), Vec::new(self.alloc));
        let mut lists = Lists::new();
        if self.read_path_file(key, &mut buffer)? {
            let found = PathFile::parse(&buffer)?.find(key);
            for end in BOTH.into_iter().filter(|end| wanted(*end)) {
                lists.push((end, decode_list(self.alloc, found.of(end))?));
            }
        }
        Ok(lists)
    }

    /// Reads the file that has the path with this key, if any has; returns whether there is one.
    fn read_path_file(&self, key: Oid, buffer: &mut Vec<'_, u8>) -> Result<bool, ExistingError> {
        let Some(directory) = self.root.paths else {
            return match self.meta.paths {
                0 => Ok(false),
                _ => Err(ExistingError::Malformed("it has no path index")),
            };
        };
        read_verified(self.repository, directory, ObjectKind::Tree, buffer)?;
        let Some(file) = find(buffer, &shard_name(key.shard()))? else { return Ok(false) };
        read_verified(self.repository, file, ObjectKind::Blob, buffer)?;
        Ok(true)
    }

    /// Whether there are edges of an object, or that were recorded under a path.
    pub(super) fn has_edges(
        &self,
        object: Oid,
        path: &[u8],
        buffer: &mut Vec<'_, u8>,
    ) -> Result<bool, ExistingError> {
        if let Some(shard) = find(self.root.shards.as_bytes(), &shard_name(object.shard()))? {
            read_verified(self.repository, shard, ObjectKind::Tree, buffer)?;
            for end in BOTH {
                if find(buffer, &file_name(object, end))?.is_some() {
                    return Ok(true);
                }
            }
        }
        let key = path_key(path);
        if path.is_empty() || !self.read_path_file(key, buffer)? {
            return Ok(false);
        }
        let lists = PathFile::parse(buffer)?.find(key);
        Ok(BOTH.into_iter().any(|end| !lists.of(end).is_empty()))
    }

    /// Visits the AUGMENTS edges with these ids, which must ascend.
    fn edges(
        &self,
        chunks: &[ChunkEntry],
        last: &mut LastChunk<'a>,
        ids: &[u32],
        visit: &mut Visit<'_>,
    ) -> Result<(), ExistingError> {
        let (mut object, mut payload) = (Vec::new(self.alloc), PayloadBuffer::new(self.alloc));
        self.commits(chunks, last, ids, |record, ids| {
            let (_, mut edges) = edges_of(self.repository, record, &mut object, &mut payload)?;
            let mut next = record.first_edge;
            for &id in ids {
                let edge = edges.nth((id - next) as usize);
                let edge = edge.filter(|edge| edge.relation == Relation::AUGMENTS);
                visit(&edge.ok_or(ExistingError::Edge { id })?)?;
                next = id + 1;
            }
            Ok(ControlFlow::Continue(()))
        })
        .map(|_: ControlFlow<()>| ())
    }

    /// Calls `visit` with the record of each commit that has one of `ids`, which must ascend, and
    /// with its ids, until it breaks. `last` is the chunk that was read last.
    fn commits<E: From<ExistingError>>(
        &self,
        chunks: &[ChunkEntry],
        (number_read, file): &mut LastChunk<'a>,
        mut ids: &[u32],
        mut visit: impl FnMut(&CommitRecord, &[u32]) -> Result<ControlFlow<()>, E>,
    ) -> Result<ControlFlow<()>, E> {
        while let Some(&id) = ids.first() {
            let number = chunks.partition_point(|chunk| chunk.first_edge <= id);
            let chunk = number.checked_sub(1).map(|number| (number, &chunks[number]));
            let (number, entry) = chunk.ok_or(ExistingError::Edge { id })?;
            if *number_read != Some(number) {
                *number_read = None;
                read_verified(self.repository, entry.blob, ObjectKind::Blob, file)?;
            }
            let is_last = number + 1 == chunks.len();
            let chunk = self.check(CommitChunk::parse(file), entry, is_last)?;
            *number_read = Some(number);
            let in_chunk;
            (in_chunk, ids) = ids.split_at(ids.partition_point(|id| *id < entry.end));
            let mut in_chunk = in_chunk;
            while let Some(&id) = in_chunk.first() {
                let number = chunk.find(id).ok_or(ExistingError::Edge { id })?;
                let record = chunk.record(number).ok_or(ExistingError::Edge { id })?;
                let end = chunk.record(number + 1).map_or(entry.end, |next| next.first_edge);
                let in_commit;
                (in_commit, in_chunk) = in_chunk.split_at(in_chunk.partition_point(|id| *id < end));
                if visit(&record, in_commit)?.is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
        }
        Ok(ControlFlow::Continue(()))
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

/// A visitor of AUGMENTS edges.
type Visit<'v> = dyn FnMut(&Edge<'_>) -> Result<(), ExistingError> + 'v;

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
