//! Git access: the port that services use, its two adapters, and the object formats we write.

mod commit;
mod error;
pub mod fake;
pub mod gitoxide;
mod lookup;
mod pack;
mod port;
mod sharing;
mod temporary;
mod tree;

pub use commit::{Commit, CommitDraft, Identity};
pub use error::Error;
pub use lookup::{Found, find_path, head_tree};
pub(crate) use pack::{Keep, ObjectHeader, PackWriter, encode_header, encode_stored};
pub use pack::{PackError, PackSummary, object_id};
pub use port::{Follow, Head, ObjectKind, PackSink, RefUpdate, Repository, Visit};
pub(crate) use sharing::Sharing;
pub use tree::{EMPTY_TREE, EntryMode, TreeDraft, TreeEntry, entries};
