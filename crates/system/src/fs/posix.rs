//! The real file system. Where a path component could be replaced meanwhile, it works relative to
//! directory descriptors.

mod remove;
mod scope;

use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};

use self::remove::{Removal, remove_entry};
use super::state::{open_scope, open_state, state_directories};
use crate::env::Environment;
use gitmind_memory::Alloc;
use gitmind_ports::fs::{
    Canonical, Claim, FileSystem, FsError, OwnedPath, SafeName, ScratchFile, Swept, check_len,
    logical, parent_and_name,
};

/// The file system of the machine.
///
/// The default has no state directory and can therefore make no temporary directories.
#[derive(Clone, Debug, Default)]
pub struct PosixFileSystem {
    state_directories: Vec<PathBuf>,
}

impl PosixFileSystem {
    /// With state in the first of `state_directories` that can be made.
    pub const fn with_state(state_directories: Vec<PathBuf>) -> Self {
        Self { state_directories }
    }

    /// With state in `$HOME/.gitmind`, or else in `${TMPDIR:-/tmp}/gitmind-state-<uid>`.
    pub fn from_environment(env: &dyn Environment) -> Self {
        Self::with_state(state_directories(env))
    }
}

impl FileSystem for PosixFileSystem {
    fn canonicalize<'a>(
        &self,
        path: &Path,
        mode: Canonical,
        alloc: Alloc<'a>,
    ) -> Result<OwnedPath<'a>, FsError> {
        check_len(path.as_os_str().len())?;
        match mode {
            Canonical::Logical => logical(path, alloc),
            Canonical::PhysicalExisting => OwnedPath::try_new(&real(path)?, alloc),
            Canonical::PhysicalCreateOk => {
                let (parent, name) = parent_and_name(path)?;
                OwnedPath::try_new(&real(parent)?, alloc)?.try_join(name.as_bytes())
            }
        }
    }

    fn claim<'a>(
        &self,
        scope: &SafeName,
        label: &SafeName,
        alloc: Alloc<'a>,
    ) -> Result<(OwnedPath<'a>, Claim, Swept), FsError> {
        let (state_path, state) = open_state(&self.state_directories)?;
        let swept = scope::sweep_state(&state);
        let directory = open_scope(state_path, &state, scope.as_str())?;
        let path = OwnedPath::try_new(state_path, alloc)?.try_join(scope.as_str().as_bytes())?;
        let (path, claim) = scope::make(directory, path, scope, label)?;
        Ok((path, claim, swept))
    }

    fn release(&self, claim: &mut Claim) -> Result<(), FsError> {
        let Some(held) = claim.held.take() else { return Ok(()) };
        let shown = || Path::new(claim.scope.as_str()).join(claim.name.as_str());
        scope::remove(&held.scope, claim.name.as_str())
            .map_err(|error| explain(error, &shown()))?;
        // Closing the descriptor drops the lock; the lock file was removed before.
        drop(held.lock);
        Ok(())
    }

    fn scratch<'f>(
        &'f self,
        directory: &Path,
        name: &SafeName,
    ) -> Result<Box<dyn ScratchFile + 'f>, FsError> {
        let path = directory.join(name.as_str());
        let file = File::options().read(true).write(true).create_new(true).mode(0o600).open(&path);
        let file = file.map_err(|error| FsError::io("create", &path, error))?;
        Ok(Box::new(PosixScratch { file, path }))
    }

    fn remove_tree(&self, path: &Path) -> Result<(), FsError> {
        check_len(path.as_os_str().len())?;
        let (parent, name) = match path.file_name() {
            Some(name) => (path.parent().unwrap_or(Path::new("")), name),
            None => return Err(FsError::invalid(path, "names no entry of a directory")),
        };
        let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        match rustix::fs::open(parent, flags, Mode::empty()) {
            Err(rustix::io::Errno::NOENT) => Ok(()),
            Err(error) => Err(FsError::io("open the directory", parent, error)),
            Ok(directory) => {
                remove_entry(&directory, name, 0).map_err(|error| explain(error, path))
            }
        }
    }
}

/// A file of the real file system.
#[derive(Debug)]
struct PosixScratch {
    file: File,
    path: PathBuf,
}

impl ScratchFile for PosixScratch {
    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<(), FsError> {
        let written = self.file.write_all_at(bytes, offset);
        written.map_err(|error| FsError::io("write", &self.path, error))
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<(), FsError> {
        let read = self.file.read_exact_at(buffer, offset);
        read.map_err(|error| FsError::io("read", &self.path, error))
    }
}

/// Resolves all symbolic links of `path`.
fn real(path: &Path) -> Result<PathBuf, FsError> {
    std::fs::canonicalize(path).map_err(|error| FsError::io("resolve", path, error))
}

fn explain(removal: Removal, path: &Path) -> FsError {
    match removal {
        Removal::System(errno) => FsError::io("remove", path, errno),
        Removal::TooDeep(limit) => FsError::TooDeep { path: path.into(), limit },
    }
}
