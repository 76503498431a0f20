//! The keys of paths in the path index, 20 bytes of a hash, and what a rebuild knows of the paths
//! that it met, so that the key of a path that repeats is not computed again.

use gitmind_git::oid::Oid;
use gitmind_memory::{InternTable, MemoryError, Vec};
use sha2::{Digest, Sha256};

/// The key of the empty path, which an edge without a path has; the index does not list it.
pub(super) const NO_PATH: Oid = Oid::ZERO;

/// Bytes that are used for a path beside its text, about.
const OVERHEAD_BYTES: usize = 56;

/// The key of `path`: the first 20 bytes of its SHA-256. It has the type of an object id, so that
/// edges are grouped by paths as they are by objects.
pub(super) fn path_key(path: &[u8]) -> Oid {
    if path.is_empty() {
        return NO_PATH;
    }
    let mut key = [0; Oid::LEN];
    key.copy_from_slice(&Sha256::digest(path)[..Oid::LEN]);
    Oid::new(key)
}

/// A value for each of the paths that were met last, with their texts interned. All of them are
/// forgotten when they exceed a limit, so that a journal with more paths takes no more memory.
pub(super) struct KnownPaths<'a, V> {
    texts: InternTable<'a>,
    /// By the slot of a text's symbol.
    values: Vec<'a, Option<V>>,
    /// How often a path was looked up; a table counts no more holds of a string.
    uses: u32,
    bytes: usize,
    bytes_max: usize,
}

impl<'a, V: Copy> KnownPaths<'a, V> {
    /// No paths yet. `texts` is an empty table.
    pub(super) fn new(texts: InternTable<'a>, bytes_max: usize) -> Self {
        let values = Vec::new(texts.alloc());
        Self { texts, values, uses: 0, bytes: 0, bytes_max }
    }

    /// The value of `path`, which is `None` when it was not set or is forgotten.
    #[inline]
    pub(super) fn value(&mut self, path: &[u8]) -> Result<&mut Option<V>, MemoryError> {
        if self.bytes > self.bytes_max || self.uses == u32::MAX {
            *self = Self::new(self.texts.empty_like(), self.bytes_max);
        }
        self.uses += 1;
        let slot = self.texts.unshared().acquire(path)?.slot();
        if self.values.len() <= slot {
            self.values.try_resize(slot + 1, None)?;
        }
        let value = &mut self.values[slot];
        if value.is_none() {
            self.bytes += path.len() + OVERHEAD_BYTES;
        }
        Ok(value)
    }
}

impl KnownPaths<'_, Oid> {
    /// The key of `path`, which is computed unless it is known.
    pub(super) fn key(&mut self, path: &[u8]) -> Result<Oid, MemoryError> {
        if path.is_empty() {
            return Ok(NO_PATH);
        }
        Ok(*self.value(path)?.get_or_insert_with(|| path_key(path)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gitmind_memory::{Alloc, Pooling, System, Zeroing};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_path_has_the_value_that_was_set_last_unless_it_is_forgotten(
            paths in prop::collection::vec("[a-c]{1,3}", 0..200),
            bytes_max in 0..4000_usize,
        ) {
            let system = System::new();
            let texts = || InternTable::new(Alloc::new(&system), Pooling::On, Zeroing::Off);
            let (mut known, mut keys) = (KnownPaths::new(texts(), bytes_max),
                KnownPaths::new(texts(), bytes_max));
            let mut model = std::collections::HashMap::new();
            // A path has at most three bytes.
            let never_forgets = bytes_max >= 39 * (OVERHEAD_BYTES + 3);
            for (number, path) in paths.iter().enumerate() {
                let value = known.value(path.as_bytes()).expect("there is memory");
                let set = model.insert(path, number);
                prop_assert!(*value == set || value.is_none() && !never_forgets);
                *value = Some(number);
                prop_assert_eq!(keys.key(path.as_bytes()), Ok(path_key(path.as_bytes())));
            }
            prop_assert_eq!(keys.key(b""), Ok(NO_PATH));
        }
    }

    #[test]
    fn a_key_is_the_start_of_the_sha_256_of_the_path() {
        // `printf src/a.c | sha256sum`
        assert_eq!(path_key(b"src/a.c").to_string(), "4479ec46cfb4cdf8b855cd73e386c65a43af859c");
    }
}
