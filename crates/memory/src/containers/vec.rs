//! A growable array on a handle or in an arena.

use std::fmt;
use std::ops::{Deref, DerefMut, RangeBounds};

use allocator_api2::alloc::Allocator;

use crate::alloc::Alloc;
use crate::arena::Arena;
use crate::error::{self, MemoryError};

/// A growable array on a handle.
pub type Vec<'a, T> = VecIn<T, Alloc<'a>>;

/// A growable array in an arena, which it does not outlive.
pub type ArenaVec<'r, T> = VecIn<T, &'r Arena<'r>>;

/// A growable array whose growth can fail.
///
/// ```
/// use gitmind_memory::{Alloc, Budgeted, ErrorKind, System, Vec};
/// use gitmind_memory::units::Bytes;
/// let budget = Budgeted::new(System::new(), Bytes::new(64));
/// let mut names: Vec<u8> = Vec::new(Alloc::new(&budget));
/// names.try_extend_from_slice(b"main")?;
/// let failed = names.try_reserve(1000).unwrap_err();
/// assert_eq!(failed.kind(), ErrorKind::OverBudget);
/// assert_eq!(names.as_slice(), b"main");
/// # Ok::<(), gitmind_memory::MemoryError>(())
/// ```
pub struct VecIn<T, A: Allocator>(allocator_api2::vec::Vec<T, A>);

impl<T, A: Allocator + Copy> VecIn<T, A> {
    /// An empty array; takes no memory.
    #[inline]
    pub const fn new(alloc: A) -> Self {
        Self(allocator_api2::vec::Vec::new_in(alloc))
    }

    /// An empty array with room for exactly `capacity` elements.
    ///
    /// # Errors
    /// Every failure of the port, and `Overflow`.
    pub fn try_with_capacity(capacity: usize, alloc: A) -> Result<Self, MemoryError> {
        let mut vec = Self::new(alloc);
        vec.try_reserve_exact(capacity)?;
        Ok(vec)
    }

    /// Makes room for `additional` more elements, and for more to come.
    ///
    /// # Errors
    /// Every failure of the port, and `Overflow`; the array is as before then.
    #[inline]
    pub fn try_reserve(&mut self, additional: usize) -> Result<(), MemoryError> {
        if additional <= self.0.capacity() - self.0.len() {
            return Ok(());
        }
        self.grow(additional)
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self, additional: usize) -> Result<(), MemoryError> {
        error::explained(|| self.0.try_reserve(additional))
    }

    /// Makes room for exactly `additional` more elements.
    ///
    /// # Errors
    /// As [`Vec::try_reserve`].
    #[inline]
    pub fn try_reserve_exact(&mut self, additional: usize) -> Result<(), MemoryError> {
        error::explained(|| self.0.try_reserve_exact(additional))
    }

    /// Appends `value`.
    ///
    /// # Errors
    /// As [`Vec::try_reserve`]; `value` is dropped then.
    #[inline]
    pub fn try_push(&mut self, value: T) -> Result<(), MemoryError> {
        if self.0.len() == self.0.capacity() {
            self.try_reserve(1)?;
        }
        // There is room, so this does not grow.
        self.0.push(value);
        Ok(())
    }

    /// Appends everything `values` yields; on a failure, what fitted stays.
    ///
    /// # Errors
    /// As [`Vec::try_reserve`].
    pub fn try_extend(&mut self, values: impl IntoIterator<Item = T>) -> Result<(), MemoryError> {
        let values = values.into_iter();
        self.try_reserve(values.size_hint().0)?;
        for value in values {
            self.try_push(value)?;
        }
        Ok(())
    }

    /// Shortens or lengthens the array to `len`, with copies of `value`.
    ///
    /// # Errors
    /// As [`Vec::try_reserve`].
    pub fn try_resize(&mut self, len: usize, value: T) -> Result<(), MemoryError>
    where
        T: Clone,
    {
        self.try_reserve(len.saturating_sub(self.0.len()))?;
        // There is room, so this does not grow.
        self.0.resize(len, value);
        Ok(())
    }

    /// Appends copies of `values`.
    ///
    /// # Errors
    /// As [`Vec::try_reserve`].
    #[inline]
    pub fn try_extend_from_slice(&mut self, values: &[T]) -> Result<(), MemoryError>
    where
        T: Copy,
    {
        self.try_reserve(values.len())?;
        // At once: allocator_api2 would push one element after another.
        let len = self.0.len();
        debug_assert!(self.0.capacity() - len >= values.len(), "`try_reserve` makes room");
        // SAFETY: `try_reserve` has made room, so `len` is within the block or at its end.
        let end = unsafe { self.0.as_mut_ptr().add(len) };
        // SAFETY: `end` has room for as many elements, by `try_reserve`; `values` is borrowed while
        // `self` is borrowed exclusively, so the two are different memory; elements are `Copy`.
        unsafe { end.copy_from_nonoverlapping(values.as_ptr(), values.len()) };
        // SAFETY: that many elements are within the capacity, and were written just now.
        unsafe { self.0.set_len(len + values.len()) };
        Ok(())
    }

    /// A copy on the same handle.
    ///
    /// # Errors
    /// As [`Vec::try_reserve`].
    pub fn try_clone(&self) -> Result<Self, MemoryError>
    where
        T: Clone,
    {
        let mut copy = Self::try_with_capacity(self.0.len(), self.alloc())?;
        copy.try_extend(self.iter().cloned())?;
        Ok(copy)
    }

    /// Takes the last element off.
    pub fn pop(&mut self) -> Option<T> {
        self.0.pop()
    }

    /// Takes the element at `index` off and puts the last one in its place.
    ///
    /// # Panics
    /// When `index` is out of bounds.
    #[track_caller]
    pub fn swap_remove(&mut self, index: usize) -> T {
        let len = self.0.len();
        assert!(index < len, "index {index} is out of bounds of {len} elements");
        self.0.swap_remove(index)
    }

    /// Puts `value` at `index`, before what is there.
    ///
    /// # Errors
    /// As [`Vec::try_reserve`]; `value` is dropped then.
    ///
    /// # Panics
    /// When `index` is above the length.
    #[track_caller]
    pub fn try_insert(&mut self, index: usize, value: T) -> Result<(), MemoryError> {
        let len = self.0.len();
        assert!(index <= len, "index {index} is behind the end of {len} elements");
        self.try_reserve(1)?;
        // There is room, so this does not grow.
        self.0.insert(index, value);
        Ok(())
    }

    /// Moves all elements of `other` to the end.
    ///
    /// # Errors
    /// As [`Vec::try_reserve`]; both arrays are as before then.
    pub fn try_append(&mut self, other: &mut Self) -> Result<(), MemoryError> {
        self.try_reserve(other.0.len())?;
        // There is room, so this does not grow.
        self.0.append(&mut other.0);
        Ok(())
    }

    /// Takes the element at `index` off and moves those behind it up.
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

    /// Takes the elements of `range` off, also those that are not read before the iterator ends.
    ///
    /// # Panics
    /// When `range` is out of bounds.
    #[track_caller]
    pub fn drain(
        &mut self,
        range: impl RangeBounds<usize>,
    ) -> impl DoubleEndedIterator<Item = T> + ExactSizeIterator {
        self.0.drain(super::indices(range, self.0.len()))
    }

    /// Keeps the first `len` elements.
    pub fn truncate(&mut self, len: usize) {
        self.0.truncate(len);
    }

    /// Keeps no element, and the memory.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Elements that fit without growing.
    pub fn capacity(&self) -> usize {
        self.0.capacity()
    }

    /// The elements.
    pub fn as_slice(&self) -> &[T] {
        &self.0
    }

    /// The handle, or the arena, that the memory is from.
    pub fn alloc(&self) -> A {
        *self.0.allocator()
    }
}

impl<A: Allocator + Copy> VecIn<u8, A> {
    /// Shortens or lengthens the bytes to `len`, with zeros.
    ///
    /// # Errors
    /// As [`Vec::try_reserve`].
    pub fn try_resize_zeroed(&mut self, len: usize) -> Result<(), MemoryError> {
        let before = self.0.len();
        if len <= before {
            self.0.truncate(len);
            return Ok(());
        }
        self.try_reserve(len - before)?;
        // At once: allocator_api2 would write one byte after another where nothing is optimized.
        debug_assert!(self.0.capacity() >= len, "`try_reserve` makes room");
        // SAFETY: `try_reserve` has made room, so `before` is within the block or at its end.
        let end = unsafe { self.0.as_mut_ptr().add(before) };
        // SAFETY: `end` has room for as many bytes, by `try_reserve`.
        unsafe { end.write_bytes(0, len - before) };
        // SAFETY: that many bytes are within the capacity, and were written just now.
        unsafe { self.0.set_len(len) };
        Ok(())
    }
}

impl<'r, T> ArenaVec<'r, T> {
    /// The elements, for as long as the arena is neither reset nor dropped.
    ///
    /// # Ownership
    /// Given back with all other objects by [`Arena::reset`], or when the arena is dropped.
    pub fn into_slice(self) -> &'r mut [T] {
        const { assert!(!std::mem::needs_drop::<T>(), "an arena runs no destructor") };
        allocator_api2::vec::Vec::leak(self.0)
    }
}

impl<T, A: Allocator> Deref for VecIn<T, A> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T, A: Allocator> DerefMut for VecIn<T, A> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.0
    }
}

impl<T: fmt::Debug, A: Allocator> fmt::Debug for VecIn<T, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<T, A: Allocator> IntoIterator for VecIn<T, A> {
    type Item = T;
    type IntoIter = allocator_api2::vec::IntoIter<T, A>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'v, T, A: Allocator> IntoIterator for &'v VecIn<T, A> {
    type Item = &'v T;
    type IntoIter = std::slice::Iter<'v, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<A: Allocator + Copy> std::io::Write for VecIn<u8, A> {
    /// Appends `bytes`; fails with the kind `OutOfMemory`.
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.try_extend_from_slice(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
