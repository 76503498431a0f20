//! The keys of paths in the path index: 20 bytes of a hash, computed once for a path that repeats.

use gitmind_git::oid::Oid;
use gitmind_memory::{InternTable, MemoryError, Vec};
use sha2::{Digest, Sha256};

/// The key of the empty path, which an edge without a path has; the index does not list it.
pub(super) const NO_PATH: Oid = Oid::ZERO;

/// Bytes that the table uses for a path beside its text, about.
const OVERHEAD_BYTES: usize = 64;

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

/// The keys of the paths that occurred last, with their texts interned. It forgets all of them when
/// they exceed a limit, so that its memory does not grow with the number of paths.
pub(super) struct PathKeys<'a> {
    texts: InternTable<'a>,
    /// For each slot of a symbol, the key of its text.
    keys: Vec<'a, Oid>,
    /// How often a path was looked up; a table counts no more holds of a string.
    uses: u32,
    bytes: usize,
    bytes_max: usize,
}

impl<'a> PathKeys<'a> {
    /// No keys yet. `texts` is an empty table.
    pub(super) fn new(texts: InternTable<'a>, bytes_max: u64) -> Self {
        let keys = Vec::new(texts.alloc());
        let bytes_max = usize::try_from(bytes_max).unwrap_or(usize::MAX);
        Self { texts, keys, uses: 0, bytes: 0, bytes_max }
    }

    /// The key of `path`.
    pub(super) fn key(&mut self, path: &[u8]) -> Result<Oid, MemoryError> {
        if path.is_empty() {
            return Ok(NO_PATH);
        }
        if self.bytes > self.bytes_max || self.uses == u32::MAX {
            self.texts = self.texts.empty_like();
            (self.keys, self.uses, self.bytes) = (Vec::new(self.keys.alloc()), 0, 0);
        }
        self.uses += 1;
        let slot = self.texts.unshared().acquire(path)?.slot();
        if let Some(key) = self.keys.get(slot).filter(|key| **key != NO_PATH) {
            return Ok(*key);
        }
        if self.keys.len() <= slot {
            self.keys.try_resize(slot + 1, NO_PATH)?;
        }
        self.keys[slot] = path_key(path);
        self.bytes += path.len() + OVERHEAD_BYTES;
        Ok(self.keys[slot])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gitmind_memory::{Alloc, Pooling, System, Zeroing};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_remembered_key_is_the_computed_one_whatever_the_limit(
            paths in prop::collection::vec("[a-c]{0,3}", 0..200),
            bytes_max in 0..2000_u64,
        ) {
            let system = System::new();
            let texts = InternTable::new(Alloc::new(&system), Pooling::On, Zeroing::Off);
            let mut keys = PathKeys::new(texts, bytes_max);
            for path in &paths {
                let key = keys.key(path.as_bytes()).expect("there is memory");
                prop_assert_eq!(key, path_key(path.as_bytes()));
            }
        }
    }

    #[test]
    fn a_key_is_the_start_of_the_sha_256_of_the_path() {
        // `printf src/a.c | sha256sum`
        assert_eq!(path_key(b"src/a.c").to_string(), "4479ec46cfb4cdf8b855cd73e386c65a43af859c");
    }
}
