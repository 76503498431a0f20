//! A temporary folder with one owner.

use std::os::fd::OwnedFd;
use std::path::Path;

use super::error::FsError;
use super::name::SafeName;
use super::path::OwnedPath;
use super::port::{FileSystem, ScratchFile};
use gitmind_memory::Alloc;

/// A folder that is removed, with all that is in it, when its owner drops it or is killed.
///
/// ```
/// use gitmind_ports::fs::{FakeFileSystem, SafeName, TempDir};
/// use gitmind_memory::{Alloc, System};
/// let (fs, system) = (FakeFileSystem::new(), System::new());
/// let (scope, label) = (SafeName::new("budget")?, SafeName::new("fixture")?);
/// let folder = TempDir::create(&fs, &scope, &label, Alloc::new(&system))?;
/// let path = folder.path().to_owned();
/// assert!(fs.exists(&path));
/// drop(folder);
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

/// What an adapter remembers of a folder that it made.
#[derive(Debug)]
pub struct Claim {
    /// The scope.
    pub scope: SafeName,
    /// Its name in the directory of the scope.
    pub name: SafeName,
    /// Open while the folder is held; `None` after release, and for a fake.
    pub held: Option<Held>,
}

/// The open files behind a claim.
#[derive(Debug)]
pub struct Held {
    /// The folder of the scope.
    pub scope: OwnedFd,
    /// The locked file that tells others that the owner lives.
    pub lock: OwnedFd,
}

/// What was found of processes that were killed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Folders that were removed.
    pub removed: u32,
    /// Folders that could not be removed; the next run tries again.
    pub failed: u32,
}

impl<'a> TempDir<'a> {
    /// Makes an empty folder for `label` in the folder of `scope`.
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

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What was found of killed processes when it was made.
    pub const fn swept(&self) -> Swept {
        self.swept
    }

    /// An empty file `name` in it.
    ///
    /// # Errors
    /// As [`FileSystem::scratch`].
    pub fn scratch(&self, name: &SafeName) -> Result<Box<dyn ScratchFile + 'a>, FsError> {
        self.fs.scratch(&self.path, name)
    }

    /// Removes it and says whether that went well; a drop keeps that to itself.
    ///
    /// # Errors
    /// As [`FileSystem::release`].
    pub fn close(mut self) -> Result<(), FsError> {
        self.fs.release(&mut self.claim)
    }
}

impl Drop for TempDir<'_> {
    fn drop(&mut self) {
        // What cannot be removed now is tried again by the next run, as after a crash.
        let _ = self.fs.release(&mut self.claim);
    }
}
