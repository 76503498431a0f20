//! The commit index of a cache: it maps every edge id to its commit, and an append changes one
//! chunk.

use gitmind_cache::{CommitChunk, CommitRecord, RECORDS_PER_CHUNK};
use gitmind_git::fake::FakeRepository;
use gitmind_git::oid::Oid;
use gitmind_git::{EntryMode, ObjectKind, Repository, entries};
use gitmind_journal::{EdgeOrder, PayloadBuffer, WalkError, walk};
use gitmind_memory::{Alloc, System};
use gitmind_test_support::{TempRepository, message, read_object, rebuild};

const JOURNAL: &str = "refs/gitmind/edges/main";
const ORDERS: [EdgeOrder; 2] = [EdgeOrder::OldestFirst, EdgeOrder::NewestFirst];

/// The entries of a directory at the root of a cache.
fn directory(repository: &dyn Repository, root: Oid, directory: &str) -> Vec<(String, Oid)> {
    let list = |id| {
        let tree = read_object(repository, id, ObjectKind::Tree);
        let entry = |entry: Result<gitmind_git::TreeEntry<'_>, _>| {
            let entry = entry.expect("well-formed");
            (String::from_utf8(entry.name.to_vec()).expect("ASCII"), entry.id, entry.mode)
        };
        entries(&tree).map(entry).collect::<Vec<_>>()
    };
    let found = list(root)
        .into_iter()
        .find(|(name, _, mode)| name == directory && *mode == EntryMode::Tree);
    found
        .map_or(vec![], |(_, id, _)| list(id).into_iter().map(|(name, id, _)| (name, id)).collect())
}

/// The records of a cache's commit index; checks the name and the length of each chunk.
fn records(repository: &dyn Repository, root: Oid) -> Vec<CommitRecord> {
    let mut records = Vec::new();
    let chunks = directory(repository, root, "commits");
    for (number, (name, id)) in chunks.iter().enumerate() {
        let file = read_object(repository, *id, ObjectKind::Blob);
        let chunk = CommitChunk::parse(&file).expect("a chunk");
        assert_eq!(*name, format!("{:08x}", chunk.bounds().0));
        let is_last = number + 1 == chunks.len();
        assert!(is_last || chunk.count() == RECORDS_PER_CHUNK, "chunk {name}");
        records.extend((0..).map_while(|index| chunk.record(index)));
    }
    assert!(records.is_sorted_by(|a, b| a.first_edge < b.first_edge));
    records
}

/// The commit of each edge, in the order of ids, from a walk of the journal.
fn commits_of_edges(repository: &dyn Repository, branch: &str, order: EdgeOrder) -> Vec<Oid> {
    let system = System::new();
    let alloc = Alloc::new(&system);
    let tip = repository.resolve(&format!("refs/gitmind/edges/{branch}")).expect("readable");
    let mut payload = PayloadBuffer::new(alloc);
    let mut counts = Vec::new();
    let history = walk(repository, alloc, tip.expect("a journal"), order, |commit| {
        let edges = payload.edges(commit).map_or(0, |edges| edges.filter(Result::is_ok).count());
        counts.push((commit.id, edges));
        Ok::<(), WalkError>(())
    })
    .expect("a whole journal");
    let numbered = history.numbered().map(|visit| counts[visit as usize]);
    numbered.flat_map(|(commit, edges)| std::iter::repeat_n(commit, edges)).collect()
}

/// The commit of each edge, in the order of ids, from the commit index.
fn commits_by_index(records: &[CommitRecord], edges: u32) -> Vec<Oid> {
    let mut commits = Vec::new();
    for (number, record) in records.iter().enumerate() {
        let end = records.get(number + 1).map_or(edges, |next| next.first_edge);
        commits.resize(end as usize, record.commit);
    }
    commits
}

#[test]
fn the_index_maps_every_edge_of_every_fixture_to_its_commit() {
    for fixture in gitmind_test_support::fixture_list().fixtures() {
        let repository = TempRepository::fixture(&fixture.name);
        for journal in &fixture.journals {
            for order in ORDERS {
                let report = repository.rebuild(&journal.branch, order);
                let open = repository.open();
                let records = records(&open, report.root_tree);
                assert_eq!(records.len(), report.meta.commits_indexed as usize);
                let by_index = commits_by_index(&records, report.meta.edges);
                let expected = commits_of_edges(&open, &journal.branch, order);
                assert!(by_index == expected, "{} {} {order:?}", fixture.name, journal.branch);
            }
        }
        repository.assert_sound();
    }
}

/// Appends a commit with `count` edges to the journal of `main` for each of `counts`.
fn append(repository: &FakeRepository, counts: impl IntoIterator<Item = u32>) {
    let mut tip = repository.resolve(JOURNAL).expect("readable");
    for (number, count) in counts.into_iter().enumerate() {
        let byte = u8::try_from(number % 251).expect("a byte");
        let edges = vec![(byte, byte / 2); count as usize];
        tip = Some(repository.commit(tip.as_slice(), &message(&edges)));
    }
    repository.set_ref(JOURNAL, tip.expect("a commit"));
}

#[test]
fn an_append_changes_the_last_chunk_only() {
    let full = RECORDS_PER_CHUNK;
    let repository = FakeRepository::default();
    append(&repository, (0..2 * full - 1).map(|n| 1 + n % 3));
    let chunks = |repository: &FakeRepository| {
        let report = rebuild(repository, "main", EdgeOrder::OldestFirst).expect("a journal");
        assert_eq!(
            records(repository, report.root_tree).len(),
            report.meta.commits_indexed as usize
        );
        directory(repository, report.root_tree, "commits")
    };
    let before = chunks(&repository);
    assert_eq!(before.len(), 2);
    append(&repository, [1]);
    let filled = chunks(&repository);
    assert_eq!((filled.len(), &filled[0]), (2, &before[0]));
    assert_eq!(filled[1].0, before[1].0, "the name of a chunk does not change");
    assert_ne!(filled[1].1, before[1].1);
    append(&repository, [4]);
    let begun = chunks(&repository);
    assert_eq!((begun.len(), &begun[..2]), (3, &filled[..]), "a full chunk does not change");
}

#[test]
fn the_pack_has_the_announced_number_of_objects_around_the_size_of_a_chunk() {
    // The fake fails on a pack with a duplicate, or with another number of objects than announced.
    for commits in [1, RECORDS_PER_CHUNK - 1, RECORDS_PER_CHUNK, RECORDS_PER_CHUNK + 1] {
        for order in ORDERS {
            let repository = FakeRepository::default();
            append(&repository, (0..commits).map(|_| 1));
            let report = rebuild(&repository, "main", order).expect("a journal");
            assert_eq!(report.meta.commits_indexed, commits);
            assert_eq!(
                commits_by_index(&records(&repository, report.root_tree), report.meta.edges),
                commits_of_edges(&repository, "main", order)
            );
        }
    }
}

#[test]
fn a_commit_without_edges_has_no_record() {
    let repository = FakeRepository::default();
    append(&repository, [0, 2, 0, 0, 1, 0]);
    let malformed = repository.commit(repository.resolve(JOURNAL).expect("ok").as_slice(), b"no!");
    repository.set_ref(JOURNAL, malformed);
    append(&repository, [1]);
    let report = rebuild(&repository, "main", EdgeOrder::OldestFirst).expect("a journal");
    let firsts: Vec<_> =
        records(&repository, report.root_tree).iter().map(|record| record.first_edge).collect();
    assert_eq!(firsts, [0, 2, 3]);
    assert_eq!((report.meta.commits, report.meta.commits_indexed), (8, 3));
    assert_eq!(report.meta.commits_skipped, 1);
}
