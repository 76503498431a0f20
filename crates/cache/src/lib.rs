//! The cache: which edges start and end at each object, as bitmap files in a git tree.
#![cfg_attr(not(test), no_std)]
#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests are on std"))]

mod bitmap;
mod collect;
mod commit_index;
mod encode;
mod error;
mod existing;
mod full;
mod indexed;
mod kept;
mod meta;
mod names;
mod numbered;
mod oid_table;
mod plan;
mod postings;
mod query;
mod rebuild;
mod root;
mod shard;
mod spill;
mod staged;
mod update;
mod write;

pub use bitmap::{BitmapError, decode_bitmap, encode_bitmap};
pub use commit_index::{
    CommitChunk, CommitIndexError, CommitRecord, RECORDS_PER_CHUNK, encode_commit_chunk,
};
pub use error::{FullBecause, RebuildError};
pub use existing::{Existing, ExistingError};
pub use meta::{Meta, MetaError};
pub use query::{Answer, Endpoint, FoundEdge, Query, QueryError, Unusable};
pub use rebuild::{Mode, Rebuild, RebuildOptions, Report};
pub use shard::Direction;
