//! The root tree of a cache: shard folders, commit index, metadata.

use super::existing::ExistingError;
use super::shard::is_shard_name;
use super::{commit_index, meta};
use gitmind_git::oid::Oid;
use gitmind_git::{Commit, EntryMode, ObjectKind, Repository, TreeDraft, entries, object_id};
use gitmind_memory::{Alloc, MemoryError, Vec};

/// What stands at the root of a cache.
#[derive(Debug)]
pub(super) struct Root<'a> {
    /// The shard folders alone.
    pub(super) shards: TreeDraft<'a>,
    /// The folder of the commit index.
    pub(super) commits: Option<Oid>,
    /// The metadata.
    pub(super) meta: Option<Oid>,
    /// Whether there is only one folder, with everything below it, as the C tool writes it.
    pub(super) is_wrapper: bool,
}

impl<'a> Root<'a> {
    /// Reads the root of the cache whose commit is `commit`; returns its name too.
    pub(super) fn read(
        repository: &dyn Repository,
        alloc: Alloc<'a>,
        commit: Oid,
    ) -> Result<(Oid, Self), ExistingError> {
        let mut buffer = Vec::new(alloc);
        read_whole(repository, commit, ObjectKind::Commit, &mut buffer)?;
        let tree = Commit::parse(commit, &buffer).map_err(ExistingError::Malformed)?.tree;
        read_whole(repository, tree, ObjectKind::Tree, &mut buffer)?;
        Ok((tree, Self::parse(alloc, &buffer)?))
    }

    /// Whether it is laid out as the C tool does: its one wrapper folder, or that one's content.
    pub(super) fn is_foreign(&self) -> bool {
        self.meta.is_none()
            && self.commits.is_none()
            && (self.is_wrapper || !self.shards.is_empty())
    }

    fn parse(alloc: Alloc<'a>, tree: &[u8]) -> Result<Self, ExistingError> {
        let shards = TreeDraft::new(alloc);
        let mut root = Self { shards, commits: None, meta: None, is_wrapper: false };
        let malformed = |reason| Err(ExistingError::Malformed(reason));
        let mut before: &[u8] = b"";
        for entry in entries(tree) {
            let entry = entry.map_err(ExistingError::Malformed)?;
            let is_shard = is_shard_name(entry.name);
            let is_ours = is_shard || [commit_index::FOLDER, meta::NAME].contains(&entry.name);
            let mode = if entry.name == meta::NAME { EntryMode::File } else { EntryMode::Tree };
            if entry.mode == EntryMode::Other || is_ours && entry.mode != mode {
                return malformed("an entry has a mode that it cannot have");
            }
            // What is kept of it would be written again, in the same order.
            if is_ours && entry.name <= before {
                return malformed("its entries are not in order");
            }
            before = if is_ours { entry.name } else { before };
            match (entry.mode, entry.name) {
                (EntryMode::Tree, name) if is_shard_name(name) => {
                    root.shards.try_push(EntryMode::Tree, name, entry.id)?;
                }
                (EntryMode::Tree, commit_index::FOLDER) => root.commits = Some(entry.id),
                (EntryMode::Tree, name) => root.is_wrapper |= name.starts_with(b"cache-"),
                (EntryMode::File, meta::NAME) => root.meta = Some(entry.id),
                _ => {}
            }
        }
        Ok(root)
    }

    /// The root tree. Entries are in git's order, for which a folder's name ends in `/`.
    pub(super) fn encode(&self, alloc: Alloc<'a>) -> Result<TreeDraft<'a>, MemoryError> {
        let mut tree = TreeDraft::new(alloc);
        let mut commits = self.commits;
        for shard in entries(self.shards.as_bytes()).flatten() {
            if shard.name > commit_index::FOLDER
                && let Some(commits) = commits.take()
            {
                tree.try_push(EntryMode::Tree, commit_index::FOLDER, commits)?;
            }
            tree.try_push(EntryMode::Tree, shard.name, shard.id)?;
        }
        if let Some(commits) = commits {
            tree.try_push(EntryMode::Tree, commit_index::FOLDER, commits)?;
        }
        if let Some(meta) = self.meta {
            tree.try_push(EntryMode::File, meta::NAME, meta)?;
        }
        Ok(tree)
    }
}

/// Reads an object of a cache, and checks that it has the content that its name stands for: git
/// does not when it reads, and a cache that was changed by one bit would give other answers.
pub(super) fn read_whole(
    repository: &dyn Repository,
    id: Oid,
    kind: ObjectKind,
    buffer: &mut Vec<'_, u8>,
) -> Result<(), ExistingError> {
    repository.read(id, kind, buffer)?;
    if object_id(kind, buffer)? != id {
        return Err(ExistingError::Content { id });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use gitmind_memory::System;

    /// An update took a root with entries twice or of no mode, and wrote one that git refuses.
    #[test]
    fn a_root_whose_entries_are_out_of_order_or_of_another_mode_is_refused() {
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
    }

    #[test]
    fn entries_come_in_gits_order_and_read_back() {
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
            let root = Root { shards, commits: Some(oid), meta: Some(oid), is_wrapper: false };
            let tree = root.encode(alloc).expect("there is memory");
            let read = entries(tree.as_bytes()).map(|entry| entry.expect("whole").name);
            expected.extend([&b"commits"[..], b"meta"]);
            expected.sort_unstable();
            assert!(read.eq(expected));
            let again = Root::parse(alloc, tree.as_bytes()).expect("whole");
            assert_eq!(again.shards.as_bytes(), root.shards.as_bytes());
            assert_eq!(
                (again.commits, again.meta, again.is_wrapper),
                (Some(oid), Some(oid), false)
            );
        }
    }
}
