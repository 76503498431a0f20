//! The cache: an index of the edges by source and by target object, as bitmap files in a git tree.
// Only rustdoc reads the page, so that an edit of README.md recompiles nothing.
#![cfg_attr(any(doc, doctest), doc = "")]
#![cfg_attr(any(doc, doctest), doc = include_str!("../README.md"))]
#![cfg_attr(not(test), no_std)]
#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests are on std"))]

mod bitmap;
mod collect;
mod commit_ids;
mod commit_index;
mod edge_columns;
mod edgeless;
mod encode;
mod end;
mod error;
mod existing;
mod full;
mod grouping;
mod index_tail;
mod indexed;
mod marks;
mod merged;
mod meta;
mod newer;
mod number_table;
mod numbered;
mod path_file;
mod path_keys;
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
pub use path_file::PathFileError;
pub use query::{Answer, Content, Endpoint, FoundEdge, Query, QueryError, Unusable};
pub use rebuild::{Mode, Rebuild, RebuildOptions, Report};
pub use shard::Direction;
