//! A growable array in segments, which growth neither copies nor moves.

use std::alloc::Layout;
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Index, Range};
use std::ptr::NonNull;
use std::slice;

use allocator_api2::alloc::Allocator;

use super::vec::VecIn;
use crate::alloc::Alloc;
use crate::arena::Arena;
use crate::error::{self, MemoryError};

/// A growable array in segments on a handle.
pub type Column<'a, T> = ColumnIn<T, Alloc<'a>>;

/// A growable array in segments of an arena, which it does not outlive.
pub type ArenaColumn<'r, T> = ColumnIn<T, &'r Arena<'r>>;

/// Bytes of the first segment, or one element if that is more.
const FIRST_BYTES: usize = 4 << 10;

/// Most bytes of a segment, or one element if that is more.
const SEGMENT_BYTES_MAX: usize = 32 << 10;

/// A growable array whose elements stay where they are: it grows by a segment, a page at first,
/// then each as large as all before it, up to 32 KiB. So at most one segment is unused, and no
/// growth needs room for a copy. Each segment is a power of two of elements.
///
/// ```
/// use gitmind_memory::units::Bytes;
/// use gitmind_memory::{Alloc, Arena, ArenaColumn, System};
/// let system = System::new();
/// let arena = Arena::begin(Alloc::new(&system), Bytes::ZERO, Bytes::from_mib(1));
/// let mut squares = ArenaColumn::new(&arena);
/// for number in 0..10_000_u64 {
///     squares.try_push(number * number)?;
/// }
/// assert_eq!((squares[9999], squares.len()), (99_980_001, 10_000));
/// assert!(squares.view().range(2..5).eq(&[4, 9, 16]));
/// # Ok::<(), gitmind_memory::MemoryError>(())
/// ```
pub struct ColumnIn<T: Copy, A: Allocator + Copy> {
    /// The segments; all but the last are full.
    segments: VecIn<NonNull<T>, A>,
    /// The place of the next element.
    next: NonNull<T>,
    /// The end of the last segment.
    end: NonNull<T>,
    /// Elements that fit the segments.
    capacity: usize,
    elements: PhantomData<T>,
}

impl<T: Copy, A: Allocator + Copy> ColumnIn<T, A> {
    /// An empty array; does not allocate.
    pub const fn new(alloc: A) -> Self {
        const { assert!(size_of::<T>() > 0, "elements without a size need no memory") };
        let (next, end) = (NonNull::dangling(), NonNull::dangling());
        Self { segments: VecIn::new(alloc), next, end, capacity: 0, elements: PhantomData }
    }

    /// Appends `value`.
    ///
    /// # Errors
    /// Every failure of the port, and of the arena; the array is as before then.
    #[inline]
    pub fn try_push(&mut self, value: T) -> Result<(), MemoryError> {
        if self.next == self.end {
            self.grow()?;
        }
        // SAFETY: `next` is before `end`, so it is a place of the last segment without an element.
        unsafe { self.next.write(value) };
        // SAFETY: as above, so the step leads to the end of the segment at most.
        self.next = unsafe { self.next.add(1) };
        Ok(())
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self) -> Result<(), MemoryError> {
        let layout = Segments::<T>::layout(self.segments.len())?;
        self.segments.try_reserve(1)?;
        let segment = self.alloc().allocate(layout).map_err(|_| error::newest(layout))?.cast();
        let len = Segments::<T>::len(self.segments.len());
        // There is room, so this does not grow.
        self.segments.try_push(segment)?;
        self.next = segment;
        // SAFETY: the segment has this many elements.
        self.end = unsafe { segment.add(len) };
        self.capacity += len;
        Ok(())
    }

    /// The number of elements.
    #[inline]
    pub fn len(&self) -> usize {
        // SAFETY: both are in the last segment, or the same dangling address.
        let unused = unsafe { self.end.offset_from_unsigned(self.next) };
        self.capacity - unused
    }

    /// Whether there is no element.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Element `index`, to change, if there is one.
    pub fn get_mut(&mut self, index: usize) -> Option<&mut T> {
        if index >= self.len() {
            return None;
        }
        let (segment, offset) = Segments::<T>::place(index);
        // SAFETY: the index is below the length, so its segment has this many elements.
        let mut element = unsafe { self.segments[segment].add(offset) };
        // SAFETY: as above, so it was written; the column is borrowed exclusively meanwhile.
        Some(unsafe { element.as_mut() })
    }

    /// The elements, to read.
    #[inline]
    pub fn view(&self) -> ColumnRef<'_, T> {
        ColumnRef { segments: &self.segments, len: self.len(), elements: PhantomData }
    }

    /// The handle, or the arena, that the memory is from.
    pub fn alloc(&self) -> A {
        self.segments.alloc()
    }
}

impl<T: Copy, A: Allocator + Copy> Index<usize> for ColumnIn<T, A> {
    type Output = T;

    #[inline]
    #[track_caller]
    fn index(&self, index: usize) -> &T {
        self.view().at(index)
    }
}

impl<T: Copy, A: Allocator + Copy> Drop for ColumnIn<T, A> {
    fn drop(&mut self) {
        while let Some(segment) = self.segments.pop() {
            let layout = Segments::<T>::layout(self.segments.len());
            let layout = layout.expect("this holds because `grow` has taken this segment");
            // SAFETY: `grow` has taken the segment with this layout, and nothing refers to it.
            unsafe { self.alloc().deallocate(segment.cast(), layout) };
        }
    }
}

impl<T: Copy, A: Allocator + Copy> fmt::Debug for ColumnIn<T, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Column").field("len", &self.len()).finish_non_exhaustive()
    }
}

/// The elements of a column, to read; a copy is another name for them.
pub struct ColumnRef<'c, T> {
    segments: &'c [NonNull<T>],
    len: usize,
    elements: PhantomData<&'c T>,
}

// SAFETY: it gives shared access to elements that are borrowed, as a slice of them would.
unsafe impl<T: Sync> Sync for ColumnRef<'_, T> {}

// SAFETY: as above.
unsafe impl<T: Sync> Send for ColumnRef<'_, T> {}

impl<T> Clone for ColumnRef<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for ColumnRef<'_, T> {}

impl<'c, T> ColumnRef<'c, T> {
    /// The number of elements.
    #[inline]
    pub const fn len(self) -> usize {
        self.len
    }

    /// Whether there is no element.
    #[inline]
    pub const fn is_empty(self) -> bool {
        self.len == 0
    }

    /// Element `index`.
    ///
    /// # Panics
    /// When there are no more than `index` elements.
    #[inline]
    #[track_caller]
    pub fn at(self, index: usize) -> &'c T {
        assert!(index < self.len, "index {index} is behind the end of {} elements", self.len);
        let (segment, offset) = Segments::<T>::place(index);
        // SAFETY: the index is below the length, so its segment has this many elements.
        let element = unsafe { self.segments[segment].add(offset) };
        // SAFETY: as above, so it was written; it stays while the column is borrowed.
        unsafe { element.as_ref() }
    }

    /// The elements in order.
    pub fn iter(self) -> ColumnIter<'c, T> {
        self.range(0..self.len)
    }

    /// The elements of `range` in order.
    ///
    /// # Panics
    /// When the range ends before it begins, or behind the last element.
    #[track_caller]
    pub fn range(self, range: Range<usize>) -> ColumnIter<'c, T> {
        let Range { start, end } = range;
        assert!(start <= end && end <= self.len, "{start}..{end} of {} elements", self.len);
        ColumnIter { column: self, segment: [].iter(), next: start, end }
    }

    /// The elements from `start` to the end of its segment or to `end`, whichever is first; both
    /// are at most the length.
    fn run(self, start: usize, end: usize) -> &'c [T] {
        let (segment, offset) = Segments::<T>::place(start);
        let len = Segments::<T>::len(segment) - offset;
        // SAFETY: `start` is below the length, so its segment has this many elements.
        let first = unsafe { self.segments[segment].add(offset) };
        // SAFETY: these elements are below the length, so they were written; they stay while the
        // column is borrowed.
        unsafe { slice::from_raw_parts(first.as_ptr(), len.min(end - start)) }
    }
}

impl<T> fmt::Debug for ColumnRef<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ColumnRef").field("len", &self.len).finish_non_exhaustive()
    }
}

/// The elements of a column in order, a segment at a time.
#[derive(Debug)]
pub struct ColumnIter<'c, T> {
    column: ColumnRef<'c, T>,
    segment: slice::Iter<'c, T>,
    /// The elements behind `segment`.
    next: usize,
    end: usize,
}

impl<T> Clone for ColumnIter<'_, T> {
    fn clone(&self) -> Self {
        Self { segment: self.segment.clone(), ..*self }
    }
}

impl<'c, T> Iterator for ColumnIter<'c, T> {
    type Item = &'c T;

    #[inline]
    fn next(&mut self) -> Option<&'c T> {
        let element = self.segment.next();
        if element.is_some() || self.next == self.end {
            return element;
        }
        let run = self.column.run(self.next, self.end);
        self.next += run.len();
        self.segment = run.iter();
        self.segment.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let len = self.segment.len() + (self.end - self.next);
        (len, Some(len))
    }
}

impl<T> ExactSizeIterator for ColumnIter<'_, T> {}

/// The sizes of the segments.
struct Segments<T>(PhantomData<T>);

impl<T> Segments<T> {
    /// The binary logarithm of the number of elements of the first segment.
    const FIRST_SHIFT: u32 = shift_of::<T>(FIRST_BYTES);
    /// The binary logarithm of the number of elements of the largest segments.
    const MAX_SHIFT: u32 = shift_of::<T>(SEGMENT_BYTES_MAX);
    /// The number of segments that are twice the last; the second is as large as the first.
    const DOUBLINGS: usize = (Self::MAX_SHIFT - Self::FIRST_SHIFT) as usize;

    /// The number of elements of this segment.
    #[inline]
    const fn len(segment: usize) -> usize {
        match segment {
            0 => 1 << Self::FIRST_SHIFT,
            doubled if doubled <= Self::DOUBLINGS => 1 << Self::FIRST_SHIFT << (doubled - 1),
            _ => 1 << Self::MAX_SHIFT,
        }
    }

    /// The segment of the element `index` and its place in it.
    #[inline]
    const fn place(index: usize) -> (usize, usize) {
        match (index >> Self::MAX_SHIFT, index >> Self::FIRST_SHIFT) {
            (0, 0) => (0, index),
            (0, firsts) => {
                let power = firsts.ilog2();
                (power as usize + 1, index - (1 << (Self::FIRST_SHIFT + power)))
            }
            // The segments before have as many elements together as one of the largest.
            (largest, _) => (Self::DOUBLINGS + largest, index & ((1 << Self::MAX_SHIFT) - 1)),
        }
    }

    fn layout(segment: usize) -> Result<Layout, MemoryError> {
        Layout::array::<T>(Self::len(segment)).map_err(|_| error::OVERFLOW)
    }
}

/// The binary logarithm of the number of elements that fill at most `bytes`; 0 for larger ones.
const fn shift_of<T>(bytes: usize) -> u32 {
    match bytes / size_of::<T>() {
        0 => 0,
        len => len.ilog2(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places_follow_one_another<T>() {
        let mut expected = (0, 0);
        for index in 0..200_000 {
            assert_eq!(Segments::<T>::place(index), expected, "element {index}");
            expected.1 += 1;
            if expected.1 == Segments::<T>::len(expected.0) {
                expected = (expected.0 + 1, 0);
            }
        }
    }

    #[test]
    fn the_place_of_each_element_is_the_one_after_the_last() {
        places_follow_one_another::<u8>();
        places_follow_one_another::<u32>();
        places_follow_one_another::<[u8; 20]>();
        places_follow_one_another::<[u8; 5000]>();
        places_follow_one_another::<[u8; 70_000]>();
    }
}
