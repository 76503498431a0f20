//! The repository port in memory, with faults, for tests.
//!
//! Objects have their real ids, so that they agree with git's. A fault plan makes the Nth call of
//! the port fail; a failed call changes nothing.

use super::{
    Authors, BoxedTransaction, CommitDraft, Error, Head, ObjectKind, PackError, RefUpdate,
    Repository, Stored, Transaction, object_id,
};
use crate::oid::Oid;
use gitmind_memory::units::Bytes;
use gitmind_memory::{Alloc, System};
use gitmind_ports::clock::Timestamp;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io;

/// A repository in memory.
///
/// ```
/// use gitmind_git::{Repository, fake::FakeRepository};
/// let repository = FakeRepository::default();
/// let tip = repository.commit(&[], b"oA==");
/// repository.set_ref("refs/gitmind/edges/main", tip);
/// assert_eq!(repository.resolve("refs/gitmind/edges/main")?, Some(tip));
/// repository.fail_call(0);
/// assert!(repository.resolve("refs/gitmind/edges/main").is_err());
/// # Ok::<(), gitmind_git::Error>(())
/// ```
#[derive(Debug)]
pub struct FakeRepository {
    head: Head,
    objects: RefCell<BTreeMap<Oid, (ObjectKind, Vec<u8>)>>,
    refs: RefCell<BTreeMap<String, Oid>>,
    has_stored: Cell<bool>,
    calls: Cell<u64>,
    failing_call: Cell<Option<u64>>,
}

impl Default for FakeRepository {
    /// An empty repository whose HEAD is on `main`.
    fn default() -> Self {
        Self {
            head: Head::Branch("refs/heads/main".into()),
            objects: RefCell::default(),
            refs: RefCell::default(),
            has_stored: Cell::new(false),
            calls: Cell::new(0),
            failing_call: Cell::new(None),
        }
    }
}

impl FakeRepository {
    /// Adds an object and returns its id.
    ///
    /// # Panics
    /// When the content is a SHA-1 collision attack.
    pub fn insert(&self, kind: ObjectKind, data: &[u8]) -> Oid {
        let id = object_id(kind, data).expect("this holds because tests make no SHA-1 collisions");
        self.objects.borrow_mut().insert(id, (kind, data.to_vec()));
        id
    }

    /// Adds a commit of the empty tree with this message and returns its id.
    pub fn commit(&self, parents: &[Oid], message: &[u8]) -> Oid {
        let draft = CommitDraft {
            tree: self.insert(ObjectKind::Tree, b""),
            parents,
            authors: &Authors::default(),
            time: Timestamp { seconds: 1_700_000_000, offset_seconds: 0 },
            message,
        };
        let system = System::new();
        let mut bytes = gitmind_memory::Vec::new(Alloc::new(&system));
        draft.encode(&mut bytes).expect("this holds because the system has memory in tests");
        self.insert(ObjectKind::Commit, &bytes)
    }

    /// Sets a ref, whatever its current value is.
    pub fn set_ref(&self, name: &str, id: Oid) {
        self.refs.borrow_mut().insert(name.into(), id);
    }

    /// Removes a ref, whatever its value is.
    pub fn remove_ref(&self, name: &str) {
        self.refs.borrow_mut().remove(name);
    }

    /// Removes an object.
    pub fn remove(&self, id: Oid) {
        self.objects.borrow_mut().remove(&id);
    }

    /// Replaces the content of an object, so that its hash no longer matches, as after disk damage.
    pub fn damage(&self, id: Oid, kind: ObjectKind, data: &[u8]) {
        self.objects.borrow_mut().insert(id, (kind, data.to_vec()));
    }

    /// Every object with its kind and content, by id.
    pub fn contents(&self) -> BTreeMap<Oid, (ObjectKind, Vec<u8>)> {
        self.objects.borrow().clone()
    }

    /// How many objects there are.
    pub fn object_count(&self) -> usize {
        self.objects.borrow().len()
    }

    /// Whether a transaction has stored its objects.
    pub fn has_stored(&self) -> bool {
        self.has_stored.get()
    }

    /// Makes call number `call` from now on fail, counted from 0 over all fallible calls of the
    /// port and its transactions; a commit counts as three.
    pub fn fail_call(&self, call: u64) {
        self.calls.set(0);
        self.failing_call.set(Some(call));
    }

    /// Whether the planned fault has happened.
    pub fn has_failed(&self) -> bool {
        self.failing_call.get().is_some_and(|call| call < self.calls.get())
    }

    /// Counts a call of the port; fails it when it is the planned one.
    fn call(&self, action: &'static str) -> Result<(), Error> {
        let call = self.calls.replace(self.calls.get() + 1);
        if self.failing_call.get() != Some(call) {
            return Ok(());
        }
        let source = io::Error::other("planned fault");
        Err(Error::Io { action, path: "memory".into(), source })
    }
}

impl Repository for FakeRepository {
    fn head(&self) -> Result<Head, Error> {
        self.call("read HEAD of").map(|()| self.head.clone())
    }

    fn resolve(&self, name: &str) -> Result<Option<Oid>, Error> {
        self.call("read a ref of").map(|()| self.refs.borrow().get(name).copied())
    }

    fn refs(&self, prefix: &str, count_max: usize) -> Result<Vec<String>, Error> {
        self.call("list the refs of")?;
        let refs = self.refs.borrow();
        let names = refs.keys().filter(|name| name.starts_with(prefix));
        Ok(names.take(count_max).cloned().collect())
    }

    fn remove_refs(&self, names: &[String]) -> Result<(), Error> {
        self.call("remove refs of")?;
        self.refs.borrow_mut().retain(|name, _| !names.contains(name));
        Ok(())
    }

    fn read(
        &self,
        id: Oid,
        kind: ObjectKind,
        buffer: &mut gitmind_memory::Vec<'_, u8>,
    ) -> Result<(), Error> {
        self.call("read an object of")?;
        let objects = self.objects.borrow();
        let (actual, data) = objects.get(&id).ok_or(Error::Missing(id))?;
        if *actual != kind {
            return Err(Error::Kind { id, actual: *actual, expected: kind });
        }
        buffer.clear();
        buffer.try_extend_from_slice(data)?;
        Ok(())
    }

    fn authors(&self) -> Result<Authors, Error> {
        Ok(Authors::default())
    }

    fn begin<'t>(
        &'t self,
        _alloc: Alloc<'t>,
        objects: Option<u32>,
    ) -> Result<BoxedTransaction<'t>, Error> {
        self.call("begin a transaction in")?;
        let added = BTreeMap::new();
        Ok(Box::new(FakeTransaction { repository: self, expected: objects, added }))
    }
}

/// A transaction whose objects appear in the repository when it is committed.
struct FakeTransaction<'t> {
    repository: &'t FakeRepository,
    expected: Option<u32>,
    added: BTreeMap<Oid, (ObjectKind, Vec<u8>)>,
}

impl Transaction for FakeTransaction<'_> {
    fn add_named(&mut self, kind: ObjectKind, id: Oid, data: &[u8]) -> Result<(), Error> {
        self.repository.call("add an object to")?;
        debug_assert_eq!(object_id(kind, data).ok(), Some(id), "the id is the hash of the content");
        match self.added.insert(id, (kind, data.to_vec())) {
            None => Ok(()),
            Some(_) => Err(PackError::Duplicate { id }.into()),
        }
    }

    fn commit(&mut self, update: RefUpdate<'_>) -> Result<Stored, Error> {
        let Self { repository, expected, added } = self;
        repository.call("store objects in")?;
        let objects = u32::try_from(added.len()).unwrap_or(u32::MAX);
        if let Some(expected) = expected.filter(|expected| *expected != objects) {
            return Err(PackError::Count { expected, actual: objects }.into());
        }
        repository.objects.borrow_mut().extend(added.clone());
        repository.has_stored.set(true);
        repository.call("update a ref of")?;
        let name = update.name;
        let below = format!("{name}/");
        let other = repository.refs.borrow().keys().find(|name| name.starts_with(&below)).cloned();
        if let (None, Some(other)) = (update.expected, other) {
            return Err(Error::RefConflict { name: name.into(), other });
        }
        if repository.refs.borrow().get(name).copied() != update.expected {
            return Err(Error::RefMoved(name.into()));
        }
        repository.set_ref(name, update.new);
        let confirmed = repository.call("confirm the objects of");
        confirmed
            .map_err(|error| Error::RefUnsure { name: name.into(), reason: error.to_string() })?;
        let size = Bytes::from(added.values().map(|(_, data)| data.len()).sum::<usize>());
        Ok(Stored { objects, size })
    }
}
