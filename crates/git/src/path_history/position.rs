//! The position of a walk: a commit with its parents, and the objects on the way to the path in its
//! tree.

use crate::lookup::entry;
use crate::oid::Oid;
use crate::{Commit, EntryMode, Error, ObjectKind, Read, Repository};
use gitmind_memory::{Alloc, Vec};

/// Reads objects, and counts the commits.
pub(super) struct Reader<'a> {
    pub(super) repository: &'a dyn Repository,
    buffer: Vec<'a, u8>,
    pub(super) commits_left: u32,
    /// Whether any commit was read.
    pub(super) has_read: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn new(repository: &'a dyn Repository, alloc: Alloc<'a>, commits: u32) -> Self {
        let buffer = Vec::new(alloc);
        Self { repository, buffer, commits_left: commits, has_read: false }
    }
}

/// A commit as seen from a path.
pub(super) struct Position<'a> {
    commit: Oid,
    /// The number of the path's name; `None` before anything was read.
    name: Option<u32>,
    /// The root tree, the directories of the path, and the object at the path, as far as they
    /// exist.
    pub(super) chain: Vec<'a, Oid>,
    pub(super) parents: Vec<'a, Oid>,
}

/// The components of a path.
fn components(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.split(|&byte| byte == b'/').filter(|_| !path.is_empty())
}

impl<'a> Position<'a> {
    pub(super) const fn new(alloc: Alloc<'a>) -> Self {
        Self { commit: Oid::ZERO, name: None, chain: Vec::new(alloc), parents: Vec::new(alloc) }
    }

    /// Whether this is the position of a path's name in a commit.
    pub(super) fn is_at(&self, commit: Oid, name: u32) -> bool {
        self.commit == commit && self.name == Some(name)
    }

    /// The object at `path`, which is the path of the position.
    pub(super) fn content(&self, path: &[u8]) -> Option<Oid> {
        self.chain.get(components(path).count()).copied()
    }

    /// Moves to `commit`. Reads trees until one equals that of the position `near`, because equal
    /// trees have the same content.
    pub(super) fn read(
        &mut self,
        reader: &mut Reader<'_>,
        object: &mut Read<'_>,
        commit: Oid,
        (name, path): (u32, &[u8]),
        near: &Self,
    ) -> Result<(), Error> {
        self.name = None;
        self.chain.clear();
        self.parents.clear();
        let buffer = &mut reader.buffer;
        reader.commits_left = reader.commits_left.saturating_sub(1);
        reader.has_read = true;
        object(commit, ObjectKind::Commit, buffer)?;
        let parsed = Commit::parse_stored(commit, buffer)?;
        self.parents.try_extend(parsed.parents())?;
        self.chain.try_push(parsed.tree)?;
        let near: &[Oid] = if near.name == Some(name) { &near.chain } else { &[] };
        let mut tree = parsed.tree;
        let depth = components(path).count();
        for (level, component) in components(path).enumerate() {
            if near.get(level) == Some(&tree) {
                self.chain.try_extend_from_slice(&near[level + 1..])?;
                break;
            }
            object(tree, ObjectKind::Tree, buffer)?;
            match entry(tree, buffer, component)? {
                Some(found) if found.mode == EntryMode::Tree || level + 1 == depth => {
                    tree = found.id;
                    self.chain.try_push(tree)?;
                }
                Some(_) | None => break,
            }
        }
        (self.commit, self.name) = (commit, Some(name));
        Ok(())
    }
}
