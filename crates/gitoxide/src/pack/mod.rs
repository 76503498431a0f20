//! Writing packs: many objects, two files, one moment at which they appear.
//!
//! The file formats are git's pack version 2 and index version 2
//! (`git help gitformat-pack`). Objects are stored whole and uncompressed inside valid zlib
//! streams: cache files are tiny, deflating them costs more than the rest of a rebuild, and
//! `git gc` compresses what stays.

mod entries;
mod index;
mod keep;
mod spool;
mod writer;

pub use keep::Keep;
pub use writer::PackWriter;
