//! Where the bytes of a shard's strings live.
//!
//! Pooled, they share one array of 16-byte units, with the holes that released strings leave. A
//! hole begins with its length and a mark, so that [`Store::compact`] can close all holes in one
//! pass without any memory: each live string first trades its head with its slot's place.
//! With the kill switch each string is a block of the port.

use super::shard::{Slot, reserve};
use crate::alloc::Alloc;
use crate::containers::Vec;
use crate::error::{ErrorKind, MemoryError};
use crate::pooling::{Pooling, Zeroing};

/// What strings are aligned to and measured in.
#[derive(Clone, Copy)]
#[repr(C, align(16))]
pub(super) struct Unit([u8; UNIT_BYTES]);

const UNIT_BYTES: usize = 16;
const ZERO: Unit = Unit([0; UNIT_BYTES]);
/// What an empty store keeps, in units: strings that come and go singly ask the port for nothing.
const RETURNED_UNITS_MIN: usize = 256;
/// Marks the first four bytes of a hole; the other bits count its units.
const HOLE: u32 = 1 << 31;

pub(super) struct Store<'a> {
    pooled: Vec<'a, Unit>,
    single: Vec<'a, Option<Vec<'a, Unit>>>,
    hole_units: usize,
    pooling: Pooling,
    zeroing: Zeroing,
}

/// Units that a string of `len` bytes takes; an empty one has a place as well.
fn units(len: usize) -> usize {
    len.div_ceil(UNIT_BYTES).max(1)
}

impl<'a> Store<'a> {
    pub(super) const fn new(alloc: Alloc<'a>, pooling: Pooling, zeroing: Zeroing) -> Self {
        Self { pooled: Vec::new(alloc), single: Vec::new(alloc), hole_units: 0, pooling, zeroing }
    }

    /// Keeps `bytes` for slot `index`; returns their place.
    pub(super) fn put(&mut self, index: usize, bytes: &[u8]) -> Result<u32, MemoryError> {
        let over = MemoryError::new(ErrorKind::OverCap, None, bytes.len().into());
        let count = units(bytes.len());
        if u32::try_from(count).is_ok_and(|count| count >= HOLE) {
            return Err(over);
        }
        if self.pooling == Pooling::Off {
            let mut block = Vec::try_with_capacity(count, self.single.alloc())?;
            block.try_resize(count, ZERO)?;
            copy(&mut block, bytes);
            while self.single.len() <= index {
                self.single.try_push(None)?;
            }
            self.single[index] = Some(block);
            return Ok(0);
        }
        let start = self.pooled.len();
        let place = u32::try_from(start).map_err(|_| over)?;
        self.reserve(count)?;
        self.pooled.try_resize(start + count, ZERO)?;
        copy(&mut self.pooled[start..], bytes);
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

    pub(super) fn get(&self, index: usize, slot: &Slot) -> &[u8] {
        let units = match self.pooling {
            Pooling::On => &self.pooled[slot.place as usize..],
            Pooling::Off => self.single[index].as_deref().unwrap_or_default(),
        };
        &bytes_of(units)[..slot.len()]
    }

    /// Gives up the bytes of slot `index`.
    pub(super) fn remove(&mut self, index: usize, slot: &Slot) {
        let count = units(slot.len());
        if self.pooling == Pooling::Off {
            if let (Some(mut block), Zeroing::On) = (self.single[index].take(), self.zeroing) {
                block.fill(ZERO);
            }
            return;
        }
        let hole = &mut self.pooled[slot.place as usize..][..count];
        if self.zeroing == Zeroing::On {
            hole.fill(ZERO);
        }
        let count_u32 = u32::try_from(count).expect("it fits because a length has 24 bits");
        set_head(&mut hole[0], HOLE | count_u32);
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

    /// Closes all holes in place; every live slot gets its new place.
    pub(super) fn compact(&mut self, slots: &mut [Slot]) {
        if self.hole_units == 0 {
            return;
        }
        for (index, slot) in slots.iter_mut().enumerate().filter(|(_, slot)| slot.refs > 0) {
            let unit = &mut self.pooled[slot.place as usize];
            slot.place = head(unit);
            let index = u32::try_from(index).expect("it fits because an index has 20 bits");
            set_head(unit, index);
        }
        let (mut from, mut to) = (0, 0);
        while from < self.pooled.len() {
            let mark = head(&self.pooled[from]);
            if mark & HOLE != 0 {
                from += (mark & !HOLE) as usize;
                continue;
            }
            let slot = &mut slots[mark as usize];
            let count = units(slot.len());
            set_head(&mut self.pooled[from], slot.place);
            self.pooled.copy_within(from..from + count, to);
            slot.place = u32::try_from(to).expect("it fits because a place only moves down");
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

fn head(unit: &Unit) -> u32 {
    u32::from_ne_bytes([unit.0[0], unit.0[1], unit.0[2], unit.0[3]])
}

fn set_head(unit: &mut Unit, value: u32) {
    unit.0[..4].copy_from_slice(&value.to_ne_bytes());
}

fn copy(units: &mut [Unit], bytes: &[u8]) {
    for (unit, part) in units.iter_mut().zip(bytes.chunks(UNIT_BYTES)) {
        unit.0[..part.len()].copy_from_slice(part);
    }
}

const _: () = assert!(size_of::<Unit>() == UNIT_BYTES, "units have no padding");

fn bytes_of(units: &[Unit]) -> &[u8] {
    // SAFETY: a unit is 16 initialised bytes without padding (asserted above), so the slice's
    // memory is `size_of_val(units)` bytes, borrowed for as long as `units` is.
    unsafe { std::slice::from_raw_parts(units.as_ptr().cast(), size_of_val(units)) }
}
