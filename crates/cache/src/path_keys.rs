//! The keys of paths in the path index: 20 bytes of a hash, computed once for a path that repeats.
//! Beside the key of a path is the last end with it, since most edges with a path have the same
//! object there.

use super::end::End;
use core::num::NonZero;
use gitmind_git::oid::Oid;
use gitmind_memory::{InternTable, MemoryError, Vec};
use sha2::{Digest, Sha256};

/// The key of the empty path, which an edge without a path has; the index does not list it.
pub(super) const NO_PATH: Oid = Oid::ZERO;

/// Bytes that the table uses for a path beside its text, about.
const OVERHEAD_BYTES: usize = 72;

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

/// The end that an edge had last with a path.
#[derive(Clone, Copy, Default)]
struct LastEnd {
    object: Oid,
    /// One more than the end's number; `None` before the first end.
    number_plus_one: Option<NonZero<u32>>,
}

impl LastEnd {
    fn number(&self, object: Oid) -> Option<u32> {
        self.number_plus_one.filter(|_| self.object == object).map(|number| number.get() - 1)
    }
}

/// The paths that were met last, with their texts interned. It forgets all of them when they exceed
/// a limit, so that it takes no more memory for a journal with more paths.
pub(super) struct KnownPaths<'a> {
    texts: InternTable<'a>,
    /// By the slot of a text's symbol, its key.
    keys: Vec<'a, Oid>,
    /// By the slot too. Apart from the keys, so that what each edge reads is small.
    last_ends: Vec<'a, LastEnd>,
    /// How often a path was looked up; a table counts no more holds of a string.
    uses: u32,
    bytes: usize,
    bytes_max: usize,
}

impl<'a> KnownPaths<'a> {
    /// No paths yet. `texts` is an empty table.
    pub(super) fn new(texts: InternTable<'a>, bytes_max: usize) -> Self {
        let alloc = texts.alloc();
        let (keys, last_ends) = (Vec::new(alloc), Vec::new(alloc));
        Self { texts, keys, last_ends, uses: 0, bytes: 0, bytes_max }
    }

    /// The end at `object` with the path `path`.
    pub(super) fn end(&mut self, object: Oid, path: &[u8]) -> Result<End, MemoryError> {
        let slot = self.slot(path)?;
        Ok(End { object, path: self.key(slot) })
    }

    /// The number of the end at `object` with the path `path`: that of the last end with this path
    /// if it is the same, else what `number` returns.
    #[inline]
    pub(super) fn number<E: From<MemoryError>>(
        &mut self,
        object: Oid,
        path: &[u8],
        number: impl FnOnce(End) -> Result<u32, E>,
    ) -> Result<u32, E> {
        let slot = self.slot(path)?;
        if let Some(number) = slot.and_then(|slot| self.last_ends[slot].number(object)) {
            return Ok(number);
        }
        let number = number(End { object, path: self.key(slot) })?;
        if let Some(slot) = slot {
            let number_plus_one = NonZero::new(number.wrapping_add(1));
            self.last_ends[slot] = LastEnd { object, number_plus_one };
        }
        Ok(number)
    }

    fn key(&self, slot: Option<usize>) -> Oid {
        slot.map_or(NO_PATH, |slot| self.keys[slot])
    }

    /// The slot of `path`, of which the key is there; `None` for the empty path.
    #[inline]
    fn slot(&mut self, path: &[u8]) -> Result<Option<usize>, MemoryError> {
        if path.is_empty() {
            return Ok(None);
        }
        if self.bytes > self.bytes_max || self.uses == u32::MAX {
            *self = Self::new(self.texts.empty_like(), self.bytes_max);
        }
        self.uses += 1;
        let slot = self.texts.unshared().acquire(path)?.slot();
        if self.last_ends.get(slot).is_none_or(|last| last.number_plus_one.is_none()) {
            self.make(slot, path)?;
        }
        Ok(Some(slot))
    }

    /// Computes the key of a slot, unless it is there.
    #[cold]
    fn make(&mut self, slot: usize, path: &[u8]) -> Result<(), MemoryError> {
        if self.keys.len() <= slot {
            self.keys.try_resize(slot + 1, NO_PATH)?;
        }
        if self.last_ends.len() <= slot {
            self.last_ends.try_resize(slot + 1, LastEnd::default())?;
        }
        if self.keys[slot] == NO_PATH {
            self.keys[slot] = path_key(path);
            self.bytes += path.len() + OVERHEAD_BYTES;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gitmind_memory::{Alloc, Pooling, System, Zeroing};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_end_has_the_key_of_its_path_and_one_number_whatever_the_limit(
            paths in prop::collection::vec(("[a-c]{0,3}", 0..3_u8), 0..200),
            bytes_max in 0..2000_usize,
        ) {
            let system = System::new();
            let texts = InternTable::new(Alloc::new(&system), Pooling::On, Zeroing::Off);
            let mut known = KnownPaths::new(texts, bytes_max);
            let mut numbers = std::collections::HashMap::new();
            for (path, first) in &paths {
                let (path, object) = (path.as_bytes(), Oid::new([*first; 20]));
                let end = End { object, path: path_key(path) };
                prop_assert_eq!(known.end(object, path), Ok(end));
                let next = u32::try_from(numbers.len()).expect("few paths");
                let number = known.number(object, path, |asked| {
                    assert_eq!(asked, end);
                    Ok::<_, MemoryError>(*numbers.entry(asked).or_insert(next))
                });
                prop_assert_eq!(number, Ok(numbers[&end]));
            }
        }
    }

    #[test]
    fn a_key_is_the_start_of_the_sha_256_of_the_path() {
        // `printf src/a.c | sha256sum`
        assert_eq!(path_key(b"src/a.c").to_string(), "4479ec46cfb4cdf8b855cd73e386c65a43af859c");
    }
}
