//! An owned path, allocated from a memory handle.

use std::ffi::OsStr;
use std::fmt;
use std::ops::Deref;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::error::FsError;
use gitmind_memory::{Alloc, MemoryError, Vec};

/// Largest length of a path in bytes: `PATH_MAX` of Linux, 4096, includes the final NUL.
pub const PATH_BYTES_MAX: usize = 4095;

/// A path in memory of a handle; freed on drop.
///
/// ```
/// use gitmind_ports::fs::{Canonical, FileSystem, FakeFileSystem};
/// use gitmind_memory::{Alloc, System};
/// let system = System::new();
/// let fs = FakeFileSystem::new();
/// let path = fs.canonicalize("a//b/../c".as_ref(), Canonical::Logical, Alloc::new(&system))?;
/// assert_eq!(&*path, std::path::Path::new("a/c"));
/// # Ok::<(), gitmind_ports::fs::FsError>(())
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

    /// `self` with the component `name` appended.
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

    /// A copy from the same handle.
    ///
    /// # Errors
    /// When the allocation fails.
    pub fn try_clone(&self) -> Result<Self, MemoryError> {
        Ok(Self(self.0.try_clone()?))
    }

    /// The bytes of the path.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The path with these bytes.
    pub const fn from_bytes(bytes: Vec<'a, u8>) -> Self {
        Self(bytes)
    }
}

/// Checks the length of a path before memory is allocated for it.
///
/// # Errors
/// [`FsError::TooLong`].
pub fn check_len(len: usize) -> Result<(), FsError> {
    let limit = PATH_BYTES_MAX;
    if len > limit { Err(FsError::TooLong { len, limit }) } else { Ok(()) }
}

/// The parent and the last component of an absolute path, which need not exist.
///
/// # Errors
/// [`FsError::InvalidPath`] when the path is not absolute or does not end in a name.
pub fn parent_and_name(path: &Path) -> Result<(&Path, &std::ffi::OsStr), FsError> {
    if !path.is_absolute() {
        return Err(FsError::invalid(path, "is not absolute"));
    }
    match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) => Ok((parent, name)),
        _ => Err(FsError::invalid(path, "does not end in a name")),
    }
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
