//! Older contents and tombstones: random journals with AUGMENTS edges and rejected ones, asked with
//! a cache of any earlier state, against the naive model.

use crate::linked::check_linked;
use crate::query::{CACHE, JOURNAL, Model, ORDERS, ask};
use gitmind_cache::{Content, Direction, Endpoint, Mode, Query, QueryError, RebuildOptions};
use gitmind_git::branch::BranchName;
use gitmind_git::fake::FakeRepository;
use gitmind_git::oid::Oid;
use gitmind_journal::EdgeOrder;
use gitmind_memory::{Alloc, System};
use gitmind_test_support::{marked_message, rebuild, rebuild_with};
use proptest::prelude::*;
use std::ops::ControlFlow;

/// An edge as source, target, type and flags.
type MarkedEdge = (u8, u8, u8, u8);

fn journals() -> impl Strategy<Value = Vec<Vec<MarkedEdge>>> {
    let relation = prop_oneof![Just(2_u8), Just(4), Just(4)];
    let flags = prop_oneof![3 => Just(0_u8), 1 => Just(4), 1 => Just(5)];
    let edge = (1..7_u8, 1..7_u8, relation, flags);
    prop::collection::vec(prop::collection::vec(edge, 0..4), 1..9)
}

/// Appends the commits to the journal of `main`.
fn append(repository: &FakeRepository, mut tip: Option<Oid>, commits: &[Vec<MarkedEdge>]) -> Oid {
    for edges in commits {
        tip = Some(repository.commit(tip.as_slice(), &marked_message(edges)));
    }
    let tip = tip.expect("this holds because a journal has a commit");
    repository.set_ref(JOURNAL, tip);
    tip
}

fn check(repository: &FakeRepository, order: EdgeOrder, from_cache: bool) {
    let model = Model::new(repository, "main", order);
    for endpoint in model.endpoints().into_iter().chain(model.paths()) {
        let (shown, answer) = ask(repository, "main", endpoint).expect("whole");
        assert_eq!(answer.unusable.is_none(), from_cache, "{endpoint:?}");
        assert_eq!(shown, model.answer(endpoint), "{endpoint:?}");
    }
    check_linked(repository, order);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn every_answer_is_the_models_whatever_the_cache_knows(
        journal in journals(),
        cached in any::<prop::sample::Index>(),
    ) {
        let cached = 1 + cached.index(journal.len());
        let repository = FakeRepository::default();
        let tip = append(&repository, None, &journal[..cached]);
        check(&repository, ORDERS[0], false);
        for order in ORDERS {
            rebuild(&repository, "main", order).expect("a journal");
            check(&repository, order, true);
        }
        rebuild(&repository, "main", ORDERS[0]).expect("a journal");
        append(&repository, Some(tip), &journal[cached..]);
        check(&repository, ORDERS[0], true);
        let options = RebuildOptions { edge_order: ORDERS[0], force: false, strict: false };
        let updated = rebuild_with(&repository, "main", options).expect("a journal");
        prop_assert!(updated.mode != Mode::Full, "{:?}", updated.full_because);
        check(&repository, ORDERS[0], true);
        repository.remove_ref(CACHE);
        let full = rebuild(&repository, "main", ORDERS[0]).expect("a journal");
        prop_assert_eq!(full.root_tree, updated.root_tree);
    }
}

/// The contents, ends and connections of the answer for a file whose content is now 3.
#[test]
fn an_edge_says_how_old_its_content_is_and_whether_it_connects_two_of_them() {
    let repository = FakeRepository::default();
    // 1 became 2 and 2 became 3; 9 is not connected, but has the path of (1, 7).
    let edges = [(1, 7, 2, 0), (1, 2, 4, 0), (7, 2, 3, 0), (2, 3, 4, 0), (3, 3, 2, 0)];
    append(&repository, None, &[edges.to_vec()]);
    let path = Endpoint::file(Some(Oid::new([3; 20])), b"z", None);
    for is_cached in [false, true] {
        if is_cached {
            rebuild(&repository, "main", ORDERS[0]).expect("a journal");
        }
        let system = System::new();
        let query = Query { alloc: Alloc::new(&system), repository: &repository };
        let mut shown = Vec::new();
        let branch = BranchName::new("main").expect("a name");
        let answer = query.run(&branch, path, |found| {
            shown.push((found.id, found.content, found.end, found.connects_contents));
            Ok::<_, QueryError>(ControlFlow::Continue(()))
        });
        assert_eq!(answer.expect("whole").unusable.is_none(), is_cached);
        let expected = [
            (0, Content::Older(Some(2)), Direction::Forward, false),
            (1, Content::Older(Some(1)), Direction::Reverse, true),
            (2, Content::Older(Some(1)), Direction::Reverse, false),
            (3, Content::Current, Direction::Reverse, true),
            (4, Content::Current, Direction::Forward, false),
        ];
        assert_eq!(shown, expected);
    }
}
