//! git collects garbage between any two calls of the repository port: all of them, one at a time.

use gitmind::cache::{Mode, RebuildOptions};
use gitmind::git::{
    BoxedTransaction, Commit, Error, Head, Identity, ObjectKind, RefUpdate, Repository, Stored,
    Transaction,
};
use gitmind::gitoxide::GitRepository;
use gitmind::journal::EdgeOrder;
use gitmind::memory::{Alloc, Vec};
use gitmind::oid::Oid;
use gitmind_test_support::checkout::{Checkout, FULL, JOURNAL, UPDATE, append, rebuild};
use gitmind_test_support::record;
use std::cell::Cell;
use std::ops::ControlFlow;

/// Objects of a transaction before each of which something may happen.
const FIRST_ADDS: u32 = 3;

/// A repository where something happens before one of the calls.
struct Interrupted<'r> {
    inner: &'r GitRepository,
    /// Calls before the one.
    left: Cell<u32>,
    act: &'r dyn Fn(),
    /// Whether it happens before those that follow too.
    is_repeated: bool,
    has_acted: Cell<bool>,
}

impl<'r> Interrupted<'r> {
    fn new(inner: &'r GitRepository, call: u32, act: &'r dyn Fn()) -> Self {
        let (left, has_acted) = (Cell::new(call), Cell::new(false));
        Self { inner, left, act, is_repeated: false, has_acted }
    }

    fn tick(&self) {
        match self.left.get() {
            0 if !self.has_acted.replace(true) || self.is_repeated => (self.act)(),
            0 => {}
            left => self.left.set(left - 1),
        }
    }
}

impl Repository for Interrupted<'_> {
    fn head(&self) -> Result<Head, Error> {
        self.inner.head()
    }

    fn resolve(&self, name: &str) -> Result<Option<Oid>, Error> {
        self.tick();
        self.inner.resolve(name)
    }

    fn refs(&self, prefix: &str, count_max: usize) -> Result<std::vec::Vec<String>, Error> {
        self.inner.refs(prefix, count_max)
    }

    fn read(&self, id: Oid, kind: ObjectKind, buffer: &mut Vec<'_, u8>) -> Result<(), Error> {
        self.tick();
        self.inner.read(id, kind, buffer)
    }

    fn follow(
        &self,
        alloc: Alloc<'_>,
        tip: Oid,
        visit: &mut dyn FnMut(&Commit<'_>) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        self.tick();
        self.inner.follow(alloc, tip, &mut |commit| {
            self.tick();
            visit(commit)
        })
    }

    fn identity(&self) -> Identity {
        self.inner.identity()
    }

    fn begin<'t>(
        &'t self,
        alloc: Alloc<'t>,
        objects: Option<u32>,
    ) -> Result<BoxedTransaction<'t>, Error> {
        self.tick();
        let inner = self.inner.begin(alloc, objects)?;
        Ok(Box::new(InterruptedTransaction { inner, all: self, adds: 0 }))
    }
}

struct InterruptedTransaction<'t> {
    inner: BoxedTransaction<'t>,
    all: &'t Interrupted<'t>,
    adds: u32,
}

impl Transaction for InterruptedTransaction<'_> {
    fn add_named(&mut self, kind: ObjectKind, id: Oid, data: &[u8]) -> Result<(), Error> {
        // The first ones decide how objects are stored; then one is as another.
        if self.adds < FIRST_ADDS {
            self.adds += 1;
            self.all.tick();
        }
        self.inner.add_named(kind, id, data)
    }

    fn commit(&mut self, update: RefUpdate<'_>) -> Result<Stored, Error> {
        self.all.tick();
        self.inner.commit(update)
    }
}

/// Runs `work` on a copy of `before` with `git <args>` before each of its calls in turn; returns
/// how many there are.
fn sweep(args: &[&str], before: &Checkout, work: &dyn Fn(&dyn Repository)) -> u32 {
    for call in 0.. {
        let checkout = before.copy();
        let repository = checkout.open();
        let act = || drop(checkout.git(args));
        let interrupted = Interrupted::new(&repository, call, &act);
        work(&interrupted);
        let has_acted = interrupted.has_acted.get();
        drop(repository);
        checkout.assert_sound();
        assert_eq!(checkout.git(&["rev-parse", JOURNAL]).len(), 40);
        if !has_acted {
            return call;
        }
    }
    unreachable!("a run ends without the act")
}

const COLLECT: [&str; 3] = ["gc", "-q", "--prune=now"];
const REPACK: [&str; 2] = ["repack", "-adq"];

/// Writes down what became of `operation` when git came between any two calls.
fn survived(args: &[&str], operation: &str) {
    let fault = format!("`git {}` between any two calls of the repository port", args.join(" "));
    record(&fault, operation, "done, no edge lost, fsck clean");
}

/// Edges of the journal, each of which is in a commit of its own and loose.
const LOOSE: u64 = 6;

fn few_edges() -> Checkout {
    let checkout = Checkout::new();
    let repository = checkout.open();
    (0..LOOSE).for_each(|number| {
        append(&repository, "main", number..number + 1).expect("nobody else is here");
    });
    checkout
}

fn edges(repository: &dyn Repository) -> u32 {
    rebuild(repository, "main", UPDATE, 1).expect("a journal").meta.edges
}

#[test]
fn an_edge_that_was_appended_survives_a_collection_at_any_moment() {
    // An append whose loose commit was collected between its writing and the move of its ref left
    // a ref that named nothing.
    for (before, count) in [(Checkout::new(), 0), (few_edges(), LOOSE)] {
        let calls = sweep(&COLLECT, &before, &|repository| {
            append(repository, "main", 70..71).expect("a collection is no reason to fail");
            assert_eq!(u64::from(edges(repository)), count + 1);
        });
        assert!(calls >= 4, "only {calls} calls");
    }
    survived(&COLLECT, "append of one edge");
}

#[test]
fn edges_that_were_imported_survive_a_collection_at_any_moment() {
    // A pack that was listed for its removal before its ref moved went with all its commits.
    let calls = sweep(&COLLECT, &few_edges(), &|repository| {
        let appended = append(repository, "main", 100..800).expect("no reason to fail");
        assert_eq!(appended.commits, 2);
        assert_eq!(u64::from(edges(repository)), LOOSE + 700);
    });
    assert!(calls >= 4, "only {calls} calls");
    survived(&COLLECT, "append of 700 edges");
}

#[test]
fn a_rebuild_goes_on_whatever_git_packs_or_removes_meanwhile() {
    let before = few_edges();
    for args in [&COLLECT[..], &REPACK] {
        let full = sweep(args, &before, &|repository| {
            let report = rebuild(repository, "main", FULL, 1).expect("no reason to fail");
            assert_eq!(u64::from(report.meta.edges), LOOSE);
            let read = gitmind::memory::System::new();
            let mut buffer = Vec::new(Alloc::new(&read));
            repository
                .read(report.cache_commit, ObjectKind::Commit, &mut buffer)
                .expect("it is there");
        });
        assert!(full >= 10, "only {full} calls");
        survived(args, "rebuild");
    }
}

#[test]
fn a_cache_is_brought_up_to_date_whatever_git_packs_or_removes_meanwhile() {
    let before = few_edges();
    let repository = before.open();
    rebuild(&repository, "main", FULL, 1).expect("nobody else is here");
    append(&repository, "main", 50..52).expect("nobody else is here");
    drop(repository);
    let calls = sweep(&COLLECT, &before, &|repository| {
        let report = rebuild(repository, "main", UPDATE, 1).expect("no reason to fail");
        assert_eq!(u64::from(report.meta.edges), LOOSE + 2);
    });
    assert!(calls >= 10, "only {calls} calls");
    survived(&COLLECT, "update");
}

#[test]
fn what_a_rebuild_by_force_has_written_when_it_is_overtaken_is_protected_until_it_ends() {
    const COLLECTIONS: u32 = 5;
    // It goes on from there: a collection that took part of it would leave a cache with a hole.
    let before = few_edges();
    rebuild(&before.open(), "main", FULL, 1).expect("nobody else is here");
    let quiet = before.copy();
    let repository = quiet.open();
    let counting = Interrupted::new(&repository, u32::MAX, &|| ());
    rebuild(&counting, "main", FULL, 1).expect("nobody else is here");
    let commit = u32::MAX - counting.left.get() - 1;
    let newest_first = RebuildOptions { edge_order: EdgeOrder::NewestFirst, ..FULL };
    for (added, theirs) in [(1, UPDATE), (0, newest_first)] {
        let checkout = before.copy();
        let repository = checkout.open();
        let (is_overtaken, collections) = (Cell::new(false), Cell::new(0));
        let act = || {
            if collections.get() == COLLECTIONS {
                // Each of them takes what a transaction is writing.
            } else if is_overtaken.replace(true) {
                checkout.git(&COLLECT);
                let packs = std::fs::read_dir(checkout.path().join(".git/objects/pack"));
                let mut names = packs.expect("readable").map(|file| file.expect("readable").path());
                let is_keep = |path: std::path::PathBuf| path.extension() == Some("keep".as_ref());
                assert!(names.any(is_keep), "nothing protects it");
                collections.set(collections.get() + 1);
            } else {
                let other = checkout.open();
                append(&other, "main", 80..80 + added).expect("nobody is in the way");
                rebuild(&other, "main", theirs, 1).expect("nobody is in the way");
            }
        };
        let overtaken =
            Interrupted { is_repeated: true, ..Interrupted::new(&repository, commit, &act) };
        let report = rebuild(&overtaken, "main", FULL, 1).expect("its turn at last");
        assert_eq!((report.mode, report.meta.edge_order), (Mode::Full, EdgeOrder::OldestFirst));
        assert_eq!(u64::from(report.meta.edges), LOOSE + added);
        assert_eq!(collections.get(), COLLECTIONS, "the second attempt has so many calls");
        drop(repository);
        checkout.assert_sound();
        checkout.assert_cache_is_current("main");
    }
}
