//! The repository port in memory, with faults, for tests.
//!
//! Objects are kept by their real names, so that ids agree with git's. A fault plan makes the Nth
//! call of the port fail; nothing is changed by a call that fails.

use super::{
    CommitDraft, Error, Head, Identity, ObjectKind, PackError, PackSink, PackSummary, RefUpdate,
    Repository, object_id,
};
use crate::oid::Oid;
use gitmind_memory::units::Bytes;
use gitmind_memory::{Alloc, System};
use gitmind_system::clock::Timestamp;
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
    packs_finished: Cell<u32>,
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
            packs_finished: Cell::new(0),
            calls: Cell::new(0),
            failing_call: Cell::new(None),
        }
    }
}

impl FakeRepository {
    /// Adds an object and returns its name.
    ///
    /// # Panics
    /// When the content is an attack on SHA-1.
    pub fn insert(&self, kind: ObjectKind, data: &[u8]) -> Oid {
        let id = object_id(kind, data).expect("this holds because tests attack nobody");
        self.objects.borrow_mut().insert(id, (kind, data.to_vec()));
        id
    }

    /// Adds a commit of the empty tree with this message and returns its name.
    pub fn commit(&self, parents: &[Oid], message: &[u8]) -> Oid {
        let draft = CommitDraft {
            tree: self.insert(ObjectKind::Tree, b""),
            parents,
            identity: &Identity::default(),
            time: Timestamp { seconds: 1_700_000_000, offset_seconds: 0 },
            message,
        };
        let system = System::new();
        let mut bytes = gitmind_memory::Vec::new(Alloc::new(&system));
        draft.encode(&mut bytes).expect("this holds because the system has memory in tests");
        self.insert(ObjectKind::Commit, &bytes)
    }

    /// Sets a ref without conditions.
    pub fn set_ref(&self, name: &str, id: Oid) {
        self.refs.borrow_mut().insert(name.into(), id);
    }

    /// Removes a ref without conditions.
    pub fn remove_ref(&self, name: &str) {
        self.refs.borrow_mut().remove(name);
    }

    /// Removes an object.
    pub fn remove(&self, id: Oid) {
        self.objects.borrow_mut().remove(&id);
    }

    /// Replaces the content of an object, so that its name no longer fits: damage, as by a disk.
    pub fn damage(&self, id: Oid, kind: ObjectKind, data: &[u8]) {
        self.objects.borrow_mut().insert(id, (kind, data.to_vec()));
    }

    /// Every object and its content, by name.
    pub fn contents(&self) -> BTreeMap<Oid, (ObjectKind, Vec<u8>)> {
        self.objects.borrow().clone()
    }

    /// How many objects there are.
    pub fn object_count(&self) -> usize {
        self.objects.borrow().len()
    }

    /// How many packs were finished.
    pub fn packs_finished(&self) -> u32 {
        self.packs_finished.get()
    }

    /// Makes call number `call` from now on fail, counted from 0 over all fallible calls of the
    /// port and its pack sinks.
    pub fn fail_call(&self, call: u64) {
        self.calls.set(0);
        self.failing_call.set(Some(call));
    }

    /// Whether the planned fault has happened.
    pub fn has_failed(&self) -> bool {
        self.failing_call.get().is_some_and(|call| call < self.calls.get())
    }

    /// Adds an object under its name, unless one is there.
    fn add(&self, id: Oid, kind: ObjectKind, data: &[u8]) {
        self.objects.borrow_mut().entry(id).or_insert_with(|| (kind, data.to_vec()));
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

    fn write_object(&self, _alloc: Alloc<'_>, kind: ObjectKind, data: &[u8]) -> Result<Oid, Error> {
        self.call("write an object of")?;
        let id = object_id(kind, data)?;
        self.add(id, kind, data);
        Ok(id)
    }

    fn confirm_object(
        &self,
        _alloc: Alloc<'_>,
        id: Oid,
        kind: ObjectKind,
        data: &[u8],
    ) -> Result<(), Error> {
        self.call("confirm an object of")?;
        self.add(id, kind, data);
        Ok(())
    }

    fn identity(&self) -> Identity {
        Identity::default()
    }

    fn start_pack<'p>(
        &'p self,
        _alloc: Alloc<'p>,
        objects: Option<u32>,
    ) -> Result<Box<dyn PackSink + 'p>, Error> {
        self.call("start a pack in")?;
        Ok(Box::new(FakePack { repository: self, expected: objects, added: BTreeMap::new() }))
    }

    fn update_ref(&self, update: RefUpdate<'_>) -> Result<(), Error> {
        self.call("update a ref of")?;
        let mut refs = self.refs.borrow_mut();
        if refs.get(update.name).copied() != update.expected {
            return Err(Error::RefMoved(update.name.into()));
        }
        refs.insert(update.name.into(), update.new);
        Ok(())
    }
}

/// A pack whose objects appear in the repository when it is finished.
struct FakePack<'a> {
    repository: &'a FakeRepository,
    expected: Option<u32>,
    added: BTreeMap<Oid, (ObjectKind, Vec<u8>)>,
}

impl PackSink for FakePack<'_> {
    fn add_named(&mut self, kind: ObjectKind, id: Oid, data: &[u8]) -> Result<(), Error> {
        self.repository.call("add to a pack in")?;
        debug_assert_eq!(object_id(kind, data).ok(), Some(id), "an object has its own name");
        match self.added.insert(id, (kind, data.to_vec())) {
            None => Ok(()),
            Some(_) => Err(PackError::Duplicate { id }.into()),
        }
    }

    fn finish(self: Box<Self>) -> Result<PackSummary, Error> {
        self.repository.call("finish a pack in")?;
        let objects = u32::try_from(self.added.len()).unwrap_or(u32::MAX);
        if let Some(expected) = self.expected.filter(|expected| *expected != objects) {
            return Err(PackError::Count { expected, actual: objects }.into());
        }
        let size = Bytes::from(self.added.values().map(|(_, data)| data.len()).sum::<usize>());
        self.repository.objects.borrow_mut().extend(self.added);
        self.repository.packs_finished.set(self.repository.packs_finished.get() + 1);
        Ok(PackSummary { checksum: Oid::ZERO, objects, size })
    }
}
