//! What takes elements off an array, and never fails.

use std::ops::RangeBounds;

use allocator_api2::alloc::Allocator;

use super::VecIn;
use crate::containers::indices;

impl<T, A: Allocator + Copy> VecIn<T, A> {
    /// Removes the last element.
    pub fn pop(&mut self) -> Option<T> {
        self.0.pop()
    }

    /// Removes the element at `index` and moves the last one there.
    ///
    /// # Panics
    /// When `index` is out of bounds.
    #[track_caller]
    pub fn swap_remove(&mut self, index: usize) -> T {
        let len = self.0.len();
        assert!(index < len, "index {index} is out of bounds of {len} elements");
        self.0.swap_remove(index)
    }

    /// Removes the element at `index` and moves later ones up.
    ///
    /// # Panics
    /// When `index` is out of bounds.
    #[track_caller]
    pub fn remove(&mut self, index: usize) -> T {
        self.0.remove(index)
    }

    /// Keeps the elements that `keep` returns `true` for, in their order.
    pub fn retain(&mut self, keep: impl FnMut(&T) -> bool) {
        self.0.retain(keep);
    }

    /// Keeps the first of each run of equal elements.
    pub fn dedup(&mut self)
    where
        T: PartialEq,
    {
        self.0.dedup();
    }

    /// Removes the elements of `range`, also those that are not read before the iterator ends.
    ///
    /// # Panics
    /// When `range` is out of bounds.
    #[track_caller]
    pub fn drain(
        &mut self,
        range: impl RangeBounds<usize>,
    ) -> impl DoubleEndedIterator<Item = T> + ExactSizeIterator {
        self.0.drain(indices(range, self.0.len()))
    }

    /// Keeps the first `len` elements.
    pub fn truncate(&mut self, len: usize) {
        self.0.truncate(len);
    }

    /// Removes all elements; keeps the capacity.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}
