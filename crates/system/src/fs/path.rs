//! A path in memory of a handle.

use std::ffi::OsStr;
use std::fmt;
use std::ops::Deref;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::error::FsError;
use gitmind_memory::{Alloc, MemoryError, Vec};

/// Most bytes of a path: Linux takes 4096 with the NUL at the end.
pub const PATH_BYTES_MAX: usize = 4095;

/// A path that its owner gives back by dropping it.
///
/// ```
/// use gitmind_system::fs::{Canonical, FileSystem, PosixFileSystem};
/// use gitmind_memory::{Alloc, System};
/// let system = System::new();
/// let fs = PosixFileSystem::default();
/// let path = fs.canonicalize("a//b/../c".as_ref(), Canonical::Logical, Alloc::new(&system))?;
/// assert_eq!(&*path, std::path::Path::new("a/c"));
/// # Ok::<(), gitmind_system::fs::FsError>(())
/// ```
pub struct OwnedPath<'a>(Vec<'a, u8>);

impl<'a> OwnedPath<'a> {
    /// A copy of `path`.
    ///
    /// # Errors
    /// [`FsError::TooLong`], or [`FsError::Memory`].
    pub fn try_new(path: &Path, alloc: Alloc<'a>) -> Result<Self, FsError> {
        let bytes = path.as_os_str().as_bytes();
        check_len(bytes.len())?;
        let mut copy = Vec::try_with_capacity(bytes.len(), alloc)?;
        copy.try_extend_from_slice(bytes)?;
        Ok(Self(copy))
    }

    /// `self` with `name` below it.
    ///
    /// # Errors
    /// As [`OwnedPath::try_new`].
    pub fn try_join(mut self, name: &[u8]) -> Result<Self, FsError> {
        check_len(self.0.len() + 1 + name.len())?;
        if !self.0.ends_with(b"/") {
            self.0.try_push(b'/')?;
        }
        self.0.try_extend_from_slice(name)?;
        Ok(self)
    }

    /// A copy on the same handle.
    ///
    /// # Errors
    /// Every refusal of the port.
    pub fn try_clone(&self) -> Result<Self, MemoryError> {
        Ok(Self(self.0.try_clone()?))
    }

    /// The bytes of the path.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(super) const fn from_bytes(bytes: Vec<'a, u8>) -> Self {
        Self(bytes)
    }
}

/// Refuses what the system would refuse, before memory is taken for it.
pub(super) fn check_len(len: usize) -> Result<(), FsError> {
    let limit = PATH_BYTES_MAX;
    if len > limit { Err(FsError::TooLong { len, limit }) } else { Ok(()) }
}

impl Deref for OwnedPath<'_> {
    type Target = Path;

    fn deref(&self) -> &Path {
        Path::new(OsStr::from_bytes(&self.0))
    }
}

impl AsRef<Path> for OwnedPath<'_> {
    fn as_ref(&self) -> &Path {
        self
    }
}

impl fmt::Debug for OwnedPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
