//! The repository port: all that services may ask of git.
//!
//! Two adapters implement it: [`super::gitoxide`] on a real repository and [`super::fake`] in
//! memory with faults. Reading a journal goes through [`Repository::follow`], which hands over one
//! commit at a time and leaves to the adapter how it gets them: one by one from the object
//! database, or decoded ahead from a pack.

use super::{Commit, Error, Identity, Stored, object_id};
use crate::oid::Oid;
use gitmind_memory::{Alloc, Vec};
use std::fmt;
use std::ops::ControlFlow;

/// The kind of a git object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectKind {
    /// The content of a file.
    Blob,
    /// A directory.
    Tree,
    /// A commit.
    Commit,
    /// An annotated tag.
    Tag,
}

impl fmt::Display for ObjectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Blob => "blob",
            Self::Tree => "tree",
            Self::Commit => "commit",
            Self::Tag => "tag",
        })
    }
}

/// What HEAD says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Head {
    /// A branch is checked out; it may have no commits yet. The full ref name.
    Branch(String),
    /// A commit is checked out without a branch.
    Detached,
}

/// A change of one ref, made only when the ref is as expected.
#[derive(Clone, Copy, Debug)]
pub struct RefUpdate<'a> {
    /// The full name.
    pub name: &'a str,
    /// What the ref must be now; `None`: it must not exist.
    pub expected: Option<Oid>,
    /// What it will be.
    pub new: Oid,
}

/// Takes the commits that are followed, until it breaks.
pub type Visit<'v> = dyn FnMut(&Commit<'_>) -> ControlFlow<()> + 'v;

/// Follows one chain of first parents, as [`Repository::follow`] does.
pub type Follow<'f> = dyn FnMut(Oid, &mut Visit<'_>) -> Result<(), Error> + 'f;

/// A git repository.
pub trait Repository {
    /// What HEAD says.
    ///
    /// # Errors
    /// [`Error::RefRead`] when it cannot be read.
    fn head(&self) -> Result<Head, Error>;

    /// The object that the ref with the full name `name` points to; `None` when there is no such
    /// ref. A symbolic ref is followed.
    ///
    /// # Errors
    /// [`Error::RefRead`] when it cannot be read.
    fn resolve(&self, name: &str) -> Result<Option<Oid>, Error>;

    /// The full names of the refs that start with `prefix`, sorted, at most `count_max` of them.
    ///
    /// # Errors
    /// [`Error::RefRead`] when they cannot be read.
    fn refs(&self, prefix: &str, count_max: usize) -> Result<std::vec::Vec<String>, Error>;

    /// Reads the object `id` of kind `kind` into `buffer`, whose old content is dropped.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::Shallow`], [`Error::Unreadable`], [`Error::Corrupt`],
    /// [`Error::Kind`] when it is of another kind, or [`Error::Memory`].
    fn read(&self, id: Oid, kind: ObjectKind, buffer: &mut Vec<'_, u8>) -> Result<(), Error>;

    /// Visits `tip`, its first parent, that one's first parent and so on, to the root or until
    /// `visit` breaks. An adapter with a faster way than one [`Self::read`] per commit replaces it,
    /// and takes from `alloc` what it reads ahead.
    ///
    /// # Errors
    /// As for [`Self::read`], or [`Error::Memory`]; what was visited before stays visited. Content
    /// that has another name than its own is told where it is read alone; what is read ahead out of
    /// a pack may be taken by the name that the pack's index says.
    fn follow(
        &self,
        alloc: Alloc<'_>,
        tip: Oid,
        visit: &mut dyn FnMut(&Commit<'_>) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        let mut buffer = Vec::new(alloc);
        let mut next = Some(tip);
        while let Some(id) = next {
            self.read(id, ObjectKind::Commit, &mut buffer)?;
            let commit = Commit::parse_stored(id, &buffer)?;
            if visit(&commit).is_break() {
                break;
            }
            next = commit.parents().next();
        }
        Ok(())
    }

    /// Calls `walk` once with what follows chains one after the other, as [`Self::follow`] does.
    /// What an adapter has learned from one, which it takes from `alloc`, serves the next ones.
    fn follow_many(&self, alloc: Alloc<'_>, walk: &mut dyn FnMut(&mut Follow<'_>)) {
        walk(&mut |tip, visit| self.follow(alloc, tip, visit));
    }

    /// The configured author of new commits, or the C tool's stand-in.
    fn identity(&self) -> Identity;

    /// Begins a transaction of exactly `objects` objects, or of as many as come.
    ///
    /// # Errors
    /// [`Error::Io`] when there is no place for it, or [`Error::Memory`].
    fn begin<'t>(
        &'t self,
        alloc: Alloc<'t>,
        objects: Option<u32>,
    ) -> Result<BoxedTransaction<'t>, Error>;
}

/// A transaction, behind a pointer that the adapter has allocated.
pub type BoxedTransaction<'t> = Box<dyn Transaction + 't>;

/// Objects that become visible together, when a ref names what is among them.
///
/// How they are stored is the adapter's business. From the moment they are, no collection of
/// garbage removes them while the transaction is there, whether the ref has moved or not.
pub trait Transaction {
    /// Adds an object and returns its name. Each object is added at most once.
    ///
    /// # Errors
    /// As for [`Self::add_named`], and [`Error::Hash`].
    fn add(&mut self, kind: ObjectKind, data: &[u8]) -> Result<Oid, Error> {
        let id = object_id(kind, data)?;
        self.add_named(kind, id, data)?;
        Ok(id)
    }

    /// Adds an object whose name is known to be `id`.
    ///
    /// # Errors
    /// [`Error::Pack`] when it is one more than announced or comes after a commit, [`Error::Io`]
    /// or [`Error::Memory`].
    fn add_named(&mut self, kind: ObjectKind, id: Oid, data: &[u8]) -> Result<(), Error>;

    /// Stores the objects durably, then changes a ref if it is as expected. Before that the
    /// repository is as it was. What was stored for a ref that was not as expected stays, as
    /// garbage, and is protected until the transaction is dropped, so that another one can build
    /// on it.
    ///
    /// # Errors
    /// [`Error::Pack`] when objects are missing or there twice, [`Error::Removed`], [`Error::Io`]
    /// or [`Error::Memory`] when they cannot be stored; the transaction is over then.
    /// [`Error::RefMoved`] when the ref is not as expected, [`Error::RefConflict`],
    /// [`Error::RefLocked`], or [`Error::RefWrite`]; the ref is unchanged in all these cases.
    /// [`Error::RefUnsure`] when it has changed, and the disk may not have that.
    fn commit(&mut self, update: RefUpdate<'_>) -> Result<Stored, Error>;
}
