//! A hash set on a handle.

use std::borrow::Borrow;
use std::fmt;
use std::hash::Hash;

use super::{Map, MapIntoIter};
use crate::alloc::Alloc;
use crate::error::MemoryError;

/// A hash set whose growth can fail: a [`Map`] without values.
///
/// ```
/// use gitmind_memory::{Alloc, Set, System};
/// let system = System::new();
/// let mut seen = Set::new(Alloc::new(&system));
/// assert!(seen.try_insert("src/main.rs")?);
/// assert!(!seen.try_insert("src/main.rs")?, "it is there already");
/// assert!(seen.contains("src/main.rs"));
/// # Ok::<(), gitmind_memory::MemoryError>(())
/// ```
pub struct Set<'a, T>(Map<'a, T, ()>);

impl<'a, T: Eq + Hash> Set<'a, T> {
    /// An empty set; does not allocate.
    pub fn new(alloc: Alloc<'a>) -> Self {
        Self(Map::new(alloc))
    }

    /// Reserves capacity for `additional` more values.
    ///
    /// # Errors
    /// As [`Map::try_reserve`].
    pub fn try_reserve(&mut self, additional: usize) -> Result<(), MemoryError> {
        self.0.try_reserve(additional)
    }

    /// Inserts `value`; returns whether it was absent.
    ///
    /// # Errors
    /// As [`Map::try_insert`].
    pub fn try_insert(&mut self, value: T) -> Result<bool, MemoryError> {
        Ok(self.0.try_insert(value, ())?.is_none())
    }

    /// Whether `value` is present.
    pub fn contains<Q: Eq + Hash + ?Sized>(&self, value: &Q) -> bool
    where
        T: Borrow<Q>,
    {
        self.0.contains_key(value)
    }

    /// Removes `value`; returns whether it was present.
    pub fn remove<Q: Eq + Hash + ?Sized>(&mut self, value: &Q) -> bool
    where
        T: Borrow<Q>,
    {
        self.0.remove(value).is_some()
    }

    /// Keeps the values that `keep` returns `true` for, and the memory.
    pub fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        self.0.retain(|value, ()| keep(value));
    }

    /// Removes all values; keeps the capacity.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// The number of values.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no value.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The values, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.keys()
    }
}

impl<'a, T> IntoIterator for Set<'a, T> {
    type Item = T;
    type IntoIter = std::iter::Map<MapIntoIter<'a, T, ()>, fn((T, ())) -> T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter().map(|(value, ())| value)
    }
}

impl<T: Eq + Hash + fmt::Debug> fmt::Debug for Set<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}
