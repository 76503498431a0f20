//! A growable array on a handle or in an arena.

mod removal;
mod traits;

use std::mem::MaybeUninit;

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
/// use gitmind_memory::{self as memory, Alloc, Budgeted, ErrorKind, System};
/// use gitmind_memory::units::Bytes;
/// let budget = Budgeted::new(System::new(), Bytes::new(64));
/// let mut names: memory::Vec<u8> = memory::Vec::new(Alloc::new(&budget));
/// names.try_extend_from_slice(b"main")?;
/// let failed = names.try_reserve(1000).unwrap_err();
/// assert_eq!(failed.kind(), ErrorKind::OverBudget);
/// assert_eq!(names.as_slice(), b"main");
/// # Ok::<(), gitmind_memory::MemoryError>(())
/// ```
pub struct VecIn<T, A: Allocator>(allocator_api2::vec::Vec<T, A>);

impl<T, A: Allocator + Copy> VecIn<T, A> {
    /// An empty array; does not allocate.
    #[inline]
    pub const fn new(alloc: A) -> Self {
        Self(allocator_api2::vec::Vec::new_in(alloc))
    }

    /// An empty array with capacity for exactly `capacity` elements.
    ///
    /// # Errors
    /// Every failure of the port, and `Overflow`.
    pub fn try_with_capacity(capacity: usize, alloc: A) -> Result<Self, MemoryError> {
        let mut vec = Self::new(alloc);
        vec.try_reserve_exact(capacity)?;
        Ok(vec)
    }

    /// Reserves capacity for at least `additional` more elements.
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

    /// Reserves capacity for exactly `additional` more elements.
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

    /// Inserts `value` at `index`.
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

impl<T, A: Allocator + Copy> VecIn<MaybeUninit<T>, A> {
    /// Makes all memory elements, which need no value.
    pub(super) fn fill(&mut self) {
        let capacity = self.0.capacity();
        // SAFETY: the elements are within the capacity, and any bytes are one.
        unsafe { self.0.set_len(capacity) };
    }
}

impl<'r, T> ArenaVec<'r, T> {
    /// The elements, for as long as the arena is neither reset nor dropped.
    ///
    /// # Ownership
    /// Freed with all other objects by [`Arena::reset`], or when the arena is dropped.
    pub fn into_slice(self) -> &'r mut [T] {
        const { assert!(!std::mem::needs_drop::<T>(), "an arena runs no destructor") };
        allocator_api2::vec::Vec::leak(self.0)
    }
}
