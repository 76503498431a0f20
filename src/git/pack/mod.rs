//! Writing packs: many objects, two files, one moment at which they appear.
//!
//! The file formats are git's pack version 2 and index version 2
//! (`git help gitformat-pack`). Objects are stored whole and uncompressed inside valid zlib
//! streams: cache files are tiny, deflating them costs more than the rest of a rebuild, and
//! `git gc` compresses what stays.

mod entries;
mod entry;
mod error;
mod hash;
mod index;
mod keep;
mod spool;
mod writer;

pub(crate) use entry::{encode_header, encode_stored};
pub use error::PackError;
pub(crate) use hash::ObjectHeader;
pub use hash::object_id;
pub(crate) use keep::Keep;
pub use writer::PackSummary;
pub(crate) use writer::PackWriter;
