//! A rebuild that spills edges to disk writes the same cache as one in memory.

use gitmind_cache::{Rebuild, RebuildError, RebuildOptions, Report};
use gitmind_git::Repository;
use gitmind_git::branch::BranchName;
use gitmind_git::fake::FakeRepository;
use gitmind_git::oid::Oid;
use gitmind_journal::EdgeOrder;
use gitmind_memory::units::Bytes;
use gitmind_memory::{Alloc, Arena, Budgeted, ErrorKind, InternTable, Pooling, System, Zeroing};
use gitmind_ports::clock::{FixedClock, Timestamp};
use gitmind_ports::fs::{FakeFileSystem, FileSystem};
use gitmind_ports::progress::Silent;
use gitmind_test_support::{TempRepository, encoded_message, fixture_list, message, rebuild_with};
use proptest::prelude::*;

const JOURNAL: &str = "refs/gitmind/edges/main";
const CACHE: &str = "refs/gitmind/cache/main";
/// A cap of a few pages: an object with 2000 edges does not fit.
const TINY: Bytes = Bytes::new(32 << 10);

fn options(edge_order: EdgeOrder) -> RebuildOptions {
    RebuildOptions { edge_order, force: true, strict: false }
}

/// Rebuilds in an arena of `cap`.
fn rebuild_within(
    cap: Bytes,
    disk: Option<&dyn FileSystem>,
    alloc: Alloc<'_>,
    repository: &dyn Repository,
    branch: &str,
    edge_order: EdgeOrder,
) -> Result<Report, RebuildError> {
    let clock = FixedClock(Timestamp { seconds: 1_700_000_000, offset_seconds: 3600 });
    let mut arena = Arena::begin(alloc, Bytes::new(4096), cap);
    let branch = BranchName::new(branch).expect("a name");
    let (clock, progress) = (&clock, &Silent);
    let texts = InternTable::new(alloc, Pooling::On, Zeroing::Off);
    let texts = &texts;
    let rebuild = Rebuild { alloc, repository, clock, progress, disk, workers: 1, texts };
    let report = rebuild.run(&mut arena, &branch, options(edge_order));
    assert!(arena.stats().peak_bytes <= cap, "the arena's cap holds");
    report
}

/// A commit: its edges, and how many commits back the second parent of a merge is.
type Step = (Vec<(u8, u8)>, Option<usize>);

fn journals() -> impl Strategy<Value = Vec<Step>> {
    // Few objects with many edges each, so that lists are equal or differ by one edge.
    let edges = prop::collection::vec((0..12_u8, 0..12_u8), 0..40);
    let merge = prop_oneof![9 => Just(None), 1 => (1..6_usize).prop_map(Some)];
    prop::collection::vec((edges, merge), 1..60)
}

fn repository_of(journal: &[Step]) -> FakeRepository {
    let repository = FakeRepository::default();
    let mut chain: Vec<Oid> = vec![];
    for (edges, merge) in journal {
        let mut parents: Vec<Oid> = chain.last().copied().into_iter().collect();
        if let (Some(back), Some(&tip)) = (merge, chain.last()) {
            let side = chain[chain.len().saturating_sub(*back)];
            parents = vec![tip, repository.commit(&[side], &message(&[(13, 1), (1, 13)]))];
        }
        chain.push(repository.commit(&parents, &message(edges)));
    }
    repository.set_ref(JOURNAL, *chain.last().expect("at least one commit"));
    repository
}

proptest! {
    #[test]
    fn the_cache_of_spilled_edges_is_the_one_built_in_memory(
        journal in journals(),
        newest_first: bool,
        cap_bytes in TINY.get()..(64 << 10),
    ) {
        let order = if newest_first { EdgeOrder::NewestFirst } else { EdgeOrder::OldestFirst };
        let (repository, disk, system) =
            (repository_of(&journal), FakeFileSystem::new(), System::new());
        let alloc = Alloc::new(&system);
        let cap = Bytes::new(cap_bytes);
        let spilled = rebuild_within(cap, Some(&disk), alloc, &repository, "main", order);
        let spilled = spilled.expect("it spills");
        let in_memory = rebuild_with(&repository, "main", options(order)).expect("it fits");
        prop_assert_eq!(in_memory.spilled, Bytes::ZERO);
        prop_assert_eq!(spilled.root_tree, in_memory.root_tree);
        prop_assert_eq!(&spilled.meta, &in_memory.meta);
        prop_assert_eq!(
            spilled.written.map(|written| written.objects),
            in_memory.written.map(|written| written.objects)
        );
    }
}

/// Journals whose edges are nearly all of one object or of one path.
#[test]
fn the_edges_of_one_object_or_path_are_written_although_they_do_not_fit() {
    let hub = |edges: usize, of: &dyn Fn(u8) -> (u8, u8)| {
        let commit = |number: usize| {
            let edges = (0..50).map(|edge| of(u8::try_from((number + edge) % 250).expect("small")));
            (edges.collect(), (number % 37 == 36).then_some(3))
        };
        repository_of(&(0..edges / 50).map(commit).collect::<Vec<_>>())
    };
    let (system, disk) = (System::new(), FakeFileSystem::new());
    for (name, repository) in [
        ("all alike", hub(20_000, &|_| (1, 2))),
        ("one source", hub(20_000, &|number| (1, number))),
        ("one target", hub(20_000, &|number| (number, 1))),
        ("a loop", hub(20_000, &|_| (1, 1))),
        (
            "hub and others",
            hub(20_000, &|number| if number % 9 == 0 { (number, 3) } else { (1, 2) }),
        ),
    ] {
        for order in [EdgeOrder::OldestFirst, EdgeOrder::NewestFirst] {
            let in_memory = rebuild_with(&repository, "main", options(order)).expect("it fits");
            for cap in [TINY, Bytes::new(100 << 10)] {
                let alloc = Alloc::new(&system);
                let spilled = rebuild_within(cap, Some(&disk), alloc, &repository, "main", order);
                let spilled = spilled.expect("it spills");
                assert!(spilled.spilled > Bytes::ZERO, "{name}");
                assert_eq!(spilled.root_tree, in_memory.root_tree, "{name} {order:?} {cap}");
            }
        }
    }
}

/// A journal with more objects than fit in `TINY`.
fn wide() -> FakeRepository {
    let edges = |number: u8| (0..40).map(|other| (number, other)).collect();
    repository_of(&(0..80).map(|number| (edges(number), None)).collect::<Vec<_>>())
}

#[test]
fn spilling_rebuilds_of_the_c_tools_journals_give_its_trees() {
    let mut spilled = 0;
    for fixture in fixture_list().fixtures() {
        let (_directory, repository) = TempRepository::fixture(&fixture.name).open_kept();
        let (disk, system) = (FakeFileSystem::new(), System::new());
        for journal in &fixture.journals {
            for (order, expected) in [
                (EdgeOrder::NewestFirst, &journal.shards_tree_newest_first),
                (EdgeOrder::OldestFirst, &journal.shards_tree_oldest_first),
            ] {
                let alloc = Alloc::new(&system);
                let branch = &journal.branch;
                let built = rebuild_within(TINY, Some(&disk), alloc, &repository, branch, order);
                let report = built.expect("it spills");
                spilled += u32::from(report.spilled > Bytes::ZERO);
                assert_eq!(report.shards_tree.to_string(), *expected, "{branch}");
            }
        }
    }
    assert!(spilled >= 4, "only {spilled} of the journals went to the disk");
}

/// Regression: with all objects in one shard its tree takes much beside the edges, and the rebuild
/// failed at a budget at which it succeeded with a smaller cap.
#[test]
fn what_exceeds_the_budget_in_memory_is_written_from_the_disk() {
    // Edges of basic form: only the two object ids, all different and in shard 0.
    let edge = |number: u32| {
        let oid = |byte: u8| {
            let mut oid = [byte; 20];
            oid[0] = 0;
            oid[1..5].copy_from_slice(&number.to_be_bytes());
            oid
        };
        [&[0xa2, 8, 0x54][..], &oid(1), &[9, 0x54], &oid(2)].concat()
    };
    let (repository, mut tip) = (FakeRepository::default(), None);
    for commit in 0..100 {
        let payload: Vec<u8> = (commit * 100..commit * 100 + 100).flat_map(edge).collect();
        tip = Some(repository.commit(tip.as_slice(), &encoded_message(&payload)));
    }
    repository.set_ref(JOURNAL, tip.expect("a commit"));
    let (disk, order) = (FakeFileSystem::new(), EdgeOrder::OldestFirst);
    let cap = Bytes::from_mib(4);
    let expected = rebuild_with(&repository, "main", options(order)).expect("it fits").root_tree;
    let with_budget = |limit: u64, disk: Option<&dyn FileSystem>| {
        let budget = Budgeted::new(System::new(), Bytes::new(limit));
        rebuild_within(cap, disk, Alloc::new(&budget), &repository, "main", order)
    };
    let mut from_disk = 0;
    for limit in (1 << 20..12 << 20).step_by(256 << 10) {
        match (with_budget(limit, None), with_budget(limit, Some(&disk))) {
            (in_memory, Ok(report)) => {
                assert_eq!(report.root_tree, expected, "{limit}");
                from_disk += u32::from(in_memory.is_err() && report.spilled > Bytes::ZERO);
            }
            (_, Err(error)) => {
                let kind = error.memory().map(|error| error.kind());
                assert_eq!(kind, Some(ErrorKind::OverBudget), "{limit}: {error}");
            }
        }
    }
    assert!(from_disk > 0, "each budget is enough for both or for none");
}

#[test]
fn without_a_disk_exceeding_the_cap_is_an_error() {
    let (repository, system) = (wide(), System::new());
    let order = EdgeOrder::OldestFirst;
    let outcome = rebuild_within(TINY, None, Alloc::new(&system), &repository, "main", order);
    let Err(RebuildError::Memory(error)) = outcome else { panic!("{outcome:?}") };
    assert_eq!((error.kind(), error.limit()), (ErrorKind::OverCap, TINY));
    assert_eq!(repository.resolve(CACHE).expect("no fault"), None);
}

#[test]
fn a_disk_error_fails_the_rebuild_and_leaves_the_refs_unchanged() {
    let (repository, system) = (wide(), System::new());
    let alloc = Alloc::new(&system);
    let disk = FakeFileSystem::new();
    let order = EdgeOrder::OldestFirst;
    let run = || rebuild_within(TINY, Some(&disk), alloc, &repository, "main", order);
    run().expect("no fault yet");
    // Without the last call, which removes the directory: the next run removes it after a fault.
    let calls = disk.calls() - 1;
    assert!(calls > 200, "{calls}");
    let first = repository.resolve(CACHE).expect("no fault");
    for call in (0..calls).step_by(29) {
        disk.fail_after(call, std::io::ErrorKind::StorageFull);
        let outcome = run();
        assert!(matches!(outcome, Err(RebuildError::Spill(_))), "{call}: {outcome:?}");
        assert_eq!(repository.resolve(CACHE).expect("no fault"), first);
    }
    run().expect("the fault is gone");
}
