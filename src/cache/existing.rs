//! The cache that a branch already has, as far as a rebuild cares.

use super::meta::{self, Meta};
use super::shard::is_shard_name;
use crate::git::{Commit, EntryMode, ObjectKind, Repository, TreeDraft, entries, object_id};
use crate::oid::Oid;

/// A cache with readable metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Existing {
    /// The cache commit.
    pub commit: Oid,
    /// Its tree.
    pub root_tree: Oid,
    /// The tree of the shard folders alone. It need not exist as an object.
    pub shards_tree: Oid,
    /// What it was built from.
    pub meta: Meta,
}

impl Existing {
    /// Reads the cache whose commit is `commit`.
    ///
    /// # Errors
    /// A sentence on why it cannot be used. A cache of the C tool has no metadata: `Ok(None)`.
    pub fn read(repository: &dyn Repository, commit: Oid) -> Result<Option<Self>, String> {
        let mut buffer = Vec::new();
        let mut read = |id, kind| {
            repository.read(id, kind, &mut buffer).map_err(|error| error.to_string())?;
            Ok::<_, String>(std::mem::take(&mut buffer))
        };
        let bytes = read(commit, ObjectKind::Commit)?;
        let root_tree = Commit::parse(commit, &bytes)?.tree;
        let root = read(root_tree, ObjectKind::Tree)?;
        let mut shards = TreeDraft::default();
        let mut meta_blob = None;
        for entry in entries(&root) {
            let entry = entry?;
            match entry.mode {
                EntryMode::Tree if is_shard_name(entry.name) => {
                    shards.push(entry.mode, entry.name, entry.id);
                }
                EntryMode::File if entry.name == meta::NAME => meta_blob = Some(entry.id),
                _ => {}
            }
        }
        let Some(meta_blob) = meta_blob else { return Ok(None) };
        let meta = Meta::parse(&read(meta_blob, ObjectKind::Blob)?);
        let meta = meta.map_err(|error| error.to_string())?;
        let shards_tree = object_id(ObjectKind::Tree, shards.as_bytes());
        let shards_tree = shards_tree.map_err(|error| error.to_string())?;
        Ok(Some(Self { commit, root_tree, shards_tree, meta }))
    }
}
