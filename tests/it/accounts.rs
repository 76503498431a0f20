//! The allocations of an operation are charged to its account.

use gitmind::context::operation;
use gitmind::context::{Memory, Toggles};
use gitmind::env::FixedEnvironment;
use gitmind::git::fake::FakeRepository;
use gitmind::journal::Statistics;
use gitmind::oid::Oid;
use gitmind::units::Bytes;
use gitmind_test_support::{encoded_message, message};

/// A journal with a merge, batches, a commit that is skipped and one that is cut short.
fn journal() -> (FakeRepository, Oid) {
    let repository = FakeRepository::default();
    let root = repository.commit(&[], &message(&[(1, 2), (3, 4)]));
    let skipped = repository.commit(&[root], b"no base64");
    let mut named = vec![0xa2, 5, 0x63];
    named.extend(b"a.c");
    named.extend([6, 0x63]);
    named.extend(b"b.c");
    let left = repository.commit(&[skipped], &encoded_message(&named));
    named.push(0xff);
    let right = repository.commit(&[root], &encoded_message(&named));
    let tip = repository.commit(&[left, right], &message(&[(5, 6)]));
    (repository, tip)
}

#[test]
fn bytes_of_a_read_are_charged_to_its_operation() {
    let (repository, tip) = journal();
    let traced = FixedEnvironment::from([("GM_ALLOC_TRACE", "1")]);
    let toggles = Toggles::read(&traced).expect("a switch");
    let memory = Memory::new(&toggles, Bytes::from_mib(128));
    for op in [operation::JOURNAL_READ, operation::ATTR_QUERY] {
        let scope = memory.begin(op).expect("few run");
        let alloc = scope.tag(memory.alloc());
        let table = memory.intern_table(alloc);
        let counted = Statistics::read(&repository, alloc, tip, table).expect("there is memory");
        assert_eq!((counted.edges(), counted.commits(), counted.paths()), (5, 5, 6));
        drop(counted);
        drop(scope);
        let totals = memory.registry().totals(op);
        assert!(totals.runs == 1 && totals.peak_bytes > Bytes::ZERO, "{op}: {totals:?}");
    }
    memory.finish().expect("nothing is left");
}
