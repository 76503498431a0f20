//! A file of derived data in the state directory: it may be missing, and may be removed at any
//! time.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::state::{DIRECTORY, home_state, open_scope, open_state, trusted};
use crate::calls::{fstat, openat, renameat};
use crate::env::Environment;
use crate::owned_file::{Temporary, is_temporary, sweep};
use gitmind_memory::Vec;
use gitmind_ports::fs::{FsError, SafeName};

/// A file `<scope>/<directory>/<name>` in `$HOME/.gitmind`.
///
/// As for temporary directories, every directory must belong to this user, and no other user may
/// write to it.
#[derive(Clone, Debug)]
pub struct StateFile {
    state: PathBuf,
    components: [SafeName; 3],
}

impl StateFile {
    /// The file with these components; `None` without a `HOME`. Nothing is made or read.
    pub fn new(env: &dyn Environment, components: [SafeName; 3]) -> Option<Self> {
        Some(Self { state: home_state(env)?, components })
    }

    /// Its path.
    pub fn path(&self) -> PathBuf {
        self.components.iter().fold(self.state.clone(), |path, name| path.join(name.as_str()))
    }

    /// Appends its content to `buffer`; `false` when there is none, and for a file of more than
    /// `bytes_max`.
    ///
    /// # Errors
    /// The system's, [`FsError::Unsafe`] for a directory that others can write to, or
    /// [`FsError::Memory`]; `buffer` is unchanged then.
    pub fn read(&self, bytes_max: usize, buffer: &mut Vec<'_, u8>) -> Result<bool, FsError> {
        let path = self.path();
        let Some(mut file) = self.open()? else { return Ok(false) };
        let io = |error| FsError::io("read", &path, error);
        let stat = fstat(&file).map_err(|errno| io(errno.into()))?;
        let size = usize::try_from(stat.st_size).unwrap_or(usize::MAX);
        let is_file = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
        if !is_file || size > bytes_max {
            return Ok(false);
        }
        let start = buffer.len();
        buffer.try_resize_zeroed(start + size)?;
        let read = file.read_exact(&mut buffer[start..]);
        read.inspect_err(|_| buffer.truncate(start)).map_err(io)?;
        Ok(true)
    }

    /// Opens it for reading; `None` when it or a directory above does not exist.
    fn open(&self) -> Result<Option<File>, FsError> {
        let Self { state, components: [scope, directory, name] } = self;
        let mut path = state.clone();
        let Some(mut above) = existing(&path, openat(CWD, &path, DIRECTORY, Mode::empty()))? else {
            return Ok(None);
        };
        for name in [scope, directory] {
            path.push(name.as_str());
            let opened = openat(above.as_fd(), name.as_str(), DIRECTORY, Mode::empty());
            let Some(next) = existing(&path, opened)? else { return Ok(None) };
            above = next;
        }
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        match openat(above.as_fd(), name.as_str(), flags, Mode::empty()) {
            Ok(file) => Ok(Some(file.into())),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(FsError::io("open", &self.path(), error)),
        }
    }

    /// Replaces its content at once, and makes the directories that are missing, but for `HOME`.
    /// A crash of the machine may leave a file that is empty or cut.
    ///
    /// # Errors
    /// The system's, or [`FsError::Unsafe`]; the file is unchanged then.
    pub fn replace(&self, bytes: &[u8]) -> Result<(), FsError> {
        let [scope, directory, name] = &self.components;
        let (state_path, state) = open_state(std::slice::from_ref(&self.state))?;
        let above = open_scope(state_path, &state, scope.as_str())?;
        let opened = open_scope(&state_path.join(scope.as_str()), &above, directory.as_str())?;
        // Those of processes that were killed.
        sweep(opened.as_fd(), is_temporary, |_, _| true);
        let path = self.path();
        let io = |error| FsError::io("write", &path, error);
        let errno = |error: Errno| io(error.into());
        let directory = opened.as_fd();
        let made = Temporary::create(directory, Mode::RUSR | Mode::WUSR).map_err(errno)?;
        let (mut file, temporary) = made;
        file.write_all(bytes).map_err(io)?;
        renameat((directory, temporary.name()), (directory, name.as_str())).map_err(errno)?;
        temporary.keep();
        Ok(())
    }
}

/// A directory that was opened, if it exists and can be trusted.
fn existing(path: &Path, opened: Result<OwnedFd, Errno>) -> Result<Option<OwnedFd>, FsError> {
    match opened {
        Err(Errno::NOENT) => Ok(None),
        opened => trusted(path, opened).map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::FixedEnvironment;
    use gitmind_memory::testing::sweep as sweep_allocations;
    use gitmind_memory::{Alloc, System};
    use std::os::unix::fs::{PermissionsExt, symlink};

    const BYTES_MAX: usize = 100;

    fn file(home: &Path) -> StateFile {
        let home = home.to_str().expect("UTF-8");
        let names = ["0cd9", "history", "a"].map(|name| SafeName::new(name).expect("plain"));
        StateFile::new(&FixedEnvironment::from([("HOME", home)]), names).expect("there is a HOME")
    }

    fn content(file: &StateFile) -> Result<Option<std::vec::Vec<u8>>, FsError> {
        let system = System::new();
        let mut buffer = Vec::new(Alloc::new(&system));
        Ok(file.read(BYTES_MAX, &mut buffer)?.then(|| buffer.to_vec()))
    }

    #[test]
    fn a_file_is_missing_until_it_is_written_and_then_replaced() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let file = file(home.path());
        assert_eq!(content(&file).expect("no error"), None);
        assert_eq!(home.path().read_dir().expect("readable").count(), 0, "reading makes nothing");
        for bytes in [&b"first"[..], b"", &[7; BYTES_MAX]] {
            file.replace(bytes).expect("writable");
            assert_eq!(content(&file).expect("readable").as_deref(), Some(bytes));
        }
        file.replace(&[7; BYTES_MAX + 1]).expect("writable");
        assert_eq!(content(&file).expect("no error"), None, "it is too long");
        let directory = file.path().parent().map(Path::to_owned).expect("it has one");
        let names = directory.read_dir().expect("readable").count();
        assert_eq!(names, 1, "no temporary file stays");
        let mode = directory.metadata().expect("it exists").permissions().mode();
        assert_eq!(mode & 0o777, 0o700, "only this user has access");
        std::fs::remove_dir_all(home.path().join(".gitmind")).expect("it may be removed");
        assert_eq!(content(&file).expect("no error"), None);
    }

    #[test]
    fn each_allocation_failure_is_reported() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let file = file(home.path());
        file.replace(b"content").expect("writable");
        sweep_allocations(|alloc| file.read(BYTES_MAX, &mut Vec::new(alloc))).assert_propagated();
    }

    #[test]
    fn nothing_is_made_without_a_home() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let missing = home.path().join("missing");
        let file = file(&missing);
        assert!(file.replace(b"content").is_err());
        assert_eq!(content(&file).expect("no error"), None);
        assert!(!missing.exists());
        let names = || ["a", "b", "c"].map(|name| SafeName::new(name).expect("plain"));
        let temp = home.path().to_str().expect("UTF-8");
        for variables in [[("TMPDIR", temp), ("HOME", "")], [("TMPDIR", temp), ("HOME", "/")]] {
            let env = FixedEnvironment::from(variables);
            assert!(StateFile::new(&env, names()).is_none(), "{variables:?}");
        }
    }

    #[test]
    fn links_and_directories_of_others_are_not_followed() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let file = file(home.path());
        file.replace(b"content").expect("writable");
        let target = home.path().join("target");
        std::fs::write(&target, "secret").expect("writable");
        std::fs::remove_file(file.path()).expect("it exists");
        symlink(&target, file.path()).expect("links can be made");
        assert!(content(&file).is_err(), "a link");
        file.replace(b"content").expect("the link is replaced");
        assert_eq!(std::fs::read(&target).expect("readable"), b"secret");
        std::fs::remove_file(file.path()).expect("it exists");
        std::fs::create_dir(file.path()).expect("writable");
        assert_eq!(content(&file).expect("no error"), None, "a directory");
        assert!(file.replace(b"content").is_err(), "a directory");
        let scope = home.path().join(".gitmind/0cd9");
        std::fs::set_permissions(&scope, PermissionsExt::from_mode(0o777)).expect("ours");
        assert!(matches!(content(&file), Err(FsError::Unsafe { .. })));
        assert!(matches!(file.replace(b"content"), Err(FsError::Unsafe { .. })));
    }
}
