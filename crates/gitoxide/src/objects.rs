//! Reading objects: from packs, the newest first, then from loose files, of the repository and of
//! those that it borrows from.
//!
//! A copy that is damaged or cannot be read is skipped with a warning while there is another, as
//! by git. Each object is checked against its id. Multi-pack indices are not used: each pack has an
//! index of its own, and a stale multi-pack index hides objects.

use super::follow::{Bases, Decoder, Loose, PackFile, Packs, Problem, Scratch, Small};
use super::{Location, cannot_open, loose};
use gitmind_git::oid::Oid;
use gitmind_git::{Error, ObjectKind, object_id};
use gitmind_memory as memory;
use gitmind_system::owned_file::open_directory;
use rustix::fs::{CWD, OFlags};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::rc::Rc;

/// Most bytes of an object that is read. A journal commit has less than 100 KiB, the tree of a
/// cache's shard about 1 MiB for ten million edges.
pub(super) const OBJECT_BYTES_MAX: usize = 64 << 20;
/// Most replacements of a replacement; git's limit.
const REPLACEMENTS_MAX: u32 = 5;

/// The objects of a repository.
pub(super) struct Objects {
    /// The repository's object directory and its alternates.
    directories: Vec<PathBuf>,
    packs: Packs,
    /// The packs as they were listed when an object was last not found.
    later_packs: RefCell<Option<Rc<[PackFile]>>>,
    loose: Loose,
    /// Made when an object is first read: a walk has one of its own.
    decoder: RefCell<Option<Decoder>>,
    /// Path of the file in which git lists the boundary commits of a shallow clone.
    shallow: PathBuf,
    /// The objects that replace others (`git help replace`).
    pub(super) replacements: BTreeMap<Oid, Oid>,
    /// Whether objects may be missing because another repository has promised them.
    pub(super) is_partial: bool,
    /// Called with each problem that did not keep an object from being read.
    pub(super) warn: fn(&str),
    /// Damaged copies that were warned of.
    warned: RefCell<Vec<PathBuf>>,
}

impl std::fmt::Debug for Objects {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Objects").finish_non_exhaustive()
    }
}

impl Objects {
    /// The objects of the repository at `location` in `directories`, of which the first is its own.
    pub(super) fn open(location: &Location, directories: Vec<PathBuf>) -> Result<Self, Error> {
        let directory = &location.objects_dir;
        let opened = open_directory(CWD, directory, OFlags::empty()).map_err(std::io::Error::from);
        opened.map_err(cannot_open(directory))?;
        Ok(Self {
            packs: Packs::default(),
            later_packs: RefCell::default(),
            loose: Loose::new(directories.clone()),
            decoder: RefCell::default(),
            shallow: location.common_dir.join("shallow"),
            replacements: BTreeMap::new(),
            is_partial: false,
            warn: |_| (),
            warned: RefCell::default(),
            directories,
        })
    }

    /// The packs, the newest last.
    pub(super) fn packs(&self) -> &[PackFile] {
        self.packs.get(&self.directories)
    }

    pub(super) const fn loose(&self) -> &Loose {
        &self.loose
    }

    /// Whether another object is read in place of `id`.
    pub(super) fn is_replaced(&self, id: Oid) -> bool {
        !self.replacements.is_empty() && self.replacements.contains_key(&id)
    }

    pub(super) fn read(
        &self,
        id: Oid,
        kind: ObjectKind,
        buffer: &mut memory::Vec<'_, u8>,
    ) -> Result<(), Error> {
        self.read_from(id, kind, None, buffer)
    }

    /// Reads an object; a tree is made of `bases` where it can be, and added to them.
    pub(super) fn read_from(
        &self,
        id: Oid,
        kind: ObjectKind,
        mut bases: Option<&mut Bases<'_>>,
        buffer: &mut memory::Vec<'_, u8>,
    ) -> Result<(), Error> {
        let id = self.replacement(id);
        let later = self.later_packs.borrow().clone();
        let packs = later.as_deref().unwrap_or_else(|| self.packs());
        let mut found = self.search(packs, id, bases.as_deref_mut(), buffer)?;
        if found.is_err() {
            found = self.search(&self.relisted(), id, bases, buffer)?;
        }
        match found {
            Ok(actual) if actual == kind => Ok(()),
            Ok(actual) => Err(Error::Kind { id, actual, expected: kind }),
            Err(problem) => Err(self.error(id, problem)),
        }
    }

    /// Whether there is an object `id` in the packs that are known, or in a file; its content is
    /// not read.
    pub(super) fn contains(&self, id: Oid) -> bool {
        let is_in = |packs: &[PackFile]| packs.iter().rev().any(|pack| pack.find(id).is_some());
        is_in(self.later_packs.borrow().as_deref().unwrap_or_else(|| self.packs()))
            || self.directories.iter().any(|directory| loose::is_there(directory, id))
    }

    /// The ids that start with `prefix`, sorted, at most `count_max` of them.
    pub(super) fn with_prefix(&self, prefix: gix_hash::Prefix, count_max: usize) -> Vec<Oid> {
        let mut found = BTreeSet::new();
        let mut add = |id| {
            found.insert(id);
        };
        for pack in self.relisted().iter() {
            pack.with_prefix(prefix, count_max, &mut add);
        }
        for directory in &self.directories {
            loose::with_prefix(directory, prefix, &mut add);
        }
        found.into_iter().take(count_max).collect()
    }

    /// The packs as they are now; packs may have been added or replaced since they were listed.
    fn relisted(&self) -> Rc<[PackFile]> {
        let now: Rc<[PackFile]> = PackFile::list(&self.directories).into();
        self.later_packs.replace(Some(now.clone()));
        now
    }

    /// The object that is read in place of `id`.
    fn replacement(&self, mut id: Oid) -> Oid {
        for _ in 0..REPLACEMENTS_MAX {
            match self.replacements.get(&id) {
                Some(next) => id = *next,
                None => break,
            }
        }
        id
    }

    /// Reads the object into `buffer`. When no copy is sound, the inner error is the problem of the
    /// first one, or `None` when there is none.
    fn search(
        &self,
        packs: &[PackFile],
        id: Oid,
        mut bases: Option<&mut Bases<'_>>,
        buffer: &mut memory::Vec<'_, u8>,
    ) -> Result<Result<ObjectKind, Option<Problem>>, Error> {
        let mut decoder = self.decoder.borrow_mut();
        let decoder = decoder.get_or_insert_default();
        let mut scratch = Scratch::new(buffer.alloc());
        let mut first = None;
        for file in packs.iter().rev() {
            buffer.clear();
            let small = match bases {
                None => file.small(id, &mut decoder.inflater, buffer)?,
                // Bases are of large trees, which are in mapped packs.
                Some(_) => Small::Other,
            };
            match small {
                Small::Absent => continue,
                Small::Read(kind) if object_id(kind, buffer)? == id => {
                    return Ok(Ok(self.found(first, kind)));
                }
                Small::Read(_) | Small::Other => {}
            }
            let Some((pack, offset)) = file.find(id) else { continue };
            buffer.clear();
            let (bases, limit) = (bases.as_deref_mut(), OBJECT_BYTES_MAX);
            let decoded = decoder.object(pack, offset, limit, bases, &mut scratch, buffer)?;
            let problem = match decoded {
                Some(kind) if object_id(kind, buffer)? == id => {
                    return Ok(Ok(self.found(first, kind)));
                }
                Some(_) => Problem::other_content(file.path()),
                None => Problem::damaged(file.path()),
            };
            first.get_or_insert(problem);
        }
        for directory in 0..self.directories.len() {
            let (inflater, limit) = (&mut decoder.inflater, OBJECT_BYTES_MAX);
            let read = self.loose.read(directory, id, limit, inflater, &mut scratch, buffer)?;
            let problem = match read {
                None => continue,
                Some(Ok(kind)) if object_id(kind, buffer)? == id => {
                    return Ok(Ok(self.found(first, kind)));
                }
                Some(Ok(_)) => Problem::other_content(&self.loose.path(directory, id)),
                Some(Err(problem)) => problem,
            };
            first.get_or_insert(problem);
        }
        Ok(Err(first))
    }

    /// Warns of the first copy of an object, if it could not be used.
    fn found(&self, problem: Option<Problem>, kind: ObjectKind) -> ObjectKind {
        if let Some(Problem { path, reason, .. }) = problem
            && !self.warned.borrow().contains(&path)
        {
            (self.warn)(&format!("{}: {reason}; another copy was read", path.display()));
            self.warned.borrow_mut().push(path);
        }
        kind
    }

    /// Why the object cannot be read.
    fn error(&self, id: Oid, problem: Option<Problem>) -> Error {
        if let Some(Problem { path, reason, is_of_system }) = problem {
            let reason = format!("{}: {reason}", path.display());
            return match is_of_system {
                true => Error::Unreadable { id, reason },
                false => Error::Corrupt { id, reason },
            };
        }
        if std::fs::metadata(&self.shallow).is_ok_and(|file| file.len() > 0) {
            return Error::Shallow(id);
        }
        // A pack that cannot be opened may have it.
        let unreadable = PackFile::list(&self.directories).iter().find_map(PackFile::problem);
        match unreadable {
            Some(Problem { path, reason, .. }) => {
                Error::Unreadable { id, reason: format!("{}: {reason}", path.display()) }
            }
            None if self.is_partial => Error::Promised(id),
            None => Error::Missing(id),
        }
    }
}
