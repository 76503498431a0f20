//! Hot paths allocate through the port alone, however many edges there are: counted by the
//! program's global allocator, which sees every block of the process.

mod gap;
mod profile;

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use gitmind::branch::BranchName;
use gitmind::cache::{Direction, Endpoint, QueryError, RebuildOptions};
use gitmind::clock::{FixedClock, Timestamp};
use gitmind::context::{Context, Workspace};
use gitmind::fixture::{Recipe, make};
use gitmind::git::Repository;
use gitmind::gitoxide::{GitRepository, Location};
use gitmind::journal::{
    Append, Batch, EdgeOrder, JournalItem, MergeForm, Outcome, Statistics, WalkError, read_newest,
};
use gitmind::memory::{
    Alloc, Arena, InternTable, Map, MemoryError, Pooling, ProcessAllocator, System, Zeroing,
};
use gitmind::oid::Oid;
use gitmind::progress::Silent;
use gitmind::random::CountingRandom;
use gitmind::units::Bytes;

#[global_allocator]
static PROCESS: ProcessAllocator = ProcessAllocator::new();

/// Held by the test that counts, since all tests share one heap.
static TURN: Mutex<()> = Mutex::new(());

type Work = fn(&GitRepository, Alloc<'_>);

/// Blocks that the process allocated beyond those of the port.
fn blocks_past_the_port(repository: &Path, work: Work) -> u64 {
    let repository = GitRepository::open(Location::at(repository).expect("a repository"));
    let repository = repository.expect("one that can be served");
    let system = System::new();
    PROCESS.start_counting();
    work(&repository, Alloc::new(&system));
    let process = PROCESS.diagnostics().allocations_total;
    PROCESS.stop_counting();
    let port = Alloc::new(&system).port().diagnostics().allocations_total;
    process.checked_sub(port).expect("the process sees what the port takes")
}

fn read(repository: &GitRepository, alloc: Alloc<'_>) {
    let tip = repository.resolve("refs/gitmind/edges/main").expect("readable").expect("a journal");
    let mut edges = 0;
    let read = read_newest(repository, alloc, tip, |met| {
        edges += u32::from(matches!(met, JournalItem::Edge(..)));
        Ok::<_, WalkError>(ControlFlow::Continue(()))
    });
    read.expect("a whole journal");
    assert!(edges >= 2_000, "{edges} edges");
}

fn count(repository: &GitRepository, alloc: Alloc<'_>) {
    let tip = repository.resolve("refs/gitmind/edges/main").expect("readable").expect("a journal");
    let table = InternTable::new(alloc, Pooling::On, Zeroing::Off);
    let counted = Statistics::read(repository, alloc, tip, table).expect("a whole journal");
    let ranked = counted.most_linked_paths(usize::MAX, |_, _| Ok::<_, MemoryError>(()));
    ranked.expect("there is memory");
    assert!(counted.paths() > 100, "{} paths", counted.paths());
}

fn append(repository: &GitRepository, alloc: Alloc<'_>) {
    let tip = repository.resolve("refs/gitmind/edges/main").expect("readable").expect("a journal");
    let mut batch = Batch::new(alloc);
    let read = read_newest(repository, alloc, tip, |met| {
        if let JournalItem::Edge(_, edge) = met {
            batch.push(edge).expect("it was written by us");
        }
        Ok::<_, WalkError>(ControlFlow::Continue(()))
    });
    read.expect("a whole journal");
    let clock = FixedClock(Timestamp { seconds: 1_700_000_000, offset_seconds: 0 });
    let random = CountingRandom::new(0);
    let branch = BranchName::new("copy").expect("a name");
    let appended =
        Append { alloc, repository, clock: &clock, random: &random }.run(&branch, &batch);
    assert!(appended.expect("no other process writes").commits > 5);
}

/// Merges a journal that has no commit in common with the other.
fn merge(repository: &GitRepository, alloc: Alloc<'_>) {
    let tip = repository.resolve("refs/gitmind/edges/main").expect("readable").expect("a journal");
    let clock = FixedClock(Timestamp { seconds: 1_700_000_000, offset_seconds: 0 });
    let random = CountingRandom::new(0);
    let branch = BranchName::new("copy").expect("a name");
    let service = Append { alloc, repository, clock: &clock, random: &random };
    let merged = service.merge(&branch, &[tip], MergeForm::Linear).expect("whole journals");
    assert_eq!(merged.outcomes.as_slice(), [Outcome::UpToDate], "the edges are the same");
    let merged = service.merge(&branch, &[tip], MergeForm::Commit).expect("whole journals");
    assert_eq!(merged.outcomes.as_slice(), [Outcome::Merged]);
}

fn rebuild(repository: &GitRepository, alloc: Alloc<'_>) {
    let clock = FixedClock(Timestamp { seconds: 1_700_000_000, offset_seconds: 0 });
    let context = Context { alloc, repository, clock: &clock, progress: &Silent };
    let branch = BranchName::new("main").expect("a name");
    let edge_order = EdgeOrder::OldestFirst;
    let options = RebuildOptions { edge_order, force: true, strict: true };
    let mut arena = Arena::begin(alloc, Bytes::from_mib(1), Bytes::from_mib(256));
    let texts = InternTable::new(alloc, Pooling::On, Zeroing::Off);
    let workspace = Workspace { arena: &mut arena, texts: &texts, disk: None, workers: 1 };
    context.rebuild(workspace, &branch, options).expect("a whole journal");
}

/// The object that most edges start at.
fn hub(repository: &GitRepository, alloc: Alloc<'_>) -> Oid {
    let tip = repository.resolve("refs/gitmind/edges/main").expect("readable").expect("a journal");
    let mut counts: Map<'_, Oid, u32> = Map::new(alloc);
    let read = read_newest(repository, alloc, tip, |met| {
        if let JournalItem::Edge(_, edge) = met {
            let count = counts.try_get_or_insert_with(edge.source, || 0);
            *count.map_err(WalkError::from)? += 1;
        }
        Ok::<_, WalkError>(ControlFlow::Continue(()))
    });
    read.expect("a whole journal");
    let hub = counts.iter().max_by_key(|(oid, count)| (**count, **oid));
    *hub.expect("an edge").0
}

/// Queries the edges of the hub, from the cache or from the journal.
fn query<const FROM_CACHE: bool>(repository: &GitRepository, alloc: Alloc<'_>) {
    let clock = FixedClock(Timestamp { seconds: 1_700_000_000, offset_seconds: 0 });
    let context = Context { alloc, repository, clock: &clock, progress: &Silent };
    let branch = BranchName::new("main").expect("a name");
    let hub = Endpoint::object(hub(repository, alloc), Direction::Forward);
    let answer = context.query(&branch, hub, |found| {
        assert_eq!(Some(found.edge.source), hub.object);
        Ok::<_, QueryError>(ControlFlow::Continue(()))
    });
    let answer = answer.expect("a whole journal");
    assert!(answer.edges > 90, "{} edges", answer.edges);
    assert_eq!(answer.unusable.is_none(), FROM_CACHE);
}

/// Every hot path, by its operation.
const WORK: [(&str, Work); 7] = [
    ("journal.read", read),
    ("journal.read of statistics", count),
    ("journal.append", append),
    ("journal.merge", merge),
    ("cache.query of the journal", query::<false>),
    ("cache.rebuild", rebuild),
    ("cache.query", query::<true>),
];

/// Calls `body` with a small journal and one of four times the edges.
fn with_journals(body: impl Fn(&Path, &Path)) {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let directory = gitmind_test_support::temp_directory();
    let journal = |edges| {
        let path = directory.path().join(format!("{edges}.git"));
        make(Recipe { edges, seed: 1, batch: 1 }, &path, &Silent).expect("a new directory");
        path
    };
    body(&journal(2_000), &journal(8_000));
}

#[test]
fn blocks_that_bypass_the_port_do_not_grow_with_the_journal() {
    with_journals(|small, large| {
        for (name, work) in WORK {
            let counts = [small, large].map(|path| blocks_past_the_port(path, work));
            // The work of helper threads and the growth of library buffers depend on timing.
            assert!(counts[1] <= counts[0] + 32, "{name}: {counts:?} blocks for 2 000 and 8 000");
        }
    });
}
