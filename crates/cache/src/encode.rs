//! Encoding and hashing the files of a group of shards, and the trees of those by object, on worker
//! threads.

use super::bitmap::encode_bitmap;
use super::error::RebuildError;
use super::path_file::PathFileDraft;
use super::plan::{Content, Entry, Key};
use super::shard::{Direction, push_file};
use core::ops::Range;
use gitmind_git::oid::Oid;
use gitmind_git::{Error, ObjectKind, TreeDraft, object_id};
use gitmind_memory::{Alloc, Vec};
use gitmind_ports::pipeline::Work;

/// The work of the pipeline that encodes a cache.
pub(super) struct Encoding<'e, 'r, 'a> {
    pub(super) content: &'e Content<'r>,
    pub(super) alloc: Alloc<'a>,
}

/// The objects of a group of shards, in the order in which they are written.
pub(super) struct Encoded<'a> {
    bytes: Vec<'a, u8>,
    /// Kind and id of each object, and the end of its data in `bytes`; it starts at the end of the
    /// one before.
    objects: Vec<'a, (ObjectKind, Oid, usize)>,
    tree: TreeDraft<'a>,
    path_file: PathFileDraft<'a>,
    /// Each shard, and the id of its tree, or of its file of the path index.
    shards: Vec<'a, (u8, Oid)>,
    /// The number of paths in these files.
    pub(super) path_count: u32,
}

impl<'a> Encoded<'a> {
    fn new(alloc: Alloc<'a>) -> Self {
        Self {
            bytes: Vec::new(alloc),
            objects: Vec::new(alloc),
            tree: TreeDraft::new(alloc),
            path_file: PathFileDraft::new(alloc),
            path_count: 0,
            shards: Vec::new(alloc),
        }
    }

    /// Kind, id and data of each object.
    pub(super) fn objects(&self) -> impl ExactSizeIterator<Item = (ObjectKind, Oid, &[u8])> {
        self.objects.iter().enumerate().map(|(index, (kind, id, end))| {
            let start = index.checked_sub(1).map_or(0, |last| self.objects[last].2);
            (*kind, *id, &self.bytes[start..*end])
        })
    }

    /// Each shard, in ascending order, and the id of its tree or file.
    pub(super) fn shards(&self) -> &[(u8, Oid)] {
        &self.shards
    }

    /// Adds a shard's files and its tree.
    fn shard<'p>(
        &mut self,
        shard: u8,
        entries: impl Iterator<Item = Entry<'p>>,
    ) -> Result<(), Error> {
        self.tree.clear();
        for entry in entries {
            let Entry { oid, forward, reverse, .. } = entry;
            if !forward.is_empty() {
                let file = self.file(forward, false)?;
                push_file(&mut self.tree, oid, Direction::Forward, file)?;
            }
            if !reverse.is_empty() {
                let file = self.file(reverse, entry.reverse_is_shared())?;
                push_file(&mut self.tree, oid, Direction::Reverse, file)?;
            }
        }
        self.bytes.try_extend_from_slice(self.tree.as_bytes())?;
        let tree = object_id(ObjectKind::Tree, self.tree.as_bytes())?;
        self.objects.try_push((ObjectKind::Tree, tree, self.bytes.len()))?;
        Ok(self.shards.try_push((shard, tree))?)
    }

    /// Adds a shard's file of the path index, unless it has no paths.
    fn paths<'p>(
        &mut self,
        shard: u8,
        entries: impl Iterator<Item = Entry<'p>>,
    ) -> Result<(), RebuildError> {
        for entry in entries {
            self.path_file.try_push(entry.oid, entry.forward, entry.reverse)?;
        }
        let count = self.path_file.count();
        if count > 0 {
            let start = self.bytes.len();
            self.path_file.take_into(&mut self.bytes)?;
            let file = object_id(ObjectKind::Blob, &self.bytes[start..])?;
            self.objects.try_push((ObjectKind::Blob, file, self.bytes.len()))?;
            self.shards.try_push((shard, file))?;
            self.path_count =
                self.path_count.checked_add(count).ok_or(RebuildError::TooManyEdges)?;
        }
        Ok(())
    }

    /// The id of the bitmap file of `ids`, which is added unless the cache has an equal file.
    fn file(&mut self, ids: &[u32], is_shared: bool) -> Result<Oid, Error> {
        let start = self.bytes.len();
        encode_bitmap(ids, &mut self.bytes)?;
        let id = object_id(ObjectKind::Blob, &self.bytes[start..])?;
        if is_shared {
            self.bytes.truncate(start);
        } else {
            self.objects.try_push((ObjectKind::Blob, id, self.bytes.len()))?;
        }
        Ok(id)
    }
}

impl<'a> Work for Encoding<'_, '_, 'a> {
    type Job = Range<usize>;
    type Output = Encoded<'a>;
    type Error = RebuildError;
    type Tools = ();

    fn run(
        &self,
        job: Range<usize>,
        old: Option<Encoded<'a>>,
        (): &mut (),
    ) -> Result<Encoded<'a>, RebuildError> {
        let mut encoded = old.unwrap_or_else(|| Encoded::new(self.alloc));
        encoded.bytes.clear();
        encoded.objects.clear();
        encoded.shards.clear();
        encoded.path_count = 0;
        for (shard, entries) in self.content.shards_of(job) {
            match self.content.key {
                Key::Object => encoded.shard(shard, entries)?,
                Key::Path => encoded.paths(shard, entries)?,
            }
        }
        Ok(encoded)
    }
}
