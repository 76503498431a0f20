//! A stack of free slots in front of a bin's superblocks.
//!
//! What was freed last is allocated first, while it is still in the processor's cache, and
//! neither side writes to the slot itself.

use std::cell::Cell;

/// How many slots a magazine holds.
pub(super) const MAGAZINE_SLOTS: usize = 64;

/// How many slots move between a magazine and its superblocks at a time.
pub(super) const BATCH_SLOTS: usize = MAGAZINE_SLOTS / 2;

/// The addresses of free slots. There is always room for one more.
pub(super) struct Magazine {
    len: Cell<usize>,
    slots: [Cell<usize>; MAGAZINE_SLOTS],
}

impl Magazine {
    pub(super) const fn new() -> Self {
        Self { len: Cell::new(0), slots: [const { Cell::new(0) }; MAGAZINE_SLOTS] }
    }

    pub(super) fn len(&self) -> usize {
        self.len.get()
    }

    /// The slot that was put in last.
    #[inline]
    pub(super) fn pop(&self) -> Option<usize> {
        let len = self.len.get().checked_sub(1)?;
        self.len.set(len);
        Some(self.slots[len % MAGAZINE_SLOTS].get())
    }

    /// Puts a slot in; true when no other fits, so that [`Magazine::drain_oldest`] must follow.
    #[inline]
    #[must_use]
    pub(super) fn push(&self, slot: usize) -> bool {
        let len = self.len.get();
        debug_assert!(len < MAGAZINE_SLOTS, "there is room because a full one is drained at once");
        self.slots[len % MAGAZINE_SLOTS].set(slot);
        self.len.set(len + 1);
        len + 1 == MAGAZINE_SLOTS
    }

    /// Takes the batch out that has been in for longest.
    pub(super) fn drain_oldest(&self, mut each: impl FnMut(usize)) {
        let len = self.len.get();
        let batch = len.min(BATCH_SLOTS);
        for slot in &self.slots[..batch] {
            each(slot.get());
        }
        for index in batch..len {
            self.slots[index - batch].set(self.slots[index].get());
        }
        self.len.set(len - batch);
    }

    /// Keeps the slots for which `keep` is true, in their order.
    pub(super) fn retain(&self, keep: impl Fn(usize) -> bool) {
        let mut kept = 0;
        for index in 0..self.len.get() {
            let slot = self.slots[index].get();
            if keep(slot) {
                self.slots[kept].set(slot);
                kept += 1;
            }
        }
        self.len.set(kept);
    }

    /// The slots, oldest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = usize> {
        self.slots[..self.len.get()].iter().map(Cell::get)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_come_out_newest_first_and_leave_oldest_first() {
        let magazine = Magazine::new();
        assert_eq!(magazine.pop(), None);
        for slot in 1..MAGAZINE_SLOTS {
            assert!(!magazine.push(slot), "{slot} fits");
        }
        assert!(magazine.push(MAGAZINE_SLOTS), "the last one fills it");
        let mut drained = Vec::new();
        magazine.drain_oldest(|slot| drained.push(slot));
        assert_eq!(drained, Vec::from_iter(1..=BATCH_SLOTS));
        magazine.retain(|slot| slot % 2 == 0);
        let even = (BATCH_SLOTS + 1..=MAGAZINE_SLOTS).filter(|slot| slot % 2 == 0);
        assert_eq!(magazine.iter().collect::<Vec<_>>(), even.collect::<Vec<_>>());
        assert_eq!(magazine.pop(), Some(MAGAZINE_SLOTS));
    }
}
