//! A `git gc` or `git repack` between any two calls of the repository port, one pair at a time.

use gitmind::cache::{Mode, RebuildOptions};
use gitmind::git::{
    Authors, BoxedTransaction, Commit, Error, Head, ObjectKind, RefUpdate, Repository, Stored,
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

/// Objects of a transaction before each of which git may run.
const FIRST_ADDS: u32 = 3;

/// A repository that runs an action before one of its calls.
struct Interrupted<'r> {
    inner: &'r GitRepository,
    /// Calls before the action.
    left: Cell<u32>,
    act: &'r dyn Fn(),
    /// Whether the action also runs before every later call.
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

    fn authors(&self) -> Result<Authors, Error> {
        self.inner.authors()
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
        // The first objects decide how they are stored; later ones are alike.
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

/// Records the outcome of `operation` in the injection matrix.
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
        append(&repository, "main", number..number + 1).expect("no other process writes");
    });
    checkout
}

fn edges(repository: &dyn Repository) -> u32 {
    rebuild(repository, "main", UPDATE, 1).expect("a journal").meta.edges
}

#[test]
fn an_appended_edge_survives_a_gc_at_any_moment() {
    // Regression: when `git gc` removed the loose commit of an append before the ref was updated,
    // the ref named a missing object.
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
fn imported_edges_survive_a_gc_at_any_moment() {
    // Regression: a pack that git had listed for removal before the update of the ref was removed
    // with all its commits.
    let calls = sweep(&COLLECT, &few_edges(), &|repository| {
        let appended = append(repository, "main", 100..800).expect("no reason to fail");
        assert_eq!(appended.commits, 2);
        assert_eq!(u64::from(edges(repository)), LOOSE + 700);
    });
    assert!(calls >= 4, "only {calls} calls");
    survived(&COLLECT, "append of 700 edges");
}

#[test]
fn a_rebuild_tolerates_gc_and_repack_at_any_moment() {
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
fn an_incremental_rebuild_tolerates_gc_and_repack_at_any_moment() {
    let before = few_edges();
    let repository = before.open();
    rebuild(&repository, "main", FULL, 1).expect("no other process writes");
    append(&repository, "main", 50..52).expect("no other process writes");
    drop(repository);
    let calls = sweep(&COLLECT, &before, &|repository| {
        let report = rebuild(repository, "main", UPDATE, 1).expect("no reason to fail");
        assert_eq!(u64::from(report.meta.edges), LOOSE + 2);
    });
    assert!(calls >= 10, "only {calls} calls");
    survived(&COLLECT, "update");
}

#[test]
fn objects_of_a_forced_rebuild_that_lost_its_race_are_protected_until_it_ends() {
    const COLLECTIONS: u32 = 5;
    // The rebuild continues with these objects: if gc removed some, the cache would be incomplete.
    let before = few_edges();
    rebuild(&before.open(), "main", FULL, 1).expect("no other process writes");
    let quiet = before.copy();
    let repository = quiet.open();
    let counting = Interrupted::new(&repository, u32::MAX, &|| ());
    rebuild(&counting, "main", FULL, 1).expect("no other process writes");
    let commit = u32::MAX - counting.left.get() - 1;
    let newest_first = RebuildOptions { edge_order: EdgeOrder::NewestFirst, ..FULL };
    for (added, theirs) in [(1, UPDATE), (0, newest_first)] {
        let checkout = before.copy();
        let repository = checkout.open();
        let (is_overtaken, collections) = (Cell::new(false), Cell::new(0));
        let act = || {
            if collections.get() == COLLECTIONS {
                // Each of them removes unprotected objects of a running transaction.
            } else if is_overtaken.replace(true) {
                checkout.git(&COLLECT);
                let packs = std::fs::read_dir(checkout.path().join(".git/objects/pack"));
                let mut names = packs.expect("readable").map(|file| file.expect("readable").path());
                let is_keep = |path: std::path::PathBuf| path.extension() == Some("keep".as_ref());
                assert!(names.any(is_keep), "nothing protects it");
                collections.set(collections.get() + 1);
            } else {
                let other = checkout.open();
                append(&other, "main", 80..80 + added).expect("no other process writes");
                rebuild(&other, "main", theirs, 1).expect("no other process writes");
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
