//! The walk against a recursive model, on random histories with merges.

use super::*;
use gitmind_git::fake::FakeRepository;
use gitmind_git::{Authors, BoxedTransaction, Error, Head, ObjectKind};
use gitmind_memory::{self, System};
use proptest::prelude::*;
use std::vec::Vec;

/// Makes a commit for each entry of `shape`, which has the distances to its parents; returns the
/// commits with their parents.
fn history(repository: &FakeRepository, shape: &[Vec<usize>]) -> Vec<(Oid, Vec<Oid>)> {
    let mut commits: Vec<(Oid, Vec<Oid>)> = Vec::new();
    for (index, back) in shape.iter().enumerate() {
        let mut parents: Vec<Oid> = Vec::new();
        for back in back.iter().filter(|&&back| back < index) {
            let parent = commits[index - 1 - back].0;
            if !parents.contains(&parent) {
                parents.push(parent);
            }
        }
        commits.push((repository.commit(&parents, format!("{index}").as_bytes()), parents));
    }
    commits
}

/// The model: the recursive definition of post-order.
fn post_order(id: Oid, commits: &[(Oid, Vec<Oid>)], order: &mut Vec<Oid>) {
    let (_, parents) = commits.iter().find(|(commit, _)| *commit == id).expect("it was made");
    for parent in parents {
        if !order.contains(parent) {
            post_order(*parent, commits, order);
        }
    }
    order.push(id);
}

fn first_parents(tip: Oid, commits: &[(Oid, Vec<Oid>)]) -> Vec<Oid> {
    let mut chain = vec![tip];
    while let Some((_, parents)) = commits.iter().find(|(id, _)| Some(id) == chain.last()) {
        let Some(parent) = parents.first() else { break };
        chain.push(*parent);
    }
    chain
}

fn walked(repository: &dyn Repository, tip: Oid, order: EdgeOrder) -> (Vec<Oid>, Vec<Oid>) {
    let mut visited = Vec::new();
    let system = System::new();
    let history = walk(repository, Alloc::new(&system), tip, order, |commit| {
        visited.push(commit.id);
        Ok::<(), WalkError>(())
    });
    let history = history.expect("a whole history");
    assert_eq!(history.commits(), visited);
    let numbered = history.numbered().map(|visit| visited[visit as usize]).collect();
    (visited, numbered)
}

fn shapes() -> impl Strategy<Value = Vec<Vec<usize>>> {
    let linear = Just(vec![0]);
    let any = prop::collection::vec(0..6_usize, 0..4);
    prop::collection::vec(prop_oneof![2 => linear, 1 => any], 1..40)
}

proptest! {
    #[test]
    fn oldest_first_is_the_post_order_over_parents(shape in shapes()) {
        let repository = FakeRepository::default();
        let commits = history(&repository, &shape);
        let tip = commits.last().expect("at least one").0;
        let mut expected = Vec::new();
        post_order(tip, &commits, &mut expected);
        let (mut visited, numbered) = walked(&repository, tip, EdgeOrder::OldestFirst);
        prop_assert_eq!(&numbered, &expected);
        visited.sort_unstable();
        visited.dedup();
        prop_assert_eq!(visited.len(), expected.len(), "a commit was visited twice");
    }

    #[test]
    fn newest_first_is_the_chain_of_first_parents(shape in shapes()) {
        let repository = FakeRepository::default();
        let commits = history(&repository, &shape);
        let tip = commits.last().expect("at least one").0;
        let (visited, numbered) = walked(&repository, tip, EdgeOrder::NewestFirst);
        prop_assert_eq!(&visited, &first_parents(tip, &commits));
        prop_assert_eq!(numbered, visited);
    }

    #[test]
    fn an_append_changes_no_number(
        shape in shapes(),
        sides in prop::collection::vec(0..40_usize, 0..3),
    ) {
        let repository = FakeRepository::default();
        let commits = history(&repository, &shape);
        let tip = commits.last().expect("at least one").0;
        let (_, before) = walked(&repository, tip, EdgeOrder::OldestFirst);
        let mut parents = vec![tip];
        parents.extend(sides.iter().filter_map(|&side| commits.get(side)).map(|(id, _)| *id));
        let new_tip = repository.commit(&parents, b"appended");
        let (_, after) = walked(&repository, new_tip, EdgeOrder::OldestFirst);
        prop_assert_eq!(&after[..before.len()], &before);
    }
}

#[test]
fn an_error_of_the_visitor_ends_the_walk() {
    let repository = FakeRepository::default();
    let commits = history(&repository, &vec![vec![0]; 5]);
    let mut visits = 0;
    let system = System::new();
    let (alloc, tip) = (Alloc::new(&system), commits[4].0);
    let outcome = walk(&repository, alloc, tip, EdgeOrder::OldestFirst, |commit| {
        visits += 1;
        if visits == 3 { Err(WalkError::Cycle { id: commit.id }) } else { Ok(()) }
    });
    assert!(matches!(outcome, Err(WalkError::Cycle { id }) if id == commits[2].0));
    assert_eq!(visits, 3);
}

/// A repository whose chain of first parents is a cycle of these commits.
struct CyclicRepository(Vec<Oid>);

impl Repository for CyclicRepository {
    fn follow(
        &self,
        _alloc: Alloc<'_>,
        _tip: Oid,
        visit: &mut dyn FnMut(&Commit<'_>) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        let bytes = format!("tree {}\n\n", Oid::ZERO);
        for id in self.0.iter().cycle().take(1000) {
            let commit = Commit::parse(*id, bytes.as_bytes()).expect("well-formed");
            if visit(&commit).is_break() {
                return Ok(());
            }
        }
        panic!("the cycle was not detected");
    }

    fn head(&self) -> Result<Head, Error> {
        Ok(Head::Detached)
    }
    fn resolve(&self, _: &str) -> Result<Option<Oid>, Error> {
        Ok(None)
    }
    fn refs(&self, _: &str, _: usize) -> Result<Vec<String>, Error> {
        Ok(Vec::new())
    }
    fn read(
        &self,
        id: Oid,
        _: ObjectKind,
        _: &mut gitmind_memory::Vec<'_, u8>,
    ) -> Result<(), Error> {
        Err(Error::Missing(id))
    }
    fn authors(&self) -> Result<Authors, Error> {
        Ok(Authors::default())
    }
    fn begin<'t>(&'t self, _: Alloc<'t>, _: Option<u32>) -> Result<BoxedTransaction<'t>, Error> {
        Err(git::PackError::Ended.into())
    }
}

#[test]
fn a_commit_that_is_its_own_ancestor_is_an_error() {
    for len in 1..=70_u8 {
        let repository = CyclicRepository((0..len).map(|index| Oid::new([index; 20])).collect());
        let system = System::new();
        let (alloc, tip) = (Alloc::new(&system), repository.0[0]);
        let visit = |_: &Commit<'_>| Ok::<(), WalkError>(());
        let outcome = walk(&repository, alloc, tip, EdgeOrder::OldestFirst, visit);
        assert!(matches!(outcome, Err(WalkError::Cycle { .. })), "cycle of {len}");
    }
}
