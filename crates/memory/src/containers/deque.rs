//! A queue with two ends on a handle.

use std::fmt;
use std::mem::MaybeUninit;
use std::ops::{Index, RangeBounds};

use super::{Vec, indices};
use crate::alloc::Alloc;
use crate::error::MemoryError;
use crate::undo::Undo;

/// A queue with two ends whose growth can fail.
///
/// ```
/// use gitmind_memory::{Alloc, System, VecDeque};
/// let system = System::new();
/// let mut next = VecDeque::new(Alloc::new(&system));
/// next.try_push_back("parent")?;
/// next.try_push_front("tip")?;
/// assert_eq!(next.pop_front(), Some("tip"));
/// assert_eq!((next.len(), next[0]), (1, "parent"));
/// # Ok::<(), gitmind_memory::MemoryError>(())
/// ```
pub struct VecDeque<'a, T> {
    /// All of its memory, a ring buffer. The `len` elements from `head` on are initialized.
    ring: Vec<'a, MaybeUninit<T>>,
    /// Below the length of the ring, unless that is zero.
    head: usize,
    len: usize,
}

impl<'a, T> VecDeque<'a, T> {
    /// An empty queue; allocates nothing.
    pub const fn new(alloc: Alloc<'a>) -> Self {
        Self { ring: Vec::new(alloc), head: 0, len: 0 }
    }

    /// Reserves capacity for at least `additional` more elements.
    ///
    /// # Errors
    /// Every failure of the port, and `Overflow`; the elements are as before then.
    pub fn try_reserve(&mut self, additional: usize) -> Result<(), MemoryError> {
        let room = self.ring.len() - self.len;
        if additional > room {
            // What is behind its end is at the start of the ring, not where a larger one goes on.
            self.make_contiguous();
            self.ring.try_reserve(additional - room)?;
            self.ring.fill();
        }
        Ok(())
    }

    /// Appends `value`.
    ///
    /// # Errors
    /// As [`VecDeque::try_reserve`]; `value` is dropped then.
    pub fn try_push_back(&mut self, value: T) -> Result<(), MemoryError> {
        self.try_reserve(1)?;
        self.push_back(value);
        Ok(())
    }

    /// Prepends `value`.
    ///
    /// # Errors
    /// As [`VecDeque::try_reserve`]; `value` is dropped then.
    pub fn try_push_front(&mut self, value: T) -> Result<(), MemoryError> {
        self.try_reserve(1)?;
        self.head = self.head.checked_sub(1).unwrap_or(self.ring.len() - 1);
        self.ring[self.head].write(value);
        self.len += 1;
        Ok(())
    }

    /// Appends `value`, for which there is room.
    fn push_back(&mut self, value: T) {
        let end = self.place(self.len);
        self.ring[end].write(value);
        self.len += 1;
    }

    /// Removes the first element.
    pub fn pop_front(&mut self) -> Option<T> {
        self.len = self.len.checked_sub(1)?;
        let second = self.place(1);
        let first = std::mem::replace(&mut self.head, second);
        // SAFETY: it was the first of the elements with a value, and is none of them any more.
        Some(unsafe { self.ring[first].assume_init_read() })
    }

    /// Removes the last element.
    pub fn pop_back(&mut self) -> Option<T> {
        self.len = self.len.checked_sub(1)?;
        let last = self.place(self.len);
        // SAFETY: it was the last of the elements with a value, and is none of them any more.
        Some(unsafe { self.ring[last].assume_init_read() })
    }

    /// The first element.
    pub fn front(&self) -> Option<&T> {
        self.get(0)
    }

    /// The last element.
    pub fn back(&self) -> Option<&T> {
        self.get(self.len.checked_sub(1)?)
    }

    /// The element at `index`.
    pub fn get(&self, index: usize) -> Option<&T> {
        let (front, back) = self.as_slices();
        front.get(index).or_else(|| back.get(index.checked_sub(front.len())?))
    }

    /// The element at `index`, mutable.
    pub fn get_mut(&mut self, index: usize) -> Option<&mut T> {
        let (front, back) = self.as_mut_slices();
        let behind = index.checked_sub(front.len());
        behind.map_or_else(|| front.get_mut(index), |index| back.get_mut(index))
    }

    /// The elements in their order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        let (front, back) = self.as_slices();
        front.iter().chain(back)
    }

    /// The elements in order, mutable.
    pub fn iter_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut T> {
        let (front, back) = self.as_mut_slices();
        front.iter_mut().chain(back)
    }

    /// The elements as one slice; moves them if they wrap around the end of the ring.
    pub fn make_contiguous(&mut self) -> &mut [T] {
        if self.len > self.ring.len() - self.head {
            self.ring.rotate_left(self.head);
            self.head = 0;
        }
        self.as_mut_slices().0
    }

    /// Keeps the elements that `keep` returns `true` for, in their order.
    pub fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        for _ in 0..self.len {
            if let Some(value) = self.pop_front().filter(|value| keep(value)) {
                self.push_back(value);
            }
        }
    }

    /// Removes the elements of `range`, also those that the iterator has not returned when it is
    /// dropped.
    ///
    /// # Panics
    /// When `range` is out of bounds.
    #[track_caller]
    pub fn drain(&mut self, range: impl RangeBounds<usize>) -> impl ExactSizeIterator<Item = T> {
        let range = indices(range, self.len);
        // To the front, from where they are taken.
        self.make_contiguous()[..range.end].rotate_left(range.start);
        Drain { deque: self, left: range.len() }
    }

    /// Removes every element and keeps the memory.
    pub fn clear(&mut self) {
        let len = std::mem::take(&mut self.len);
        let (front, back) = parts(&mut self.ring, self.head, len);
        let _back = Undo::new(|| {
            // SAFETY: they were elements with a value, and are none any more.
            unsafe { back.assume_init_drop() };
        });
        // SAFETY: as above.
        unsafe { front.assume_init_drop() };
    }

    /// The number of elements.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no element.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Elements that fit without growing.
    pub fn capacity(&self) -> usize {
        self.ring.len()
    }

    /// The elements in their order: up to the end of the ring, then from its start.
    fn as_slices(&self) -> (&[T], &[T]) {
        let behind = self.len.saturating_sub(self.ring.len() - self.head);
        let front = &self.ring[self.head..][..self.len - behind];
        // SAFETY: `len` elements from `head` on have a value, and these are not behind the last.
        let front = unsafe { front.assume_init_ref() };
        // SAFETY: as above; the ring goes on at its start.
        (front, unsafe { self.ring[..behind].assume_init_ref() })
    }

    /// As [`VecDeque::as_slices`].
    fn as_mut_slices(&mut self) -> (&mut [T], &mut [T]) {
        let (front, back) = parts(&mut self.ring, self.head, self.len);
        // SAFETY: `len` elements from `head` on have a value, and these are not behind the last.
        let front = unsafe { front.assume_init_mut() };
        // SAFETY: as above.
        (front, unsafe { back.assume_init_mut() })
    }

    /// The position in the ring of the element at `index`, which is below the length of the ring.
    fn place(&self, index: usize) -> usize {
        let behind = self.ring.len() - self.head;
        index.checked_sub(behind).unwrap_or_else(|| self.head + index)
    }
}

/// `len` elements from `head` on: up to the end of `ring`, then from its start.
fn parts<T>(ring: &mut [T], head: usize, len: usize) -> (&mut [T], &mut [T]) {
    let (start, end) = ring.split_at_mut(head);
    let behind = len.saturating_sub(end.len());
    (&mut end[..len - behind], &mut start[..behind])
}

/// An iterator that removes elements from the front.
struct Drain<'d, 'a, T> {
    deque: &'d mut VecDeque<'a, T>,
    left: usize,
}

impl<T> Iterator for Drain<'_, '_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.left = self.left.checked_sub(1)?;
        self.deque.pop_front()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<T> ExactSizeIterator for Drain<'_, '_, T> {}

impl<T> Drop for Drain<'_, '_, T> {
    fn drop(&mut self) {
        self.for_each(drop);
    }
}

impl<T> Drop for VecDeque<'_, T> {
    fn drop(&mut self) {
        self.clear();
    }
}

impl<T> Index<usize> for VecDeque<'_, T> {
    type Output = T;

    #[track_caller]
    fn index(&self, index: usize) -> &T {
        let len = self.len;
        match self.get(index) {
            Some(value) => value,
            None => panic!("index {index} is out of bounds of {len} elements"),
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for VecDeque<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
