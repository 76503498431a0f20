//! The operations of a context with the kill switch: at a fixed time they write the same files,
//! byte for byte, including ids of commits.

use crate::support::{Place, SWITCH, files};
use gitmind::branch::BranchName;
use gitmind::cache::{Direction, Endpoint, QueryError, RebuildOptions};
use gitmind::clock::{FixedClock, Timestamp};
use gitmind::context::operation;
use gitmind::context::{Context, Memory, Toggles, Workspace};
use gitmind::env::FixedEnvironment;
use gitmind::fs::FakeFileSystem;
use gitmind::git::Repository;
use gitmind::gitoxide::{GitRepository, Location};
use gitmind::journal::{Append, Batch, EdgeOrder, JournalItem, Statistics, WalkError, read_newest};
use gitmind::memory::{MemoryError, Op, Scope};
use gitmind::oid::Oid;
use gitmind::progress::Silent;
use gitmind::random::CountingRandom;
use gitmind::units::Bytes;
use gitmind_test_support::edge;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::PathBuf;

const CLOCK: FixedClock = FixedClock(Timestamp { seconds: 1_700_000_000, offset_seconds: 3600 });
const UPDATE: RebuildOptions =
    RebuildOptions { edge_order: EdgeOrder::OldestFirst, force: false, strict: false };
const FULL: RebuildOptions = RebuildOptions { force: true, ..UPDATE };
const NEWEST_FIRST: RebuildOptions =
    RebuildOptions { edge_order: EdgeOrder::NewestFirst, ..UPDATE };
/// The size of an arena that is too small for the edges of the fixture.
const SMALL: &str = "64KiB";

/// A journal, the memory of its operations, and their outputs.
struct Session {
    place: Place,
    memory: Memory,
    branch: BranchName,
    said: RefCell<std::vec::Vec<String>>,
}

impl Session {
    fn new(switch: &str) -> Self {
        let variables = [
            (SWITCH, switch),
            ("GM_ARENA_HINT_CACHE_REBUILD", "4KiB"),
            ("GM_ARENA_CAP_CACHE_REBUILD", SMALL),
        ];
        let toggles = Toggles::read(&FixedEnvironment::from(variables)).expect("they are valid");
        Self {
            place: Place::fixture("medium"),
            memory: Memory::new(&toggles, Bytes::from_mib(256)),
            branch: BranchName::new("main").expect("a name"),
            said: RefCell::default(),
        }
    }

    fn open(&self) -> GitRepository {
        let location = Location::at(&self.place.repository()).expect("a repository");
        GitRepository::open(location).expect("a repository that can be served").with_workers(0)
    }

    fn begin(&self, op: Op) -> Scope<'_> {
        self.memory.begin(op).expect("it is the only one")
    }

    /// Rebuilds in the small arena of a rebuild, which spills, or in the large arena of a query.
    fn rebuild(&self, options: RebuildOptions, op: Op) {
        let (repository, disk) = (self.open(), FakeFileSystem::new());
        let scope = self.begin(op);
        let alloc = scope.tag(self.memory.alloc());
        let context = Context { alloc, repository: &repository, clock: &CLOCK, progress: &Silent };
        let mut arena = self.memory.arena(alloc);
        let texts = &self.memory.intern_table(alloc);
        let workspace = Workspace { arena: &mut arena, texts, disk: Some(&disk), workers: 0 };
        let report = context.rebuild(workspace, &self.branch, options).expect("a whole journal");
        assert_eq!(
            report.spilled > Bytes::ZERO,
            op == operation::CACHE_REBUILD,
            "{:?}",
            report.spilled
        );
        let (cache, mode) = (report.cache_commit, report.mode);
        let said = format!("{mode:?} {cache} {} {:?}", report.root_tree, report.meta);
        self.said.borrow_mut().push(said);
    }

    fn append(&self, numbers: std::ops::Range<u64>) {
        let (repository, random) = (self.open(), CountingRandom::new(0));
        let scope = self.begin(operation::JOURNAL_APPEND);
        let alloc = scope.tag(self.memory.alloc());
        let mut batch = Batch::new(alloc);
        for number in numbers {
            batch.push(&edge(number)).expect("within limits");
        }
        let append = Append { alloc, repository: &repository, clock: &CLOCK, random: &random };
        let appended = append.run(&self.branch, &batch).expect("no other process writes");
        self.said.borrow_mut().push(format!("{:?}", appended.tip));
    }

    /// Reads all edges, and counts them with their texts.
    fn read(&self) {
        let repository = self.open();
        let scope = self.begin(operation::JOURNAL_READ);
        let alloc = scope.tag(self.memory.alloc());
        let tip = repository.resolve(&self.branch.journal_ref()).expect("readable");
        let tip = tip.expect("a journal");
        let mut said = std::vec::Vec::new();
        read_newest(&repository, alloc, tip, |met| {
            let JournalItem::Edge(commit, edge) = met else { panic!("a malformed commit") };
            said.push(format!("{} {edge:?}", commit.id));
            Ok::<_, WalkError>(ControlFlow::Continue(()))
        })
        .expect("a whole journal");
        let table = self.memory.intern_table(alloc);
        let counted = Statistics::read(&repository, alloc, tip, table).expect("a whole journal");
        let ranked = counted.most_linked_paths(usize::MAX, |path, degree| {
            said.push(format!("{path:?} {degree:?}"));
            Ok::<_, MemoryError>(())
        });
        ranked.expect("there is memory");
        said.push(format!("{} paths, {} authors", counted.paths(), counted.authors()));
        self.said.borrow_mut().append(&mut said);
    }

    /// Looks up each of these objects, in both directions.
    fn query(&self, objects: &[Oid]) {
        let repository = self.open();
        let scope = self.begin(operation::CACHE_QUERY);
        let alloc = scope.tag(self.memory.alloc());
        let context = Context { alloc, repository: &repository, clock: &CLOCK, progress: &Silent };
        let mut said = vec![];
        for &oid in objects {
            for direction in [Direction::Forward, Direction::Reverse] {
                let endpoint = Endpoint::object(oid, direction);
                let answer = context.query(&self.branch, endpoint, |found| {
                    said.push(format!("{found:?}"));
                    Ok::<_, QueryError>(ControlFlow::Continue(()))
                });
                let answer = answer.expect("a whole journal");
                said.push(format!("{oid} {direction:?}: {:?}", answer.unusable));
            }
        }
        self.said.borrow_mut().append(&mut said);
    }

    /// The outputs, and every file of the repository; all memory must have been freed.
    fn end(self) -> (std::vec::Vec<String>, BTreeMap<PathBuf, std::vec::Vec<u8>>) {
        let taken = self.memory.finish().expect("nothing is traced");
        assert!(taken.peak_bytes > Bytes::ZERO);
        assert_eq!((taken.bytes_outstanding, taken.blocks_outstanding), (Bytes::ZERO, 0));
        (self.said.into_inner(), files(&self.place.repository()))
    }
}

/// Ends of some edges of the journal.
fn objects(session: &Session) -> std::vec::Vec<Oid> {
    let list = session.place.mind(&["list", "--json", "--limit", "4"], &[]).json();
    let edges = list["edges"].as_array().expect("edges").iter();
    let ends = edges.flat_map(|edge| [&edge["source_oid"], &edge["target_oid"]]);
    ends.map(|id| Oid::from_hex(id.as_str().expect("an id").as_bytes()).expect("one")).collect()
}

/// Every operation of a context, one after the other.
fn everything(switch: &str) -> (std::vec::Vec<String>, BTreeMap<PathBuf, std::vec::Vec<u8>>) {
    let session = Session::new(switch);
    let objects = objects(&session);
    session.read();
    // The cache of the fixture is the C tool's: the journal answers.
    session.query(&objects[..1]);
    session.rebuild(FULL, operation::ATTR_QUERY);
    session.query(&objects);
    session.append(1..2);
    session.append(2..1502);
    session.query(&objects[..1]);
    session.rebuild(UPDATE, operation::ATTR_QUERY);
    session.rebuild(UPDATE, operation::ATTR_QUERY);
    session.query(&objects);
    session.rebuild(NEWEST_FIRST, operation::ATTR_QUERY);
    session.rebuild(FULL, operation::CACHE_REBUILD);
    session.query(&objects);
    session.read();
    session.end()
}

#[test]
fn operations_of_a_context_give_the_same_results_and_files() {
    let (expected, said) = (everything("0"), everything("1"));
    assert!(expected.0.len() > 20_000, "{} answers", expected.0.len());
    for (said, expected) in said.0.iter().zip(&expected.0) {
        assert_eq!(said, expected);
    }
    assert_eq!(said.0.len(), expected.0.len());
    let names = |files: &BTreeMap<PathBuf, std::vec::Vec<u8>>| {
        files.keys().cloned().collect::<std::vec::Vec<_>>()
    };
    assert_eq!(names(&said.1), names(&expected.1));
    for (path, content) in &expected.1 {
        assert!(said.1[path] == *content, "{}", path.display());
    }
}
