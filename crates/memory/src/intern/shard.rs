//! One shard of an intern table: an index by content, slots by number, a store of bytes.
//!
//! The index has the places of strings, and the header at a place has the rest, so a string that is
//! known is found without a look at its slot.
//!
//! Invariants: a slot has a place if and only if its string is held; the index holds the places of
//! live slots; a pair of index and generation is live at most once in the life of the shard. So a
//! slot whose generations are used up retires, and when [`Shard::trim`] drops all slots the next
//! ones begin above every generation that was handed out, or at indices never used.

use hashbrown::HashTable;

use super::store::{GENERATION_MAX, LEN_MAX, PLACES_END, Store, Unit};
use crate::alloc::Alloc;
use crate::containers::Vec;
use crate::error::{self, ErrorKind, MemoryError};
use crate::pooling::{Pooling, Zeroing};

pub(super) const INDEX_BITS: u32 = 20;
const INDICES_MAX: usize = 1 << INDEX_BITS;

/// Where the string of an index is, or what becomes of an index without one.
#[derive(Clone, Copy)]
struct Slot(u32);

/// Set in a slot without a string; the generation of the next one and the next free slot follow.
const FREE: u32 = PLACES_END;
const NEXT_BITS: u32 = 23;
/// The end of the list of free slots.
const NONE: u32 = (1 << NEXT_BITS) - 1;

const _: () =
    assert!(FREE.trailing_zeros() - NEXT_BITS == u32::BITS - GENERATION_MAX.leading_zeros());
const _: () = assert!(INDICES_MAX <= NONE as usize);

impl Slot {
    const fn live(place: u32) -> Self {
        debug_assert!(place < FREE, "places are below the mark");
        Self(place)
    }

    /// A slot whose next string has `generation`; it has no other when that is zero.
    const fn free(generation: u32, next: u32) -> Self {
        debug_assert!(generation <= GENERATION_MAX && next <= NONE, "out of range");
        Self(FREE | generation << NEXT_BITS | next)
    }

    #[inline]
    const fn place(self) -> Option<u32> {
        if self.0 & FREE == 0 { Some(self.0) } else { None }
    }

    /// The generation of the next string of a slot without one.
    const fn next_generation(self) -> u32 {
        self.0 >> NEXT_BITS & GENERATION_MAX
    }

    const fn next(self) -> u32 {
        self.0 & NONE
    }
}

/// Fewest elements that [`reserve`] makes room for.
const RESERVE_MIN: usize = 64;

/// A string's index and generation.
pub(super) type Key = (u32, u32);

pub(super) struct Shard<'a> {
    /// The places of strings by their hash. First, because a search begins with it.
    index: HashTable<u32, Alloc<'a>>,
    store: Store<'a>,
    slots: Vec<'a, Slot>,
    /// The index of the first slot.
    base: u32,
    free: u32,
    /// The generation a new slot begins with.
    floor: u32,
    /// Strings that are held, and their bytes.
    held: (u64, u64),
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
            store: Store::new(alloc, pooling, zeroing),
            slots: Vec::new(alloc),
            base: 0,
            free: NONE,
            floor: 1,
            held: (0, 0),
        }
    }

    /// Finds or adds `bytes`. A failure has changed nothing.
    #[inline]
    pub(super) fn acquire(&mut self, bytes: &[u8], hash: u32) -> Result<Key, MemoryError> {
        let Self { index, store, .. } = self;
        match index.find(spread(hash), |&place| store.is(place, hash, bytes)) {
            Some(&place) => {
                let header = store.header_mut(place);
                let over = || MemoryError::new(ErrorKind::OverCap, None, bytes.len().into());
                header.refs = header.refs.checked_add(1).ok_or_else(over)?;
                let (at, generation) = (header.at, header.generation());
                Ok((self.base + at, generation))
            }
            None => self.add(bytes, hash),
        }
    }

    /// Adds `bytes`, which are not held.
    #[inline(never)]
    fn add(&mut self, bytes: &[u8], hash: u32) -> Result<Key, MemoryError> {
        let over = MemoryError::new(ErrorKind::OverCap, None, bytes.len().into());
        let len = u32::try_from(bytes.len()).ok().filter(|len| *len as usize <= LEN_MAX);
        let len = len.ok_or(over)?;
        let Self { index, slots, store, .. } = self;
        if index.len() == index.capacity() {
            // hashbrown would double for the tombstones of removed strings; a fresh index has none.
            let room = index.len() + index.len() / 4 + 1;
            *index = copy_index(index, room, store)?;
        }
        let is_new = self.free == NONE;
        if is_new {
            if self.base as usize + slots.len() >= INDICES_MAX {
                return Err(over);
            }
            reserve(slots, 1)?;
        }
        let at = if is_new { u32::try_from(slots.len()).map_err(|_| over)? } else { self.free };
        if self.store.is_better_compacted(bytes.len()) {
            self.compact();
        }
        let Self { index, slots, store, .. } = self;
        let reused = if is_new { Slot::free(self.floor, NONE) } else { slots[at as usize] };
        let generation = reused.next_generation();
        let place = store.put(Unit::header(at, hash, len, generation), bytes)?;
        if is_new {
            slots.try_push(Slot::live(place))?;
        } else {
            self.free = reused.next();
            slots[at as usize] = Slot::live(place);
        }
        // There is room, so the index neither grows nor asks for a hash.
        index.insert_unique(spread(hash), place, |_| spread(hash));
        self.held = (self.held.0 + 1, self.held.1 + u64::from(len));
        Ok((self.base + at, generation))
    }

    /// The place of the live string that `key` names.
    fn find(&self, (index, generation): Key) -> Result<u32, Failure> {
        let at = index.checked_sub(self.base).ok_or(Failure::Stale)?;
        let slot = self.slots.get(at as usize).ok_or(Failure::Stale)?;
        let place = slot.place().ok_or(Failure::Stale)?;
        let is_live = self.store.header(place).generation() == generation;
        if is_live { Ok(place) } else { Err(Failure::Stale) }
    }

    pub(super) fn retain(&mut self, key: Key) -> Result<(), Failure> {
        let place = self.find(key)?;
        let header = self.store.header_mut(place);
        header.refs = header.refs.checked_add(1).ok_or(Failure::TooManyRefs)?;
        Ok(())
    }

    pub(super) fn resolve(&self, key: Key) -> Result<&[u8], Failure> {
        Ok(self.store.get(self.find(key)?))
    }

    pub(super) fn release(&mut self, key: Key) -> Result<(), Failure> {
        let place = self.find(key)?;
        let header = self.store.header_mut(place);
        header.refs -= 1;
        if header.refs > 0 {
            return Ok(());
        }
        let Unit { at, hash, .. } = *header;
        let (len, generation) = (header.len() as u64, header.generation());
        let entry = self.index.find_entry(spread(hash), |&other| other == place);
        debug_assert!(entry.is_ok(), "a live string is in the index");
        if let Ok(entry) = entry {
            entry.remove();
        }
        self.store.remove(place);
        let slot = &mut self.slots[at as usize];
        if generation == GENERATION_MAX {
            *slot = Slot::free(0, NONE);
        } else {
            *slot = Slot::free(generation + 1, self.free);
            self.free = at;
        }
        self.held = (self.held.0 - 1, self.held.1 - len);
        if self.held.0 == 0 && self.store.is_worth_returning() {
            self.store.give_back();
            self.index = HashTable::new_in(self.slots.alloc());
        } else if self.store.is_sparse() {
            self.compact();
        }
        Ok(())
    }

    /// Closes the holes of the store. It asks for no memory: while strings move, the index has
    /// their slots instead of their places.
    fn compact(&mut self) {
        let Self { index, store, slots, .. } = self;
        if !store.has_holes() {
            return;
        }
        index.iter_mut().for_each(|place| *place = store.header(*place).at);
        store.compact(|at, place| slots[at as usize] = Slot::live(place));
        for at in index.iter_mut() {
            let place = slots[*at as usize].place();
            *at = place.expect("it has one because the index has the strings of live slots");
        }
    }

    /// Gives back what no live string needs.
    pub(super) fn trim(&mut self) -> Result<(), MemoryError> {
        self.compact();
        self.store.trim()?;
        if self.held.0 > 0 {
            self.index = copy_index(&self.index, self.index.len(), &self.store)?;
            return Ok(());
        }
        let generations = self.slots.iter().map(|slot| slot.next_generation());
        match (generations.clone().min(), generations.max()) {
            (Some(0), _) => {
                let slots = u32::try_from(self.slots.len());
                self.base += slots.expect("it fits because an index has 20 bits");
                self.floor = 1;
            }
            (_, Some(highest)) => self.floor = highest.max(self.floor),
            (_, None) => {}
        }
        let alloc = self.slots.alloc();
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

/// The hash of the index, which looks at low bits first and at high ones then.
#[inline]
const fn spread(hash: u32) -> u64 {
    (hash as u64) << 32 | hash as u64
}

/// The same index with room for `room` strings and no tombstones.
fn copy_index<'a>(
    index: &HashTable<u32, Alloc<'a>>,
    room: usize,
    store: &Store<'_>,
) -> Result<HashTable<u32, Alloc<'a>>, MemoryError> {
    let hash = |&place: &u32| spread(store.header(place).hash);
    let mut fresh = HashTable::new_in(*index.allocator());
    error::explained(|| fresh.try_reserve(room, hash))?;
    for place in index {
        fresh.insert_unique(hash(place), *place, hash);
    }
    Ok(fresh)
}

#[cfg(all(test, not(gm_loom)))]
mod tests;
