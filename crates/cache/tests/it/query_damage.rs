//! Queries with faults: a damaged cache, and a fault at each call of the repository port.

use crate::query::{CACHE, DIRECTIONS, JOURNAL, Model, ORDERS, Shown, ask, merged};
use gitmind_cache::{Direction, Endpoint, RECORDS_PER_CHUNK};
use gitmind_git::fake::FakeRepository;
use gitmind_git::oid::Oid;
use gitmind_git::{CommitDraft, ObjectKind, Repository, TreeDraft, entries};
use gitmind_journal::EdgeOrder;
use gitmind_memory::{Alloc, System};
use gitmind_test_support::record;
use gitmind_test_support::{message, rebuild};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::LazyLock;

const FROM_1: Endpoint<'static> = Endpoint::object(Oid::new([1; 20]), Direction::Forward);

/// A journal whose commit index has two chunks, and few objects at the ends of its edges.
fn two_chunks() -> FakeRepository {
    let repository = FakeRepository::default();
    let mut tip = None;
    for number in 0..RECORDS_PER_CHUNK + 20 {
        let byte = |n: u32| u8::try_from(n).expect("small");
        let common = (byte(number % 3), byte(number % 2 + 3));
        let rare = (number % 200 == 7).then_some((1, 5));
        let edges: Vec<_> = [Some(common), rare].into_iter().flatten().collect();
        tip = Some(repository.commit(tip.as_slice(), &message(&edges)));
    }
    repository.set_ref(JOURNAL, tip.expect("a commit"));
    repository
}

type Contents = BTreeMap<Oid, (ObjectKind, Vec<u8>)>;

/// The objects that a rebuild adds.
fn cache_objects(repository: &FakeRepository, order: EdgeOrder) -> Contents {
    let before = repository.contents();
    rebuild(repository, "main", order).expect("a journal");
    let mut added = repository.contents();
    added.retain(|id, _| !before.contains_key(id));
    added
}

#[test]
fn with_any_object_of_the_cache_damaged_the_answer_is_right_and_reports_the_damage() {
    let repository = two_chunks();
    let models = ORDERS.map(|order| Model::new(&repository, "main", order));
    for order in ORDERS {
        let objects = cache_objects(&repository, order);
        let expected =
            "6 lists, 6 shards, 2 chunks, 6 path files, 2 directories, meta, root, commit";
        assert_eq!(objects.len(), 25, "{expected}");
        for (id, (kind, content)) in &objects {
            let mut detected = 0;
            let middle = content.len() / 2;
            for damage in 0..5 {
                let mut changed = content.clone();
                match damage {
                    0 => repository.remove(*id),
                    1 => repository.damage(*id, ObjectKind::Tag, content),
                    2 => changed[middle] ^= 1,
                    3 => changed.truncate(middle),
                    _ => *changed.last_mut().expect("it is not empty") ^= 0x80,
                }
                if damage > 1 {
                    repository.damage(*id, *kind, &changed);
                }
                // Two lists with edges in both chunks, one with few edges, an empty one; a path.
                let ends = [(1, 0), (3, 1), (5, 1), (9, 0)].map(|(byte, direction)| {
                    Endpoint::object(Oid::new([byte; 20]), DIRECTIONS[direction])
                });
                let path = Endpoint::file(None, b"a", Some(DIRECTIONS[0]));
                for endpoint in ends.into_iter().chain([path]) {
                    let (shown, answer) = ask(&repository, "main", endpoint).expect("a journal");
                    let model = &models[usize::from(answer.edge_order != ORDERS[0])];
                    assert!(shown == model.answer(endpoint), "{id} {damage} {endpoint:?}");
                    if let Some(why) = answer.unusable {
                        assert_eq!(why.name(), "damaged", "{why}");
                        detected += 1;
                    } else {
                        assert_eq!(answer.edge_order, order);
                    }
                }
                repository.damage(*id, *kind, content);
            }
            // Only files of other objects and paths are not read by these queries.
            let is_file = content.starts_with(b"GMCACHE\0") || content.starts_with(b"GMPATHS\0");
            assert!(
                detected >= 5 || is_file || content.len() < 250,
                "damage of {id} was detected {detected} times"
            );
        }
    }
    let fault = "an object of the cache is missing, of another kind, cut or has a flipped bit";
    record(fault, "query", "the right answer, read from the journal, that says why");
}

#[test]
fn ids_are_in_the_order_of_the_cache_if_its_metadata_is_valid_else_oldest_first() {
    let repository = two_chunks();
    let objects = cache_objects(&repository, EdgeOrder::NewestFirst);
    for (id, (_, content)) in &objects {
        let expected = match content {
            content if content.starts_with(b"GMCOMMIT") => EdgeOrder::NewestFirst,
            content if content.starts_with(b"git-mind-cache") => EdgeOrder::OldestFirst,
            _ => continue,
        };
        repository.remove(*id);
        let (shown, answer) = ask(&repository, "main", FROM_1).expect("a journal");
        assert_eq!(answer.edge_order, expected);
        assert!(shown == Model::new(&repository, "main", expected).answer(FROM_1));
        repository.damage(*id, ObjectKind::Blob, content);
    }
}

/// The objects, journal tip, cache root tree and right answer of an undamaged repository.
static SOUND: LazyLock<(Contents, Oid, Oid, Vec<Shown>)> = LazyLock::new(|| {
    let repository = two_chunks();
    let report = rebuild(&repository, "main", EdgeOrder::OldestFirst).expect("a journal");
    let model = Model::new(&repository, "main", EdgeOrder::OldestFirst);
    (repository.contents(), report.meta.journal_tip, report.root_tree, model.answer(FROM_1))
});

/// Applies `change` to the object at `path` below the tree `root`; returns the id of the new root,
/// with correct hashes on the whole path.
fn relinked(
    repository: &FakeRepository,
    root: Oid,
    path: &[&str],
    change: &dyn Fn(&mut Vec<u8>),
) -> Oid {
    let contents = repository.contents();
    let (kind, content) = &contents[&root];
    let Some((name, below)) = path.split_first() else {
        let mut content = content.clone();
        change(&mut content);
        return repository.insert(*kind, &content);
    };
    let system = System::new();
    let mut tree = TreeDraft::new(Alloc::new(&system));
    for entry in entries(content).map(|entry| entry.expect("whole")) {
        let is_it = entry.name == name.as_bytes();
        let id = if is_it { relinked(repository, entry.id, below, change) } else { entry.id };
        tree.try_push(entry.mode, entry.name, id).expect("there is memory");
    }
    repository.insert(ObjectKind::Tree, tree.as_bytes())
}

fn set_cache(repository: &FakeRepository, tree: Oid) {
    let system = System::new();
    let mut bytes = gitmind_memory::Vec::new(Alloc::new(&system));
    let draft = CommitDraft {
        tree,
        parents: &[],
        authors: &gitmind_git::Authors::default(),
        time: gitmind_ports::clock::Timestamp { seconds: 0, offset_seconds: 0 },
        message: b"Cache metadata",
    };
    draft.encode(&mut bytes).expect("there is memory");
    repository.set_ref(CACHE, repository.insert(ObjectKind::Commit, &bytes));
}

/// The undamaged repository with a change of one object of the cache, and with correct hashes.
fn forged(path: &[&str], change: &dyn Fn(&mut Vec<u8>)) -> FakeRepository {
    let (contents, tip, root, _) = &*SOUND;
    let repository = FakeRepository::default();
    for (id, (kind, content)) in contents {
        repository.damage(*id, *kind, content);
    }
    repository.set_ref(JOURNAL, *tip);
    set_cache(&repository, relinked(&repository, *root, path, change));
    repository
}

/// The path of an object of the cache, and a change of it.
type Forgery<'l> = (&'l [&'l str], &'l dyn Fn(&mut Vec<u8>));

const LIST: &str = "0101010101010101010101010101010101010101.forward";
const FILES: [&[&str]; 7] = [
    &["meta"],
    &["commits"],
    &["commits", "00000000"],
    &["commits", "00000102"],
    &["01"],
    &["01", LIST],
    &[],
];

#[test]
fn the_forged_files_are_those_that_the_query_reads() {
    let sound = forged(&["meta"], &|_| ());
    let (shown, answer) = ask(&sound, "main", FROM_1).expect("whole");
    assert!(answer.unusable.is_none() && shown == SOUND.3, "{answer:?}");
    for file in FILES {
        let emptied = forged(file, &|content| content.clear());
        let (shown, answer) = ask(&emptied, "main", FROM_1).expect("the journal is whole");
        // An empty shard is valid: it means that its objects have no edges.
        match answer.unusable {
            Some(_) => assert!(shown == SOUND.3, "{file:?}"),
            None => assert_eq!((file, shown.len()), (&["01"][..], 0)),
        }
    }
}

#[test]
fn a_misplaced_chunk_and_an_edge_of_another_object_are_detected() {
    let swap = |content: &mut Vec<u8>| {
        let mut tree = content.split_off(content.len() / 2);
        let (own, other) = (content.len() - 20, tree.len() - 20);
        content[own..].swap_with_slice(&mut tree[other..]);
        content.append(&mut tree);
    };
    let forgeries: [Forgery<'_>; 8] = [
        (&["commits"], &swap),
        (&["commits"], &|tree| tree.truncate(tree.len() / 2)),
        (&["commits", "00000000"], &|chunk| {
            chunk.truncate(chunk.len() - 24);
            chunk[12..16].copy_from_slice(&(RECORDS_PER_CHUNK - 1).to_le_bytes());
        }),
        (&["commits", "00000102"], &|chunk| {
            chunk.truncate(chunk.len() - 24);
            chunk[12] -= 1;
        }),
        (&["commits", "00000102"], &|chunk| {
            let last = chunk.len() - 24;
            chunk[last..][..4].copy_from_slice(&u32::MAX.to_le_bytes());
        }),
        // The first edge starts at another object.
        (&["01", LIST], &|list| {
            list.truncate(16);
            list.extend_from_slice(&[1, 1, 0, 0, 0, 0, 0, 0, 0]);
        }),
        (&["commits", "00000000"], &|chunk| chunk.copy_within(20..40, 20 + 24)),
        (&["01", LIST], &|list| {
            list.truncate(17);
            list[16] = 1;
            list.extend_from_slice(&[1, 0, 0, 0, 0xff, 0xff, 0, 0]);
        }),
    ];
    for (number, (file, change)) in forgeries.into_iter().enumerate() {
        let (shown, answer) = ask(&forged(file, change), "main", FROM_1).expect("a journal");
        assert!(answer.unusable.is_some_and(|why| why.name() == "damaged"), "forgery {number}");
        assert!(shown == SOUND.3, "forgery {number}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_forged_cache_never_adds_an_edge_of_another_object_to_the_answer(
        file in prop::sample::select(&FILES[..]),
        at in any::<prop::sample::Index>(),
        bytes in prop::collection::vec(any::<u8>(), 1..6),
    ) {
        let repository = forged(file, &|content| {
            let start = at.index(content.len());
            for (byte, changed) in content[start..].iter_mut().zip(&bytes) {
                *byte ^= changed;
            }
        });
        let (shown, answer) = ask(&repository, "main", FROM_1).expect("the journal is whole");
        // Edges that a forged list or chunk omits before the damage is detected stay missing.
        let is_directory = !matches!(file, [_, _]);
        let is_sound_order = answer.edge_order == EdgeOrder::OldestFirst;
        if answer.unusable.is_some() && is_directory && is_sound_order {
            prop_assert!(shown == SOUND.3);
        }
        for (_, commit, text) in &shown {
            let is_there = SOUND.3.iter().any(|(_, of, edge)| of == commit && edge == text);
            prop_assert!(is_there, "{commit} has no such edge");
        }
    }
}

#[test]
fn a_fault_at_any_call_is_an_error_or_the_right_answer() {
    let repository = merged();
    let right = Model::new(&repository, "main", EdgeOrder::OldestFirst).answer(FROM_1);
    for is_cached in [false, true] {
        if is_cached {
            rebuild(&repository, "main", EdgeOrder::OldestFirst).expect("a journal");
        }
        let (mut errors, mut answers) = (0, 0);
        for call in 0.. {
            repository.fail_call(call);
            let outcome = ask(&repository, "main", FROM_1);
            if !repository.has_failed() {
                repository.fail_call(u64::MAX);
                let (shown, answer) = outcome.expect("a run without a fault succeeds");
                assert!(shown == right && answer.unusable.is_none() == is_cached);
                break;
            }
            match outcome {
                Ok((shown, answer)) => {
                    answers += 1;
                    assert!(shown == right, "call {call}");
                    let why = answer.unusable.expect("the fault is named").to_string();
                    assert!(why.contains("cannot read"), "call {call}: {why}");
                }
                Err(error) => {
                    errors += 1;
                    assert!(error.to_string().contains("cannot read"), "call {call}: {error}");
                }
            }
        }
        // The journal can answer for any part of the cache, but a fault of the journal is an error.
        let (few, many) = if is_cached { (errors, answers) } else { (answers, errors) };
        assert!(few == 1 && many > 10, "cached: {is_cached}, {errors} errors, {answers} answers");
    }
    let outcome = "an error, or the right answer that says why not from the cache";
    record("one call of the repository port fails", "query", outcome);
}

#[test]
fn a_cache_with_an_empty_root_tree_is_damaged_and_not_one_of_the_c_tool() {
    let repository = merged();
    set_cache(&repository, repository.insert(ObjectKind::Tree, b""));
    let (shown, answer) = ask(&repository, "main", FROM_1).expect("a journal");
    let why = answer.unusable.expect("nothing is there").to_string();
    assert_eq!(why, "the cache is damaged: it has no metadata");
    assert!(shown == Model::new(&repository, "main", EdgeOrder::OldestFirst).answer(FROM_1));
    assert_eq!(repository.resolve(CACHE).map(|cache| cache.is_some()).ok(), Some(true));
}
