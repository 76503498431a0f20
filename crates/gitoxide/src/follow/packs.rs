//! The packs of a repository, and finding an object in them.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::index::PackIndex;
use super::inflate::Inflater;
use super::loose::Problem;
use super::pack::Pack;
use super::small::{Files, Small};
use gitmind_git::oid::Oid;
use gitmind_memory::{MemoryError, Vec};
use gitmind_system::mapped::Mapped;
use rustix::io::Errno;
use rustix::process::{Resource, getrlimit};

/// Most packs whose files stay open.
const OPEN_MAX: u64 = 64;
/// Part of the files that the process may have open which those of packs are, two each.
const OPEN_SHARE: u64 = 16;
/// Fewest files that a process may have open for any to stay open: with fewer, the last free one
/// may be needed to say what cannot be opened.
const FILES_MIN: u64 = 128;

/// How many packs' files may stay open.
fn open_max() -> usize {
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let packs = if files < FILES_MIN { 0 } else { OPEN_MAX.min(files / OPEN_SHARE) };
    usize::try_from(packs).unwrap_or(0)
}

/// The packs of a repository, which are listed when an object is first read.
#[derive(Default)]
pub(in super::super) struct Packs(OnceLock<std::vec::Vec<PackFile>>);

impl Packs {
    pub(in super::super) fn get(&self, directories: &[PathBuf]) -> &[PackFile] {
        self.0.get_or_init(|| PackFile::list(directories))
    }
}

/// A pack whose index is opened when an object is first looked for, and itself when it is found.
pub(in super::super) struct PackFile {
    index_path: PathBuf,
    path: PathBuf,
    index: OnceLock<Option<PackIndex>>,
    pack: OnceLock<Option<Pack>>,
    /// Its files, from which small objects are read.
    files: OnceLock<Option<Files>>,
    /// Whether its files may stay open.
    is_kept_open: bool,
}

impl PackFile {
    /// Lists the packs in the object directories, those of each directory by age, the newest last,
    /// because lookups start with the last one.
    pub(in super::super) fn list(directories: &[PathBuf]) -> std::vec::Vec<Self> {
        let mut packs = std::vec::Vec::new();
        for directory in directories.iter().rev() {
            let Ok(files) = std::fs::read_dir(directory.join("pack")) else { continue };
            let mut indices: std::vec::Vec<_> = files.flatten().map(|file| file.path()).collect();
            indices.retain(|path| path.extension().is_some_and(|extension| extension == "idx"));
            let age = |path: &PathBuf| path.metadata().and_then(|file| file.modified()).ok();
            indices.sort_by_cached_key(age);
            packs.extend(indices.into_iter().map(|index_path| Self {
                path: index_path.with_extension("pack"),
                index_path,
                index: OnceLock::new(),
                pack: OnceLock::new(),
                files: OnceLock::new(),
                is_kept_open: false,
            }));
        }
        packs.iter_mut().rev().take(open_max()).for_each(|pack| pack.is_kept_open = true);
        packs
    }

    /// Appends the object `id` to `bytes`, if it is a small one.
    ///
    /// # Errors
    /// [`MemoryError`] when an allocation fails.
    pub(in super::super) fn small(
        &self,
        id: Oid,
        inflater: &mut Inflater,
        bytes: &mut Vec<'_, u8>,
    ) -> Result<Small, MemoryError> {
        let Some(index) = self.index() else { return Ok(Small::Absent) };
        let open = || {
            let open = |path: &PathBuf| File::open(path).ok();
            Some(Files { index: open(&self.index_path)?, pack: open(&self.path)? })
        };
        match self.is_kept_open.then(|| self.files.get_or_init(open).as_ref()).flatten() {
            Some(files) => files.read(index, id, inflater, bytes),
            None => Ok(Small::Other),
        }
    }

    pub(in super::super) fn path(&self) -> &Path {
        &self.path
    }

    /// The pack and the offset in it of the object `id`; `None` when it is not in the index, or one
    /// of the two files cannot be opened.
    pub(in super::super) fn find(&self, id: Oid) -> Option<(&Pack, u64)> {
        let index = self.index()?;
        let offset = index.find(id)?;
        let open = || Pack::open(self.path.clone(), index.clone());
        Some((self.pack.get_or_init(open).as_ref()?, offset))
    }

    /// Calls `found` with the ids of the index that start with `prefix`, at most `count_max`.
    pub(in super::super) fn with_prefix(
        &self,
        prefix: gix_hash::Prefix,
        count_max: usize,
        found: &mut dyn FnMut(Oid),
    ) {
        let Some(index) = self.index() else { return };
        let oid = |bytes: &[u8]| {
            Oid::new(bytes.try_into().expect("this holds because prefixes are of SHA-1"))
        };
        // The digits that a prefix has not are zeros.
        let first = index.search(oid(prefix.as_oid().as_bytes())).unwrap_or_else(|next| next);
        let ids = (first..index.count()).map(|number| index.id(number));
        let is_of = |id: &Oid| {
            let id = gix_hash::ObjectId::Sha1(*id.as_bytes());
            prefix.cmp_oid(&id) == std::cmp::Ordering::Equal
        };
        ids.take_while(is_of).take(count_max).for_each(found);
    }

    /// The index, which is opened the first time.
    fn index(&self) -> Option<&PackIndex> {
        let open = || {
            // A pipe in its place would never open.
            let is_file = self.index_path.metadata().is_ok_and(|found| found.is_file());
            if is_file { PackIndex::new(Mapped::open(&self.index_path).ok()?) } else { None }
        };
        self.index.get_or_init(open).as_ref()
    }

    /// The pack, if an object was found in it.
    pub(super) fn opened(&self) -> Option<&Pack> {
        self.pack.get()?.as_ref()
    }

    /// Why the system does not open one of the two files; `None` when it does.
    pub(in super::super) fn problem(&self) -> Option<Problem> {
        [&self.index_path, &self.path].into_iter().find_map(|path| {
            let error = File::open(path).err()?.raw_os_error().map(Errno::from_raw_os_error)?;
            (error != Errno::NOENT).then(|| Problem::of_system(path, error))
        })
    }
}

/// The position of an object in the packs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct PackPosition {
    /// The number of its pack.
    pub(super) pack: usize,
    /// Its offset in the pack, in bytes.
    pub(super) offset: u64,
}

/// Finds objects; starts with the pack in which the last one was found.
#[derive(Clone, Copy)]
pub(super) struct Finder<'p> {
    packs: &'p [PackFile],
    latest: Option<(usize, &'p Pack)>,
}

impl<'p> Finder<'p> {
    pub(super) const fn new(packs: &'p [PackFile]) -> Self {
        Self { packs, latest: None }
    }

    /// The number of the pack of the last object that was found, and the pack.
    pub(super) const fn latest(&self) -> Option<(usize, &'p Pack)> {
        self.latest
    }

    /// The packs in which objects were found.
    pub(super) fn opened(&self) -> impl Iterator<Item = &'p Pack> {
        self.packs.iter().filter_map(PackFile::opened)
    }

    /// The pack and the position of the object `id`; `None` when it is in no pack.
    pub(super) fn find(&mut self, id: Oid) -> Option<(&'p Pack, PackPosition)> {
        if let Some((number, pack)) = self.latest
            && let Some(offset) = pack.index.find(id)
        {
            return Some((pack, PackPosition { pack: number, offset }));
        }
        let latest = self.latest.map(|(number, _)| number);
        let others = self.packs.iter().enumerate().rev();
        let mut others = others.filter(|(number, _)| Some(*number) != latest);
        let (number, (pack, offset)) =
            others.find_map(|(number, file)| Some((number, file.find(id)?)))?;
        self.latest = Some((number, pack));
        Some((pack, PackPosition { pack: number, offset }))
    }
}

/// Most bytes of a pack between two neighbours; mostly those of other commits.
const GAP_BYTES_MAX: u64 = 16 << 10;

/// Counts how often the next commit of a chain is its predecessor's neighbour in the pack.
#[derive(Default)]
pub(super) struct Locality {
    /// The pack and the end offset of the last commit.
    last: Option<PackPosition>,
    /// Consecutive neighbours.
    pub(super) near: u32,
    /// Commits that were not neighbours since the last reset.
    pub(super) far: u32,
}

impl Locality {
    /// Counts the next commit, which starts at `position` and ends at the offset `end`.
    pub(super) fn note(&mut self, position: PackPosition, end: u64) {
        let last = self.last.filter(|last| last.pack == position.pack);
        let gap = last.and_then(|last| position.offset.checked_sub(last.offset));
        if gap.is_some_and(|gap| gap <= GAP_BYTES_MAX) {
            self.near += 1;
        } else {
            self.near = 0;
            self.far += 1;
        }
        self.last = Some(PackPosition { offset: end, ..position });
    }
}
