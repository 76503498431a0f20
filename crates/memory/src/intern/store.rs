//! Where the bytes of a shard's strings live, each behind its header.
//!
//! Pooled, they share one array of 16-byte units, with the holes that released strings leave. A
//! header is a unit with all that is known of a string, so that whoever has found it reads no other
//! place, and so that [`Store::compact`] can close all holes in one pass without any memory. With
//! the kill switch each string is a block of the port.

use super::shard::reserve;
use crate::alloc::Alloc;
use crate::containers::Vec;
use crate::error::{ErrorKind, MemoryError};
use crate::pooling::{Pooling, Zeroing};

/// What strings are aligned to and measured in: 16 bytes of a string, or a header.
#[derive(Clone, Copy)]
#[repr(C, align(16))]
pub(super) struct Unit {
    /// Holds on the string; zero in the header of a hole.
    pub(super) refs: u32,
    /// The generation above, the length below [`LEN_BITS`]; of a hole, its units.
    tag: u32,
    /// The slot of the string.
    pub(super) at: u32,
    /// The hash of the string.
    pub(super) hash: u32,
}

const UNIT_BYTES: usize = 16;
const _: () = assert!(size_of::<Unit>() == UNIT_BYTES, "units have no padding");
const ZERO: Unit = Unit { refs: 0, tag: 0, at: 0, hash: 0 };

/// Most bytes of a string.
pub(super) const LEN_MAX: usize = (1 << LEN_BITS) - 1;
const LEN_BITS: u32 = 24;
/// Most generations that fit a header; zero is none.
pub(super) const GENERATION_MAX: u32 = u32::MAX >> LEN_BITS;

/// Places are below it.
pub(super) const PLACES_END: u32 = 1 << 31;

/// What an empty store keeps, in units: strings that come and go singly ask the port for nothing.
const RETURNED_UNITS_MIN: usize = 256;

impl Unit {
    /// The header of a string of `len` bytes that is held once.
    pub(super) const fn header(at: u32, hash: u32, len: u32, generation: u32) -> Self {
        debug_assert!(len as usize <= LEN_MAX, "the length was checked");
        debug_assert!(generation <= GENERATION_MAX, "the generation has 8 bits");
        Self { refs: 1, tag: generation << LEN_BITS | len, at, hash }
    }

    pub(super) const fn len(&self) -> usize {
        self.tag as usize & LEN_MAX
    }

    pub(super) const fn generation(&self) -> u32 {
        self.tag >> LEN_BITS
    }
}

pub(super) struct Store<'a> {
    pooled: Vec<'a, Unit>,
    /// With the kill switch, the string of each slot; a place is the number of the slot then.
    single: Vec<'a, Option<Vec<'a, Unit>>>,
    hole_units: usize,
    pooling: Pooling,
    zeroing: Zeroing,
}

/// Units that a string of `len` bytes takes with its header.
fn units(len: usize) -> usize {
    1 + len.div_ceil(UNIT_BYTES)
}

impl<'a> Store<'a> {
    pub(super) const fn new(alloc: Alloc<'a>, pooling: Pooling, zeroing: Zeroing) -> Self {
        Self { pooled: Vec::new(alloc), single: Vec::new(alloc), hole_units: 0, pooling, zeroing }
    }

    /// Keeps `bytes` behind `header`; returns the place of both.
    pub(super) fn put(&mut self, header: Unit, bytes: &[u8]) -> Result<u32, MemoryError> {
        let count = units(bytes.len());
        if self.pooling == Pooling::Off {
            let mut block = Vec::try_with_capacity(count, self.single.alloc())?;
            block.try_resize(count, ZERO)?;
            write(&mut block, header, bytes);
            let index = header.at as usize;
            while self.single.len() <= index {
                self.single.try_push(None)?;
            }
            self.single[index] = Some(block);
            return Ok(header.at);
        }
        let start = self.pooled.len();
        let place = u32::try_from(start).ok().filter(|place| *place < PLACES_END);
        let over = MemoryError::new(ErrorKind::OverCap, None, bytes.len().into());
        let place = place.ok_or(over)?;
        self.reserve(count)?;
        self.pooled.try_resize(start + count, ZERO)?;
        write(&mut self.pooled[start..], header, bytes);
        Ok(place)
    }

    /// Makes room; with zeroing the array is moved here, so that the old one can be cleared.
    fn reserve(&mut self, count: usize) -> Result<(), MemoryError> {
        if self.zeroing == Zeroing::Off || self.pooled.capacity() - self.pooled.len() >= count {
            return reserve(&mut self.pooled, count);
        }
        let capacity = self.pooled.len() + count.max(self.pooled.len() / 16);
        self.move_to(capacity)
    }

    fn move_to(&mut self, capacity: usize) -> Result<(), MemoryError> {
        let mut larger = Vec::try_with_capacity(capacity, self.pooled.alloc())?;
        larger.try_extend_from_slice(&self.pooled)?;
        self.wipe_pooled();
        self.pooled = larger;
        Ok(())
    }

    /// The units from `place` on: a header, and its string.
    #[inline]
    fn units_from(&self, place: u32) -> &[Unit] {
        match self.pooling {
            Pooling::On => &self.pooled[place as usize..],
            Pooling::Off => self.single[place as usize].as_deref().unwrap_or_default(),
        }
    }

    #[inline]
    pub(super) fn header(&self, place: u32) -> &Unit {
        &self.units_from(place)[0]
    }

    #[inline]
    pub(super) fn header_mut(&mut self, place: u32) -> &mut Unit {
        match self.pooling {
            Pooling::On => &mut self.pooled[place as usize],
            Pooling::Off => &mut self.single[place as usize].as_deref_mut().unwrap_or_default()[0],
        }
    }

    /// The string at `place`.
    pub(super) fn get(&self, place: u32) -> &[u8] {
        let units = self.units_from(place);
        &bytes_of(&units[1..])[..units[0].len()]
    }

    /// Whether the string at `place`, which has a hash like that, is `bytes`.
    #[inline]
    pub(super) fn is(&self, place: u32, hash: u32, bytes: &[u8]) -> bool {
        let [header, string @ ..] = self.units_from(place) else { return false };
        let len = header.len();
        header.hash == hash && len == bytes.len() && bytes_of(string).get(..len) == Some(bytes)
    }

    /// Gives up the string at `place`.
    pub(super) fn remove(&mut self, place: u32) {
        if self.pooling == Pooling::Off {
            let block = self.single[place as usize].take();
            if let (Some(mut block), Zeroing::On) = (block, self.zeroing) {
                block.fill(ZERO);
            }
            return;
        }
        let count = units(self.header(place).len());
        let hole = &mut self.pooled[place as usize..][..count];
        if self.zeroing == Zeroing::On {
            hole.fill(ZERO);
        }
        let tag = u32::try_from(count).expect("it fits because a length has 24 bits");
        hole[0] = Unit { tag, ..ZERO };
        self.hole_units += count;
    }

    /// Whether an empty store has more than a page.
    pub(super) fn is_worth_returning(&self) -> bool {
        self.pooled.capacity() > RETURNED_UNITS_MIN
    }

    /// Gives the array back, in which nothing is live.
    pub(super) fn give_back(&mut self) {
        self.wipe_pooled();
        self.pooled = Vec::new(self.pooled.alloc());
        self.hole_units = 0;
    }

    /// Whether more than half is holes and closing them is worth a pass.
    pub(super) fn is_sparse(&self) -> bool {
        self.hole_units > 64 && self.hole_units * 2 > self.pooled.len()
    }

    /// Whether closing holes makes room for `len` bytes more that is worth a pass.
    pub(super) fn is_better_compacted(&self, len: usize) -> bool {
        let room = self.pooled.capacity() - self.pooled.len();
        room < units(len) && self.hole_units >= units(len).max(self.pooled.len() / 4)
    }

    /// Whether there is anything to close.
    pub(super) const fn has_holes(&self) -> bool {
        self.hole_units > 0
    }

    /// Closes all holes in place; says of each string its slot and its new place.
    pub(super) fn compact(&mut self, mut moved: impl FnMut(u32, u32)) {
        let (mut from, mut to) = (0, 0);
        while from < self.pooled.len() {
            let header = self.pooled[from];
            if header.refs == 0 {
                from += header.tag as usize;
                continue;
            }
            let count = units(header.len());
            self.pooled.copy_within(from..from + count, to);
            let place = u32::try_from(to).expect("it fits because a place only moves down");
            moved(header.at, place);
            from += count;
            to += count;
        }
        if self.zeroing == Zeroing::On {
            self.pooled[to..].fill(ZERO);
        }
        self.pooled.truncate(to);
        self.hole_units = 0;
    }

    /// Gives back what is not used; called after [`Store::compact`].
    pub(super) fn trim(&mut self) -> Result<(), MemoryError> {
        if self.pooled.is_empty() {
            self.give_back();
        } else if self.pooled.capacity() > self.pooled.len() {
            self.move_to(self.pooled.len())?;
        }
        if self.single.iter().all(Option::is_none) {
            self.single = Vec::new(self.single.alloc());
        }
        Ok(())
    }

    fn wipe_pooled(&mut self) {
        if self.zeroing == Zeroing::On {
            self.pooled.fill(ZERO);
        }
    }
}

impl Drop for Store<'_> {
    fn drop(&mut self) {
        self.wipe_pooled();
        if self.zeroing == Zeroing::On {
            self.single.iter_mut().flatten().for_each(|block| block.fill(ZERO));
        }
    }
}

/// Writes a header and its string to their place.
fn write(units: &mut [Unit], header: Unit, bytes: &[u8]) {
    units[0] = header;
    bytes_of_mut(&mut units[1..])[..bytes.len()].copy_from_slice(bytes);
}

#[inline]
fn bytes_of(units: &[Unit]) -> &[u8] {
    // SAFETY: a unit is 16 initialised bytes without padding (asserted above), so the slice's
    // memory is `size_of_val(units)` bytes, borrowed for as long as `units` is.
    unsafe { std::slice::from_raw_parts(units.as_ptr().cast(), size_of_val(units)) }
}

fn bytes_of_mut(units: &mut [Unit]) -> &mut [u8] {
    let len = size_of_val(units);
    // SAFETY: as in `bytes_of`, borrowed exclusively; whatever is written, a unit is four integers,
    // which have any value.
    unsafe { std::slice::from_raw_parts_mut(units.as_mut_ptr().cast(), len) }
}
