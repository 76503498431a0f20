//! An incrementally updated cache has the tree of a full rebuild.

use gitmind_cache::{FullBecause, Meta, Mode, RebuildOptions, Report};
use gitmind_git::fake::FakeRepository;
use gitmind_git::oid::Oid;
use gitmind_git::{ObjectKind, Repository, entries};
use gitmind_journal::EdgeOrder;
use gitmind_memory::units::Bytes;
use gitmind_memory::{Alloc, Budgeted, System};
use gitmind_test_support::{encoded_message, message, rebuild_in, rebuild_with};
use proptest::prelude::*;

const JOURNAL: &str = "refs/gitmind/edges/main";
const CACHE: &str = "refs/gitmind/cache/main";
const OPTIONS: RebuildOptions =
    RebuildOptions { edge_order: EdgeOrder::OldestFirst, force: false, strict: false };

/// A change of a journal.
#[derive(Clone, Debug)]
enum Step {
    /// Commits with these edges on top.
    Append(Vec<Vec<(u8, u8)>>),
    /// A commit whose message is malformed, or, if `true`, truncated after an edge.
    Malformed(bool),
    /// A side chain from some commits back, and a merge of it.
    Merge(usize, Vec<Vec<(u8, u8)>>),
    /// The ref is reset this many commits back.
    Rewind(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    // Few objects, so that files are updated repeatedly and equal lists occur.
    let edges = || prop::collection::vec((0..6_u8, 0..6_u8), 0..4);
    let commits = || prop::collection::vec(edges(), 0..5);
    let step = prop_oneof![
        8 => commits().prop_map(Step::Append),
        1 => any::<bool>().prop_map(Step::Malformed),
        1 => (1..4_usize, commits()).prop_map(|(back, commits)| Step::Merge(back, commits)),
        1 => (1..3_usize).prop_map(Step::Rewind),
    ];
    prop::collection::vec(step, 1..8)
}

/// A journal and the chain of its first parents, the oldest first.
struct Journal {
    repository: FakeRepository,
    chain: Vec<Oid>,
}

impl Journal {
    fn new() -> Self {
        let repository = FakeRepository::default();
        let root = repository.commit(&[], &message(&[(1, 2)]));
        repository.set_ref(JOURNAL, root);
        Self { repository, chain: vec![root] }
    }

    fn push(&mut self, parents: &[Oid], message: &[u8]) {
        let commit = self.repository.commit(parents, message);
        self.chain.push(commit);
        self.repository.set_ref(JOURNAL, commit);
    }

    fn tip(&self) -> Oid {
        *self.chain.last().expect("it has a root")
    }

    fn apply(&mut self, step: &Step) {
        match step {
            Step::Append(commits) => {
                commits.iter().for_each(|edges| self.push(&[self.tip()], &message(edges)));
            }
            Step::Malformed(false) => self.push(&[self.tip()], b"no base64"),
            Step::Malformed(true) => self.push(&[self.tip()], b"oP8="),
            Step::Merge(back, commits) => {
                let mut side = self.chain[self.chain.len().saturating_sub(*back + 1)];
                for edges in commits {
                    side = self.repository.commit(&[side], &message(edges));
                }
                self.push(&[self.tip(), side], &message(&[(7, 7)]));
            }
            Step::Rewind(back) => {
                let len = self.chain.len().saturating_sub(*back).max(1);
                self.chain.truncate(len);
                self.repository.set_ref(JOURNAL, self.tip());
            }
        }
    }

    fn rebuild(&self, force: bool) -> Report {
        let options = RebuildOptions { force, ..OPTIONS };
        rebuild_with(&self.repository, "main", options).expect("a journal")
    }
}

proptest! {
    #[test]
    fn any_sequence_of_appends_gives_the_tree_of_a_full_rebuild(steps in steps()) {
        let mut journal = Journal::new();
        journal.rebuild(false);
        let mut built_from = journal.tip();
        for step in &steps {
            journal.apply(step);
            let report = journal.rebuild(false);
            let full = {
                let cache = journal.repository.resolve(CACHE).expect("readable").expect("built");
                let full = journal.rebuild(true);
                journal.repository.set_ref(CACHE, cache);
                full
            };
            prop_assert_eq!(report.root_tree, full.root_tree, "{:?}", step);
            prop_assert_eq!(report.shards_tree, full.shards_tree);
            prop_assert_eq!(report.meta, full.meta);
            let new = &journal.chain[journal.chain.iter().position(|it| *it == built_from)
                .map_or(0, |at| at + 1)..];
            match (&report.full_because, step) {
                _ if new.is_empty() && built_from == journal.tip() => {
                    prop_assert_eq!(report.mode, Mode::Current);
                }
                (Some(FullBecause::BaseNotFound), Step::Rewind(_)) => {}
                (None, Step::Append(_) | Step::Malformed(_) | Step::Merge(..)) => {
                    prop_assert_eq!(report.mode, Mode::Incremental);
                }
                (because, step) => prop_assert!(false, "{because:?} after {step:?}"),
            }
            built_from = journal.tip();
        }
    }
}

#[test]
fn updates_of_the_commit_index_are_right_across_chunk_boundaries() {
    let mut journal = Journal::new();
    for commits in [1020, 3, 1, 1, 1022, 1, 2500, 1] {
        for number in 0..commits {
            let byte = u8::try_from(number % 251).expect("it is below 251");
            journal.push(&[journal.tip()], &message(&[(byte, 1), (byte, byte)]));
        }
        let report = journal.rebuild(false);
        let updated = report.root_tree;
        assert_eq!(journal.rebuild(true).root_tree, updated, "{commits} more");
    }
}

#[test]
fn an_update_reads_only_new_commits_and_writes_only_changed_files() {
    let mut journal = Journal::new();
    for byte in 0..=200 {
        journal.push(&[journal.tip()], &message(&[(byte, byte)]));
    }
    journal.rebuild(false);
    journal.push(&[journal.tip()], &message(&[(9, 8)]));
    let oldest = journal.chain[0];
    journal.repository.remove(oldest);
    let report = journal.rebuild(false);
    assert_eq!((report.mode, report.meta.edges), (Mode::Incremental, 203));
    // Two files and their shards, a chunk and its directory, a file of the path index (both paths
    // are the same) and its directory, metadata, root tree, commit.
    assert_eq!(report.written.map(|written| written.objects), Some(11));
}

#[test]
fn a_damaged_cache_is_fully_rebuilt_and_the_report_says_so() {
    let mut journal = Journal::new();
    let first = journal.rebuild(false);
    journal.push(&[journal.tip()], &message(&[(1, 9)]));
    let expected = {
        let report = journal.rebuild(true);
        journal.repository.set_ref(CACHE, first.cache_commit);
        report.root_tree
    };
    let system = gitmind_memory::System::new();
    let mut root = gitmind_memory::Vec::new(Alloc::new(&system));
    journal.repository.read(first.root_tree, ObjectKind::Tree, &mut root).expect("it is there");
    let mut reported = 0;
    for entry in entries(&root) {
        let entry = entry.expect("well-formed");
        if entry.name == b"meta" {
            continue;
        }
        let damaged = Journal::new();
        assert_eq!(damaged.rebuild(false).cache_commit, first.cache_commit);
        let mut damaged = damaged;
        damaged.push(&[damaged.tip()], &message(&[(1, 9)]));
        damaged.repository.remove(entry.id);
        let report = damaged.rebuild(false);
        assert_eq!(report.root_tree, expected);
        if let Some(FullBecause::Damaged(_)) = report.full_because {
            reported += 1;
        }
    }
    assert_eq!(reported, 3, "the changed shard, the commit index and the path index");
}

/// Regression: after a large import the update exceeded the budget, and the rebuild failed, though
/// a full rebuild fitted.
#[test]
fn an_update_that_would_exceed_the_budget_is_replaced_by_a_full_rebuild() {
    let mut journal = Journal::new();
    let cache = journal.rebuild(false).cache_commit;
    let mut number = 0_u32;
    for _ in 0..8 {
        let mut payload = vec![];
        for _ in 0..1000 {
            payload.extend_from_slice(&[0xa2, 8, 0x54]);
            payload.extend_from_slice(&object(2 * number));
            payload.extend_from_slice(&[9, 0x54]);
            payload.extend_from_slice(&object(2 * number + 1));
            number += 1;
        }
        journal.push(&[journal.tip()], &encoded_message(&payload));
    }
    let within = |limit: Bytes, force: bool| {
        journal.repository.set_ref(CACHE, cache);
        let budget = Budgeted::new(System::new(), limit);
        let alloc = Alloc::new(&budget);
        let options = RebuildOptions { force, ..OPTIONS };
        let report = rebuild_in(alloc, &journal.repository, "main", options);
        assert_eq!(budget.used(), Bytes::ZERO, "nothing leaks");
        (report.expect("it fits"), budget.peak())
    };
    let (updated, needed) = within(Bytes::from_mib(256), false);
    let (full, enough) = within(Bytes::from_mib(256), true);
    assert_eq!((updated.mode, updated.full_because.is_none()), (Mode::Incremental, true));
    assert!(enough < needed, "{enough} for a full rebuild, {needed} for the update");
    let limit = Bytes::new(needed.get() - 1);
    let (report, _) = within(limit, false);
    assert_eq!(report.root_tree, full.root_tree);
    assert_eq!(report.mode, Mode::Full);
    let because = report.full_because;
    assert!(matches!(because, Some(FullBecause::OverLimit(at)) if at == limit), "{because:?}");
}

/// A unique object id for each number.
fn object(number: u32) -> [u8; Oid::LEN] {
    let mut id = [0x5a; Oid::LEN];
    id[..4].copy_from_slice(&number.wrapping_mul(0x9e37_79b1).to_be_bytes());
    id
}

/// Regression: an update copied the entries of a malformed shard to a tree that git rejects.
#[test]
fn a_cache_with_a_malformed_shard_is_fully_rebuilt() {
    type Forge = fn(&mut Vec<Vec<u8>>);
    let forgeries: [(&str, Forge); 5] = [
        ("out of order", |entries| entries.reverse()),
        ("twice", |entries| entries.push(entries[1].clone())),
        ("an executable", |entries| entries[0][5] = b'5'),
        ("another name", |entries| entries[0][7..11].copy_from_slice(b".git")),
        ("a directory", |entries| {
            entries[1].splice(..b"100644".len(), *b"40000");
        }),
    ];
    for (what, forge) in forgeries {
        let mut journal = Journal::new();
        journal.push(&[journal.tip()], &message(&[(1, 1)]));
        let first = journal.rebuild(false);
        let (shard, files) = shard_of_two(&journal.repository, &first);
        let mut forged = files.clone();
        forge(&mut forged);
        let forged = journal.repository.insert(ObjectKind::Tree, &forged.concat());
        let cache = with_entry(&journal.repository, &first, shard, forged);
        journal.push(&[journal.tip()], &message(&[(1, 9)]));
        let expected = journal.rebuild(true).root_tree;
        journal.repository.set_ref(CACHE, cache);
        let report = journal.rebuild(false);
        assert_eq!(report.root_tree, expected, "{what}");
        let because = report.full_because;
        assert!(matches!(because, Some(FullBecause::Damaged(_))), "{what}: {because:?}");
    }
}

/// The first shard of a cache that has two files, and its entries.
fn shard_of_two(repository: &FakeRepository, report: &Report) -> (Oid, Vec<Vec<u8>>) {
    let objects = repository.contents();
    let root = &objects[&report.root_tree].1;
    let shards = entries(root).map(|entry| entry.expect("well-formed").id);
    let files = |tree: &[u8]| {
        let names = entries(tree).map(|entry| entry.expect("well-formed"));
        let header = |name: &[u8]| [b"100644 ", name, b"\0"].concat();
        names.map(|file| [&header(file.name)[..], file.id.as_bytes()].concat()).collect()
    };
    let mut shards = shards.map(|shard| (shard, files(&objects[&shard].1)));
    shards.find(|(_, files): &(_, Vec<_>)| files.len() == 2).expect("both sides of an object")
}

/// Regression: metadata with 405 instead of 401 edges made an update number new edges from 405.
#[test]
fn a_wrong_number_of_edges_in_the_metadata_is_found_around_the_size_of_a_chunk() {
    for commits in [1, 255, 256, 257] {
        let mut journal = Journal::new();
        for _ in 1..commits {
            journal.push(&[journal.tip()], &message(&[(1, 2)]));
        }
        let first = journal.rebuild(false);
        let edges = first.meta.edges;
        assert_eq!(edges, commits);
        journal.push(&[journal.tip()], &message(&[(1, 9)]));
        let expected = journal.rebuild(true).root_tree;
        for other in (0..32).map(|bit| edges ^ (1 << bit)) {
            journal.repository.set_ref(CACHE, with_edges(&journal.repository, &first, other));
            let report = journal.rebuild(false);
            assert_eq!(report.root_tree, expected, "{other} instead of {edges}");
            let because = report.full_because;
            assert!(matches!(because, Some(FullBecause::Damaged(_))), "{other}: {because:?}");
        }
    }
}

/// The cache of `report` with another number of edges in its metadata, and with correct hashes.
fn with_edges(repository: &FakeRepository, report: &Report, edges: u32) -> Oid {
    let (old, new) = (report.meta.to_string(), Meta { edges, ..report.meta }.to_string());
    let old = repository.insert(ObjectKind::Blob, old.as_bytes());
    let new = repository.insert(ObjectKind::Blob, new.as_bytes());
    with_entry(repository, report, old, new)
}

/// The cache of `report` with another object in its root tree, and with correct hashes.
fn with_entry(repository: &FakeRepository, report: &Report, old: Oid, new: Oid) -> Oid {
    let objects = repository.contents();
    let mut root = objects[&report.root_tree].1.clone();
    let at = root.windows(Oid::LEN).position(|id| id == old.as_bytes()).expect("it is in there");
    root[at..at + Oid::LEN].copy_from_slice(new.as_bytes());
    let root = repository.insert(ObjectKind::Tree, &root);
    let (tree, new) = (report.root_tree.to_string(), root.to_string());
    let commit = String::from_utf8(objects[&report.cache_commit].1.clone()).expect("UTF-8");
    repository.insert(ObjectKind::Commit, commit.replace(&tree, &new).as_bytes())
}
