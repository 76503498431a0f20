//! Containers on a handle, with fallible operations only.
//!
//! `allocator_api2` and hashbrown abort the process when an ordinary `push` or `insert` finds no
//! memory. These wrappers do not have such operations, so a service cannot call one by accident.

mod column;
mod deque;
mod map;
mod set;
mod string;
mod vec;

use std::alloc::Layout;
use std::mem::ManuallyDrop;
use std::ops::{Bound, Range, RangeBounds};
use std::ptr::NonNull;

use allocator_api2::alloc::Allocator as _;

use super::alloc::Alloc;
use super::error::{self, MemoryError};
use super::undo::Undo;

pub use self::column::{ArenaColumn, Column, ColumnIn, ColumnIter, ColumnRef};
pub use self::deque::VecDeque;
pub use self::map::{Map, MapEntry, MapIntoIter};
pub use self::set::Set;
pub use self::string::String;
pub use self::vec::{ArenaVec, Vec, VecIn};

/// A value on a handle.
///
/// Only [`Alloc::try_box`] makes one, so it cannot be made in a way that aborts.
#[derive(Debug)]
pub struct Box<'a, T: ?Sized>(ManuallyDrop<allocator_api2::boxed::Box<T, Alloc<'a>>>);

impl<'a> Alloc<'a> {
    /// Moves `value` into memory of this handle.
    ///
    /// # Errors
    /// Every failure of the port; `value` is dropped then.
    pub fn try_box<T>(self, value: T) -> Result<Box<'a, T>, MemoryError> {
        let boxed = allocator_api2::boxed::Box::try_new_in(value, self);
        let boxed = boxed.map_err(|_| error::newest(Layout::new::<T>()))?;
        Ok(Box(ManuallyDrop::new(boxed)))
    }
}

impl<T> Box<'_, T> {
    /// Moves the value out and frees its memory.
    pub fn into_inner(this: Self) -> T {
        let mut this = ManuallyDrop::new(this);
        // SAFETY: `this` is neither used nor dropped after this.
        let inner = unsafe { ManuallyDrop::take(&mut this.0) };
        allocator_api2::boxed::Box::into_inner(inner)
    }
}

/// The indices of `range` in `len` elements. It panics in the caller's line, unlike allocator_api2.
#[track_caller]
fn indices(range: impl RangeBounds<usize>, len: usize) -> Range<usize> {
    let start = match range.start_bound() {
        Bound::Included(start) => *start,
        Bound::Excluded(before) => before.saturating_add(1),
        Bound::Unbounded => 0,
    };
    let end = match range.end_bound() {
        Bound::Included(last) => last.saturating_add(1),
        Bound::Excluded(end) => *end,
        Bound::Unbounded => len,
    };
    assert!(start <= end && end <= len, "{start}..{end} is out of bounds of {len} elements");
    start..end
}

impl<T: ?Sized> Drop for Box<'_, T> {
    fn drop(&mut self) {
        // SAFETY: nothing uses it after this.
        let inner = unsafe { ManuallyDrop::take(&mut self.0) };
        let layout = Layout::for_value::<T>(&inner);
        let (value, alloc) = allocator_api2::boxed::Box::into_raw_with_allocator(inner);
        // SAFETY: a box does not point to null.
        let value = unsafe { NonNull::new_unchecked(value) };
        let _block = Undo::new(|| {
            // SAFETY: the block was taken from this handle for a value of this layout, which is no
            // more, also when its destructor unwinds.
            unsafe { alloc.deallocate(value.cast(), layout) };
        });
        // SAFETY: the value is initialised, and nothing uses it after this.
        unsafe { value.drop_in_place() };
    }
}

impl<T: ?Sized> std::ops::Deref for Box<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: ?Sized> std::ops::DerefMut for Box<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}
