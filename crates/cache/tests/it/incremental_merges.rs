//! After merges, an incrementally updated cache has the tree of a full rebuild too.

use gitmind_cache::{FullBecause, Mode, RebuildOptions, Report};
use gitmind_git::Repository;
use gitmind_git::fake::FakeRepository;
use gitmind_git::oid::Oid;
use gitmind_journal::EdgeOrder;
use gitmind_memory::{Alloc, System};
use gitmind_test_support::{marked_message, rebuild_with};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::ops::ControlFlow;

const JOURNAL: &str = "refs/gitmind/edges/main";
const CACHE: &str = "refs/gitmind/cache/main";
const OPTIONS: RebuildOptions =
    RebuildOptions { edge_order: EdgeOrder::OldestFirst, force: false, strict: false };
/// Clones of one journal; the cache is that of the first one.
const CLONES: usize = 3;

/// The message of these edges, some of which are AUGMENTS edges or tombstones.
fn marked(edges: &[(u8, u8)]) -> Vec<u8> {
    let mark = |&(source, target): &(u8, u8)| {
        let relation = if source % 3 == 1 { 4 } else { 2 };
        (source, target, relation, if target % 4 == 3 { 4 } else { 0 })
    };
    marked_message(&edges.iter().map(mark).collect::<Vec<_>>())
}

/// What happens in a clone.
#[derive(Clone, Debug)]
enum Step {
    /// A commit with these edges.
    Append(usize, Vec<(u8, u8)>),
    /// A commit whose message is malformed, or, if `true`, truncated after an edge.
    Malformed(usize, bool),
    /// A journal of its own replaces that of the clone.
    Root(usize, Vec<(u8, u8)>),
    /// The clone merges others: their tips, or commits some first parents back.
    Merge { clone: usize, others: Vec<(usize, usize)>, edges: Vec<(u8, u8)> },
    /// The clone takes over the journal of another one, which may have merged its tip, or what it
    /// was some first parents back.
    Take(usize, usize, usize),
}

/// Up to `len_max` steps that go up to `back_max` commits back.
fn steps(len_max: usize, back_max: usize) -> impl Strategy<Value = Vec<Step>> {
    let edges = || {
        prop_oneof![
            2 => Just(vec![]),
            3 => prop::collection::vec((0..9_u8, 0..9_u8), 1..4),
        ]
    };
    let clone = || 0..CLONES;
    let back = move || prop_oneof![4 => Just(0), 1 => 0..=back_max];
    let others = prop::collection::vec((clone(), back()), 1..3);
    let step = prop_oneof![
        8 => (clone(), edges()).prop_map(|(clone, edges)| Step::Append(clone, edges)),
        1 => (clone(), any::<bool>()).prop_map(|(clone, cut)| Step::Malformed(clone, cut)),
        1 => (clone(), edges()).prop_map(|(clone, edges)| Step::Root(clone, edges)),
        5 => (clone(), others, edges())
            .prop_map(|(clone, others, edges)| Step::Merge { clone, others, edges }),
        4 => (clone(), clone(), back())
            .prop_map(|(clone, from, back)| Step::Take(clone, from, back)),
    ];
    prop::collection::vec(step, 1..=len_max)
}

struct Clones {
    repository: FakeRepository,
    tips: [Oid; CLONES],
}

impl Clones {
    /// Clones of a journal of `commits` commits with an edge each.
    fn new(commits: usize) -> Self {
        let repository = FakeRepository::default();
        let mut tip = repository.commit(&[], &marked(&[(1, 2)]));
        for number in 1..commits {
            let byte = u8::try_from(number % 251).expect("it is below 251");
            tip = repository.commit(&[tip], &marked(&[(byte, byte / 2)]));
        }
        Self { repository, tips: [tip; CLONES] }
    }

    fn parents(&self, id: Oid) -> Vec<Oid> {
        let mut parents = vec![];
        let system = System::new();
        let read = self.repository.follow(Alloc::new(&system), id, &mut |commit| {
            parents.extend(commit.parents());
            ControlFlow::Break(())
        });
        read.expect("it was made");
        parents
    }

    /// The commit this many first parents before a tip, or the root.
    fn before(&self, clone: usize, back: usize) -> Oid {
        let (mut left, mut before) = (back, self.tips[clone]);
        let system = System::new();
        let read = self.repository.follow(Alloc::new(&system), before, &mut |commit| {
            before = commit.id;
            let is_last = left == 0;
            left = left.saturating_sub(1);
            if is_last { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        read.expect("it was made");
        before
    }

    fn ancestors(&self, tip: Oid) -> BTreeSet<Oid> {
        let (mut seen, mut left) = (BTreeSet::new(), vec![tip]);
        while let Some(id) = left.pop() {
            if seen.insert(id) {
                left.extend(self.parents(id));
            }
        }
        seen
    }

    fn commit(&mut self, clone: usize, others: &[Oid], message: &[u8]) {
        let parents = [&[self.tips[clone]], others].concat();
        self.tips[clone] = self.repository.commit(&parents, message);
    }

    fn apply(&mut self, step: &Step) {
        match step {
            Step::Append(clone, edges) => self.commit(*clone, &[], &marked(edges)),
            Step::Malformed(clone, false) => self.commit(*clone, &[], b"no base64"),
            Step::Malformed(clone, true) => self.commit(*clone, &[], b"oP8="),
            Step::Root(clone, edges) => {
                self.tips[*clone] = self.repository.commit(&[], &marked(edges));
            }
            Step::Merge { clone, others, edges } => {
                let others: Vec<_> =
                    others.iter().map(|(it, back)| self.before(*it, *back)).collect();
                self.commit(*clone, &others, &marked(edges));
            }
            Step::Take(clone, from, back) => self.tips[*clone] = self.before(*from, *back),
        }
    }

    fn rebuild(&self, force: bool) -> Report {
        self.repository.set_ref(JOURNAL, self.tips[0]);
        rebuild_with(&self.repository, "main", RebuildOptions { force, ..OPTIONS })
            .expect("a journal")
    }

    /// Rebuilds, and checks that the cache is that of a full rebuild.
    fn checked(&self) -> Report {
        let report = self.rebuild(false);
        let cache = self.repository.resolve(CACHE).expect("readable").expect("built");
        let full = self.rebuild(true);
        self.repository.set_ref(CACHE, cache);
        assert_eq!(report.meta, full.meta, "{:?}", report.full_because);
        assert_eq!(report.root_tree, full.root_tree, "{:?}", report.full_because);
        report
    }
}

proptest! {
    #[test]
    fn any_history_with_merges_gives_the_tree_of_a_full_rebuild(steps in steps(40, 5)) {
        let mut clones = Clones::new(1);
        clones.rebuild(false);
        let mut built_from = clones.tips[0];
        for step in &steps {
            clones.apply(step);
            let report = clones.checked();
            let tip = clones.tips[0];
            let is_ancestor = clones.ancestors(tip).contains(&built_from);
            match report.mode {
                Mode::Current => prop_assert_eq!(tip, built_from),
                Mode::Incremental => prop_assert!(is_ancestor, "after {:?}", step),
                Mode::Full => {
                    let chain = |tip| {
                        let first = |id: &Oid| clones.parents(*id).first().copied();
                        std::iter::successors(Some(tip), first).collect::<BTreeSet<_>>()
                    };
                    let has_fork = !chain(tip).is_disjoint(&chain(built_from));
                    let because = report.full_because;
                    let is_renumbered = matches!(because, Some(FullBecause::Renumbered));
                    let is_due = !is_ancestor || !has_fork || is_renumbered;
                    prop_assert!(is_due, "{because:?} after {step:?}");
                }
            }
            built_from = tip;
        }
    }
}

#[test]
fn only_so_much_of_the_index_is_read_as_a_merge_needs() {
    let mut clones = Clones::new(20_000);
    clones.rebuild(false);
    for (back, ours, theirs) in [(0, 3, 5), (3000, 1, 200), (9000, 2, 2), (19_999, 1, 1)] {
        let base = clones.before(0, back);
        clones.tips[1] = base;
        for number in 0..theirs {
            clones.commit(1, &[], &marked(&[(200, number)]));
        }
        for number in 0..ours {
            clones.commit(0, &[], &marked(&[(201, number)]));
        }
        clones.commit(0, &[clones.tips[1]], &marked(&[]));
        assert_eq!(clones.checked().mode, Mode::Incremental, "{back} back");
        // The other one has our merge as its second parent.
        clones.commit(1, &[clones.tips[0]], &marked(&[(3, 4)]));
        clones.tips[0] = clones.tips[1];
        let report = clones.checked();
        let is_near = back <= 3000;
        assert_eq!(report.mode == Mode::Incremental, is_near, "{back}: {:?}", report.full_because);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]
    #[test]
    fn a_part_of_the_index_is_enough_for_merges_far_back(steps in steps(9, 12_000)) {
        let mut clones = Clones::new(12_000);
        clones.rebuild(false);
        for step in &steps {
            clones.apply(step);
            clones.checked();
        }
    }
}

#[test]
fn edges_of_a_fork_that_has_merged_its_own_ancestor_are_not_lost() {
    let mut clones = Clones::new(1);
    let root = clones.tips[0];
    clones.commit(0, &[], &marked(&[(3, 4)]));
    // The newest edge below the fork is behind two commits without edges.
    clones.commit(0, &[root], &marked(&[]));
    clones.commit(0, &[root], &marked(&[]));
    clones.tips[1] = clones.tips[0];
    clones.commit(0, &[], &marked(&[(5, 6)]));
    clones.rebuild(false);
    clones.commit(1, &[], &marked(&[(7, 8)]));
    clones.commit(1, &[clones.tips[0]], &marked(&[]));
    clones.tips[0] = clones.tips[1];
    assert_eq!(clones.checked().mode, Mode::Incremental);
}

#[test]
fn a_commit_without_edges_on_a_fork_without_edges_is_counted_once() {
    let mut clones = Clones::new(2);
    clones.commit(0, &[], &marked(&[]));
    clones.tips[1] = clones.tips[0];
    clones.commit(1, &[], b"no base64");
    clones.commit(0, &[], &marked(&[(5, 6)]));
    clones.commit(0, &[clones.tips[1]], &marked(&[]));
    clones.rebuild(false);
    clones.commit(1, &[], &marked(&[(7, 8)]));
    clones.commit(1, &[clones.tips[0]], &marked(&[]));
    clones.tips[0] = clones.tips[1];
    assert_eq!(clones.checked().mode, Mode::Incremental);
}

#[test]
fn a_root_without_edges_is_looked_for_behind_all_that_was_read_of_the_index() {
    let mut clones = Clones::new(6000);
    clones.tips[1] = clones.repository.commit(&[], b"no base64");
    clones.commit(0, &[clones.tips[1]], &marked(&[]));
    for number in 0..5000_u32 {
        let [.., byte] = number.to_be_bytes();
        clones.commit(0, &[], &marked(&[(byte, 7)]));
    }
    clones.rebuild(false);
    clones.commit(1, &[], &marked(&[(7, 8)]));
    clones.commit(0, &[clones.tips[1]], &marked(&[]));
    assert_eq!(clones.checked().mode, Mode::Incremental);
}
