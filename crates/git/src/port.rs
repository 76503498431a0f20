//! The repository port: every operation on git that the services use.
//!
//! Two adapters implement it: the crate `gitmind-gitoxide` on a repository on disk, and
//! [`crate::fake`] in memory with faults. A journal is read by [`Repository::follow`], which calls
//! its visitor with one commit at a time; the adapter decides whether it reads each commit from the
//! object database or decodes packs ahead.

use super::{Authors, Commit, Error, Stored, object_id};
use crate::oid::Oid;
use gitmind_memory::{Alloc, Vec};
use gitmind_ports::clock::Timestamp;
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

/// The value of HEAD.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Head {
    /// A branch is checked out; it may have no commits yet. The full ref name.
    Branch(String),
    /// A commit is checked out without a branch.
    Detached,
}

/// A compare-and-swap of one ref.
#[derive(Clone, Copy, Debug)]
pub struct RefUpdate<'a> {
    /// The full name.
    pub name: &'a str,
    /// The value that the ref must have; `None` if the ref must not exist.
    pub expected: Option<Oid>,
    /// The new value.
    pub new: Oid,
    /// The time of the change, for the ref's log.
    pub time: Timestamp,
    /// The reason of the change, one line for the ref's log.
    pub reason: &'a str,
}

/// A visitor that is called with each commit until it breaks.
pub type Visit<'v> = dyn FnMut(&Commit<'_>) -> ControlFlow<()> + 'v;

/// Follows one chain of first parents, as [`Repository::follow`] does.
pub type Follow<'f> = dyn FnMut(Oid, &mut Visit<'_>) -> Result<(), Error> + 'f;

/// Reads one object, as [`Repository::read`] does.
pub type Read<'r> = dyn FnMut(Oid, ObjectKind, &mut Vec<'_, u8>) -> Result<(), Error> + 'r;

/// A git repository.
pub trait Repository {
    /// The value of HEAD.
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

    /// Removes the refs with these full names, whatever their values are; one that does not exist
    /// is no error. An adapter that only reads does not override this.
    ///
    /// # Errors
    /// [`Error::RefLocked`] or [`Error::RefWrite`]; some of them may have been removed then.
    fn remove_refs(&self, names: &[String]) -> Result<(), Error> {
        match names.first() {
            None => Ok(()),
            Some(name) => {
                Err(Error::RefWrite { name: name.clone(), reason: "refs are not removed".into() })
            }
        }
    }

    /// Reads the object `id` of kind `kind` into `buffer` and replaces its content.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::Shallow`], [`Error::Unreadable`], [`Error::Corrupt`],
    /// [`Error::Kind`] when it is of another kind, or [`Error::Memory`].
    fn read(&self, id: Oid, kind: ObjectKind, buffer: &mut Vec<'_, u8>) -> Result<(), Error>;

    /// Whether [`Self::read`] gives the object `id` only if the hash of its content is `id`. git
    /// does not check that, and reads another object where one is replaced (`git help replace`).
    fn verifies(&self, _id: Oid) -> bool {
        false
    }

    /// Calls `walk` once with a function that reads one object per call, as [`Self::read`] does. An
    /// adapter may cache objects between the calls, allocated from `_alloc`.
    fn read_many(&self, _alloc: Alloc<'_>, walk: &mut dyn FnMut(&mut Read<'_>)) {
        walk(&mut |id, kind, buffer| self.read(id, kind, buffer));
    }

    /// Visits `tip` and its first-parent ancestors, to the root or until `visit` breaks. An adapter
    /// that is faster than one [`Self::read`] per commit overrides this, and allocates its
    /// read-ahead buffers from `alloc`.
    ///
    /// # Errors
    /// As for [`Self::read`], or [`Error::Memory`]; earlier visits stay valid. A commit that is
    /// read by itself is checked against its id. For a commit that is decoded ahead from a pack,
    /// the adapter may trust the id in the pack's index.
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

    /// Calls `walk` once with a function that follows one chain per call, as [`Self::follow`] does.
    /// An adapter may keep state between the chains, allocated from `alloc`.
    fn follow_many(&self, alloc: Alloc<'_>, walk: &mut dyn FnMut(&mut Follow<'_>)) {
        walk(&mut |tip, visit| self.follow(alloc, tip, visit));
    }

    /// The configured author and committer of new commits, or the C tool's default.
    ///
    /// # Errors
    /// [`Error::Identity`] when git would refuse to commit with the configured identity.
    fn authors(&self) -> Result<Authors, Error>;

    /// Begins a transaction of exactly `objects` objects, or of any number for `None`.
    ///
    /// # Errors
    /// [`Error::Io`] when its files cannot be made, or [`Error::Memory`].
    fn begin<'t>(
        &'t self,
        alloc: Alloc<'t>,
        objects: Option<u32>,
    ) -> Result<BoxedTransaction<'t>, Error>;
}

/// A transaction in a box that the adapter has allocated.
pub type BoxedTransaction<'t> = Box<dyn Transaction + 't>;

/// A set of new objects that become reachable together, when a ref is set to one of them.
///
/// The adapter decides how they are stored. Stored objects are protected from `git gc` until the
/// transaction is dropped, whether the ref has moved or not.
pub trait Transaction {
    /// Adds an object and returns its id. Each object may be added at most once.
    ///
    /// # Errors
    /// As for [`Self::add_named`], and [`Error::Hash`].
    fn add(&mut self, kind: ObjectKind, data: &[u8]) -> Result<Oid, Error> {
        let id = object_id(kind, data)?;
        self.add_named(kind, id, data)?;
        Ok(id)
    }

    /// Adds an object whose id is known to be `id`.
    ///
    /// # Errors
    /// [`Error::Pack`] when more objects are added than were announced or when it follows a commit,
    /// [`Error::Io`] or [`Error::Memory`].
    fn add_named(&mut self, kind: ObjectKind, id: Oid, data: &[u8]) -> Result<(), Error>;

    /// Stores the objects durably, then changes a ref if it has the expected value. Objects of a
    /// commit that fails with [`Error::RefMoved`] stay in the repository as unreachable objects.
    /// They are protected until the transaction is dropped, so that a retry can build on them.
    ///
    /// # Errors
    /// [`Error::Pack`] when objects are missing or were added twice; [`Error::Removed`],
    /// [`Error::Io`] or [`Error::Memory`] when they cannot be stored. These end the transaction.
    /// [`Error::RefMoved`] when the ref has another value, [`Error::RefConflict`],
    /// [`Error::RefLocked`], or [`Error::RefWrite`]; the ref is unchanged in all these cases.
    /// [`Error::RefUnsure`] when it has changed, but the change may not be durable.
    fn commit(&mut self, update: RefUpdate<'_>) -> Result<Stored, Error>;
}
