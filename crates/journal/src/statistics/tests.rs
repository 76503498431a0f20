//! Statistics against counts in std's maps.

use super::*;
use crate::{Attribution, Edges};
use gitmind_memory::testing::{assert_no_leaks, sweep};
use gitmind_memory::{Budgeted, ErrorKind, Pooling, System, Zeroing, units::Bytes};
use proptest::prelude::*;
use std::collections::BTreeMap;

type Text = std::vec::Vec<u8>;

/// The texts of an edge (source, target, author, session), its type, and its kind of writer.
type Draft = ([String; 4], u16, Option<u32>);

fn edge((texts, relation, origin): &Draft) -> Edge<'_> {
    let blank = Edges::new(&[0xa0]).next().expect("an edge").expect("a whole one");
    let [source_path, target_path, author, session] = texts.each_ref().map(|it| it.as_bytes());
    let (flags, lane) = (0, 0);
    let attribution =
        origin.map(|it| Attribution { origin: Origin(it), author, session, flags, lane });
    Edge { relation: Relation(*relation), source_path, target_path, attribution, ..blank }
}

/// Keys with their counts, largest first; of equal ones, in the order of first occurrence.
fn ranked<K: Clone + Ord>(met: &[(K, u64)]) -> std::vec::Vec<(K, u64)> {
    let (mut counts, mut first) = (BTreeMap::new(), BTreeMap::new());
    for (position, (key, count)) in met.iter().enumerate() {
        *counts.entry(key.clone()).or_insert(0) += count;
        first.entry(key.clone()).or_insert(position);
    }
    let mut all: std::vec::Vec<_> = counts.into_iter().collect();
    all.sort_by_key(|(key, count)| (Reverse(*count), first[key]));
    all
}

fn statistics(alloc: Alloc<'_>) -> Statistics<'_> {
    Statistics::new(alloc, InternTable::seeded(alloc, Pooling::On, Zeroing::Off, 7))
}

fn drafts() -> impl Strategy<Value = std::vec::Vec<Draft>> {
    let texts = ["[ab]{0,2}", "[ab]{0,2}", "[ab]{0,1}", "[xy]{0,2}"];
    prop::collection::vec((texts, 0_u16..4, prop::option::of(0_u32..4)), 0..60)
}

proptest! {
    #[test]
    fn every_count_and_rank_is_that_of_a_naive_model(drafts in drafts(), limit in 0_usize..8) {
        let system = System::new();
        let mut counted = statistics(Alloc::new(&system));
        let (mut types, mut kinds, mut ends) = (vec![], vec![], vec![]);
        let (mut authors, mut sessions) = (vec![], vec![]);
        for draft in &drafts {
            let edge = edge(draft);
            counted.add(&edge).expect("there is memory");
            types.push((edge.relation.0, 1));
            ends.extend([(edge.source_path.to_vec(), 1), (edge.target_path.to_vec(), 1)]);
            let who = edge.attribution.unwrap_or_default();
            kinds.push((who.origin.0, 1));
            authors.push((who.author.to_vec(), 1));
            sessions.push((who.session.to_vec(), 1));
        }
        for texts in [&mut ends, &mut authors, &mut sessions] {
            texts.retain(|(text, _)| !text.is_empty());
        }
        prop_assert_eq!(counted.edges(), drafts.len() as u64);
        let distinct = (counted.paths(), counted.authors(), counted.sessions());
        let (ends, authors) = (ranked(&ends), ranked(&authors));
        prop_assert_eq!(distinct, (ends.len(), authors.len(), ranked(&sessions).len()));

        let (mut numbers, mut texts): (_, std::vec::Vec<(Text, u64)>) = (vec![], vec![]);
        let ok = Ok::<(), MemoryError>(());
        counted.relations(|key, count| { numbers.push((key.0, count)); ok }).expect("memory");
        prop_assert_eq!(numbers, ranked(&types));
        let mut numbers = vec![];
        counted.origins(|key, count| { numbers.push((key.0, count)); ok }).expect("memory");
        prop_assert_eq!(numbers, ranked(&kinds));
        let outgoing = |path: &[u8]| drafts.iter().filter(|it| it.0[0].as_bytes() == path).count();
        counted.most_linked_paths(limit, |path, degree| {
            assert_eq!(degree.outgoing, outgoing(path) as u64);
            texts.push((path.to_vec(), degree.total()));
            ok
        }).expect("memory");
        prop_assert_eq!(&texts, &ends[..limit.min(ends.len())]);
        texts.clear();
        let push = |author: &[u8], count| { texts.push((author.to_vec(), count)); ok };
        counted.most_active_authors(limit, push).expect("memory");
        prop_assert_eq!(&texts, &authors[..limit.min(authors.len())]);
    }
}

fn count(alloc: Alloc<'_>) -> Result<(), MemoryError> {
    let text = |number: usize| format!("directory/file {number}");
    let mut counted = statistics(alloc);
    for number in 0..100_u16 {
        let texts = [0, 1, 2, 3].map(|part| text(usize::from(number) * 4 + part));
        counted.add(&edge(&(texts, number, Some(number.into()))))?;
    }
    counted.most_linked_paths(3, |_, _| Ok::<_, MemoryError>(()))
}

#[test]
fn each_allocation_failure_is_returned_and_nothing_leaks() {
    sweep(count).assert_propagated();
    assert_no_leaks(count).expect("there is memory");
}

#[test]
fn more_texts_than_the_budget_has_room_for_are_an_error_and_leave_nothing() {
    let budget = Budgeted::new(System::new(), Bytes::new(8 << 10));
    let error = count(Alloc::new(&budget)).expect_err("the texts need more");
    assert_eq!((error.kind(), budget.used()), (ErrorKind::OverBudget, Bytes::ZERO));
}
