//! Bytes that bypass the port: they are found, and do not grow with the journal.

use std::hint::black_box;
use std::path::Path;
use std::sync::PoisonError;

use gitmind::git::{ObjectKind, Repository};
use gitmind::gitoxide::{GitRepository, Location};
use gitmind::memory::{Alloc, Budgeted, Reconciled, Reconciliation, System, Vec};
use gitmind::oid::Oid;
use gitmind::units::Bytes;
use gitmind_test_support::TempRepository;
use rand_xoshiro::SplitMix64;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

use crate::{PROCESS, TURN, WORK, Work, with_journals};

/// Bytes that the test harness may allocate or free meanwhile, on its own thread.
const HARNESS_BYTES: u64 = 16 << 10;

/// The charged and allocated bytes of `work`.
fn reconciled(work: impl FnOnce(Alloc<'_>)) -> Reconciliation {
    let port = Budgeted::new(Reconciled::new(System::new(), &PROCESS), Bytes::from_mib(256));
    PROCESS.start_reconciling();
    work(Alloc::new(&port));
    let found = PROCESS.reconciliation();
    PROCESS.stop_counting();
    assert_eq!(port.used(), Bytes::ZERO, "nothing leaks");
    assert_eq!(found.charged_peak, port.peak(), "the budget counts the same bytes");
    found
}

fn books_of(repository: &Path, work: Work) -> Reconciliation {
    reconciled(|alloc| {
        let repository = GitRepository::open(Location::at(repository).expect("a repository"));
        work(&repository.expect("one that can be served"), alloc);
    })
}

#[test]
fn heap_that_bypasses_the_port_is_found_even_below_the_peak() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let found = reconciled(|alloc| {
        let mut large = Vec::<u8>::new(alloc);
        large.try_resize(100 << 10, 1).expect("there is memory");
        let past = black_box(vec![1_u8; 64 << 10]);
        drop(past);
        large.try_resize(300 << 10, 1).expect("there is memory");
    });
    assert!(found.gap().get().abs_diff(64 << 10) < HARNESS_BYTES, "{found:?}");
    assert!(found.allocated_peak.get() < (364 << 10) - HARNESS_BYTES, "{found:?}");
    let honest = reconciled(|alloc| {
        let mut bytes = Vec::<u8>::new(alloc);
        (0..100_000).for_each(|_| bytes.try_push(1).expect("there is memory"));
        bytes.clear();
    });
    assert!(honest.gap().get() < HARNESS_BYTES, "{honest:?}");
}

#[test]
fn the_gap_is_constant_and_small() {
    with_journals(|small, large| {
        for (name, work) in WORK {
            let gaps = [small, large].map(|path| books_of(path, work).gap().get());
            assert!(gaps[1] <= gaps[0] + (32 << 10), "{name}: {gaps:?} bytes for 2 000 and 8 000");
            assert!(gaps[1] > 0 && gaps[1] <= 192 << 10, "{name}: {gaps:?} bytes");
        }
    });
}

/// Size of the objects that are read in bytes.
const LARGE_BYTES: usize = 4 << 20;
/// Most heap bytes that reading an object may allocate outside the port, whatever its size: the
/// tables of the inflater, the configuration, the list of packs.
const READ_BYTES_MAX: u64 = 64 << 10;

#[test]
fn an_object_of_any_size_is_read_onto_the_handle() {
    // Regression: deltas were applied in a buffer of the library, twice the object and more.
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let repository = TempRepository::empty();
    let mut random = SplitMix64::seed_from_u64(1);
    let lines = std::iter::repeat_with(|| format!("{:016x}\n", random.next_u64()));
    let mut lines: std::vec::Vec<String> = lines.take(LARGE_BYTES / 17).collect();
    let file = repository.path().join("large");
    // Each version reverses 300 other lines, so that it is best made from the last one.
    let ids = [0, 1, 2, 3].map(|version| {
        lines[version * 9000..][..300].reverse();
        std::fs::write(&file, lines.concat()).expect("there is room");
        repository.git(&["hash-object", "-w", file.to_str().expect("UTF-8")])
    });
    let read_all = |about: &str| {
        for id in &ids {
            let id = Oid::from_hex(id.as_bytes()).expect("git prints it");
            let found = reconciled(|alloc| {
                let opened = GitRepository::open(Location::at(repository.path()).expect("there"));
                let mut content = Vec::new(alloc);
                let opened = opened.expect("it can be served");
                opened.read(id, ObjectKind::Blob, &mut content).expect("it is sound");
                assert!(content.len() > LARGE_BYTES - 10_000, "{about}: {}", content.len());
            });
            let past = found.gap().get();
            assert!(past < READ_BYTES_MAX, "{about}: {past} bytes bypass the port");
            let charged = found.charged_peak.get();
            let most = 3 * LARGE_BYTES as u64;
            assert!(charged < most, "{about}: {charged} bytes at once");
        }
    };
    read_all("loose");
    for (version, id) in ids.iter().enumerate() {
        repository.git(&["update-ref", &format!("refs/tags/{version}"), id]);
    }
    for (about, window) in [("packed", "--window=0"), ("deltas", "--window=10")] {
        repository.git(&["repack", "-q", "-adf", window]);
        let packs = repository.path().join("objects/pack");
        let files = std::fs::read_dir(packs).expect("git has packed").flatten();
        let index =
            files.map(|file| file.path()).find(|path| path.extension() == Some("idx".as_ref()));
        let index = index.expect("git has indexed");
        let listed = repository.git(&["verify-pack", "-v", index.to_str().expect("UTF-8")]);
        assert_eq!(listed.contains("chain length = 3"), about == "deltas", "{listed}");
        read_all(about);
    }
}
