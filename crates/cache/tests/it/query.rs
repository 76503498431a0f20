//! The query: cache and journal give the same edges with the same ids, as a naive model does.

use gitmind_cache::{Answer, Direction, Endpoint, Query, QueryError};
use gitmind_git::Repository;
use gitmind_git::branch::BranchName;
use gitmind_git::fake::FakeRepository;
use gitmind_git::oid::Oid;
use gitmind_journal::{
    Edge, EdgeKey, EdgeOrder, Edges, Relation, Standing, WalkError, decode_message, walk,
};
use gitmind_memory::{Alloc, System};
use gitmind_test_support::{TempRepository, message, rebuild};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

pub(crate) const JOURNAL: &str = "refs/gitmind/edges/main";
pub(crate) const CACHE: &str = "refs/gitmind/cache/main";
pub(crate) const ORDERS: [EdgeOrder; 2] = [EdgeOrder::OldestFirst, EdgeOrder::NewestFirst];
pub(crate) const DIRECTIONS: [Direction; 2] = [Direction::Forward, Direction::Reverse];

/// An edge of an answer: its id, its commit, and all its fields and its standing as text.
pub(crate) type Shown = (u32, Oid, String);

/// The model: both ends, the key and the expected answer of each edge, from decoding the whole
/// journal.
pub(crate) struct Model(Vec<([End; 2], EdgeKey, Shown)>);

/// An end of an edge: its object and its path.
type End = (Oid, Vec<u8>);

impl Model {
    pub(crate) fn new(repository: &dyn Repository, branch: &str, order: EdgeOrder) -> Self {
        let tip = repository.resolve(&format!("refs/gitmind/edges/{branch}")).expect("readable");
        let system = System::new();
        let alloc = Alloc::new(&system);
        let mut commits = Vec::new();
        let mut payload = gitmind_memory::Vec::new(alloc);
        let history = walk(repository, alloc, tip.expect("a journal"), order, |commit| {
            let decoded = decode_message(commit.message, &mut payload);
            let edges = decoded.map_or(vec![], |()| {
                let edges = Edges::new(&payload).filter_map(Result::ok);
                let ends = |edge: &Edge<'_>| {
                    [
                        (edge.source, edge.source_path.to_vec()),
                        (edge.target, edge.target_path.to_vec()),
                    ]
                };
                let describe = |edge: Edge<'_>| {
                    (ends(&edge), edge.key(), edge.is_tombstone(), format!("{edge:?}"))
                };
                edges.map(describe).collect()
            });
            commits.push((commit.id, edges));
            Ok::<(), WalkError>(())
        });
        let numbered = history.expect("a whole journal");
        let numbered = numbered.numbered().flat_map(|visit| {
            let (commit, edges) = commits[visit as usize].clone();
            edges.into_iter().map(move |edge| (commit, edge))
        });
        let edges: Vec<_> = (0_u32..).zip(numbered).collect();
        let is_later = |a: u32, b: u32| if order == ORDERS[0] { a > b } else { a < b };
        let mut tombstones: BTreeMap<EdgeKey, u32> = BTreeMap::new();
        for (id, (_, (_, key, is_tombstone, _))) in &edges {
            if *is_tombstone {
                let last = tombstones.entry(*key).or_insert(*id);
                *last = if is_later(*id, *last) { *id } else { *last };
            }
        }
        let described = edges.into_iter().map(|(id, (commit, (ends, key, is_tombstone, text)))| {
            let standing = match tombstones.get(&key) {
                _ if is_tombstone => Standing::Tombstone,
                Some(tombstone) if is_later(*tombstone, id) => Standing::TakenBack,
                _ => Standing::Live,
            };
            (ends, key, (id, commit, format!("{text} {standing:?}")))
        });
        Self(described.collect())
    }

    /// The contents of an endpoint, by adding what AUGMENTS edges say until nothing is new.
    fn contents(&self, endpoint: Endpoint<'_>) -> BTreeSet<Oid> {
        let mut contents: BTreeSet<Oid> = endpoint.object.into_iter().collect();
        loop {
            let before = contents.len();
            for ([_, (_, target_path)], key, _) in &self.0 {
                let is_version = endpoint.follow && key.relation == Relation::AUGMENTS;
                if is_version && endpoint.path == Some(&target_path[..]) {
                    contents.insert(key.target);
                }
                if is_version && contents.contains(&key.target) {
                    contents.insert(key.source);
                }
            }
            if contents.len() == before {
                return contents;
            }
        }
    }

    pub(crate) fn answer(&self, endpoint: Endpoint<'_>) -> Vec<Shown> {
        let contents = self.contents(endpoint);
        let edges = self.0.iter().filter(|([source, target], ..)| {
            let is_at =
                |(object, path): &End| contents.contains(object) || endpoint.path == Some(path);
            match endpoint.direction {
                Some(Direction::Forward) => is_at(source),
                Some(Direction::Reverse) => is_at(target),
                None => is_at(source) || is_at(target),
            }
        });
        edges.map(|(.., shown)| shown.clone()).collect()
    }

    /// All objects with edges, and one without, in both directions.
    pub(crate) fn endpoints(&self) -> Vec<Endpoint<'static>> {
        let ends = self.0.iter().flat_map(|(ends, ..)| ends.each_ref().map(|(object, _)| *object));
        let mut oids: BTreeSet<Oid> = ends.collect();
        oids.insert(Oid::new([0xee; 20]));
        let both = |oid| DIRECTIONS.map(|direction| Endpoint::object(oid, direction));
        oids.into_iter().flat_map(both).collect()
    }

    /// All paths with edges, and one without, in both directions: alone, and with an object.
    pub(crate) fn paths(&self) -> Vec<Endpoint<'_>> {
        let ends = || self.0.iter().flat_map(|(ends, ..)| ends);
        let mut paths: BTreeSet<&[u8]> = ends().map(|(_, path)| &path[..]).collect();
        paths.insert(b"no/such/path");
        paths.remove(&b""[..]);
        let objects = [None, ends().next().map(|(object, _)| *object), Some(Oid::new([0xee; 20]))];
        let of_path = |path| {
            objects.into_iter().flat_map(move |object| {
                [None, Some(DIRECTIONS[0]), Some(DIRECTIONS[1])].into_iter().flat_map(
                    move |direction| {
                        let file = Endpoint::file(object, path, direction);
                        [file, Endpoint { follow: false, ..file }]
                    },
                )
            })
        };
        paths.into_iter().flat_map(of_path).collect()
    }

    /// The two endpoints with the most edges, and some others.
    fn sample(&self) -> Vec<Endpoint<'_>> {
        let mut counts: BTreeMap<(Oid, bool), usize> = BTreeMap::new();
        for ([(source, _), (target, _)], ..) in &self.0 {
            *counts.entry((*source, false)).or_default() += 1;
            *counts.entry((*target, true)).or_default() += 1;
        }
        let mut counts: Vec<_> = counts.into_iter().map(|(end, count)| (count, end)).collect();
        counts.sort_unstable();
        let most = counts.iter().rev().take(2);
        let spread = counts.iter().step_by(counts.len() / 3 + 1);
        let endpoint = |(_, (oid, is_target)): &(usize, (Oid, bool))| {
            Endpoint::object(*oid, DIRECTIONS[usize::from(*is_target)])
        };
        let paths = self.paths();
        let few_paths = paths.iter().step_by(paths.len() / 5 + 1).copied();
        most.chain(spread).map(endpoint).chain(few_paths).collect()
    }
}

/// Runs a query that allocates from `alloc`.
pub(crate) fn ask_with(
    repository: &dyn Repository,
    alloc: Alloc<'_>,
    branch: &str,
    endpoint: Endpoint<'_>,
) -> Result<(Vec<Shown>, Answer), QueryError> {
    let mut shown = Vec::new();
    let branch = BranchName::new(branch).expect("a name");
    let answer = Query { alloc, repository }.run(&branch, endpoint, |found| {
        let text = format!("{:?} {:?}", found.edge, found.standing);
        shown.push((found.id, found.commit, text));
        Ok::<_, QueryError>(ControlFlow::Continue(()))
    })?;
    assert_eq!(answer.edges, shown.len() as u64);
    Ok((shown, answer))
}

pub(crate) fn ask(
    repository: &dyn Repository,
    branch: &str,
    endpoint: Endpoint<'_>,
) -> Result<(Vec<Shown>, Answer), QueryError> {
    let system = System::new();
    ask_with(repository, Alloc::new(&system), branch, endpoint)
}

/// Checks the answers of the cache in `order` for every `step`th endpoint; returns the number of
/// edges in those that name an object alone.
fn check_cache(repository: &dyn Repository, branch: &str, order: EdgeOrder, step: usize) -> usize {
    let model = Model::new(repository, branch, order);
    let mut edges = 0;
    let endpoints = model.endpoints();
    let paths = model.paths();
    for endpoint in endpoints.iter().step_by(step).chain(paths.iter().step_by(step)).copied() {
        let (shown, answer) = ask(repository, branch, endpoint).expect("a whole repository");
        assert!(answer.unusable.is_none(), "{endpoint:?}: {answer:?}");
        assert_eq!(answer.edge_order, order);
        assert!(shown == model.answer(endpoint), "{branch} {order:?} {endpoint:?}");
        edges += if endpoint.path.is_none() { shown.len() } else { 0 };
    }
    edges
}

/// Checks the answers of the journal when there is no cache.
fn check_journal(
    repository: &dyn Repository,
    branch: &str,
    endpoints: &[Endpoint<'_>],
    model: &Model,
) {
    for endpoint in endpoints {
        let (shown, answer) = ask(repository, branch, *endpoint).expect("a whole repository");
        let why = answer.unusable.expect("there is no cache").to_string();
        assert_eq!((why.as_str(), answer.edge_order), ("there is no cache", ORDERS[0]));
        assert!(shown == model.answer(*endpoint), "{branch} {endpoint:?}");
    }
}

#[test]
fn cache_and_journal_answer_alike_on_every_fixture() {
    for fixture in gitmind_test_support::fixture_list().fixtures() {
        let repository = TempRepository::fixture(&fixture.name);
        for journal in &fixture.journals {
            let branch = &journal.branch;
            for order in ORDERS {
                repository.rebuild(branch, order);
                let step = if journal.edges < 100 { 1 } else { 41 };
                let edges = check_cache(&repository.open(), branch, order, step);
                assert!(step > 1 || edges == 2 * journal.edges as usize, "each has two ends");
                assert!(edges > 7, "{edges} edges");
            }
            repository.git(&["update-ref", "-d", &format!("refs/gitmind/cache/{branch}")]);
            let open = repository.open();
            let model = Model::new(&open, branch, EdgeOrder::OldestFirst);
            let is_small = journal.edges < 100;
            let endpoints = match is_small {
                true => [model.endpoints(), model.paths()].concat(),
                false => model.sample(),
            };
            check_journal(&open, branch, &endpoints, &model);
        }
    }
}

/// A journal with merges, one of which joins two merges; the tip is on `main`.
pub(crate) fn merged() -> FakeRepository {
    let repository = FakeRepository::default();
    let commit = |parents: &[Oid], edges: &[(u8, u8)]| repository.commit(parents, &message(edges));
    let root = commit(&[], &[(1, 9)]);
    let left = commit(&[root], &[(2, 9), (1, 9)]);
    let right = commit(&[root], &[(1, 8)]);
    let empty = commit(&[right], &[]);
    let merge = commit(&[left, empty], &[(9, 1), (1, 9), (1, 1)]);
    let other = commit(&[right], &[(1, 9)]);
    let damaged = repository.commit(&[other], b"no payload");
    let both = commit(&[merge, damaged, left], &[(3, 9)]);
    repository.set_ref(JOURNAL, commit(&[both], &[(1, 9)]));
    repository
}

#[test]
fn cache_and_journal_answer_alike_on_a_merged_journal() {
    let repository = merged();
    let model = Model::new(&repository, "main", EdgeOrder::OldestFirst);
    check_journal(&repository, "main", &model.endpoints(), &model);
    for order in ORDERS {
        rebuild(&repository, "main", order).expect("a journal");
        check_cache(&repository, "main", order, 1);
    }
    let from = Endpoint::object(Oid::new([1; 20]), Direction::Forward);
    assert_eq!(
        model.answer(from).iter().map(|shown| shown.0).collect::<Vec<_>>(),
        [0, 2, 3, 5, 6, 7, 9]
    );
}

#[test]
fn an_append_changes_no_id_and_the_cache_answers_together_with_the_new_commits() {
    let repository = merged();
    let built = rebuild(&repository, "main", EdgeOrder::OldestFirst).expect("a journal");
    let from = Endpoint::object(Oid::new([1; 20]), Direction::Forward);
    let (before, _) = ask(&repository, "main", from).expect("whole");
    let tip = repository.commit(&[built.meta.journal_tip], &message(&[(1, 4)]));
    repository.set_ref(JOURNAL, tip);
    let (after, answer) = ask(&repository, "main", from).expect("whole");
    assert_eq!((&after[..before.len()], after.len()), (&before[..], before.len() + 1));
    assert_eq!((answer.unusable.is_none(), answer.commits_newer), (true, 1));
    assert_eq!((answer.malformed.skipped, answer.malformed.first().count()), (1, 0));
    // Not on top of the commit that the cache was built from.
    let other = repository.commit(&[], &message(&[(1, 4)]));
    repository.set_ref(JOURNAL, other);
    let (_, answer) = ask(&repository, "main", from).expect("whole");
    let why = answer.unusable.expect("stale").to_string();
    let built_from = built.meta.journal_tip;
    let expected = format!("the cache is stale: it was built from journal commit {built_from}");
    assert_eq!(why, format!("{expected}, not {other}"));
}

#[test]
fn a_visitor_that_breaks_has_seen_the_first_edges() {
    let repository = merged();
    let from = Endpoint::object(Oid::new([1; 20]), Direction::Forward);
    let model = Model::new(&repository, "main", EdgeOrder::OldestFirst).answer(from);
    for is_cached in [false, true] {
        if is_cached {
            rebuild(&repository, "main", EdgeOrder::OldestFirst).expect("a journal");
        }
        for limit in 1..=model.len() {
            let (system, mut ids) = (System::new(), Vec::new());
            let query = Query { alloc: Alloc::new(&system), repository: &repository };
            let branch = BranchName::new("main").expect("a name");
            let answer = query.run(&branch, from, |found| {
                ids.push(found.id);
                let is_enough = ids.len() == limit;
                let flow =
                    if is_enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
                Ok::<_, QueryError>(flow)
            });
            let answer = answer.expect("whole");
            assert_eq!((answer.unusable.is_none(), answer.edges), (is_cached, limit as u64));
            assert!(ids.iter().eq(model[..limit].iter().map(|(id, _, _)| id)));
        }
    }
}

#[test]
fn the_error_for_a_branch_without_a_journal_names_it() {
    let repository = FakeRepository::default();
    let from = Endpoint::object(Oid::ZERO, Direction::Forward);
    let error = ask(&repository, "main", from).expect_err("nothing is there").to_string();
    assert_eq!(error, "branch `main` has no journal (refs/gitmind/edges/main does not exist)");
}

#[test]
fn a_cache_of_the_c_tool_is_recognized_in_both_layouts() {
    let repository = TempRepository::fixture("small");
    let wrapper = repository.git(&["rev-parse", &format!("{CACHE}^{{tree}}")]);
    let listing = repository.git(&["ls-tree", &wrapper]);
    assert!(listing.starts_with("040000 tree ") && listing.contains("\tcache-"), "{listing}");
    let stripped = listing.split_whitespace().nth(2).expect("an id").to_owned();
    let model = Model::new(&repository.open(), "main", EdgeOrder::OldestFirst);
    for tree in [wrapper, stripped] {
        let commit = repository.git(&["commit-tree", "-m", "Cache metadata", &tree]);
        repository.git(&["update-ref", CACHE, &commit]);
        for endpoint in model.endpoints() {
            let (shown, answer) = ask(&repository.open(), "main", endpoint).expect("whole");
            let why = answer.unusable.expect("it has no metadata");
            assert_eq!(why.name(), "other-tool", "{why}");
            assert!(shown == model.answer(endpoint));
        }
    }
}

#[test]
fn an_edge_is_found_from_its_source_and_from_its_target() {
    let edge: Edge<'_> = Edges::new(&[0xa0]).next().expect("an edge").expect("a whole one");
    assert_eq!((edge.source, edge.target), (Oid::ZERO, Oid::ZERO));
    let repository = FakeRepository::default();
    repository.set_ref(JOURNAL, repository.commit(&[], b"oA=="));
    rebuild(&repository, "main", EdgeOrder::OldestFirst).expect("a journal");
    for direction in DIRECTIONS {
        let endpoint = Endpoint::object(Oid::ZERO, direction);
        let (shown, answer) = ask(&repository, "main", endpoint).expect("whole");
        assert_eq!((shown.len(), answer.unusable.is_none()), (1, true));
    }
}
