//! The cache that a branch already has, as far as a rebuild cares.

use super::bitmap::BitmapError;
use super::commit_index::CommitIndexError;
use super::meta::{Meta, MetaError};
use super::root::{Root, read_whole};
use gitmind_git::oid::Oid;
use gitmind_git::{self as git, ObjectKind, Repository, object_id};
use gitmind_memory::{Alloc, MemoryError, Vec};

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
    /// An object has another content than the one that was written.
    #[error("object {id} is corrupt: its content does not have its name")]
    Content {
        /// The object.
        id: Oid,
    },
    /// An edge is not what the file that names it says.
    #[error("edge {id} is not where its commit index says")]
    Edge {
        /// The id.
        id: u32,
    },
    /// A file of edge ids is malformed.
    #[error(transparent)]
    Bitmap(BitmapError),
    /// A chunk of the commit index is malformed.
    #[error(transparent)]
    CommitIndex(#[from] CommitIndexError),
    /// A commit or a tree of it is malformed.
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

impl From<BitmapError> for ExistingError {
    fn from(error: BitmapError) -> Self {
        match error {
            BitmapError::Memory(error) => error.into(),
            error => Self::Bitmap(error),
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
        let (root_tree, root) = Root::read(repository, alloc, commit)?;
        let Some(meta) = root.meta else { return Ok(None) };
        let mut buffer = Vec::new(alloc);
        read_whole(repository, meta, ObjectKind::Blob, &mut buffer)?;
        let meta = Meta::parse(&buffer)?;
        let shards_tree = object_id(ObjectKind::Tree, root.shards.as_bytes())?;
        Ok(Some(Self { commit, root_tree, shards_tree, meta }))
    }
}
