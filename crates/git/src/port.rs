//! The repository port: all that services may ask of git.
//!
//! Two adapters implement it: [`super::gitoxide`] on a real repository and [`super::fake`] in
//! memory with faults. Reading a journal goes through [`Repository::follow`], which hands over one
//! commit at a time and leaves to the adapter how it gets them: one by one from the object
//! database, or decoded ahead from a pack.

use super::{Commit, Error, Identity, PackSummary, object_id};
use crate::oid::Oid;
use gitmind_memory::{Alloc, Vec};
use std::fmt;
use std::ops::ControlFlow;

/// The kind of a git object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectKind {
    /// The content of a file.
    Blob,
    /// A folder.
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

    /// Writes one object by itself, durably, and returns its name. It is visible at once; where
    /// there are many, a pack is better. An object that is there already is left as it is.
    ///
    /// # Errors
    /// [`Error::Hash`], [`Error::Io`] or [`Error::Memory`]; nothing is visible then.
    fn write_object(&self, alloc: Alloc<'_>, kind: ObjectKind, data: &[u8]) -> Result<Oid, Error>;

    /// Makes sure that the object `id` of [`Self::write_object`], which a ref is about to name or
    /// names since a moment ago, is still there: who collects garbage may not know of that ref.
    ///
    /// # Errors
    /// As for [`Self::write_object`]; the object may not be there then. Memory is asked for only
    /// when it has to be written again.
    fn confirm_object(
        &self,
        alloc: Alloc<'_>,
        id: Oid,
        kind: ObjectKind,
        data: &[u8],
    ) -> Result<(), Error> {
        let _ = (alloc, id, kind, data);
        Ok(())
    }

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

    /// Starts a pack of exactly `objects` objects, or of as many as come. Nothing of it is visible
    /// before [`PackSink::finish`], and nothing is left of it when it is dropped before.
    ///
    /// # Errors
    /// [`Error::Io`] when there is no place for it, or [`Error::Memory`].
    fn start_pack<'p>(
        &'p self,
        alloc: Alloc<'p>,
        objects: Option<u32>,
    ) -> Result<BoxedSink<'p>, Error>;

    /// Changes a ref if it is as expected. Once it has changed, packs that were finished before are
    /// no longer kept from a collection of garbage.
    ///
    /// # Errors
    /// [`Error::RefMoved`] when it is not, [`Error::RefConflict`], [`Error::RefLocked`], or
    /// [`Error::RefWrite`]; the ref is then unchanged. [`Error::RefUnsure`] when it has changed,
    /// and the disk may not have that.
    fn update_ref(&self, update: RefUpdate<'_>) -> Result<(), Error>;

    /// As [`Self::update_ref`], and calls `confirm` to make sure of what the ref names: when it is
    /// as expected and stays so, and again when it has changed.
    ///
    /// # Errors
    /// As [`Self::update_ref`], and what `confirm` returns the first time; the ref is then
    /// unchanged. [`Error::RefUnsure`] when it fails the second time.
    fn update_ref_when(
        &self,
        update: RefUpdate<'_>,
        confirm: &mut dyn FnMut() -> Result<(), Error>,
    ) -> Result<(), Error> {
        let name = update.name;
        confirm()?;
        self.update_ref(update)?;
        confirm().map_err(|error| Error::RefUnsure { name: name.into(), reason: error.to_string() })
    }
}

/// A pack that is being written, behind a pointer that the adapter has allocated.
pub type BoxedSink<'p> = Box<dyn PackSink + 'p>;

/// A pack that is being written.
pub trait PackSink {
    /// Adds an object and returns its name. Each object is added at most once.
    ///
    /// # Errors
    /// As for [`PackSink::add_named`], and [`Error::Hash`].
    fn add(&mut self, kind: ObjectKind, data: &[u8]) -> Result<Oid, Error> {
        let id = object_id(kind, data)?;
        self.add_named(kind, id, data)?;
        Ok(id)
    }

    /// Adds an object whose name is known to be `id`.
    ///
    /// # Errors
    /// [`Error::Pack`] when it is one more than announced, [`Error::Io`] or [`Error::Memory`].
    fn add_named(&mut self, kind: ObjectKind, id: Oid, data: &[u8]) -> Result<(), Error>;

    /// Makes the pack and its index durable and visible. It is kept from a collection of garbage
    /// until a [`Repository::update_ref`] succeeds, or the repository is closed.
    ///
    /// # Errors
    /// [`Error::Pack`] when objects are missing or there twice, [`Error::Removed`], [`Error::Io`]
    /// or [`Error::Memory`]; no ref may name what is in it then. Nothing of it is visible, but for
    /// one that the disk may not have since its folder could not be synced, which is not kept.
    fn finish(self: Box<Self>) -> Result<PackSummary, Error>;
}
