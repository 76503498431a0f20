//! A file system in memory, for tests of services, with symbolic links and fault injection.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::error::FsError;
use super::logical::logical;
use super::name::SafeName;
use super::path::{OwnedPath, check_len, parent_and_name};
use super::port::{Canonical, FileSystem, ScratchFile};
use super::temp_dir::{Claim, Swept};
use gitmind_memory::Alloc;

/// Symbolic links followed before the path counts as a loop; 40 as on Linux.
const LINKS_MAX: usize = 40;
/// The state directory, which holds the temporary directories.
const STATE: &str = "/state";

/// A file system in memory; a new one has the directories `/` and `/state`.
///
/// ```
/// use gitmind_ports::fs::{Canonical, FakeFileSystem, FileSystem};
/// use gitmind_memory::{Alloc, System};
/// use std::path::Path;
/// let (fs, system) = (FakeFileSystem::new(), System::new());
/// fs.add_directory("/repo");
/// fs.add_link("/link", "/repo");
/// let (link, mode) = (Path::new("/link"), Canonical::PhysicalExisting);
/// let path = fs.canonicalize(link, mode, Alloc::new(&system))?;
/// assert_eq!(path.as_bytes(), b"/repo");
/// fs.fail_next(std::io::ErrorKind::PermissionDenied);
/// assert!(fs.remove_tree(Path::new("/repo")).is_err());
/// # Ok::<(), gitmind_ports::fs::FsError>(())
/// ```
#[derive(Debug)]
pub struct FakeFileSystem(Mutex<Tree>);

#[derive(Debug)]
struct Tree {
    nodes: BTreeMap<PathBuf, Node>,
    next_name: u64,
    /// Number of calls that succeed before the one that fails, and the error of that one.
    fault: Option<(u64, io::ErrorKind)>,
    calls: u64,
}

#[derive(Clone, Debug)]
enum Node {
    Directory,
    File,
    Link(PathBuf),
}

impl Default for FakeFileSystem {
    fn default() -> Self {
        Self::new()
    }
}

impl FakeFileSystem {
    /// A file system with `/` and `/state`.
    pub fn new() -> Self {
        let nodes = ["/", STATE].map(|path| (path.into(), Node::Directory)).into();
        Self(Mutex::new(Tree { nodes, next_name: 0, fault: None, calls: 0 }))
    }

    /// Adds a directory.
    pub fn add_directory(&self, path: impl Into<PathBuf>) {
        self.tree().nodes.insert(path.into(), Node::Directory);
    }

    /// Adds a file.
    pub fn add_file(&self, path: impl Into<PathBuf>) {
        self.tree().nodes.insert(path.into(), Node::File);
    }

    /// Adds a symbolic link to `target`.
    pub fn add_link(&self, path: impl Into<PathBuf>, target: impl Into<PathBuf>) {
        self.tree().nodes.insert(path.into(), Node::Link(target.into()));
    }

    /// Makes the next call fail that changes the tree or accesses a scratch file.
    pub fn fail_next(&self, kind: io::ErrorKind) {
        self.fail_after(0, kind);
    }

    /// Makes one such call fail, after `calls` that succeed.
    pub fn fail_after(&self, calls: u64, kind: io::ErrorKind) {
        self.tree().fault = Some((calls, kind));
    }

    /// The number of such calls so far.
    pub fn calls(&self) -> u64 {
        self.tree().calls
    }

    /// Whether `path` exists; symbolic links are not followed.
    pub fn exists(&self, path: &Path) -> bool {
        self.tree().nodes.contains_key(path)
    }

    /// The number of files, directories and links; 2 in a new file system.
    pub fn count(&self) -> usize {
        self.tree().nodes.len()
    }

    fn tree(&self) -> MutexGuard<'_, Tree> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tree {
    fn fault(&mut self, action: &'static str, path: &Path) -> Result<(), FsError> {
        self.calls += 1;
        match self.fault.take() {
            None => Ok(()),
            Some((0, kind)) => Err(FsError::io(action, path, kind)),
            Some((left, kind)) => {
                self.fault = Some((left - 1, kind));
                Ok(())
            }
        }
    }

    /// Resolves all symbolic links; every component must exist.
    fn real(&self, path: &Path) -> Result<PathBuf, FsError> {
        let fail = |kind| Err(FsError::io("resolve", path, io::Error::from(kind)));
        let mut left: Vec<PathBuf> = rest(path);
        let (mut real, mut links) = (PathBuf::from("/"), 0);
        while let Some(name) = left.pop() {
            if name == Path::new("..") {
                real.pop();
                continue;
            }
            match self.nodes.get(&real.join(&name)) {
                None => return fail(io::ErrorKind::NotFound),
                Some(Node::File) if !left.is_empty() => return fail(io::ErrorKind::NotADirectory),
                Some(Node::Directory | Node::File) => real.push(name),
                Some(Node::Link(_)) if links == LINKS_MAX => {
                    return fail(io::ErrorKind::Other);
                }
                Some(Node::Link(target)) => {
                    links += 1;
                    if target.is_absolute() {
                        real = "/".into();
                    }
                    left.extend(rest(target));
                }
            }
        }
        Ok(real)
    }

    fn remove(&mut self, path: &Path) {
        self.nodes.retain(|node, _| !node.starts_with(path));
    }
}

/// The names and `..` of `path`, in reverse order.
fn rest(path: &Path) -> Vec<PathBuf> {
    let names = path
        .components()
        .rev()
        .filter(|part| matches!(part, Component::Normal(_) | Component::ParentDir));
    names.map(|part| PathBuf::from(part.as_os_str())).collect()
}

/// A scratch file in memory.
#[derive(Debug)]
struct FakeScratch<'f> {
    fs: &'f FakeFileSystem,
    path: PathBuf,
    bytes: Mutex<Vec<u8>>,
}

impl FakeScratch<'_> {
    /// The range of `len` bytes from `offset` on.
    fn range(&self, offset: u64, len: usize) -> Result<std::ops::Range<usize>, FsError> {
        let start = usize::try_from(offset).ok();
        let end = start.and_then(|start| start.checked_add(len));
        let too_large = || FsError::io("reach into", &self.path, io::ErrorKind::FileTooLarge);
        start.zip(end).map(|(start, end)| start..end).ok_or_else(too_large)
    }
}

impl ScratchFile for FakeScratch<'_> {
    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<(), FsError> {
        self.fs.tree().fault("write", &self.path)?;
        let range = self.range(offset, bytes.len())?;
        let mut file = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        let len = file.len().max(range.end);
        file.resize(len, 0);
        file[range].copy_from_slice(bytes);
        Ok(())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<(), FsError> {
        self.fs.tree().fault("read", &self.path)?;
        let range = self.range(offset, buffer.len())?;
        let file = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        let ended = || FsError::io("read", &self.path, io::ErrorKind::UnexpectedEof);
        buffer.copy_from_slice(file.get(range).ok_or_else(ended)?);
        Ok(())
    }
}

impl FileSystem for FakeFileSystem {
    fn canonicalize<'a>(
        &self,
        path: &Path,
        mode: Canonical,
        alloc: Alloc<'a>,
    ) -> Result<OwnedPath<'a>, FsError> {
        check_len(path.as_os_str().len())?;
        match mode {
            Canonical::Logical => logical(path, alloc),
            Canonical::PhysicalExisting => OwnedPath::try_new(&self.tree().real(path)?, alloc),
            Canonical::PhysicalCreateOk => {
                let (parent, name) = parent_and_name(path)?;
                let parent = self.tree().real(parent)?;
                OwnedPath::try_new(&parent, alloc)?.try_join(name.as_bytes())
            }
        }
    }

    fn claim<'a>(
        &self,
        scope: &SafeName,
        label: &SafeName,
        alloc: Alloc<'a>,
    ) -> Result<(OwnedPath<'a>, Claim, Swept), FsError> {
        let mut tree = self.tree();
        let directory = Path::new(STATE).join(scope.as_str());
        tree.fault("make a directory in", &directory)?;
        let text = format!("{label}-{:016x}", tree.next_name);
        let name = SafeName::new(&text)
            .map_err(|_| FsError::InvalidPath { path: text.into(), reason: "is too long" })?;
        let path = OwnedPath::try_new(&directory.join(name.as_str()), alloc)?;
        tree.next_name += 1;
        tree.nodes.insert(directory, Node::Directory);
        tree.nodes.insert(path.to_path_buf(), Node::Directory);
        Ok((path, Claim { scope: *scope, name, held: None }, Swept::default()))
    }

    fn release(&self, claim: &mut Claim) -> Result<(), FsError> {
        let path = Path::new(STATE).join(claim.scope.as_str()).join(claim.name.as_str());
        self.remove_tree(&path)
    }

    fn scratch<'f>(
        &'f self,
        directory: &Path,
        name: &SafeName,
    ) -> Result<Box<dyn ScratchFile + 'f>, FsError> {
        let path = directory.join(name.as_str());
        let mut tree = self.tree();
        tree.fault("create", &path)?;
        if !matches!(tree.nodes.get(directory), Some(Node::Directory)) {
            return Err(FsError::io("create", &path, io::ErrorKind::NotFound));
        }
        if tree.nodes.insert(path.clone(), Node::File).is_some() {
            return Err(FsError::io("create", &path, io::ErrorKind::AlreadyExists));
        }
        Ok(Box::new(FakeScratch { fs: self, path, bytes: Mutex::default() }))
    }

    fn remove_tree(&self, path: &Path) -> Result<(), FsError> {
        let mut tree = self.tree();
        tree.fault("remove", path)?;
        if path.file_name().is_none() {
            let reason = "does not end in a name";
            return Err(FsError::InvalidPath { path: path.into(), reason });
        }
        tree.remove(path);
        Ok(())
    }
}
