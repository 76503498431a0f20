//! A temporary directory that is removed on drop.

use std::os::fd::OwnedFd;
use std::path::Path;

use super::error::FsError;
use super::name::SafeName;
use super::path::OwnedPath;
use super::port::{FileSystem, ScratchFile};
use gitmind_memory::Alloc;

/// A directory that is removed recursively on drop, or, after its process was killed, by the next
/// process that claims one.
///
/// ```
/// use gitmind_ports::fs::{FakeFileSystem, SafeName, TempDir};
/// use gitmind_memory::{Alloc, System};
/// let (fs, system) = (FakeFileSystem::new(), System::new());
/// let (scope, label) = (SafeName::new("budget")?, SafeName::new("fixture")?);
/// let directory = TempDir::create(&fs, &scope, &label, Alloc::new(&system))?;
/// let path = directory.path().to_owned();
/// assert!(fs.exists(&path));
/// drop(directory);
/// assert!(!fs.exists(&path));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct TempDir<'a> {
    fs: &'a dyn FileSystem,
    path: OwnedPath<'a>,
    claim: Claim,
    swept: Swept,
}

/// A temporary directory, as its adapter identifies it.
#[derive(Debug)]
pub struct Claim {
    /// The scope, which is the name of the parent directory.
    pub scope: SafeName,
    /// The name of the directory.
    pub name: SafeName,
    /// The open files; `None` after release, and in a fake.
    pub held: Option<Held>,
}

/// The open files behind a claim.
#[derive(Debug)]
pub struct Held {
    /// The directory of the scope.
    pub scope: OwnedFd,
    /// The lock file; its `flock` shows other processes that the owner is alive.
    pub lock: OwnedFd,
}

/// Removal of the directories that killed processes left behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Number of directories that were removed.
    pub removed: u32,
    /// Number of directories that could not be removed; the next process tries again.
    pub failed: u32,
}

impl<'a> TempDir<'a> {
    /// Creates an empty directory for `label` in the directory of `scope`.
    ///
    /// # Errors
    /// As [`FileSystem::claim`].
    pub fn create(
        fs: &'a dyn FileSystem,
        scope: &SafeName,
        label: &SafeName,
        alloc: Alloc<'a>,
    ) -> Result<Self, FsError> {
        let (path, claim, swept) = fs.claim(scope, label, alloc)?;
        Ok(Self { fs, path, claim, swept })
    }

    /// The path of the directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The stale directories of killed processes that were found when this one was created.
    pub const fn swept(&self) -> Swept {
        self.swept
    }

    /// Creates the empty file `name` in the directory.
    ///
    /// # Errors
    /// As [`FileSystem::scratch`].
    pub fn scratch(&self, name: &SafeName) -> Result<Box<dyn ScratchFile + 'a>, FsError> {
        self.fs.scratch(&self.path, name)
    }

    /// Removes the directory and returns the error, which a drop ignores.
    ///
    /// # Errors
    /// As [`FileSystem::release`].
    pub fn close(mut self) -> Result<(), FsError> {
        self.fs.release(&mut self.claim)
    }
}

impl Drop for TempDir<'_> {
    fn drop(&mut self) {
        // On an error, the next process that claims a directory removes it, as after a crash.
        let _ = self.fs.release(&mut self.claim);
    }
}
