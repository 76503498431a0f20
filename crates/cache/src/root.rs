//! The root tree of a cache: shard directories, commit index, metadata.

use super::existing::ExistingError;
use super::shard::is_shard_name;
use super::{commit_index, marks, meta, path_file};
use gitmind_git::oid::Oid;
use gitmind_git::{Commit, EntryMode, ObjectKind, Repository, TreeDraft, entries, object_id};
use gitmind_memory::{Alloc, MemoryError, Vec};

/// The decoded root tree of a cache.
#[derive(Debug)]
pub(super) struct Root<'a> {
    /// The entries of the shard directories.
    pub(super) shards: TreeDraft<'a>,
    /// The directory of the commit index.
    pub(super) commits: Option<Oid>,
    /// The file of marked edges.
    pub(super) marks: Option<Oid>,
    /// The blob of the metadata.
    pub(super) meta: Option<Oid>,
    /// The directory of the path index.
    pub(super) paths: Option<Oid>,
    /// Whether it has a wrapper directory `cache-...`, as the C tool writes it.
    pub(super) is_wrapper: bool,
}

impl<'a> Root<'a> {
    /// Reads the root tree of the cache with the commit `commit`; returns its id and content.
    pub(super) fn read(
        repository: &dyn Repository,
        alloc: Alloc<'a>,
        commit: Oid,
    ) -> Result<(Oid, Self), ExistingError> {
        let mut buffer = Vec::new(alloc);
        read_verified(repository, commit, ObjectKind::Commit, &mut buffer)?;
        let tree = Commit::parse(commit, &buffer).map_err(ExistingError::Malformed)?.tree;
        read_verified(repository, tree, ObjectKind::Tree, &mut buffer)?;
        Ok((tree, Self::parse(alloc, &buffer)?))
    }

    /// Whether it has the layout of the C tool: a wrapper directory, or only shard directories.
    pub(super) fn has_c_tool_layout(&self) -> bool {
        self.meta.is_none()
            && self.commits.is_none()
            && self.paths.is_none()
            && (self.is_wrapper || !self.shards.is_empty())
    }

    fn parse(alloc: Alloc<'a>, tree: &[u8]) -> Result<Self, ExistingError> {
        let shards = TreeDraft::new(alloc);
        let (commits, marks, meta, paths) = (None, None, None, None);
        let mut root = Self { shards, commits, marks, meta, paths, is_wrapper: false };
        let malformed = |reason| Err(ExistingError::Malformed(reason));
        let mut before: &[u8] = b"";
        for entry in entries(tree) {
            let entry = entry.map_err(ExistingError::Malformed)?;
            let is_shard = is_shard_name(entry.name);
            let is_file = [marks::NAME, meta::NAME].contains(&entry.name);
            let others = [commit_index::DIRECTORY, path_file::DIRECTORY];
            let is_ours = is_shard || is_file || others.contains(&entry.name);
            let mode = if is_file { EntryMode::File } else { EntryMode::Tree };
            if entry.mode == EntryMode::Other || is_ours && entry.mode != mode {
                return malformed("an entry of its root tree has a wrong mode");
            }
            // An update copies these entries in the same order, so they must be sorted.
            if is_ours && entry.name <= before {
                return malformed("the entries of its root tree are not in order");
            }
            before = if is_ours { entry.name } else { before };
            match (entry.mode, entry.name) {
                (EntryMode::Tree, name) if is_shard_name(name) => {
                    root.shards.try_push(EntryMode::Tree, name, entry.id)?;
                }
                (EntryMode::Tree, commit_index::DIRECTORY) => root.commits = Some(entry.id),
                (EntryMode::Tree, path_file::DIRECTORY) => root.paths = Some(entry.id),
                (EntryMode::Tree, name) => root.is_wrapper |= name.starts_with(b"cache-"),
                (EntryMode::File, marks::NAME) => root.marks = Some(entry.id),
                (EntryMode::File, meta::NAME) => root.meta = Some(entry.id),
                _ => {}
            }
        }
        Ok(root)
    }

    /// Encodes the root tree in git's entry order, which compares directory names with a final `/`.
    pub(super) fn encode(&self, alloc: Alloc<'a>) -> Result<TreeDraft<'a>, MemoryError> {
        let mut tree = TreeDraft::new(alloc);
        let mut commits = self.commits;
        for shard in entries(self.shards.as_bytes()).flatten() {
            if shard.name > commit_index::DIRECTORY
                && let Some(commits) = commits.take()
            {
                tree.try_push(EntryMode::Tree, commit_index::DIRECTORY, commits)?;
            }
            tree.try_push(EntryMode::Tree, shard.name, shard.id)?;
        }
        if let Some(commits) = commits {
            tree.try_push(EntryMode::Tree, commit_index::DIRECTORY, commits)?;
        }
        if let Some(marks) = self.marks {
            tree.try_push(EntryMode::File, marks::NAME, marks)?;
        }
        if let Some(meta) = self.meta {
            tree.try_push(EntryMode::File, meta::NAME, meta)?;
        }
        if let Some(paths) = self.paths {
            tree.try_push(EntryMode::Tree, path_file::DIRECTORY, paths)?;
        }
        Ok(tree)
    }
}

/// Reads an object of a cache and verifies its hash, unless the repository does that: a flipped bit
/// in a cache would give wrong answers.
pub(super) fn read_verified(
    repository: &dyn Repository,
    id: Oid,
    kind: ObjectKind,
    buffer: &mut Vec<'_, u8>,
) -> Result<(), ExistingError> {
    repository.read(id, kind, buffer)?;
    if !repository.verifies(id) && object_id(kind, buffer)? != id {
        return Err(ExistingError::Content { id });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use gitmind_memory::System;

    /// Regression: an update copied duplicate entries and wrong modes to a tree that git rejects.
    #[test]
    fn a_root_with_unsorted_entries_or_wrong_modes_is_an_error() {
        let system = System::new();
        let alloc = Alloc::new(&system);
        let shard = (EntryMode::Tree, b"0a".as_slice());
        let later = (EntryMode::Tree, b"cf".as_slice());
        let meta = (EntryMode::File, meta::NAME);
        let parse = |entries: &[(EntryMode, &[u8])]| {
            let mut tree = TreeDraft::new(alloc);
            for (mode, name) in entries {
                tree.try_push(*mode, name, Oid::ZERO).expect("there is memory");
            }
            Root::parse(alloc, tree.as_bytes()).is_ok()
        };
        assert!(parse(&[shard, later, meta]));
        assert!(!parse(&[shard, shard, meta]));
        assert!(!parse(&[later, shard, meta]));
        assert!(!parse(&[shard, meta, meta]));
        assert!(!parse(&[(EntryMode::File, shard.1), meta]));
        assert!(!parse(&[shard, (EntryMode::Tree, meta.1)]));
        assert!(!parse(&[shard, (EntryMode::Tree, marks::NAME)]));
    }

    #[test]
    fn the_entries_are_in_gits_order_and_parse_to_the_same_root() {
        let oid = Oid::new([7; 20]);
        let names: [&[u8]; 4] = [b"0a", b"cf", b"d0", b"ff"];
        for used in 0..1 << names.len() {
            let system = System::new();
            let alloc = Alloc::new(&system);
            let mut shards = TreeDraft::new(alloc);
            let used = names.iter().enumerate().filter(|(bit, _)| used >> bit & 1 == 1);
            let mut expected: std::vec::Vec<&[u8]> = used.map(|(_, name)| *name).collect();
            for name in &expected {
                shards.try_push(EntryMode::Tree, name, oid).expect("there is memory");
            }
            let some = Some(oid);
            let [commits, marks, meta, paths] = [some; 4];
            let root = Root { shards, commits, marks, meta, paths, is_wrapper: false };
            let tree = root.encode(alloc).expect("there is memory");
            let read = entries(tree.as_bytes()).map(|entry| entry.expect("whole").name);
            expected.extend([&b"commits"[..], b"marks", b"meta", b"paths"]);
            expected.sort_unstable();
            assert!(read.eq(expected));
            let again = Root::parse(alloc, tree.as_bytes()).expect("whole");
            assert_eq!(again.shards.as_bytes(), root.shards.as_bytes());
            let read = [again.commits, again.marks, again.meta, again.paths];
            assert_eq!(read, [some; 4]);
            assert!(!again.is_wrapper);
        }
    }
}
