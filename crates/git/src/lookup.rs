//! Looking up a path in a tree, one directory at a time.

use super::{Commit, EntryMode, Error, ObjectKind, Repository, entries};
use crate::oid::Oid;
use gitmind_memory::{Alloc, Vec};

/// The tree of the commit at HEAD; `None` when the branch has no commit yet.
///
/// # Errors
/// As [`Repository::resolve`] and [`Repository::read`].
pub fn head_tree(repository: &dyn Repository, alloc: Alloc<'_>) -> Result<Option<Oid>, Error> {
    let Some(id) = repository.resolve("HEAD")? else { return Ok(None) };
    let mut commit = Vec::new(alloc);
    repository.read(id, ObjectKind::Commit, &mut commit)?;
    Ok(Some(Commit::parse_stored(id, &commit)?.tree))
}

/// The tree entry at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// What kind of entry it is.
    pub mode: EntryMode,
    /// The object: a blob for a file, a tree for a directory.
    pub id: Oid,
}

/// The entry at `path` in the tree `root`; `None` when it does not exist. Components are separated
/// by single slashes; the empty path is the tree itself.
///
/// ```
/// use gitmind_git::{EntryMode, ObjectKind, TreeDraft, fake::FakeRepository, find_path};
/// use gitmind_memory::{Alloc, System};
/// let (repository, system) = (FakeRepository::default(), System::new());
/// let alloc = Alloc::new(&system);
/// let blob = repository.insert(ObjectKind::Blob, b"fn main() {}");
/// let mut directory = TreeDraft::new(alloc);
/// directory.try_push(EntryMode::File, b"main.rs", blob)?;
/// let directory = repository.insert(ObjectKind::Tree, directory.as_bytes());
/// let mut root = TreeDraft::new(alloc);
/// root.try_push(EntryMode::Tree, b"src", directory)?;
/// let root = repository.insert(ObjectKind::Tree, root.as_bytes());
///
/// let found = find_path(&repository, alloc, root, b"src/main.rs")?;
/// assert_eq!(found.map(|found| found.id), Some(blob));
/// assert_eq!(find_path(&repository, alloc, root, b"src/lib.rs")?, None);
/// # Ok::<(), gitmind_git::Error>(())
/// ```
///
/// # Errors
/// As [`Repository::read`], and [`Error::Corrupt`] for a malformed tree on the path.
pub fn find_path(
    repository: &dyn Repository,
    alloc: Alloc<'_>,
    root: Oid,
    path: &[u8],
) -> Result<Option<Found>, Error> {
    let mut found = Found { mode: EntryMode::Tree, id: root };
    let mut tree = Vec::new(alloc);
    for name in path.split(|&byte| byte == b'/').filter(|_| !path.is_empty()) {
        if found.mode != EntryMode::Tree {
            return Ok(None);
        }
        repository.read(found.id, ObjectKind::Tree, &mut tree)?;
        match entry(found.id, &tree, name)? {
            Some(next) => found = next,
            None => return Ok(None),
        }
    }
    Ok(Some(found))
}

/// The entry `name` of the tree object `id` with these bytes.
pub(super) fn entry(id: Oid, tree: &[u8], name: &[u8]) -> Result<Option<Found>, Error> {
    for entry in entries(tree) {
        let entry = entry.map_err(|problem| Error::Corrupt { id, reason: problem.into() })?;
        if entry.name == name {
            return Ok(Some(Found { mode: entry.mode, id: entry.id }));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TreeDraft;
    use crate::fake::FakeRepository;
    use gitmind_memory::System;
    use gitmind_memory::testing::sweep;

    fn repository() -> (FakeRepository, Oid, Oid) {
        let (repository, system) = (FakeRepository::default(), System::new());
        let blob = repository.insert(ObjectKind::Blob, b"x");
        let tree = |entries: &[(EntryMode, &[u8], Oid)]| {
            let mut tree = TreeDraft::new(Alloc::new(&system));
            for (mode, name, id) in entries {
                tree.try_push(*mode, name, *id).expect("there is memory");
            }
            repository.insert(ObjectKind::Tree, tree.as_bytes())
        };
        let inner = tree(&[(EntryMode::File, b"a b", blob)]);
        let root = tree(&[(EntryMode::Tree, b"dir", inner), (EntryMode::File, b"file", blob)]);
        (repository, root, blob)
    }

    #[test]
    fn a_path_is_found_or_missing() {
        let (repository, root, blob) = repository();
        let system = System::new();
        let find = |path: &[u8]| {
            let found = find_path(&repository, Alloc::new(&system), root, path);
            found.expect("whole trees").map(|found| (found.mode, found.id == blob))
        };
        assert_eq!(find(b"file"), Some((EntryMode::File, true)));
        assert_eq!(find(b"dir/a b"), Some((EntryMode::File, true)));
        assert_eq!(find(b"dir"), Some((EntryMode::Tree, false)));
        assert_eq!(find(b""), Some((EntryMode::Tree, false)));
        for missing in [b"fil".as_slice(), b"file/x", b"dir/", b"/dir", b"dir//a b", b"dir/a b/"] {
            assert_eq!(find(missing), None, "{missing:?}");
        }
    }

    #[test]
    fn each_allocation_failure_is_reported() {
        let (repository, root, _) = repository();
        sweep(|alloc| find_path(&repository, alloc, root, b"dir/a b").map(drop))
            .assert_propagated();
    }

    #[test]
    fn a_damaged_tree_on_the_path_is_reported_by_its_id() {
        let repository = FakeRepository::default();
        let damaged = repository.insert(ObjectKind::Tree, b"100644 x\0short");
        let system = System::new();
        let found = find_path(&repository, Alloc::new(&system), damaged, b"x");
        assert!(matches!(found, Err(Error::Corrupt { id, .. }) if id == damaged));
    }
}
