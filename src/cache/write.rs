//! Writing a planned cache: files, shard trees, commit index, root tree and commit into one pack.

use super::bitmap::encode_bitmap;
use super::commit_index::{RECORDS_PER_CHUNK, chunk_name, encode_commit_chunk};
use super::meta::Meta;
use super::plan::{Entry, Plan};
use super::root::Root;
use super::shard::{Direction, push_file, push_shard};
use crate::clock::Timestamp;
use crate::git::{
    CommitDraft, EntryMode, Error, ObjectKind, PackSink, PackSummary, Repository, TreeDraft,
    object_id,
};
use crate::memory::{Alloc, Vec};
use crate::oid::Oid;
use crate::progress::{Progress, Step};

/// Message of a cache commit, as the C tool writes it.
const MESSAGE: &[u8] = b"Cache metadata";

/// A cache that is in the repository and that no ref names yet.
pub(super) struct Written {
    pub(super) commit: Oid,
    pub(super) root_tree: Oid,
    pub(super) shards_tree: Oid,
    pub(super) pack: PackSummary,
}

/// Writes the cache.
pub(super) fn write(
    repository: &dyn Repository,
    alloc: Alloc<'_>,
    plan: &Plan<'_>,
    meta: &Meta,
    time: Timestamp,
    progress: &dyn Progress,
) -> Result<Written, Error> {
    let objects = plan.objects();
    let mut writer = Writer {
        sink: repository.start_pack(alloc, objects)?,
        file: Vec::new(alloc),
        tree: TreeDraft::new(alloc),
        shards: TreeDraft::new(alloc),
    };
    let mut files = 0;
    for (shard, entries) in plan.shards() {
        progress.report(Step::Writing, files, Some(objects.into()));
        files += writer.shard(shard, entries)?;
    }
    let commits = writer.commit_index(plan)?;
    let Writer { mut sink, shards, .. } = writer;
    let shards_tree = object_id(ObjectKind::Tree, shards.as_bytes())?;
    let meta_blob = sink.add(ObjectKind::Blob, &meta.encode(alloc)?)?;
    let root = Root { shards, commits, meta: Some(meta_blob), is_wrapper: false };
    let root_tree = sink.add(ObjectKind::Tree, root.encode(alloc)?.as_bytes())?;
    let commit = commit_object(repository, alloc, root_tree, time)?;
    let commit = sink.add(ObjectKind::Commit, &commit)?;
    let pack = sink.finish()?;
    Ok(Written { commit, root_tree, shards_tree, pack })
}

/// The commit of a cache whose root tree is `tree`.
pub(super) fn commit_object<'a>(
    repository: &dyn Repository,
    alloc: Alloc<'a>,
    tree: Oid,
    time: Timestamp,
) -> Result<Vec<'a, u8>, Error> {
    let identity = repository.identity();
    let draft = CommitDraft { tree, parents: &[], identity: &identity, time, message: MESSAGE };
    let mut commit = Vec::new(alloc);
    draft.encode(&mut commit)?;
    Ok(commit)
}

struct Writer<'a> {
    sink: Box<dyn PackSink + 'a>,
    /// Buffer for a file's content.
    file: Vec<'a, u8>,
    /// Buffer for a folder's tree.
    tree: TreeDraft<'a>,
    /// The shard folders so far.
    shards: TreeDraft<'a>,
}

impl Writer<'_> {
    /// Writes a shard's files and tree; returns how many objects that were.
    fn shard<'a>(
        &mut self,
        shard: u8,
        entries: impl Iterator<Item = Entry<'a>>,
    ) -> Result<u64, Error> {
        let mut objects = 1;
        self.tree.clear();
        for Entry { oid, forward, reverse, reverse_is_shared } in entries {
            if !forward.is_empty() {
                let file = self.file(forward, false)?;
                push_file(&mut self.tree, oid, Direction::Forward, file)?;
            }
            if !reverse.is_empty() {
                let file = self.file(reverse, reverse_is_shared)?;
                push_file(&mut self.tree, oid, Direction::Reverse, file)?;
            }
            objects += 2;
        }
        let tree = self.sink.add(ObjectKind::Tree, self.tree.as_bytes())?;
        push_shard(&mut self.shards, shard, tree)?;
        Ok(objects)
    }

    /// Writes the commit index; returns its folder, which a journal without edges has none of.
    fn commit_index(&mut self, plan: &Plan<'_>) -> Result<Option<Oid>, Error> {
        self.tree.clear();
        let mut records = plan.commits().peekable();
        while let Some(first) = records.peek() {
            let name = chunk_name(first.first_edge);
            self.file.clear();
            let chunk = records.by_ref().take(RECORDS_PER_CHUNK as usize);
            encode_commit_chunk(chunk, &mut self.file)?;
            let chunk = self.sink.add(ObjectKind::Blob, &self.file)?;
            self.tree.try_push(EntryMode::File, &name, chunk)?;
        }
        if self.tree.is_empty() {
            return Ok(None);
        }
        self.sink.add(ObjectKind::Tree, self.tree.as_bytes()).map(Some)
    }

    /// The name of the file of `ids`, which is written unless the pack has it elsewhere.
    fn file(&mut self, ids: &[u32], is_shared: bool) -> Result<Oid, Error> {
        self.file.clear();
        encode_bitmap(ids, &mut self.file)?;
        if is_shared {
            return object_id(ObjectKind::Blob, &self.file);
        }
        self.sink.add(ObjectKind::Blob, &self.file)
    }
}
