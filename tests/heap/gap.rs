//! Bytes that bypass the port: they are found, and do not grow with the journal.

use std::hint::black_box;
use std::path::Path;
use std::sync::PoisonError;

use gitmind::gitoxide::{GitRepository, Location};
use gitmind::memory::{Alloc, Budgeted, Reconciled, Reconciliation, System, Vec};
use gitmind::units::Bytes;

use crate::{PROCESS, TURN, WORK, Work, with_journals};

/// Bytes that the test harness may allocate or free meanwhile, on its own thread.
const HARNESS_BYTES: u64 = 16 << 10;

/// The charged and allocated bytes of `work`.
fn books(work: impl FnOnce(Alloc<'_>)) -> Reconciliation {
    let port = Budgeted::new(Reconciled::new(System::new(), &PROCESS), Bytes::from_mib(256));
    PROCESS.start_reconciling();
    work(Alloc::new(&port));
    let books = PROCESS.reconciliation();
    PROCESS.stop_counting();
    assert_eq!(port.used(), Bytes::ZERO, "nothing leaks");
    assert_eq!(books.charged_peak, port.peak(), "the budget counts the same bytes");
    books
}

fn books_of(repository: &Path, work: Work) -> Reconciliation {
    books(|alloc| {
        let repository = GitRepository::open(Location::at(repository).expect("a repository"));
        work(&repository.expect("one that can be served"), alloc);
    })
}

#[test]
fn heap_that_bypasses_the_port_is_found_even_below_the_peak() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let found = books(|alloc| {
        let mut large = Vec::<u8>::new(alloc);
        large.try_resize(100 << 10, 1).expect("there is memory");
        let past = black_box(vec![1_u8; 64 << 10]);
        drop(past);
        large.try_resize(300 << 10, 1).expect("there is memory");
    });
    assert!(found.gap().get().abs_diff(64 << 10) < HARNESS_BYTES, "{found:?}");
    assert!(found.allocated_peak.get() < (364 << 10) - HARNESS_BYTES, "{found:?}");
    let honest = books(|alloc| {
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
