//! Targets for rebuilds and queries of whole journals.

use super::contained;
use super::model::{Input, JOURNAL, Journal};
use gitmind_cache::{Direction, Endpoint, Query, QueryError, RebuildOptions, Report};
use gitmind_cache::{Rebuild, RebuildError, decode_bitmap};
use gitmind_git::branch::BranchName;
use gitmind_git::oid::Oid;
use gitmind_git::{ObjectKind, Repository, entries};
use gitmind_journal::{Append, EdgeOrder, JournalItem, MergeForm, Outcome, WalkError, read_newest};
use gitmind_memory::units::Bytes;
use gitmind_memory::{Alloc, Arena, InternTable, Pooling, Zeroing};
use gitmind_ports::clock::{FixedClock, Timestamp};
use gitmind_ports::fs::{FakeFileSystem, FileSystem};
use gitmind_ports::progress::Silent;
use gitmind_ports::random::CountingRandom;
use std::collections::BTreeMap;
use std::ops::ControlFlow;

/// Memory limit in bytes, more than these small journals need.
const BYTES_MAX: usize = 16 << 20;
/// A cap little larger than an empty table of objects.
const TINY: Bytes = Bytes::new(44 << 10);
const ORDERS: [EdgeOrder; 2] = [EdgeOrder::OldestFirst, EdgeOrder::NewestFirst];

fn main_branch() -> BranchName {
    BranchName::new("main").expect("a name")
}

fn rebuilt(
    repository: &dyn Repository,
    alloc: Alloc<'_>,
    (cap, disk): (Bytes, Option<&dyn FileSystem>),
    (edge_order, force): (EdgeOrder, bool),
) -> Result<Report, RebuildError> {
    let clock = FixedClock(Timestamp { seconds: 1_700_000_000, offset_seconds: 3600 });
    let mut arena = Arena::begin(alloc, Bytes::new(4096), cap);
    let (clock, progress) = (&clock, &Silent);
    let texts = InternTable::new(alloc, Pooling::On, Zeroing::Off);
    let texts = &texts;
    let rebuild = Rebuild { alloc, repository, clock, progress, disk, workers: 0, texts };
    let options = RebuildOptions { edge_order, force, strict: false };
    rebuild.run(&mut arena, &main_branch(), options)
}

/// The ids in each bitmap file, by file name.
type Lists = BTreeMap<String, Vec<u32>>;

/// The expected lists.
fn lists_of(journal: &Journal, order: EdgeOrder) -> Lists {
    let mut lists = Lists::new();
    for (id, (source, target)) in (0..).zip(journal.edges(order)) {
        for (end, direction) in [(source, "forward"), (target, "reverse")] {
            lists.entry(format!("{end}.{direction}")).or_default().push(id);
        }
    }
    lists
}

/// The lists in the shards of a cache, which are the directories with two-digit names.
fn lists_in(repository: &dyn Repository, root: Oid, alloc: Alloc<'_>) -> Lists {
    let mut lists = Lists::new();
    let shards = tree(repository, root, alloc).into_iter().filter(|(name, _)| name.len() == 2);
    for (directory, shard) in shards {
        for (name, file) in tree(repository, shard, alloc) {
            assert!(name.starts_with(&directory), "{name} is in {directory}");
            let mut bytes = gitmind_memory::Vec::new(alloc);
            repository.read(file, ObjectKind::Blob, &mut bytes).expect("it was written");
            let ids = decode_bitmap(alloc, &bytes).expect("it was written by us");
            lists.insert(name, ids.to_vec());
        }
    }
    lists
}

fn tree(repository: &dyn Repository, id: Oid, alloc: Alloc<'_>) -> Vec<(String, Oid)> {
    let mut bytes = gitmind_memory::Vec::new(alloc);
    repository.read(id, ObjectKind::Tree, &mut bytes).expect("it was written");
    let named = entries(&bytes).map(|entry| {
        let entry = entry.expect("it was written by us");
        (str::from_utf8(entry.name).expect("ASCII").to_string(), entry.id)
    });
    named.collect()
}

/// A cache lists each edge at its source and its target, in either order, in memory and spilled.
pub(super) fn rebuild(input: &[u8]) {
    let (mut journal, mut input) = (Journal::new(), Input(input));
    while journal.step(&mut input) {}
    for order in ORDERS {
        let repository = &journal.repository;
        contained(BYTES_MAX, |alloc| {
            let limits = (Bytes::from_mib(8), None);
            let in_memory = rebuilt(repository, alloc, limits, (order, true)).expect("a journal");
            let expected = lists_of(&journal, order);
            assert!(lists_in(repository, in_memory.root_tree, alloc) == expected, "{order:?}");
            let disk = FakeFileSystem::new();
            let limits = (TINY, Some(&disk as &dyn FileSystem));
            let spilled = rebuilt(repository, alloc, limits, (order, true)).expect("a journal");
            assert_eq!(spilled.root_tree, in_memory.root_tree, "spilled to disk");
        });
    }
}

/// An incrementally updated cache equals a full rebuild, and answers as the whole journal does.
pub(super) fn update_and_query(input: &[u8]) {
    const CACHE: &str = "refs/gitmind/cache/main";
    let (mut journal, mut input) = (Journal::new(), Input(input));
    let limits = (Bytes::from_mib(8), None);
    let order = EdgeOrder::OldestFirst;
    while journal.step(&mut input) {
        let repository = &journal.repository;
        contained(BYTES_MAX, |alloc| {
            let updated = rebuilt(repository, alloc, limits, (order, false)).expect("a journal");
            let full = rebuilt(repository, alloc, limits, (order, true)).expect("a journal");
            assert_eq!(updated.root_tree, full.root_tree, "{:?}", updated.mode);
            repository.set_ref(CACHE, updated.cache_commit);
            let edges = journal.edges(order);
            let end = edges.last().map_or(Oid::ZERO, |(source, _)| *source);
            for direction in [Direction::Forward, Direction::Reverse] {
                let expected: Vec<u32> = (0..)
                    .zip(&edges)
                    .filter(|(_, (source, target))| match direction {
                        Direction::Forward => *source == end,
                        Direction::Reverse => *target == end,
                    })
                    .map(|(id, _)| id)
                    .collect();
                let mut ids = vec![];
                let query = Query { alloc, repository };
                let endpoint = Endpoint::object(end, direction);
                let answer = query.run(&main_branch(), endpoint, |found| {
                    ids.push(found.id);
                    Ok::<_, QueryError>(ControlFlow::Continue(()))
                });
                assert!(answer.expect("a whole repository").unusable.is_none());
                assert_eq!(ids, expected, "{direction:?} of {end}");
            }
        });
    }
}

/// A merge of journals that share commits has the edges of both, those of ours first; again, it
/// does nothing.
pub(super) fn merge(input: &[u8]) {
    let (mut journal, mut input) = (Journal::new(), Input(input));
    let tip = |journal: &Journal| journal.repository.resolve(JOURNAL).expect("no fault");
    let mut tips = vec![tip(&journal).expect("it has a root")];
    while journal.step(&mut input) {
        tips.extend(tip(&journal));
    }
    let (ours, theirs) = (tips[tips.len() - 1], tips[tips.len() / 2]);
    let clock = FixedClock(Timestamp { seconds: 1_700_000_000, offset_seconds: 0 });
    let (repository, random) = (&journal.repository, CountingRandom::new(0));
    for form in [MergeForm::Commit, MergeForm::Linear] {
        repository.set_ref(JOURNAL, ours);
        contained(BYTES_MAX, |alloc| {
            let service = Append { alloc, repository, clock: &clock, random: &random };
            let merge = || service.merge(&main_branch(), &[theirs], form).expect("journals");
            let merged = merge();
            if form == MergeForm::Commit {
                let mut edges = vec![];
                let tip = merged.after.expect("a journal");
                let read = read_newest(repository, alloc, tip, |item| {
                    if let JournalItem::Edge(_, edge) = item {
                        edges.insert(0, (edge.source, edge.target));
                    }
                    Ok::<_, WalkError>(ControlFlow::Continue(()))
                });
                read.expect("a journal");
                let tips = if merged.outcomes[0] == Outcome::FastForward {
                    [theirs, theirs]
                } else {
                    [ours, theirs]
                };
                assert_eq!(edges, journal.edges_of(&tips), "{:?}", merged.outcomes);
            }
            assert_eq!(merge().outcomes.as_slice(), [Outcome::UpToDate]);
        });
    }
}
