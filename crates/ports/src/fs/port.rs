//! The file system as services see it.

use std::fmt;
use std::path::Path;

use super::error::FsError;
use super::name::SafeName;
use super::path::OwnedPath;
use super::temp_dir::{Claim, Swept};
use gitmind_memory::Alloc;

/// What makes a path canonical.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Canonical {
    /// Its text alone: `.`, `..` and doubled slashes go, the disk is not looked at.
    Logical,
    /// Links are followed; everything must exist.
    PhysicalExisting,
    /// Links above the last name are followed, and that name need not exist. Absolute paths only.
    PhysicalCreateOk,
}

/// A file of a temporary folder that is read and written at any place, by its maker alone.
pub trait ScratchFile: fmt::Debug {
    /// Writes `bytes` from `offset` on; what was there is replaced.
    ///
    /// # Errors
    /// [`FsError::Io`], such as when the disk is full; the bytes there are then undefined.
    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<(), FsError>;

    /// Fills `buffer` with the bytes from `offset` on, all of which were written before.
    ///
    /// # Errors
    /// [`FsError::Io`], such as when the file ends before.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<(), FsError>;
}

/// A scratch file, behind a pointer that the adapter has allocated.
pub type BoxedScratch<'f> = Box<dyn ScratchFile + 'f>;

/// Paths and temporary folders.
///
/// Services make folders with [`TempDir::create`](super::TempDir::create), which calls
/// [`FileSystem::claim`] and gives back with [`FileSystem::release`] when dropped.
pub trait FileSystem: fmt::Debug {
    /// The canonical form of `path`, in memory of `alloc`.
    ///
    /// # Errors
    /// [`FsError::Io`] when something is missing or may not be read, [`FsError::InvalidPath`],
    /// [`FsError::TooLong`], or [`FsError::Memory`].
    fn canonicalize<'a>(
        &self,
        path: &Path,
        mode: Canonical,
        alloc: Alloc<'a>,
    ) -> Result<OwnedPath<'a>, FsError>;

    /// Makes an empty folder `<state>/<scope>/<label>-<random>` that only this user can read, and
    /// removes those that killed processes have left.
    ///
    /// # Errors
    /// Every [`FsError`]; there is no new folder then.
    fn claim<'a>(
        &self,
        scope: &SafeName,
        label: &SafeName,
        alloc: Alloc<'a>,
    ) -> Result<(OwnedPath<'a>, Claim, Swept), FsError>;

    /// Removes the folder of `claim` with all that is in it; again, it does nothing.
    ///
    /// # Errors
    /// [`FsError::Io`] or [`FsError::TooDeep`]; the next run tries again.
    fn release(&self, claim: &mut Claim) -> Result<(), FsError>;

    /// An empty file `name` in `folder`, a temporary folder, whose end it does not outlive.
    ///
    /// # Errors
    /// [`FsError::Io`] when it cannot be made or is there already.
    fn scratch<'f>(&'f self, folder: &Path, name: &SafeName) -> Result<BoxedScratch<'f>, FsError>;

    /// Removes `path` and all below it; a link is removed, never followed. That there is nothing
    /// is fine.
    ///
    /// # Errors
    /// [`FsError::Io`], [`FsError::TooDeep`], or [`FsError::InvalidPath`] for `/`, `.` and `..`.
    fn remove_tree(&self, path: &Path) -> Result<(), FsError>;
}
