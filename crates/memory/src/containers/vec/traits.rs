//! Traits of an array: slice, iterator, `Debug` and writer of bytes.

use std::fmt;
use std::ops::{Deref, DerefMut};

use allocator_api2::alloc::Allocator;

use super::VecIn;

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

impl<'v, T, A: Allocator> IntoIterator for &'v mut VecIn<T, A> {
    type Item = &'v mut T;
    type IntoIter = std::slice::IterMut<'v, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter_mut()
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
