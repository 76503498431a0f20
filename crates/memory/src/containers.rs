//! Containers on a handle, with fallible operations only.
//!
//! `allocator_api2` and hashbrown abort the process when an ordinary `push` or `insert` finds no
//! memory. These wrappers do not have such operations, so a service cannot call one by accident.

mod map;
mod set;
mod string;
mod vec;

use super::alloc::Alloc;
use super::error::MemoryError;

pub use self::map::Map;
pub use self::set::Set;
pub use self::string::String;
pub use self::vec::{ArenaVec, Vec, VecIn};

/// A value on a handle.
///
/// Only [`Alloc::try_box`] makes one, so it cannot be made in a way that aborts.
#[derive(Debug)]
pub struct Box<'a, T: ?Sized>(allocator_api2::boxed::Box<T, Alloc<'a>>);

impl<'a> Alloc<'a> {
    /// Moves `value` into memory of this handle.
    ///
    /// # Errors
    /// Every failure of the port; `value` is dropped then.
    pub fn try_box<T>(self, value: T) -> Result<Box<'a, T>, MemoryError> {
        Ok(Box(allocator_api2::boxed::Box::try_new_in(value, self)?))
    }
}

impl<T> Box<'_, T> {
    /// Moves the value out and gives its memory back.
    pub fn into_inner(this: Self) -> T {
        allocator_api2::boxed::Box::into_inner(this.0)
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
