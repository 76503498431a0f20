//! Tombstones: an edge with the flag `rejected` takes back all earlier edges that equal it.

use super::edge::{Edge, Relation};
use gitmind_git::oid::Oid;
use gitmind_memory::{Alloc, Map, MemoryError};

/// The key by which two edges are equal: their objects and their type, as in the C tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EdgeKey {
    /// The source.
    pub source: Oid,
    /// The target.
    pub target: Oid,
    /// The type.
    pub relation: Relation,
}

/// Whether an edge counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It counts.
    Live,
    /// A later tombstone takes it back.
    TakenBack,
    /// It is a tombstone itself.
    Tombstone,
}

/// The tombstones of a journal that is read newest first.
///
/// ```
/// use gitmind_journal::{Attribution, Edge, Edges, Standing, Tombstones};
/// use gitmind_memory::{Alloc, System};
/// let system = System::new();
/// let edge = Edges::new(&[0xa0]).next().expect("an edge")?;
/// let flags = Attribution::REJECTED;
/// let rejected = Attribution { flags, ..Attribution::default() };
/// let tombstone = Edge { attribution: Some(rejected), ..edge };
///
/// let mut tombstones = Tombstones::new(Alloc::new(&system));
/// // From the newest edge on: it was linked again after it was taken back.
/// assert_eq!(tombstones.standing(&edge)?, Standing::Live);
/// assert_eq!(tombstones.standing(&tombstone)?, Standing::Tombstone);
/// assert_eq!(tombstones.standing(&edge)?, Standing::TakenBack);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Tombstones<'a>(Map<'a, EdgeKey, ()>);

impl core::fmt::Debug for Tombstones<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Tombstones").field("keys", &self.0.len()).finish()
    }
}

impl<'a> Tombstones<'a> {
    /// No tombstones; they are stored in memory of `alloc`.
    pub fn new(alloc: Alloc<'a>) -> Self {
        Self(Map::new(alloc))
    }

    /// The standing of `edge`. It must be called for every later edge first.
    ///
    /// # Errors
    /// When there is no memory for a tombstone.
    pub fn standing(&mut self, edge: &Edge<'_>) -> Result<Standing, MemoryError> {
        if edge.is_tombstone() {
            self.0.try_insert(edge.key(), ())?;
            return Ok(Standing::Tombstone);
        }
        let is_hidden = !self.0.is_empty() && self.0.contains_key(&edge.key());
        Ok(if is_hidden { Standing::TakenBack } else { Standing::Live })
    }
}
