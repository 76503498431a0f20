//! The existing cache of a branch: its metadata, and why it cannot be used.

use super::bitmap::BitmapError;
use super::commit_index::CommitIndexError;
use super::meta::{Meta, MetaError};
use super::path_file::PathFileError;
use super::root::{Root, read_verified};
use gitmind_git::oid::Oid;
use gitmind_git::{self as git, ObjectKind, Repository, object_id};
use gitmind_memory::{Alloc, MemoryError, Vec};

/// A cache with readable metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Existing {
    /// The cache commit.
    pub commit: Oid,
    /// The root tree of the cache.
    pub root_tree: Oid,
    /// The id of a tree with only the shard directories, which need not exist as an object.
    pub shards_tree: Oid,
    /// The metadata.
    pub meta: Meta,
}

/// Why a cache cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ExistingError {
    /// Part of it cannot be read.
    #[error(transparent)]
    Repository(#[from] git::Error),
    /// The content of an object does not hash to its id.
    #[error("object {id} is corrupt: its content has another hash")]
    Content {
        /// The object.
        id: Oid,
    },
    /// An edge in a bitmap is not in its commit, or has another endpoint.
    #[error("edge {id} is not where its commit index says")]
    Edge {
        /// The id.
        id: u32,
    },
    /// A bitmap file is malformed.
    #[error(transparent)]
    Bitmap(BitmapError),
    /// A chunk of the commit index is malformed.
    #[error(transparent)]
    CommitIndex(#[from] CommitIndexError),
    /// A file of the path index is malformed.
    #[error(transparent)]
    Paths(PathFileError),
    /// A commit or a tree is malformed.
    #[error("{0}")]
    Malformed(&'static str),
    /// The metadata is malformed or of another version.
    #[error(transparent)]
    Meta(#[from] MetaError),
}

impl ExistingError {
    /// The allocation failure, if one is the cause; the cache may then be intact.
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

impl From<PathFileError> for ExistingError {
    fn from(error: PathFileError) -> Self {
        match error {
            PathFileError::Memory(error) => error.into(),
            error => Self::Paths(error),
        }
    }
}

impl From<MemoryError> for ExistingError {
    fn from(error: MemoryError) -> Self {
        Self::Repository(error.into())
    }
}

impl Existing {
    /// Reads the cache with the commit `commit`; `None` for a cache of the C tool, which has no
    /// metadata.
    ///
    /// # Errors
    /// An [`ExistingError`] when the cache cannot be used.
    pub fn read(
        repository: &dyn Repository,
        alloc: Alloc<'_>,
        commit: Oid,
    ) -> Result<Option<Self>, ExistingError> {
        let (root_tree, root) = Root::read(repository, alloc, commit)?;
        let Some(meta) = root.meta else { return Ok(None) };
        let mut buffer = Vec::new(alloc);
        read_verified(repository, meta, ObjectKind::Blob, &mut buffer)?;
        let meta = Meta::parse(&buffer)?;
        let shards_tree = object_id(ObjectKind::Tree, root.shards.as_bytes())?;
        Ok(Some(Self { commit, root_tree, shards_tree, meta }))
    }
}
