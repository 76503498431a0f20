//! One shard of an intern table: an index by content, slots by number, a store of bytes.
//!
//! Invariants: a slot is live if and only if its `refs` are not zero; the index holds the live
//! slots; a pair of index and generation is live at most once in the life of the shard. So a slot
//! whose generations are used up retires, and when [`Shard::trim`] drops all slots the next ones
//! begin above every generation that was handed out, or at indices never used.

use hashbrown::HashTable;

use super::store::Store;
use crate::alloc::Alloc;
use crate::containers::Vec;
use crate::error::{self, ErrorKind, MemoryError};
use crate::pooling::{Pooling, Zeroing};

pub(super) const INDEX_BITS: u32 = 20;
pub(super) const GENERATION_MAX: u32 = 255;
const INDICES_MAX: usize = 1 << INDEX_BITS;

/// Most bytes of a string.
pub(super) const LEN_MAX: usize = (1 << LEN_BITS) - 1;
const LEN_BITS: u32 = 24;

/// A string, or room for one.
pub(super) struct Slot {
    /// Where its bytes are in the store; of a free slot, the next free one.
    pub(super) place: u32,
    pub(super) refs: u32,
    /// The generation above, the length below [`LEN_BITS`]. A slot that retired has generation 0.
    tag: u32,
}

const _: () = assert!(GENERATION_MAX == u32::MAX >> LEN_BITS, "both fit a tag");

impl Slot {
    fn new(place: u32, len: u32, generation: u32) -> Self {
        Self { place, refs: 1, tag: generation << LEN_BITS | len }
    }

    pub(super) fn len(&self) -> usize {
        self.tag as usize & LEN_MAX
    }

    fn generation(&self) -> u32 {
        self.tag >> LEN_BITS
    }

    /// Ends a life; `false` when it was the last one.
    fn has_another_life(&mut self) -> bool {
        // The carry out of the highest bit leaves generation 0.
        self.tag = self.tag.wrapping_add(1 << LEN_BITS);
        self.generation() > 0
    }
}

/// Fewest elements that [`reserve`] makes room for.
const RESERVE_MIN: usize = 64;

/// The end of the list of free slots.
const NONE: u32 = u32::MAX;

/// A string's index and generation.
pub(super) type Key = (u32, u32);

pub(super) struct Shard<'a> {
    index: HashTable<u32, Alloc<'a>>,
    slots: Vec<'a, Slot>,
    store: Store<'a>,
    free: u32,
    /// Strings that are held, and their bytes.
    held: (u64, u64),
    /// The index of the first slot.
    base: usize,
    /// The generation a new slot begins with.
    floor: u32,
}

/// Why an operation on a key fails.
pub(super) enum Failure {
    Stale,
    TooManyRefs,
}

impl<'a> Shard<'a> {
    pub(super) const fn new(alloc: Alloc<'a>, pooling: Pooling, zeroing: Zeroing) -> Self {
        Self {
            index: HashTable::new_in(alloc),
            slots: Vec::new(alloc),
            store: Store::new(alloc, pooling, zeroing),
            free: NONE,
            held: (0, 0),
            base: 0,
            floor: 1,
        }
    }

    /// Finds or adds `bytes`. A failure has changed nothing.
    pub(super) fn acquire(
        &mut self,
        bytes: &[u8],
        hash: u64,
        hasher: impl Fn(&[u8]) -> u64,
    ) -> Result<Key, MemoryError> {
        let over = MemoryError::new(ErrorKind::OverCap, None, bytes.len().into());
        let Self { index, slots, store, .. } = self;
        let get = |at: u32| store.get(at as usize, &slots[at as usize]);
        if let Some(&at) = index.find(hash, |&at| get(at) == bytes) {
            let slot = &mut slots[at as usize];
            slot.refs = slot.refs.checked_add(1).ok_or(over)?;
            return Ok(self.key(at));
        }
        let len = u32::try_from(bytes.len()).ok().filter(|len| *len as usize <= LEN_MAX);
        let len = len.ok_or(over)?;
        if index.len() == index.capacity() {
            // hashbrown would double for the tombstones of removed strings; a fresh index has none.
            let room = index.len() + index.len() / 4 + 1;
            *index = copy_index(index, room, |at| hasher(get(at)))?;
        }
        let is_new = self.free == NONE;
        if is_new {
            if self.base + slots.len() >= INDICES_MAX {
                return Err(over);
            }
            reserve(slots, 1)?;
        }
        let at = if is_new { u32::try_from(slots.len()).map_err(|_| over)? } else { self.free };
        if store.is_better_compacted(bytes.len()) {
            store.compact(slots);
        }
        let place = store.put(at as usize, bytes)?;
        if is_new {
            slots.try_push(Slot::new(place, len, self.floor))?;
        } else {
            let slot = &mut slots[at as usize];
            self.free = slot.place;
            *slot = Slot::new(place, len, slot.generation());
        }
        // There is room, so the index neither grows nor asks for a hash.
        index.insert_unique(hash, at, |_| hash);
        self.held = (self.held.0 + 1, self.held.1 + u64::from(len));
        Ok(self.key(at))
    }

    fn key(&self, at: u32) -> Key {
        let index = u32::try_from(self.base + at as usize);
        let index = index.expect("it fits because `acquire` keeps indices below 2^20");
        (index, self.slots[at as usize].generation())
    }

    /// The position of the live slot that `key` names.
    fn find(&self, (index, generation): Key) -> Result<usize, Failure> {
        let at = (index as usize).checked_sub(self.base).ok_or(Failure::Stale)?;
        let slot = self.slots.get(at).ok_or(Failure::Stale)?;
        let is_live = slot.refs > 0 && slot.generation() == generation;
        if is_live { Ok(at) } else { Err(Failure::Stale) }
    }

    pub(super) fn retain(&mut self, key: Key) -> Result<(), Failure> {
        let at = self.find(key)?;
        let slot = &mut self.slots[at];
        slot.refs = slot.refs.checked_add(1).ok_or(Failure::TooManyRefs)?;
        Ok(())
    }

    pub(super) fn resolve(&self, key: Key) -> Result<&[u8], Failure> {
        let at = self.find(key)?;
        Ok(self.store.get(at, &self.slots[at]))
    }

    pub(super) fn release(
        &mut self,
        key: Key,
        hasher: impl Fn(&[u8]) -> u64,
    ) -> Result<(), Failure> {
        let at = self.find(key)?;
        let slot = &mut self.slots[at];
        slot.refs -= 1;
        if slot.refs > 0 {
            return Ok(());
        }
        let (hash, len) = (hasher(self.store.get(at, slot)), slot.len() as u64);
        let entry = self.index.find_entry(hash, |&other| other as usize == at);
        debug_assert!(entry.is_ok(), "a live slot is in the index");
        if let Ok(entry) = entry {
            entry.remove();
        }
        self.store.remove(at, slot);
        if slot.has_another_life() {
            slot.place = self.free;
            self.free = u32::try_from(at).expect("it fits because an index has 20 bits");
        }
        self.held = (self.held.0 - 1, self.held.1 - len);
        if self.held.0 == 0 && self.store.is_worth_returning() {
            self.store.give_back();
            self.index = HashTable::new_in(self.slots.alloc());
        } else if self.store.is_sparse() {
            self.store.compact(&mut self.slots);
        }
        Ok(())
    }

    /// Gives back what no live string needs.
    pub(super) fn trim(&mut self, hasher: impl Fn(&[u8]) -> u64) -> Result<(), MemoryError> {
        self.store.compact(&mut self.slots);
        self.store.trim()?;
        let alloc = self.slots.alloc();
        if self.held.0 > 0 {
            let Self { index, slots, store, .. } = self;
            let hash = |at: u32| hasher(store.get(at as usize, &slots[at as usize]));
            *index = copy_index(index, index.len(), hash)?;
            return Ok(());
        }
        if self.slots.iter().any(|slot| slot.generation() == 0) {
            self.base += self.slots.len();
            self.floor = 1;
        } else if let Some(highest) = self.slots.iter().map(Slot::generation).max() {
            self.floor = highest.max(self.floor);
        }
        self.index = HashTable::new_in(alloc);
        self.slots = Vec::new(alloc);
        self.free = NONE;
        Ok(())
    }

    pub(super) const fn held(&self) -> (u64, u64) {
        self.held
    }
}

/// Makes room in an array that holds most of a table: a sixteenth more at least, so that moving
/// costs a bounded share and no more than a sixteenth lies idle.
pub(super) fn reserve<T>(array: &mut Vec<'_, T>, additional: usize) -> Result<(), MemoryError> {
    if array.capacity() - array.len() >= additional {
        return Ok(());
    }
    array.try_reserve_exact(additional.max(array.len() / 16).max(RESERVE_MIN))
}

/// The same index with room for `room` strings and no tombstones.
fn copy_index<'a>(
    index: &HashTable<u32, Alloc<'a>>,
    room: usize,
    hash: impl Fn(u32) -> u64,
) -> Result<HashTable<u32, Alloc<'a>>, MemoryError> {
    let mut fresh = HashTable::new_in(*index.allocator());
    error::explained(|| fresh.try_reserve(room, |&at| hash(at)))?;
    for &at in index {
        fresh.insert_unique(hash(at), at, |&at| hash(at));
    }
    Ok(fresh)
}

#[cfg(all(test, not(gm_loom)))]
mod tests {
    use super::*;
    use crate::port::Port;
    use crate::system::System;

    fn hash(bytes: &[u8]) -> u64 {
        bytes.iter().fold(7, |hash: u64, byte| hash.wrapping_mul(31) + u64::from(*byte))
    }

    fn shard(system: &System) -> Shard<'_> {
        Shard::new(Alloc::new(system), Pooling::On, Zeroing::Off)
    }

    fn acquire(shard: &mut Shard<'_>, bytes: &[u8]) -> Result<Key, MemoryError> {
        shard.acquire(bytes, hash(bytes), hash)
    }

    #[test]
    fn one_hold_more_than_can_be_counted_is_an_error() {
        let system = System::new();
        let mut shard = shard(&system);
        let key = acquire(&mut shard, b"a").expect("there is memory");
        shard.slots[0].refs = u32::MAX - 1;
        assert!(shard.retain(key).is_ok());
        assert!(matches!(shard.retain(key), Err(Failure::TooManyRefs)));
        let error = acquire(&mut shard, b"a").expect_err("it is held too often");
        assert_eq!(error.kind(), ErrorKind::OverCap);
        assert_eq!(shard.slots[0].refs, u32::MAX, "nothing has changed");
    }

    #[test]
    fn a_string_of_16_mib_is_over_the_cap_and_one_byte_less_is_not() {
        let system = System::new();
        let mut shard = shard(&system);
        let long = vec![7; LEN_MAX + 1];
        let before = system.diagnostics();
        assert_eq!(acquire(&mut shard, &long).expect_err("long").kind(), ErrorKind::OverCap);
        assert_eq!(system.diagnostics(), before, "it asked for nothing");
        let key = acquire(&mut shard, &long[1..]).expect("there is memory");
        assert!(shard.resolve(key).is_ok_and(|bytes| bytes == &long[1..]));
    }

    #[test]
    fn a_shard_without_an_index_left_is_over_its_cap() {
        let system = System::new();
        let mut shard = shard(&system);
        shard.base = INDICES_MAX - 1;
        let key = acquire(&mut shard, b"a").expect("the last index");
        assert_eq!(acquire(&mut shard, b"b").expect_err("no index").kind(), ErrorKind::OverCap);
        assert!(shard.resolve(key).is_ok_and(|bytes| bytes == b"a"));
    }

    #[test]
    fn a_slot_retires_after_255_lives_and_a_trim_goes_on_behind_it() {
        let system = System::new();
        let mut shard = shard(&system);
        let mut keys = std::collections::BTreeSet::new();
        for life in 1..=600_u32 {
            let key = acquire(&mut shard, b"a").expect("there is memory");
            assert_eq!(key, ((life - 1) / 255, (life - 1) % 255 + 1));
            assert!(keys.insert(key), "{key:?} came twice");
            assert!(shard.release(key, hash).is_ok());
        }
        shard.trim(hash).expect("a trim of nothing asks for nothing");
        assert_eq!(system.diagnostics().bytes_outstanding.get(), 0);
        let key = acquire(&mut shard, b"a").expect("there is memory");
        assert!(keys.insert(key), "{key:?} came twice");
    }
}
