//! The contents that a path has had in the history of a commit, each with its number of edits ago.
//!
//! The walk follows git's rules of `git log --follow`, with history simplification. The parents of
//! a commit that have the path are compared with it: the first one with the same content is
//! followed alone, and no edit is counted; otherwise each of them is one edit older. Where no
//! parent has the path, the first parent's tree is searched for what the path was renamed from, and
//! the walk continues with that name, or ends. Commits are visited in the order of their number of
//! edits, and only as far as a content that is looked for.
//!
//! Of each commit, the commit object is read, and the trees on the way to the path as far as they
//! differ from those of its child: mostly the root tree alone.

mod position;
mod rename;
mod stored;
#[cfg(test)]
mod tests;

use self::position::{Position, Reader};
use self::rename::Renamed;
use self::stored::Earlier;
use crate::oid::Oid;
use crate::{Error, Read, Repository};
use gitmind_memory::{Alloc, Map, MemoryError, Set, Vec};

/// Most commits that one walk reads.
const COMMITS_MAX: u32 = 100_000;

/// A content that the path has had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version<'h> {
    /// How many edits of the content ago, counted from the newest commit that has the path; the
    /// fewest of all ways through the history.
    pub edits: u32,
    /// The name of the path at that time.
    pub path: &'h [u8],
}

/// A commit from which the walk continues.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Node {
    commit: Oid,
    /// The number of the path's name there.
    name: u32,
    edits: u32,
}

/// A walk through the history of a path.
///
/// ```
/// use gitmind_git::{CommitDraft, Authors, EntryMode, ObjectKind, TreeDraft};
/// use gitmind_git::{PathHistory, Version, fake::FakeRepository};
/// use gitmind_memory::{self as memory, Alloc, System};
/// use gitmind_ports::clock::Timestamp;
/// let (repository, system) = (FakeRepository::default(), System::new());
/// let alloc = Alloc::new(&system);
/// let commit = |name: &[u8], content: &[u8], parents: &[_]| {
///     let blob = repository.insert(ObjectKind::Blob, content);
///     let mut tree = TreeDraft::new(alloc);
///     tree.try_push(EntryMode::File, name, blob)?;
///     let tree = repository.insert(ObjectKind::Tree, tree.as_bytes());
///     let (authors, time) = (&Authors::default(), Timestamp { seconds: 0, offset_seconds: 0 });
///     let mut bytes = memory::Vec::new(alloc);
///     CommitDraft { tree, parents, authors, time, message: b"" }.encode(&mut bytes)?;
///     Ok::<_, memory::MemoryError>((repository.insert(ObjectKind::Commit, &bytes), blob))
/// };
/// let (first, old) = commit(b"parser.c", b"parse()", &[])?;
/// let (renamed, _) = commit(b"reader.c", b"parse()", &[first])?;
/// let (head, new) = commit(b"reader.c", b"read()", &[renamed])?;
///
/// let mut history = PathHistory::new(&repository, alloc, head, b"reader.c")?;
/// assert_eq!(history.find(old)?, Some(Version { edits: 1, path: b"reader.c" }));
/// assert_eq!(history.find(new)?, Some(Version { edits: 0, path: b"reader.c" }));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct PathHistory<'a> {
    reader: Reader<'a>,
    head: Oid,
    /// The names of the path; the first is the requested one.
    names: Vec<'a, Vec<'a, u8>>,
    /// Where the walk continues, most edits first: the last one is next.
    frontier: Vec<'a, Node>,
    /// Commits whose parents are not all in the repository, as in a shallow clone.
    blocked: Vec<'a, Node>,
    expanded: Set<'a, (Oid, u32)>,
    versions: Map<'a, Oid, (u32, u32)>,
    /// Whether no commit with the path was found yet.
    is_seeking: bool,
    /// What a walk from an earlier head found.
    earlier: Option<Earlier<'a>>,
    here: Position<'a>,
    there: Position<'a>,
    /// Parents of a commit that have another content, with the content.
    older: Vec<'a, (Oid, Oid)>,
}

impl std::fmt::Debug for PathHistory<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PathHistory").field("head", &self.head).finish_non_exhaustive()
    }
}

impl<'a> PathHistory<'a> {
    /// The history of `path` from the commit `head` back. Nothing is read before [`Self::find`].
    /// Components of the path are separated by single slashes.
    ///
    /// # Errors
    /// [`MemoryError`] when an allocation fails.
    pub fn new(
        repository: &'a dyn Repository,
        alloc: Alloc<'a>,
        head: Oid,
        path: &[u8],
    ) -> Result<Self, MemoryError> {
        let mut history = Self {
            reader: Reader::new(repository, alloc, COMMITS_MAX),
            head,
            names: Vec::new(alloc),
            frontier: Vec::new(alloc),
            blocked: Vec::new(alloc),
            expanded: Set::new(alloc),
            versions: Map::new(alloc),
            is_seeking: true,
            earlier: None,
            here: Position::new(alloc),
            there: Position::new(alloc),
            older: Vec::new(alloc),
        };
        let name = history.name(path)?;
        history.frontier.try_push(Node { commit: head, name, edits: 0 })?;
        Ok(history)
    }

    /// The newest version of the path with this content, a blob or a tree; `None` when the history
    /// has none. A path that `head` does not have begins at the newest commit that has it, by
    /// number of commits. The walk keeps its position, from which the next call continues. It ends
    /// without an error where objects are missing, as in shallow clones, and after 100 000 commits.
    ///
    /// # Errors
    /// As [`Repository::read`] except for missing objects, [`Error::Corrupt`] for a malformed
    /// object, or [`Error::Memory`]; a further call tries again where this one failed.
    pub fn find(&mut self, content: Oid) -> Result<Option<Version<'_>>, Error> {
        // A later commit can only add versions of more edits than the next commit has.
        self.walk(|walk, next| {
            let known = walk.versions.get(&content);
            known.is_some_and(|(edits, _)| *edits <= next.edits.saturating_add(1))
        })?;
        let version =
            |&(edits, name): &(u32, u32)| Version { edits, path: &self.names[name as usize] };
        Ok(self.versions.get(&content).map(version))
    }

    /// The name that the path had before its present one, if the history has one.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn former_name(&mut self) -> Result<Option<&[u8]>, Error> {
        self.walk(|walk, _| walk.names.len() > 1)?;
        Ok(self.names.get(1).map(Vec::as_slice))
    }

    /// Ends the walk: from now on, only what was found is known.
    pub const fn stop(&mut self) {
        self.reader.commits_left = 0;
    }

    /// Visits commits until `is_over`, given the next one, or until there is none.
    fn walk(&mut self, is_over: impl Fn(&Self, Node) -> bool) -> Result<(), Error> {
        let (repository, alloc) = (self.reader.repository, self.names.alloc());
        let mut outcome = Ok(());
        repository.read_many(alloc, &mut |read| {
            while self.reader.commits_left > 0
                && let Some(next) = self.frontier.last().copied()
                && outcome.is_ok()
                && !is_over(self, next)
            {
                outcome = self.step(next, read);
            }
        });
        outcome
    }

    /// Visits the next commit, which stays the next one when that fails.
    fn step(&mut self, node: Node, read: &mut Read<'_>) -> Result<(), Error> {
        if self.expanded.contains(&(node.commit, node.name)) {
            self.remove(node);
            return Ok(());
        }
        if self.joins_earlier(node)? {
            return Ok(());
        }
        match self.expand(node, read) {
            Err(error) if is_absence(&error) => self.block(node),
            expanded => expanded,
        }
    }

    /// Lets `node` wait for objects that are missing.
    fn block(&mut self, node: Node) -> Result<(), Error> {
        self.blocked.try_push(node)?;
        self.remove(node);
        Ok(())
    }

    /// Takes over what an earlier walk has found, if it began at `node`.
    fn joins_earlier(&mut self, node: Node) -> Result<bool, Error> {
        let is_begin = |earlier: &mut Earlier<'_>| earlier.head == node.commit && node.name == 0;
        // While the path is sought, another commit of the frontier may have it nearer.
        if self.is_seeking && self.frontier.len() > 1 {
            return Ok(false);
        }
        let Some(earlier) = self.earlier.take_if(is_begin) else { return Ok(false) };
        let mut names = Vec::try_with_capacity(earlier.names.len(), earlier.names.alloc())?;
        for name in earlier.names.iter() {
            names.try_push(self.name(name)?)?;
        }
        for &(content, edits, name) in earlier.versions.iter() {
            self.record(content, node.edits.saturating_add(edits), names[name as usize])?;
        }
        for next in earlier.frontier.iter() {
            let edits = node.edits.saturating_add(next.edits);
            self.push(Node { commit: next.commit, name: names[next.name as usize], edits }, false)?;
        }
        self.remove(node);
        if !earlier.is_seeking {
            self.end_seeking();
        }
        Ok(true)
    }

    fn expand(&mut self, node: Node, read: &mut Read<'_>) -> Result<(), Error> {
        let path = &self.names[node.name as usize];
        if !self.here.is_at(node.commit, node.name) {
            if !self.there.is_at(node.commit, node.name) {
                self.there.read(
                    &mut self.reader,
                    read,
                    node.commit,
                    (node.name, path),
                    &self.here,
                )?;
            }
            std::mem::swap(&mut self.here, &mut self.there);
        }
        match self.here.content(path) {
            Some(content) if self.is_seeking => {
                self.record(content, 0, node.name)?;
                self.frontier.clear();
                self.frontier.try_push(node)?;
                self.end_seeking();
                Ok(())
            }
            Some(content) => self.compare(node, content, read),
            None => {
                for index in 0..self.here.parents.len() {
                    self.push(Node { commit: self.here.parents[index], ..node }, false)?;
                }
                self.finish(node)
            }
        }
    }

    /// Forgets the commits without the path. Those that were visited do not matter, because the
    /// walk visits only commits with the path from now on.
    fn end_seeking(&mut self) {
        if self.is_seeking {
            self.blocked.clear();
        }
        self.is_seeking = false;
    }

    /// Compares the content of the path at `node`, the position, with those of its parents.
    fn compare(&mut self, node: Node, content: Oid, read: &mut Read<'_>) -> Result<(), Error> {
        let path = &self.names[node.name as usize];
        let mut is_blocked = false;
        self.older.clear();
        for &parent in self.here.parents.iter() {
            match self.there.read(&mut self.reader, read, parent, (node.name, path), &self.here) {
                Err(error) if is_absence(&error) => {
                    is_blocked = true;
                    continue;
                }
                read => read?,
            }
            match self.there.content(path) {
                Some(same) if same == content => {
                    self.expanded.try_insert((node.commit, node.name))?;
                    self.remove(node);
                    self.push(Node { commit: parent, ..node }, true)?;
                    std::mem::swap(&mut self.here, &mut self.there);
                    return Ok(());
                }
                Some(other) => self.older.try_push((parent, other))?,
                None => {}
            }
        }
        let edits = node.edits.saturating_add(1);
        for index in 0..self.older.len() {
            let (commit, content) = self.older[index];
            self.record(content, edits, node.name)?;
            self.push(Node { commit, edits, ..node }, false)?;
        }
        if is_blocked {
            return self.block(node);
        }
        if self.older.is_empty() {
            self.follow_rename(node, read)?;
        }
        self.finish(node)
    }

    /// Goes on with the path that the one of `node` was renamed from, if there is one.
    fn follow_rename(&mut self, node: Node, read: &mut Read<'_>) -> Result<(), Error> {
        let Some(&commit) = self.here.parents.first() else { return Ok(()) };
        let path = &self.names[node.name as usize];
        self.there.read(&mut self.reader, read, commit, (node.name, path), &self.here)?;
        let (Some(&tree), Some(&before)) = (self.here.chain.first(), self.there.chain.first())
        else {
            return Ok(());
        };
        let (repository, alloc) = (self.reader.repository, self.names.alloc());
        let Some(renamed) = rename::source(repository, alloc, [before, tree], path)? else {
            return Ok(());
        };
        let Renamed { path, content, is_exact } = renamed;
        let name = self.name(&path)?;
        let edits = node.edits.saturating_add(u32::from(!is_exact));
        self.record(content, edits, name)?;
        Ok(self.push(Node { commit, name, edits }, is_exact)?)
    }

    /// The number of a name, which is new or known.
    fn name(&mut self, path: &[u8]) -> Result<u32, MemoryError> {
        let known = self.names.iter().position(|name| **name == *path);
        let number = known.unwrap_or(self.names.len());
        if known.is_none() {
            let mut name = Vec::new(self.names.alloc());
            name.try_extend_from_slice(path)?;
            self.names.try_push(name)?;
        }
        Ok(u32::try_from(number).expect("this holds because each name needs a commit"))
    }

    /// Records a version, unless one of fewer edits is known.
    fn record(&mut self, content: Oid, edits: u32, name: u32) -> Result<(), MemoryError> {
        let version = self.versions.try_get_or_insert_with(content, || (edits, name))?;
        if edits < version.0 {
            *version = (edits, name);
        }
        Ok(())
    }

    /// Adds a commit to those that the walk continues from, before or after those of as many edits.
    fn push(&mut self, node: Node, is_first: bool) -> Result<(), MemoryError> {
        let is_behind =
            |other: &Node| other.edits > node.edits || (is_first && other.edits == node.edits);
        let index = self.frontier.partition_point(is_behind);
        self.frontier.try_insert(index, node)
    }

    /// Ends the visit of a commit.
    fn finish(&mut self, node: Node) -> Result<(), Error> {
        self.expanded.try_insert((node.commit, node.name))?;
        self.remove(node);
        Ok(())
    }

    fn remove(&mut self, node: Node) {
        if let Some(index) = self.frontier.iter().rposition(|other| *other == node) {
            self.frontier.remove(index);
        }
    }
}

/// Whether an object is not in the repository, which ends a history.
const fn is_absence(error: &Error) -> bool {
    matches!(error, Error::Missing(_) | Error::Shallow(_) | Error::Promised(_))
}
