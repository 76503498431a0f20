//! The file-system port: the traits that adapters implement.

use std::fmt;
use std::path::Path;

use super::error::FsError;
use super::name::SafeName;
use super::path::OwnedPath;
use super::temp_dir::{Claim, Swept};
use gitmind_memory::Alloc;

/// How a path is made canonical.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Canonical {
    /// Lexically: removes `.`, `..` and repeated slashes, without file access.
    Logical,
    /// Resolves symbolic links; every component must exist.
    PhysicalExisting,
    /// Resolves symbolic links in the parent; the last component need not exist. For absolute paths
    /// only.
    PhysicalCreateOk,
}

/// A random-access file in a temporary directory, used by one owner.
pub trait ScratchFile: fmt::Debug {
    /// Writes `bytes` at `offset`, over the old content.
    ///
    /// # Errors
    /// [`FsError::Io`], such as when the disk is full; the content of the range is then undefined.
    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<(), FsError>;

    /// Fills `buffer` from `offset` on; the range must have been written before.
    ///
    /// # Errors
    /// [`FsError::Io`], such as when the file is too short.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<(), FsError>;
}

/// A boxed scratch file; the adapter allocates the box.
pub type BoxedScratch<'f> = Box<dyn ScratchFile + 'f>;

/// Paths and temporary directories.
///
/// Services create temporary directories with [`TempDir::create`](super::TempDir::create), which
/// calls [`FileSystem::claim`], and [`FileSystem::release`] on drop.
pub trait FileSystem: fmt::Debug {
    /// The canonical form of `path`, in memory of `alloc`.
    ///
    /// # Errors
    /// [`FsError::Io`] when a component is missing or not readable, [`FsError::InvalidPath`],
    /// [`FsError::TooLong`], or [`FsError::Memory`].
    fn canonicalize<'a>(
        &self,
        path: &Path,
        mode: Canonical,
        alloc: Alloc<'a>,
    ) -> Result<OwnedPath<'a>, FsError>;

    /// Makes an empty directory `<state>/<scope>/<label>-<random>` that only this user can read,
    /// and removes the directories that killed processes left behind.
    ///
    /// # Errors
    /// Any [`FsError`]; no directory was made then.
    fn claim<'a>(
        &self,
        scope: &SafeName,
        label: &SafeName,
        alloc: Alloc<'a>,
    ) -> Result<(OwnedPath<'a>, Claim, Swept), FsError>;

    /// Removes the directory of `claim` recursively; a second call does nothing.
    ///
    /// # Errors
    /// [`FsError::Io`] or [`FsError::TooDeep`]; the next process that claims a directory tries
    /// again.
    fn release(&self, claim: &mut Claim) -> Result<(), FsError>;

    /// Creates the empty file `name` in `directory`, a temporary directory, with which it is
    /// removed.
    ///
    /// # Errors
    /// [`FsError::Io`] when it cannot be created or exists already.
    fn scratch<'f>(
        &'f self,
        directory: &Path,
        name: &SafeName,
    ) -> Result<BoxedScratch<'f>, FsError>;

    /// Removes `path` recursively; a symbolic link is removed, not followed. A missing path is not
    /// an error.
    ///
    /// # Errors
    /// [`FsError::Io`], [`FsError::TooDeep`], or [`FsError::InvalidPath`] for `/`, `.` and `..`.
    fn remove_tree(&self, path: &Path) -> Result<(), FsError>;
}
