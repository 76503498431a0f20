//! Whether contents and paths are linked: as the answers of the model say, for any cache.

use crate::query::{JOURNAL, Model, ORDERS};
use gitmind_cache::{Endpoint, Query, QueryError};
use gitmind_git::Repository;
use gitmind_git::branch::BranchName;
use gitmind_git::fake::FakeRepository;
use gitmind_git::oid::Oid;
use gitmind_journal::EdgeOrder;
use gitmind_memory::{Alloc, System};
use gitmind_test_support::{marked_message, rebuild};

/// Fails unless each pair of an object and a path is linked where the model has a live edge.
pub(crate) fn check_linked(repository: &dyn Repository, order: EdgeOrder) {
    let model = Model::new(repository, "main", order);
    let endpoints = model.endpoints();
    let objects = endpoints.iter().filter_map(|endpoint| endpoint.object);
    let paths = model.paths();
    let paths: Vec<&[u8]> = paths.iter().filter_map(|endpoint| endpoint.path).collect();
    let mut ends: Vec<(Oid, &[u8])> =
        objects.flat_map(|object| paths.iter().map(move |path| (object, *path))).collect();
    ends.dedup();
    let expected: Vec<bool> = ends
        .iter()
        .map(|(object, path)| {
            let file = Endpoint { follow: false, ..Endpoint::file(Some(*object), path, None) };
            model.answer(file).iter().any(|(.., text)| text.ends_with(" Live"))
        })
        .collect();
    assert!(expected.contains(&false), "an object and a path that have no edge");
    let system = System::new();
    let query = Query { alloc: Alloc::new(&system), repository };
    let branch = BranchName::new("main").expect("a name");
    let linked = query.linked(&branch, &ends).expect("a whole journal");
    for ((end, linked), expected) in ends.iter().zip(&*linked).zip(expected) {
        assert_eq!(*linked, expected, "{end:?}");
    }
}

#[test]
fn with_any_object_of_the_cache_gone_the_journal_answers() {
    for tombstone in [None, Some((3, 4, 2, 4))] {
        let repository = FakeRepository::default();
        let edges = [(1, 2, 2, 0), (3, 4, 2, 0), (1, 2, 4, 0)];
        let tip = repository.commit(&[], &marked_message(&edges));
        let edges: Vec<_> = tombstone.into_iter().collect();
        repository.set_ref(JOURNAL, repository.commit(&[tip], &marked_message(&edges)));
        let before = repository.contents();
        rebuild(&repository, "main", ORDERS[0]).expect("a journal");
        check_linked(&repository, ORDERS[0]);
        for (id, (kind, content)) in repository.contents() {
            if !before.contains_key(&id) {
                repository.remove(id);
                check_linked(&repository, ORDERS[0]);
                repository.damage(id, kind, &content);
            }
        }
    }
}

#[test]
fn a_branch_without_a_journal_is_an_error() {
    let (repository, system) = (FakeRepository::default(), System::new());
    let query = Query { alloc: Alloc::new(&system), repository: &repository };
    let linked = query.linked(&BranchName::new("main").expect("a name"), &[]);
    assert!(matches!(linked, Err(QueryError::NoJournal(_))), "{linked:?}");
}
