//! Encoding and hashing the files and trees of a group of shards, on worker threads.

use super::bitmap::encode_bitmap;
use super::plan::{Content, Entry};
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
    /// Each shard and the id of its tree.
    shards: Vec<'a, (u8, Oid)>,
}

impl<'a> Encoded<'a> {
    fn new(alloc: Alloc<'a>) -> Self {
        Self {
            bytes: Vec::new(alloc),
            objects: Vec::new(alloc),
            tree: TreeDraft::new(alloc),
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

    /// Each shard and the id of its tree, in ascending order.
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
    type Error = Error;
    type Tools = ();

    fn run(
        &self,
        job: Range<usize>,
        old: Option<Encoded<'a>>,
        (): &mut (),
    ) -> Result<Encoded<'a>, Error> {
        let mut encoded = old.unwrap_or_else(|| Encoded::new(self.alloc));
        encoded.bytes.clear();
        encoded.objects.clear();
        encoded.shards.clear();
        for (shard, entries) in self.content.shards_of(job) {
            encoded.shard(shard, entries)?;
        }
        Ok(encoded)
    }
}
