//! The journal: edges stored as git commits, encoded byte for byte as the C tool does.
// Only rustdoc reads the page, so that an edit of README.md recompiles nothing.
#![cfg_attr(any(doc, doctest), doc = "")]
#![cfg_attr(any(doc, doctest), doc = include_str!("../README.md"))]
#![cfg_attr(not(test), no_std)]
#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests are on std"))]

mod ancestry;
mod append;
mod attribution;
mod backoff;
mod batch;
mod cbor;
mod edge;
mod fork;
mod linear;
mod merge;
mod message;
mod newest;
mod old_format;
mod order;
mod range_walk;
mod reader;
mod statistics;
mod tombstones;
mod ulid;

pub use append::{Append, AppendError, Appended};
pub use attribution::{Writer, WriterError};
pub use backoff::Backoff;
pub use batch::{Batch, BatchError};
pub use cbor::{CborError, Edges, EncodeError, encode_edge, encoded_len};
pub use edge::{Attribution, Confidence, Edge, Origin, Relation};
pub use fork::{Fork, find_fork};
pub use merge::{MergeError, MergeForm, Merged, Outcome};
pub use message::{
    MESSAGE_BYTES_MAX, MessageError, PAYLOAD_BYTES_MAX, decode_message, encode_message,
};
pub use newest::walk_newest;
pub use order::{CommitIdList, EdgeOrder, History, WalkError, walk, walk_into, walk_until};
pub use range_walk::{RangeWalk, walk_range};
pub use reader::{JournalItem, Malformed, MalformedCounts, PayloadBuffer, read_newest};
pub use statistics::{Degree, Statistics};
pub use tombstones::{EdgeKey, Standing, Tombstones};
pub use ulid::Ulid;
