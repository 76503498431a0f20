//! A repository that other processes write to, and a clock that does not wait.

use gitmind_git::fake::FakeRepository;
use gitmind_git::oid::Oid;
use gitmind_git::{self as git, ObjectKind, RefUpdate, Repository};
use gitmind_memory::Alloc;
use gitmind_ports::clock::{Clock, FixedClock, Timestamp};
use std::cell::{Cell, RefCell};
use std::time::Duration;

pub(crate) const CLOCK: FixedClock =
    FixedClock(Timestamp { seconds: 1_796_000_000, offset_seconds: 0 });

/// A repository in which another process appends before each of our first `races` ref updates.
pub(crate) struct Contended<'r> {
    pub(crate) inner: &'r FakeRepository,
    pub(crate) races: Cell<u32>,
}

impl Repository for Contended<'_> {
    fn head(&self) -> Result<git::Head, git::Error> {
        self.inner.head()
    }
    fn resolve(&self, name: &str) -> Result<Option<Oid>, git::Error> {
        self.inner.resolve(name)
    }
    fn refs(&self, prefix: &str, count_max: usize) -> Result<Vec<String>, git::Error> {
        self.inner.refs(prefix, count_max)
    }
    fn read(
        &self,
        id: Oid,
        kind: ObjectKind,
        buffer: &mut gitmind_memory::Vec<'_, u8>,
    ) -> Result<(), git::Error> {
        self.inner.read(id, kind, buffer)
    }
    fn authors(&self) -> Result<git::Authors, git::Error> {
        self.inner.authors()
    }
    fn begin<'t>(
        &'t self,
        alloc: Alloc<'t>,
        objects: Option<u32>,
    ) -> Result<git::BoxedTransaction<'t>, git::Error> {
        Ok(Box::new(ContendedTransaction { ours: self.inner.begin(alloc, objects)?, all: self }))
    }
}

struct ContendedTransaction<'t> {
    ours: git::BoxedTransaction<'t>,
    all: &'t Contended<'t>,
}

impl git::Transaction for ContendedTransaction<'_> {
    fn add_named(&mut self, kind: ObjectKind, id: Oid, data: &[u8]) -> Result<(), git::Error> {
        self.ours.add_named(kind, id, data)
    }

    fn commit(&mut self, update: RefUpdate<'_>) -> Result<git::Stored, git::Error> {
        let Contended { inner, races } = self.all;
        if races.get() > 0 {
            races.set(races.get() - 1);
            let parents: Vec<_> = update.expected.into_iter().collect();
            let theirs = inner.commit(&parents, b"oA==");
            inner.set_ref(update.name, theirs);
        }
        self.ours.commit(update)
    }
}

/// A clock that records the waits and does not sleep.
#[derive(Default)]
pub(crate) struct Waits(pub(crate) RefCell<Vec<Duration>>);

impl Clock for Waits {
    fn now(&self) -> Timestamp {
        CLOCK.now()
    }
    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }
    fn sleep(&self, time: Duration) {
        self.0.borrow_mut().push(time);
    }
}
