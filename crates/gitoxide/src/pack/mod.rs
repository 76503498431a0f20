//! Writing packs: many objects in a pack and its index, which become visible at once.
//!
//! The file formats are git's pack version 2 and index version 2
//! (`git help gitformat-pack`). Objects are stored whole and uncompressed inside valid zlib
//! streams: cache files are tiny, deflating them costs more than the rest of a rebuild, and
//! `git gc` compresses the objects that are still reachable.

mod buffered_file;
mod entries;
mod index;
mod keep;
mod writer;

pub use keep::KeepGuard;
pub use writer::PackWriter;
