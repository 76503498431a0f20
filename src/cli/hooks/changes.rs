//! The contents that a commit replaces, and by what: a file at the same path or at another one.

use crate::context::Context;
use crate::git::{Commit, EntryMode, Error, Found, ObjectKind, Repository, diff_trees, find_path};
use crate::memory::{Alloc, MemoryError, Vec};
use crate::oid::Oid;
use std::ops::ControlFlow;

/// Directories that may change for each file that may: a file of Java is in ten.
const DIRECTORIES_PER_FILE: usize = 16;

/// The number of no trees: what a merge replaces is never looked for elsewhere.
const NO_TREES: usize = usize::MAX;

/// Two trees that are compared.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trees {
    pub(super) old: Option<Oid>,
    pub(super) new: Oid,
}

/// A content at a path.
#[derive(Debug)]
pub(super) struct Content<'a> {
    pub(super) id: Oid,
    pub(super) path: Vec<'a, u8>,
}

/// A content that is no longer where it was.
#[derive(Debug)]
pub(super) struct Replaced<'a> {
    /// Which of the compared trees, by position.
    pub(super) trees: usize,
    pub(super) old: Content<'a>,
    /// Whether it is that of a directory, which is gone.
    pub(super) is_directory: bool,
    /// What replaces it, as far as known.
    pub(super) new: Option<Content<'a>>,
}

/// What some commits have replaced.
pub(super) struct Changes<'a> {
    alloc: Alloc<'a>,
    /// Most files of one commit.
    files_max: usize,
    pub(super) trees: Vec<'a, Trees>,
    pub(super) replaced: Vec<'a, Replaced<'a>>,
}

/// The files that differ between two trees.
struct Difference<'a> {
    changed: Vec<'a, (Content<'a>, Oid)>,
    removed: Vec<'a, Content<'a>>,
    removed_directories: Vec<'a, Content<'a>>,
    added: Vec<'a, Content<'a>>,
}

/// Whether all of a commit could be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compared {
    /// It could.
    Whole,
    /// It has more files than are allowed, so nothing of it was recorded.
    TooMany,
}

/// The tree of a commit, and its parents.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    pub(super) tree: Oid,
    pub(super) first_parent: Option<Oid>,
    pub(super) is_merge: bool,
}

/// Reads a commit.
pub(super) fn node(context: &Context<'_>, id: Oid) -> Result<Node, Error> {
    let mut buffer = Vec::new(context.alloc);
    context.repository.read(id, ObjectKind::Commit, &mut buffer)?;
    let commit = Commit::parse_stored(id, &buffer)?;
    let mut parents = commit.parents();
    let first_parent = parents.next();
    Ok(Node { tree: commit.tree, first_parent, is_merge: parents.next().is_some() })
}

/// The tree of a parent; `None` beyond the boundary of a shallow clone, as for git.
pub(super) fn tree_of(context: &Context<'_>, commit: Option<Oid>) -> Result<Option<Oid>, Error> {
    match commit.map(|id| node(context, id)).transpose() {
        Ok(node) => Ok(node.map(|node| node.tree)),
        Err(Error::Shallow(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

impl<'a> Changes<'a> {
    pub(super) fn new(alloc: Alloc<'a>, files_max: usize) -> Self {
        Self { alloc, files_max, trees: Vec::new(alloc), replaced: Vec::new(alloc) }
    }

    /// Adds what differs between two trees, with the files that moved unchanged.
    pub(super) fn compare(
        &mut self,
        repository: &dyn Repository,
        trees: Trees,
    ) -> Result<Compared, Error> {
        match self.difference(repository, trees)? {
            None => Ok(Compared::TooMany),
            Some(difference) => self.add(trees, difference).map(|()| Compared::Whole),
        }
    }

    /// Adds the files of a merge that are as in none of its parents.
    pub(super) fn compare_merge(
        &mut self,
        repository: &dyn Repository,
        parents: &[Oid],
        new: Oid,
    ) -> Result<Compared, Error> {
        let [first, others @ ..] = parents else { return Ok(Compared::Whole) };
        let trees = Trees { old: Some(*first), new };
        let Some(difference) = self.difference(repository, trees)? else {
            return Ok(Compared::TooMany);
        };
        for (old, new_id) in difference.changed {
            let mut olds = Vec::new(self.alloc);
            for other in others {
                let found = find_path(repository, self.alloc, *other, &old.path)?;
                olds.try_push(found.filter(is_file).map(|found| found.id))?;
            }
            if olds.contains(&Some(new_id)) {
                continue;
            }
            for id in olds.into_iter().flatten() {
                let other = Content { id, path: old.path.try_clone()? };
                self.push_changed(NO_TREES, other, new_id)?;
            }
            self.push_changed(NO_TREES, old, new_id)?;
        }
        Ok(Compared::Whole)
    }

    /// Adds what differs between two trees at these paths, of which each may be there twice.
    pub(super) fn compare_paths(
        &mut self,
        repository: &dyn Repository,
        trees: Trees,
        mut paths: Vec<'a, Vec<'a, u8>>,
    ) -> Result<(), Error> {
        let mut difference = Difference::new(self.alloc);
        paths.sort_unstable_by(|a, b| a.as_slice().cmp(b));
        for (at, path) in paths.iter().enumerate() {
            if at > 0 && *paths[at - 1] == **path {
                continue;
            }
            let find = |tree| find_path(repository, self.alloc, tree, path);
            let old = trees.old.map(find).transpose()?.flatten().filter(is_file);
            let new = find(trees.new)?.filter(is_file);
            difference.push(self.alloc, path, old, new)?;
        }
        self.add(trees, difference)
    }

    /// The paths of files that differ between two trees; `None` when there are too many.
    pub(super) fn paths(
        &self,
        repository: &dyn Repository,
        trees: Trees,
    ) -> Result<Option<Vec<'a, Vec<'a, u8>>>, Error> {
        let Some(difference) = self.difference(repository, trees)? else { return Ok(None) };
        let Difference { changed, removed, added, .. } = difference;
        let mut paths = Vec::new(self.alloc);
        paths.try_extend(changed.into_iter().map(|(old, _)| old.path))?;
        paths.try_extend(removed.into_iter().chain(added).map(|content| content.path))?;
        Ok(Some(paths))
    }

    /// What differs between two trees; `None` when it is more than allowed.
    fn difference(
        &self,
        repository: &dyn Repository,
        trees: Trees,
    ) -> Result<Option<Difference<'a>>, Error> {
        let mut difference = Difference::new(self.alloc);
        let mut directories = 0;
        let mut is_over = false;
        diff_trees(repository, self.alloc, trees.old, Some(trees.new), &mut |change| {
            directories += usize::from(!change.old.or(change.new).is_some_and(|it| is_file(&it)));
            difference.push(self.alloc, change.path, change.old, change.new)?;
            is_over = difference.files() > self.files_max
                || directories / DIRECTORIES_PER_FILE > self.files_max;
            Ok(if is_over { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })?;
        Ok(if is_over { None } else { Some(difference) })
    }

    /// Adds a difference, and finds files that moved unchanged, as git does: to a new path of the
    /// same name first.
    fn add(&mut self, trees: Trees, difference: Difference<'a>) -> Result<(), Error> {
        let Difference { changed, removed, removed_directories, added } = difference;
        let number = self.trees.len();
        self.trees.try_push(trees)?;
        for (old, new) in changed {
            self.push_changed(number, old, new)?;
        }
        let first = self.replaced.len();
        for (is_directory, gone) in [(false, removed), (true, removed_directories)] {
            for old in gone {
                self.replaced.try_push(Replaced { trees: number, old, is_directory, new: None })?;
            }
        }
        let gone = &mut self.replaced[first..];
        let mut by_id: Vec<'_, usize> = Vec::new(self.alloc);
        by_id.try_extend((0..gone.len()).filter(|at| !gone[*at].is_directory))?;
        by_id.sort_unstable_by_key(|at| (gone[*at].old.id, *at));
        for new in added {
            let equal = &by_id[by_id.partition_point(|at| gone[*at].old.id < new.id)..];
            let equal = equal.iter().take_while(|at| gone[**at].old.id == new.id);
            let free = equal.filter(|at| gone[**at].new.is_none());
            let best = free.min_by_key(|at| name(&gone[**at].old.path) != name(&new.path));
            if let Some(at) = best {
                gone[*at].new = Some(new);
            }
        }
        Ok(())
    }

    fn push_changed(
        &mut self,
        number: usize,
        old: Content<'a>,
        id: Oid,
    ) -> Result<(), MemoryError> {
        let new = Some(Content { id, path: old.path.try_clone()? });
        self.replaced.try_push(Replaced { trees: number, old, is_directory: false, new })
    }
}

impl<'a> Difference<'a> {
    const fn new(alloc: Alloc<'a>) -> Self {
        Self {
            changed: Vec::new(alloc),
            removed: Vec::new(alloc),
            removed_directories: Vec::new(alloc),
            added: Vec::new(alloc),
        }
    }

    /// Files that changed; one that moved is counted once.
    fn files(&self) -> usize {
        self.changed.len() + self.removed.len().max(self.added.len())
    }

    fn push(
        &mut self,
        alloc: Alloc<'a>,
        path: &[u8],
        old: Option<Found>,
        new: Option<Found>,
    ) -> Result<(), MemoryError> {
        let content = |found: Found| {
            let mut copy = Vec::new(alloc);
            copy.try_extend_from_slice(path)?;
            Ok::<_, MemoryError>(Content { id: found.id, path: copy })
        };
        match (old, new) {
            (Some(old), Some(new)) if old.id == new.id || !is_file(&old) => Ok(()),
            (Some(old), Some(new)) => self.changed.try_push((content(old)?, new.id)),
            (Some(old), None) if is_file(&old) => self.removed.try_push(content(old)?),
            (Some(old), None) => self.removed_directories.try_push(content(old)?),
            (None, Some(new)) if is_file(&new) => self.added.try_push(content(new)?),
            (None, _) => Ok(()),
        }
    }
}

fn is_file(found: &Found) -> bool {
    !matches!(found.mode, EntryMode::Tree | EntryMode::Submodule)
}

/// The last part of a path.
fn name(path: &[u8]) -> &[u8] {
    path.rsplit(|byte| *byte == b'/').next().unwrap_or(path)
}
