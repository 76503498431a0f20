//! The entries that differ between two trees, found without reading equal directories.

use super::{EntryMode, Error, Found, ObjectKind, Repository, TreeEntry, entries};
use crate::oid::Oid;
use gitmind_memory::{Alloc, Vec};
use std::cmp::Ordering;
use std::iter::Peekable;
use std::ops::ControlFlow;

/// Longest path whose entry is visited, in bytes: the longest that an edge can have.
const PATH_BYTES_MAX: usize = 4095;
/// Deepest directory that is read; untrusted trees must not exhaust the stack.
const DEPTH_MAX: usize = 512;

/// An entry that differs between two trees. At least one of `old` and `new` is `Some`. If both are,
/// their ids differ, and both are directories or neither is: a directory that became a file is two
/// changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TreeChange<'c> {
    /// The path from the top of the trees.
    pub path: &'c [u8],
    /// The entry in the old tree.
    pub old: Option<Found>,
    /// The entry in the new tree.
    pub new: Option<Found>,
}

/// Calls `visit` with each entry that differs between the trees `old` and `new`, until it breaks: a
/// directory before what it contains. `None` is a tree without entries. Directories with the same
/// id are not read. Four kinds of entries are skipped: submodules, since their objects are of other
/// repositories, changes of the mode alone, paths of more than 4095 bytes, and entries more than
/// 512 directories deep.
///
/// ```
/// use gitmind_git::{EntryMode, ObjectKind, TreeDraft, diff_trees, fake::FakeRepository};
/// use gitmind_memory::{Alloc, System};
/// use std::ops::ControlFlow;
/// let (repository, system) = (FakeRepository::default(), System::new());
/// let alloc = Alloc::new(&system);
/// let tree = |content: &[u8]| {
///     let mut tree = TreeDraft::new(alloc);
///     tree.try_push(EntryMode::File, b"a.c", repository.insert(ObjectKind::Blob, content))?;
///     Ok::<_, gitmind_git::Error>(repository.insert(ObjectKind::Tree, tree.as_bytes()))
/// };
/// let (old, new) = (tree(b"old")?, tree(b"new")?);
/// let mut paths = vec![];
/// diff_trees(&repository, alloc, Some(old), Some(new), &mut |change| {
///     paths.push(change.path.to_vec());
///     Ok(ControlFlow::Continue(()))
/// })?;
/// assert_eq!(paths, [b"a.c"]);
/// # Ok::<(), gitmind_git::Error>(())
/// ```
///
/// # Errors
/// As [`Repository::read`], [`Error::Corrupt`] for a malformed tree, and what `visit` returns.
pub fn diff_trees(
    repository: &dyn Repository,
    alloc: Alloc<'_>,
    old: Option<Oid>,
    new: Option<Oid>,
    visit: &mut dyn FnMut(&TreeChange<'_>) -> Result<ControlFlow<()>, Error>,
) -> Result<(), Error> {
    if old == new {
        return Ok(());
    }
    let path = Vec::new(alloc);
    TreeDiff { repository, path, depth: 0, visit }.trees(old, new).map(drop)
}

struct TreeDiff<'d, 'a> {
    repository: &'d dyn Repository,
    path: Vec<'a, u8>,
    depth: usize,
    visit: &'d mut dyn FnMut(&TreeChange<'_>) -> Result<ControlFlow<()>, Error>,
}

impl TreeDiff<'_, '_> {
    /// Visits the entries that differ between two trees below `self.path`.
    fn trees(&mut self, old: Option<Oid>, new: Option<Oid>) -> Result<ControlFlow<()>, Error> {
        let (mut old_tree, mut new_tree) =
            (Vec::new(self.path.alloc()), Vec::new(self.path.alloc()));
        for (id, tree) in [(old, &mut old_tree), (new, &mut new_tree)] {
            if let Some(id) = id {
                self.repository.read(id, ObjectKind::Tree, tree)?;
            }
        }
        let mut olds = checked(old, &old_tree).peekable();
        let mut news = checked(new, &new_tree).peekable();
        while let Some(pair) = next_pair(&mut olds, &mut news) {
            let (old, new) = pair?;
            if self.pair(old, new)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Visits the entries of one name, and the entries below them.
    fn pair(
        &mut self,
        old: Option<TreeEntry<'_>>,
        new: Option<TreeEntry<'_>>,
    ) -> Result<ControlFlow<()>, Error> {
        let is_followed = |entry: &TreeEntry<'_>| entry.mode != EntryMode::Submodule;
        let (old, new) = (old.filter(is_followed), new.filter(is_followed));
        let Some(name) = old.or(new).map(|entry| entry.name) else {
            return Ok(ControlFlow::Continue(()));
        };
        let above = self.path.len();
        let is_same = old.map(|entry| entry.id) == new.map(|entry| entry.id);
        if is_same || above + 1 + name.len() > PATH_BYTES_MAX {
            return Ok(ControlFlow::Continue(()));
        }
        if above > 0 {
            self.path.try_push(b'/')?;
        }
        self.path.try_extend_from_slice(name)?;
        let [old, new] =
            [old, new].map(|entry| entry.map(|TreeEntry { mode, id, .. }| Found { mode, id }));
        let mut flow = (self.visit)(&TreeChange { path: &self.path, old, new })?;
        let [old, new] = [old, new].map(|side| side.filter(|found| found.mode == EntryMode::Tree));
        if flow.is_continue() && (old.is_some() || new.is_some()) && self.depth < DEPTH_MAX {
            self.depth += 1;
            flow = self.trees(old.map(|found| found.id), new.map(|found| found.id))?;
            self.depth -= 1;
        }
        self.path.truncate(above);
        Ok(flow)
    }
}

/// The entries of the tree `id`, none of which has an empty name.
fn checked(id: Option<Oid>, tree: &[u8]) -> impl Iterator<Item = Result<TreeEntry<'_>, Error>> {
    entries(tree).map(move |entry| {
        let entry = entry.and_then(|entry| match entry.name {
            [] => Err("it has an entry without a name"),
            _ => Ok(entry),
        });
        let id = id.unwrap_or_default();
        entry.map_err(|problem| Error::Corrupt { id, reason: problem.into() })
    })
}

type Pair<'t> = (Option<TreeEntry<'t>>, Option<TreeEntry<'t>>);

/// The next entries in git's order: both when they have the same name and kind, else the first.
fn next_pair<'t, 'u: 't>(
    olds: &mut Peekable<impl Iterator<Item = Result<TreeEntry<'u>, Error>>>,
    news: &mut Peekable<impl Iterator<Item = Result<TreeEntry<'u>, Error>>>,
) -> Option<Result<Pair<'t>, Error>> {
    let order = match (olds.peek(), news.peek()) {
        (None, None) => return None,
        (Some(Ok(old)), Some(Ok(new))) => order(old, new),
        (Some(_), None) | (Some(Err(_)), _) => Ordering::Less,
        (None, Some(_)) | (_, Some(Err(_))) => Ordering::Greater,
    };
    let old = if order.is_le() { olds.next().transpose() } else { Ok(None) };
    let new = if order.is_ge() { news.next().transpose() } else { Ok(None) };
    Some(old.and_then(|old| Ok((old, new?))))
}

/// git's order of entries: by name, a directory's name with `/` appended.
fn order(a: &TreeEntry<'_>, b: &TreeEntry<'_>) -> Ordering {
    let slash = |entry: &TreeEntry<'_>| (entry.mode == EntryMode::Tree).then_some(b'/');
    let bytes_of_a = a.name.iter().copied().chain(slash(a));
    bytes_of_a.cmp(b.name.iter().copied().chain(slash(b)))
}

#[cfg(test)]
mod tests;
