//! Git access: the port that services use, its two adapters, and the object formats we write.

mod commit;
mod error;
pub mod fake;
pub mod gitoxide;
mod pack;
mod port;
mod tree;

pub use commit::{Commit, CommitDraft, Identity};
pub use error::Error;
pub use pack::{PackError, PackSummary};
pub(crate) use pack::{PackWriter, encode_header, object_id};
pub use port::{Head, ObjectKind, PackSink, RefUpdate, Repository};
pub use tree::{EntryMode, TreeDraft, TreeEntry, entries};
