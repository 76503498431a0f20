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

    /// The path that `bytes` are.
    pub const fn from_bytes(bytes: Vec<'a, u8>) -> Self {
        Self(bytes)
    }
}

/// Refuses a length that the system would refuse, before memory is taken for the path.
///
/// # Errors
/// [`FsError::TooLong`].
pub fn check_len(len: usize) -> Result<(), FsError> {
    let limit = PATH_BYTES_MAX;
    if len > limit { Err(FsError::TooLong { len, limit }) } else { Ok(()) }
}

/// The two halves of an absolute path to something that may not exist yet.
///
/// # Errors
/// [`FsError::InvalidPath`] when it is not absolute or ends in no name.
pub fn parent_and_name(path: &Path) -> Result<(&Path, &std::ffi::OsStr), FsError> {
    if !path.is_absolute() {
        return Err(FsError::invalid(path, "is not absolute"));
    }
    match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) => Ok((parent, name)),
        _ => Err(FsError::invalid(path, "ends in no name that could be made")),
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
