//! The cache that a branch already has, as far as a rebuild cares.

use super::meta::{self, Meta, MetaError};
use super::shard::is_shard_name;
use crate::git::{self, Commit, EntryMode, ObjectKind, Repository, TreeDraft, entries, object_id};
use crate::memory::{Alloc, MemoryError, Vec};
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

/// Why a cache cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ExistingError {
    /// Part of it cannot be read.
    #[error(transparent)]
    Repository(#[from] git::Error),
    /// Its commit or its tree is malformed.
    #[error("{0}")]
    Malformed(&'static str),
    /// Its metadata says nothing.
    #[error(transparent)]
    Meta(#[from] MetaError),
}

impl ExistingError {
    /// The refusal, when the cache itself may be whole and only memory was short.
    pub const fn memory(&self) -> Option<MemoryError> {
        match self {
            Self::Repository(git::Error::Memory(error)) => Some(*error),
            _ => None,
        }
    }
}

impl From<MemoryError> for ExistingError {
    fn from(error: MemoryError) -> Self {
        Self::Repository(error.into())
    }
}

impl Existing {
    /// Reads the cache whose commit is `commit`. One of the C tool has no metadata: `Ok(None)`.
    ///
    /// # Errors
    /// An [`ExistingError`] when it cannot be used.
    pub fn read(
        repository: &dyn Repository,
        alloc: Alloc<'_>,
        commit: Oid,
    ) -> Result<Option<Self>, ExistingError> {
        let read = |id, kind| {
            let mut buffer = Vec::new(alloc);
            repository.read(id, kind, &mut buffer).map(|()| buffer)
        };
        let bytes = read(commit, ObjectKind::Commit)?;
        let root_tree = Commit::parse(commit, &bytes).map_err(ExistingError::Malformed)?.tree;
        let root = read(root_tree, ObjectKind::Tree)?;
        let mut shards = TreeDraft::new(alloc);
        let mut meta_blob = None;
        for entry in entries(&root) {
            let entry = entry.map_err(ExistingError::Malformed)?;
            match entry.mode {
                EntryMode::Tree if is_shard_name(entry.name) => {
                    shards.push(entry.mode, entry.name, entry.id)?;
                }
                EntryMode::File if entry.name == meta::NAME => meta_blob = Some(entry.id),
                _ => {}
            }
        }
        let Some(meta_blob) = meta_blob else { return Ok(None) };
        let meta = Meta::parse(&read(meta_blob, ObjectKind::Blob)?)?;
        let shards_tree = object_id(ObjectKind::Tree, shards.as_bytes())?;
        Ok(Some(Self { commit, root_tree, shards_tree, meta }))
    }
}
