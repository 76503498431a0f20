//! A hash map on a handle.

use std::borrow::Borrow;
use std::fmt;
use std::hash::Hash;

use crate::alloc::Alloc;
use crate::error::{self, MemoryError};

type Inner<'a, K, V> = hashbrown::HashMap<K, V, foldhash::fast::RandomState, Alloc<'a>>;

/// A hash map whose growth can fail, with a key of its own against chosen collisions.
///
/// ```
/// use gitmind_memory::{Alloc, Map, System};
/// let system = System::new();
/// let mut degree = Map::new(Alloc::new(&system));
/// degree.try_insert("src/main.rs", 3)?;
/// assert_eq!(degree.get("src/main.rs"), Some(&3));
/// # Ok::<(), gitmind_memory::MemoryError>(())
/// ```
pub struct Map<'a, K, V>(Inner<'a, K, V>);

impl<'a, K: Eq + Hash, V> Map<'a, K, V> {
    /// An empty map; does not allocate.
    pub fn new(alloc: Alloc<'a>) -> Self {
        Self(Inner::with_hasher_in(foldhash::fast::RandomState::default(), alloc))
    }

    /// Reserves capacity for `additional` more entries.
    ///
    /// # Errors
    /// Every failure of the port, and `Overflow`; the map is as before then.
    pub fn try_reserve(&mut self, additional: usize) -> Result<(), MemoryError> {
        error::explained(|| self.0.try_reserve(additional))
    }

    /// Sets the value of `key` and returns the one it had.
    ///
    /// # Errors
    /// As [`Map::try_reserve`], when there is no `key` yet; `key` and `value` are dropped then.
    pub fn try_insert(&mut self, key: K, value: V) -> Result<Option<V>, MemoryError> {
        if self.is_full() {
            if let Some(held) = self.0.get_mut(&key) {
                return Ok(Some(std::mem::replace(held, value)));
            }
            self.try_reserve(1)?;
        }
        // There is room, so this does not grow.
        Ok(self.0.insert(key, value))
    }

    /// The value of `key`, inserted from `value` when it is absent.
    ///
    /// # Errors
    /// As [`Map::try_reserve`], when there is no `key` yet.
    pub fn try_get_or_insert_with(
        &mut self,
        key: K,
        value: impl FnOnce() -> V,
    ) -> Result<&mut V, MemoryError> {
        Ok(self.try_entry(key)?.or_insert_with(value))
    }

    /// The entry of `key`, with or without a value.
    ///
    /// ```
    /// use gitmind_memory::{Alloc, Map, System};
    /// let system = System::new();
    /// let mut count = Map::new(Alloc::new(&system));
    /// for word in ["edge", "node", "edge"] {
    ///     count.try_entry(word)?.and_modify(|times| *times += 1).or_insert(1);
    /// }
    /// assert_eq!(count.get("edge"), Some(&2));
    /// # Ok::<(), gitmind_memory::MemoryError>(())
    /// ```
    ///
    /// # Errors
    /// As [`Map::try_reserve`], when there is no `key` yet.
    pub fn try_entry(&mut self, key: K) -> Result<MapEntry<'_, 'a, K, V>, MemoryError> {
        if self.is_full() && !self.0.contains_key(&key) {
            self.try_reserve(1)?;
        }
        Ok(MapEntry(self.0.entry(key)))
    }

    /// Whether one more entry would have to grow the table.
    fn is_full(&self) -> bool {
        self.0.len() == self.0.capacity()
    }

    /// Whether `key` has a value.
    pub fn contains_key<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.0.contains_key(key)
    }

    /// The value of `key`, to be changed.
    pub fn get_mut<Q: Eq + Hash + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        self.0.get_mut(key)
    }

    /// The value of `key`.
    pub fn get<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.0.get(key)
    }

    /// Removes `key` and returns its value.
    pub fn remove<Q: Eq + Hash + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        self.0.remove(key)
    }

    /// Keeps the entries that `keep` returns `true` for, and the memory.
    pub fn retain(&mut self, keep: impl FnMut(&K, &mut V) -> bool) {
        self.0.retain(keep);
    }

    /// Removes all entries; keeps the capacity.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// The number of entries.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The entries, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.0.iter()
    }

    /// The entries, in no order, with values to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&K, &mut V)> {
        self.0.iter_mut()
    }

    /// The keys, in no order.
    pub fn keys(&self) -> impl Iterator<Item = &K> {
        self.0.keys()
    }

    /// The values, in no order.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.0.values()
    }
}

/// The entry of a key in a [`Map`], which has capacity for its value.
pub struct MapEntry<'m, 'a, K, V>(
    hashbrown::hash_map::Entry<'m, K, V, foldhash::fast::RandomState, Alloc<'a>>,
);

// A value put in does not grow the table: there is room, or the entry is occupied.
impl<'m, K: Hash, V> MapEntry<'m, '_, K, V> {
    /// The key.
    pub fn key(&self) -> &K {
        self.0.key()
    }

    /// Changes the value, if there is one.
    #[must_use]
    pub fn and_modify(self, change: impl FnOnce(&mut V)) -> Self {
        Self(self.0.and_modify(change))
    }

    /// The value; inserts `value` when it is absent.
    pub fn or_insert(self, value: V) -> &'m mut V {
        self.0.or_insert(value)
    }

    /// The value, inserted from `value` when it is absent.
    pub fn or_insert_with(self, value: impl FnOnce() -> V) -> &'m mut V {
        self.0.or_insert_with(value)
    }
}

impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for MapEntry<'_, '_, K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'a, K, V> IntoIterator for Map<'a, K, V> {
    type Item = (K, V);
    type IntoIter = MapIntoIter<'a, K, V>;

    fn into_iter(mut self) -> Self::IntoIter {
        let alloc = *self.0.allocator();
        let empty = Inner::with_hasher_in(foldhash::fast::RandomState::default(), alloc);
        MapIntoIter(std::mem::replace(&mut self.0, empty).into_iter())
    }
}

/// The entries of a [`Map`] that ends, in no order.
pub struct MapIntoIter<'a, K, V>(hashbrown::hash_map::IntoIter<K, V, Alloc<'a>>);

impl<K, V> Iterator for MapIntoIter<'_, K, V> {
    type Item = (K, V);

    fn next(&mut self) -> Option<(K, V)> {
        self.0.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl<K, V> ExactSizeIterator for MapIntoIter<'_, K, V> {}

impl<K, V> Drop for MapIntoIter<'_, K, V> {
    fn drop(&mut self) {
        // As in `Map`: the block is kept only by a destructor that unwinds out of hashbrown's own.
        if std::mem::needs_drop::<(K, V)>() {
            self.0.by_ref().for_each(drop);
        }
    }
}

impl<K, V> fmt::Debug for MapIntoIter<'_, K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MapIntoIter").field("len", &self.len()).finish()
    }
}

impl<K, V> Drop for Map<'_, K, V> {
    fn drop(&mut self) {
        // hashbrown keeps its block when a destructor unwinds while the table is dropped, but not
        // when that happens before.
        if std::mem::needs_drop::<(K, V)>() {
            self.0.clear();
        }
    }
}

impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for Map<'_, K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.0.iter()).finish()
    }
}
