//! A tree in memory, for tests of services: links, folders, and a fault on demand.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::error::FsError;
use super::logical::logical;
use super::name::SafeName;
use super::path::parent_and_name;
use super::path::{OwnedPath, check_len};
use super::port::{Canonical, FileSystem, ScratchFile};
use super::temp_dir::{Claim, Swept};
use gitmind_memory::Alloc;

/// Links followed before a path is a loop, as on Linux.
const LINKS_MAX: usize = 40;
/// Where temporary folders are.
const STATE: &str = "/state";

/// A file system that is only in memory. It begins with `/` and `/state`.
///
/// ```
/// use gitmind_ports::fs::{Canonical, FakeFileSystem, FileSystem};
/// use gitmind_memory::{Alloc, System};
/// use std::path::Path;
/// let (fs, system) = (FakeFileSystem::new(), System::new());
/// fs.add_folder("/repo");
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
    /// Calls that still go well, and how the one after them fails.
    fault: Option<(u64, io::ErrorKind)>,
    calls: u64,
}

#[derive(Clone, Debug)]
enum Node {
    Folder,
    File,
    Link(PathBuf),
}

impl Default for FakeFileSystem {
    fn default() -> Self {
        Self::new()
    }
}

impl FakeFileSystem {
    /// An empty tree.
    pub fn new() -> Self {
        let nodes = ["/", STATE].map(|path| (path.into(), Node::Folder)).into();
        Self(Mutex::new(Tree { nodes, next_name: 0, fault: None, calls: 0 }))
    }

    /// Puts a folder at `path`.
    pub fn add_folder(&self, path: impl Into<PathBuf>) {
        self.tree().nodes.insert(path.into(), Node::Folder);
    }

    /// Puts a file at `path`.
    pub fn add_file(&self, path: impl Into<PathBuf>) {
        self.tree().nodes.insert(path.into(), Node::File);
    }

    /// Puts a link to `target` at `path`.
    pub fn add_link(&self, path: impl Into<PathBuf>, target: impl Into<PathBuf>) {
        self.tree().nodes.insert(path.into(), Node::Link(target.into()));
    }

    /// Fails the next operation that changes something, or reads a scratch file.
    pub fn fail_next(&self, kind: io::ErrorKind) {
        self.fail_after(0, kind);
    }

    /// Fails such an operation once, after so many of them.
    pub fn fail_after(&self, calls: u64, kind: io::ErrorKind) {
        self.tree().fault = Some((calls, kind));
    }

    /// How many such operations there were.
    pub fn calls(&self) -> u64 {
        self.tree().calls
    }

    /// Whether there is something at `path`; a link is something by itself.
    pub fn exists(&self, path: &Path) -> bool {
        self.tree().nodes.contains_key(path)
    }

    /// How many files, folders and links there are; a new tree has two.
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

    /// The path without links, when all of it is there.
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
                Some(Node::Folder | Node::File) => real.push(name),
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

/// The names of `path`, the first one last.
fn rest(path: &Path) -> Vec<PathBuf> {
    let names = path
        .components()
        .rev()
        .filter(|part| matches!(part, Component::Normal(_) | Component::ParentDir));
    names.map(|part| PathBuf::from(part.as_os_str())).collect()
}

/// A file of a fake, whose bytes are its own.
#[derive(Debug)]
struct FakeScratch<'f> {
    fs: &'f FakeFileSystem,
    path: PathBuf,
    bytes: Mutex<Vec<u8>>,
}

impl FakeScratch<'_> {
    /// Where `len` bytes from `offset` on are, in memory.
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
        let folder = Path::new(STATE).join(scope.as_str());
        tree.fault("make a directory in", &folder)?;
        let text = format!("{label}-{:016x}", tree.next_name);
        let name = SafeName::new(&text)
            .map_err(|_| FsError::InvalidPath { path: text.into(), reason: "is too long" })?;
        let path = OwnedPath::try_new(&folder.join(name.as_str()), alloc)?;
        tree.next_name += 1;
        tree.nodes.insert(folder, Node::Folder);
        tree.nodes.insert(path.to_path_buf(), Node::Folder);
        Ok((path, Claim { scope: *scope, name, held: None }, Swept::default()))
    }

    fn release(&self, claim: &mut Claim) -> Result<(), FsError> {
        let path = Path::new(STATE).join(claim.scope.as_str()).join(claim.name.as_str());
        self.remove_tree(&path)
    }

    fn scratch<'f>(
        &'f self,
        folder: &Path,
        name: &SafeName,
    ) -> Result<Box<dyn ScratchFile + 'f>, FsError> {
        let path = folder.join(name.as_str());
        let mut tree = self.tree();
        tree.fault("create", &path)?;
        if !matches!(tree.nodes.get(folder), Some(Node::Folder)) {
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
            let reason = "names no entry of a directory";
            return Err(FsError::InvalidPath { path: path.into(), reason });
        }
        tree.remove(path);
        Ok(())
    }
}
