//! Looking a path up in a tree, directory by directory.

use super::{Commit, EntryMode, Error, ObjectKind, Repository, entries};
use crate::oid::Oid;
use gitmind_memory::{Alloc, Vec};

/// The tree of the commit that HEAD names; `None` when it names none yet.
///
/// # Errors
/// As [`Repository::resolve`] and [`Repository::read`].
pub fn head_tree(repository: &dyn Repository, alloc: Alloc<'_>) -> Result<Option<Oid>, Error> {
    let Some(id) = repository.resolve("HEAD")? else { return Ok(None) };
    let mut commit = Vec::new(alloc);
    repository.read(id, ObjectKind::Commit, &mut commit)?;
    Ok(Some(Commit::parse_stored(id, &commit)?.tree))
}

/// What a path of a tree stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// What kind of entry it is.
    pub mode: EntryMode,
    /// The object: a blob for a file, a tree for a directory.
    pub id: Oid,
}

/// The entry of the tree `root` at `path`, components of which are between single slashes; `None`
/// when there is none. The empty path is the tree itself.
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
/// As [`Repository::read`], and [`Error::Corrupt`] for a malformed tree on the way.
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
fn entry(id: Oid, tree: &[u8], name: &[u8]) -> Result<Option<Found>, Error> {
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
    fn a_path_is_found_or_not_there() {
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
    fn each_refusal_surfaces() {
        let (repository, root, _) = repository();
        sweep(|alloc| find_path(&repository, alloc, root, b"dir/a b").map(drop))
            .assert_propagated();
    }

    #[test]
    fn a_damaged_tree_on_the_way_is_named() {
        let repository = FakeRepository::default();
        let damaged = repository.insert(ObjectKind::Tree, b"100644 x\0short");
        let system = System::new();
        let found = find_path(&repository, Alloc::new(&system), damaged, b"x");
        assert!(matches!(found, Err(Error::Corrupt { id, .. }) if id == damaged));
    }
}
