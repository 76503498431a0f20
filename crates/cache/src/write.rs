//! Writing a planned cache: files, shard trees, commit index, root tree and commit.

use super::bitmap::{HEADER, IdsEncoder, encode_bitmap};
use super::commit_index::{CommitRecord, RECORDS_PER_CHUNK, chunk_name, encode_commit_chunk};
use super::encode::{Encoded, Encoding};
use super::error::RebuildError;
use super::marks::Marks;
use super::meta::Meta;
use super::path_file::PathFileDraft;
use super::plan::{Content, Key, Plan};
use super::root::Root;
use super::shard::{Direction, push_file, push_shard, shard_name};
use gitmind_git::oid::Oid;
use gitmind_git::{
    BoxedTransaction, CommitDraft, EntryMode, Error, ObjectKind, Repository, TreeDraft, object_id,
};
use gitmind_journal::WalkError;
use gitmind_memory::{Alloc, MemoryError, Vec};
use gitmind_ports::clock::Timestamp;
use gitmind_ports::pipeline::pipeline;
use gitmind_ports::progress::{Progress, Step};

/// Message of a cache commit, as the C tool writes it.
const MESSAGE: &[u8] = b"Cache metadata";

/// A cache whose objects are written; committing the transaction updates its ref.
pub(super) struct Written<'a> {
    pub(super) meta: Meta,
    pub(super) outermost: Outermost,
    pub(super) transaction: BoxedTransaction<'a>,
}

/// What writing a cache needs.
#[derive(Clone, Copy)]
pub(super) struct Target<'a> {
    pub(super) repository: &'a dyn Repository,
    pub(super) alloc: Alloc<'a>,
    pub(super) progress: &'a dyn Progress,
    /// Number of encoding threads beside the writing thread.
    pub(super) workers: usize,
}

/// Writes the cache of `plan`; `meta` has no number of paths yet.
pub(super) fn write<'a>(
    target: Target<'a>,
    mut plan: Plan<'_, '_>,
    marks: &Marks<'_>,
    meta: Meta,
    time: Timestamp,
) -> Result<Written<'a>, RebuildError> {
    let Target { repository, alloc, workers, .. } = target;
    let beside_shards = plan.objects_beside_shards() + u32::from(!marks.is_empty());
    let content = plan.group(Key::Object, alloc, workers);
    let objects = beside_shards + content.objects();
    let mut writer = CacheWriter::start(repository, alloc, Some(objects))?;
    writer.content(target, &content, objects)?;
    writer.content(target, &plan.group(Key::Path, alloc, workers), objects)?;
    writer.finish(repository, (plan.commits(), marks), meta, time)
}

/// The objects of a cache that are named after all others.
pub(super) struct Outermost {
    pub(super) commit: Oid,
    pub(super) root_tree: Oid,
    pub(super) shards_tree: Oid,
}

impl Outermost {
    /// Adds the file of marked edges, the metadata, the root tree of `shards`, of the commit index
    /// `commits` and of the path index `paths`, and the commit.
    pub(super) fn write(
        repository: &dyn Repository,
        (shards, commits, paths): (TreeDraft<'_>, Option<Oid>, Option<Oid>),
        marks: &Marks<'_>,
        meta: &Meta,
        time: Timestamp,
        mut add: impl FnMut(ObjectKind, &[u8]) -> Result<Oid, Error>,
    ) -> Result<Self, Error> {
        let alloc = shards.alloc();
        let shards_tree = object_id(ObjectKind::Tree, shards.as_bytes())?;
        let mut file = Vec::new(alloc);
        if !marks.is_empty() {
            marks.encode(&mut file)?;
        }
        let marks = if file.is_empty() { None } else { Some(add(ObjectKind::Blob, &file)?) };
        let meta = Some(add(ObjectKind::Blob, &meta.encode(alloc)?)?);
        let root = Root { shards, commits, marks, meta, paths, is_wrapper: false };
        let root_tree = add(ObjectKind::Tree, root.encode(alloc)?.as_bytes())?;
        // As `git stash` does, a cache falls back to a stand-in: its author has no meaning.
        let (tree, authors) = (root_tree, &repository.authors().unwrap_or_default());
        let draft = CommitDraft { tree, parents: &[], authors, time, message: MESSAGE };
        let mut commit = Vec::new(alloc);
        draft.encode(&mut commit)?;
        let commit = add(ObjectKind::Commit, &commit)?;
        Ok(Self { commit, root_tree, shards_tree })
    }
}

/// Writes a cache: the shards in ascending order, the files of the path index in ascending order,
/// then the commit index and the other objects.
pub(super) struct CacheWriter<'a> {
    transaction: BoxedTransaction<'a>,
    /// Buffer for the content of a file.
    file: Vec<'a, u8>,
    /// The tree of the current shard.
    tree: TreeDraft<'a>,
    /// The shard directories so far.
    shards: TreeDraft<'a>,
    /// The current file of the path index.
    pub(super) paths: PathFileDraft<'a>,
    /// The files of the path index so far.
    path_files: TreeDraft<'a>,
    path_count: u32,
    /// The number of objects of groups so far.
    written: u64,
}

impl<'a> CacheWriter<'a> {
    /// Starts a cache with this number of objects, if it is known.
    pub(super) fn start(
        repository: &'a dyn Repository,
        alloc: Alloc<'a>,
        objects: Option<u32>,
    ) -> Result<Self, Error> {
        Ok(Self {
            transaction: repository.begin(alloc, objects)?,
            file: Vec::new(alloc),
            tree: TreeDraft::new(alloc),
            shards: TreeDraft::new(alloc),
            paths: PathFileDraft::new(alloc),
            path_files: TreeDraft::new(alloc),
            path_count: 0,
            written: 0,
        })
    }

    /// Writes the files of `content`, of a cache of `objects`, and the trees of its shards.
    fn content(
        &mut self,
        target: Target<'_>,
        content: &Content<'_>,
        objects: u32,
    ) -> Result<(), RebuildError> {
        let Target { alloc, progress, workers, .. } = target;
        let encoding = Encoding { content, alloc };
        pipeline(&encoding, content.groups(), alloc, workers, |groups| {
            while let Some(group) = groups.next(&mut ()) {
                progress.report(Step::Writing, self.written, Some(objects.into()));
                let group = group?;
                self.group(content.key, &group)?;
                groups.done(group);
            }
            Ok(())
        })
    }

    /// Writes a group of encoded shards.
    fn group(&mut self, key: Key, group: &Encoded<'_>) -> Result<(), RebuildError> {
        for (kind, id, data) in group.objects() {
            self.transaction.add_named(kind, id, data)?;
        }
        self.written += group.objects().len() as u64;
        for (shard, id) in group.shards() {
            match key {
                Key::Object => push_shard(&mut self.shards, *shard, *id)?,
                Key::Path => self.push_path_file(*shard, *id)?,
            }
        }
        self.count_paths(group.path_count)
    }

    /// Adds the file of the path index for `shard`; they must come in ascending order.
    fn push_path_file(&mut self, shard: u8, file: Oid) -> Result<(), MemoryError> {
        self.path_files.try_push(EntryMode::File, &shard_name(shard), file)
    }

    /// Counts paths that are written. There are at most two for each edge.
    fn count_paths(&mut self, count: u32) -> Result<(), RebuildError> {
        self.path_count = self.path_count.checked_add(count).ok_or(RebuildError::TooManyEdges)?;
        Ok(())
    }

    /// Adds the entry of a file to the shard; entries must come in the order of their names.
    pub(super) fn entry(
        &mut self,
        object: Oid,
        direction: Direction,
        file: Oid,
    ) -> Result<(), MemoryError> {
        push_file(&mut self.tree, object, direction, file)
    }

    /// Writes the tree of the current shard, unless it is empty.
    pub(super) fn end_shard(&mut self, shard: u8) -> Result<(), Error> {
        if !self.tree.is_empty() {
            let tree = self.transaction.add(ObjectKind::Tree, self.tree.as_bytes())?;
            push_shard(&mut self.shards, shard, tree)?;
            self.tree.clear();
        }
        Ok(())
    }

    /// Writes the bitmap file of `ids`; returns its id.
    pub(super) fn file(&mut self, ids: &[u32]) -> Result<Oid, Error> {
        self.file.clear();
        encode_bitmap(ids, &mut self.file)?;
        self.transaction.add(ObjectKind::Blob, &self.file)
    }

    /// Writes the bitmap file of encoded ids; returns its id.
    pub(super) fn encoded_file(&mut self, ids: &IdsEncoder<'_>) -> Result<Oid, Error> {
        self.file.clear();
        self.file.try_extend_from_slice(&HEADER)?;
        ids.encode(&mut self.file)?;
        self.transaction.add(ObjectKind::Blob, &self.file)
    }

    /// Writes the file of the path index for `shard`, unless it has no paths.
    pub(super) fn end_path_file(&mut self, shard: u8) -> Result<(), RebuildError> {
        let count = self.paths.count();
        if count > 0 {
            self.count_paths(count)?;
            self.file.clear();
            self.paths.take_into(&mut self.file)?;
            let file = self.transaction.add(ObjectKind::Blob, &self.file)?;
            self.push_path_file(shard, file)?;
        }
        Ok(())
    }

    /// Writes the commit index, the directory of the path index, the marked edges, the metadata
    /// with the number of paths, the root tree and the commit, after the last shard.
    pub(super) fn finish(
        mut self,
        repository: &dyn Repository,
        (commits, marks): (impl Iterator<Item = Result<CommitRecord, WalkError>>, &Marks<'_>),
        meta: Meta,
        time: Timestamp,
    ) -> Result<Written<'a>, RebuildError> {
        let commits = self.commit_index(commits)?;
        let Self { mut transaction, shards, path_files, path_count, .. } = self;
        let mut add = |kind, data: &[u8]| transaction.add(kind, data);
        let paths = match path_count {
            0 => None,
            _ => Some(add(ObjectKind::Tree, path_files.as_bytes())?),
        };
        let meta = Meta { paths: path_count, ..meta };
        let directories = (shards, commits, paths);
        let outermost = Outermost::write(repository, directories, marks, &meta, time, add)?;
        Ok(Written { meta, outermost, transaction })
    }

    /// Writes the commit index; returns the id of its directory, or `None` without edges.
    fn commit_index(
        &mut self,
        mut records: impl Iterator<Item = Result<CommitRecord, WalkError>>,
    ) -> Result<Option<Oid>, RebuildError> {
        debug_assert!(self.tree.is_empty(), "the last shard has ended");
        let mut chunk = Vec::try_with_capacity(RECORDS_PER_CHUNK as usize, self.file.alloc())?;
        loop {
            chunk.clear();
            for record in records.by_ref().take(RECORDS_PER_CHUNK as usize) {
                chunk.try_push(record?)?;
            }
            let Some(first) = chunk.first() else { break };
            let name = chunk_name(first.first_edge);
            self.file.clear();
            encode_commit_chunk(chunk.iter().copied(), &mut self.file)?;
            let file = self.transaction.add(ObjectKind::Blob, &self.file)?;
            self.tree.try_push(EntryMode::File, &name, file)?;
        }
        if self.tree.is_empty() {
            return Ok(None);
        }
        Ok(Some(self.transaction.add(ObjectKind::Tree, self.tree.as_bytes())?))
    }
}
