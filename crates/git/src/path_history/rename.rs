//! The former name of a path: a comparison of a tree with the one before.

use crate::lookup::find_path;
use crate::oid::Oid;
use crate::{EntryMode, Error, ObjectKind, Repository, TreeEntry, entries};
use gitmind_memory::{Alloc, MemoryError, Vec};
use std::cmp::{Ordering, Reverse};
use std::ops::Range;

/// Most pairs of trees that are compared; beyond, a path counts as created.
const TREES_MAX: u32 = 10_000;
/// Longest path that is searched, in bytes.
const PATH_BYTES_MAX: usize = 4096;

/// The former path, and its entry.
pub(super) struct Renamed<'a> {
    pub(super) path: Vec<'a, u8>,
    pub(super) content: Oid,
    /// Whether the content is the same.
    pub(super) is_exact: bool,
}

/// The name in the first tree of `path`, which only the second tree has: a path that had the same
/// content and has it no more, else the most similar removed path with the same last component,
/// unless two are equally similar.
pub(super) fn source<'a>(
    repository: &dyn Repository,
    alloc: Alloc<'a>,
    [before, after]: [Oid; 2],
    path: &[u8],
) -> Result<Option<Renamed<'a>>, Error> {
    let Some(target) = find_path(repository, alloc, after, path)? else { return Ok(None) };
    let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or(path);
    let is_tree = target.mode == EntryMode::Tree;
    let target = Target { content: target.id, is_tree, path, name };
    let mut candidates = Candidates { target, exact: None, named: None, named_total: 0 };
    let mut paths = Vec::new(alloc);
    let mut jobs = Vec::new(alloc);
    jobs.try_push(Job { before, after: Some(after), directory: 0..0 })?;
    let (mut tree, mut other) = (Vec::new(alloc), Vec::new(alloc));
    for _ in 0..TREES_MAX {
        let Some(job) = jobs.pop() else { return Ok(candidates.best()) };
        repository.read(job.before, ObjectKind::Tree, &mut tree)?;
        other.clear();
        if let Some(after) = job.after {
            repository.read(after, ObjectKind::Tree, &mut other)?;
        }
        let mut others = entries(&other).map_while(Result::ok).peekable();
        for entry in entries(&tree) {
            let corrupt = |reason: &str| Error::Corrupt { id: job.before, reason: reason.into() };
            let entry = entry.map_err(corrupt)?;
            while others.next_if(|other| order(other, &entry).is_lt()).is_some() {}
            let now = others.peek().filter(|other| order(other, &entry).is_eq());
            let length = job.directory.len() + entry.name.len() + 1;
            if now.is_some_and(|now| now.id == entry.id) || length > PATH_BYTES_MAX {
                continue;
            }
            candidates.visit(&entry, now.is_none(), &paths[job.directory.clone()], alloc)?;
            if entry.mode == EntryMode::Tree {
                let directory = subdirectory(&mut paths, &job.directory, entry.name)?;
                jobs.try_push(Job { before: entry.id, after: now.map(|now| now.id), directory })?;
            }
        }
    }
    Ok(None)
}

/// Two trees that differ.
struct Job {
    before: Oid,
    after: Option<Oid>,
    /// The range of their path in the list of paths; it ends with a slash.
    directory: Range<usize>,
}

/// Adds the path of the directory `name` in `directory` to the list.
fn subdirectory(
    paths: &mut Vec<'_, u8>,
    directory: &Range<usize>,
    name: &[u8],
) -> Result<Range<usize>, MemoryError> {
    let start = paths.len();
    paths.try_reserve(directory.len() + name.len() + 1)?;
    for index in directory.clone() {
        paths.try_push(paths[index])?;
    }
    paths.try_extend_from_slice(name)?;
    paths.try_push(b'/')?;
    Ok(start..paths.len())
}

/// The order of entries in a tree: by name, the name of a directory with a slash.
fn order(left: &TreeEntry<'_>, right: &TreeEntry<'_>) -> Ordering {
    let key = |entry: &TreeEntry<'_>| (entry.mode == EntryMode::Tree).then_some(b'/');
    left.name.iter().copied().chain(key(left)).cmp(right.name.iter().copied().chain(key(right)))
}

/// The similarity of two paths: the number of common components, then the number of missing ones,
/// fewer being better.
type Common = (usize, Reverse<usize>);

/// The present path.
struct Target<'p> {
    content: Oid,
    is_tree: bool,
    path: &'p [u8],
    /// The last component of the path.
    name: &'p [u8],
}

impl Target<'_> {
    /// The number of components of `path` that the path has too, then of those that it lacks.
    fn common(&self, path: &[u8]) -> Common {
        let split = |path| <[u8]>::split(path, |&byte| byte == b'/');
        let common = split(path).filter(|part| split(self.path).any(|own| own == *part)).count();
        (common, Reverse(split(path).count() - common))
    }
}

/// Former paths that may be the source of a rename.
struct Candidates<'a, 'p> {
    target: Target<'p>,
    /// The best one with the same content, and its similarity.
    exact: Option<(Renamed<'a>, (bool, bool, Common))>,
    /// The first of the best ones with the same last component, and their similarity.
    named: Option<(Renamed<'a>, Common)>,
    /// The number of equally similar ones.
    named_total: u32,
}

impl<'a> Candidates<'a, '_> {
    /// Considers an entry of `directory` that was removed or changed.
    fn visit(
        &mut self,
        entry: &TreeEntry<'_>,
        is_removed: bool,
        directory: &[u8],
        alloc: Alloc<'a>,
    ) -> Result<(), MemoryError> {
        let is_exact = entry.id == self.target.content;
        let has_name = entry.name == self.target.name;
        let is_tree = entry.mode == EntryMode::Tree;
        let is_named = is_removed && has_name && is_tree == self.target.is_tree;
        if !is_exact && !is_named {
            return Ok(());
        }
        let mut path = Vec::new(alloc);
        path.try_extend_from_slice(directory)?;
        path.try_extend_from_slice(entry.name)?;
        let common = self.target.common(&path);
        let renamed = Renamed { path, content: entry.id, is_exact };
        let rank = (is_removed, has_name, common);
        if is_exact {
            if self.exact.as_ref().is_none_or(|(other, best)| {
                rank > *best || (rank == *best && renamed.path[..] < other.path[..])
            }) {
                self.exact = Some((renamed, rank));
            }
        } else {
            match &self.named {
                Some((_, best)) if *best > common => {}
                Some((_, best)) if *best == common => self.named_total += 1,
                _ => (self.named, self.named_total) = (Some((renamed, common)), 1),
            }
        }
        Ok(())
    }

    fn best(self) -> Option<Renamed<'a>> {
        let Self { exact, named, named_total, .. } = self;
        let named = named.filter(|_| named_total == 1).map(|(renamed, _)| renamed);
        exact.map(|(renamed, _)| renamed).or(named)
    }
}
