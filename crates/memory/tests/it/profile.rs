//! Profiles: what each call stack holds at the peak, in threads, by operation, while it runs.

use std::hint::black_box;
use std::sync::Barrier;

use super::operation;
use gitmind_memory::units::Bytes;
use gitmind_memory::{Alloc, Budgeted, OpStats, Port, Profile, System, Trace, Traced, Vec};

fn sites() -> Traced<System> {
    Traced::new(System::new(), Trace::sites())
}

/// What the holders have at the peak, together.
fn sum(profile: &Profile) -> u64 {
    profile.holders.iter().map(|holder| holder.peak.bytes.get()).sum()
}

#[inline(never)]
fn read(bytes: usize, alloc: Alloc<'_>) -> Vec<'_, u8> {
    Vec::try_with_capacity(black_box(bytes), alloc).expect("a small block is granted")
}

#[inline(never)]
fn index(bytes: usize, alloc: Alloc<'_>) -> Vec<'_, u8> {
    Vec::try_with_capacity(black_box(bytes), alloc).expect("a small block is granted")
}

#[test]
fn the_holders_of_the_peak_are_those_of_that_moment_and_not_of_the_end() {
    let traced = sites();
    let alloc = Alloc::new(&traced);
    let kept = index(100, alloc);
    drop(read(5000, alloc));
    let later = index(700, alloc);
    let profile = traced.profile().expect("sites are kept");
    assert_eq!((profile.peak.bytes.get(), profile.peak.blocks), (5100, 2));
    assert_eq!((profile.end.bytes.get(), profile.total.bytes.get()), (800, 5800));
    assert_eq!((sum(&profile), profile.unattributed_bytes), (5100, 0));
    // An optimized build may have no line tables, and merges functions that do the same.
    if cfg!(all(feature = "backtrace", debug_assertions)) {
        assert_eq!(profile.peak_of("profile::read").get(), 5000);
        assert_eq!(profile.peak_of("profile::index").get(), 100);
        assert_eq!(profile.peak_of("nowhere").get(), 0);
        let text = profile.to_string();
        let first = text.lines().nth(1).expect("a line for the largest");
        assert!(first.starts_with("  5000 bytes in 1 block, 98.0 %, allocated by "), "{text}");
        assert!(first.contains("read") && first.contains("profile.rs:"), "{text}");
        assert!(profile.holders[0].stack.site().function.contains("read"), "{text}");
    }
    drop((kept, later));
}

#[test]
fn charges_and_blocks_that_grow_are_part_of_the_peak() {
    let traced = sites();
    let alloc = Alloc::new(&traced);
    let mut grows = index(100, alloc);
    let mut charge = alloc.charge(Bytes::new(64)).expect("it is granted");
    grows.try_reserve_exact(1000).expect("it is granted");
    charge.resize(Bytes::new(30)).expect("it shrinks");
    let profile = traced.profile().expect("sites are kept");
    assert_eq!(profile.peak.bytes.get(), traced.diagnostics().peak_bytes.get());
    assert_eq!((sum(&profile), profile.end.bytes.get()), (1064, 1030));
    drop((grows, charge));
    let end = traced.profile().expect("sites are kept").end;
    assert_eq!((end.bytes.get(), end.blocks), (0, 0));
}

#[test]
fn each_operation_has_its_own_peak() {
    let traced = sites();
    let [reads, writes] = [(operation::JOURNAL_READ, 1), (operation::CACHE_QUERY, 2)]
        .map(|(op, n)| OpStats::new(op, n));
    let alloc = Alloc::new(&traced);
    drop(read(3000, alloc.on_account_of(&reads)));
    drop(index(2000, alloc.on_account_of(&writes)));
    let peak_of = |op| {
        let profile = traced.profile_of(op).expect("sites are kept");
        assert_eq!(sum(&profile), profile.peak.bytes.get());
        assert!(profile.holders.iter().all(|holder| holder.op == Some(op)));
        profile.peak.bytes.get()
    };
    assert_eq!(peak_of(operation::JOURNAL_READ), 3000);
    assert_eq!(peak_of(operation::CACHE_QUERY), 2000);
    assert_eq!(peak_of(operation::ATTR_QUERY), 0);
    let all = traced.profile().expect("sites are kept");
    assert_eq!((all.peak.bytes.get(), all.total.bytes.get()), (3000, 5000));
}

#[test]
fn a_profile_can_be_read_while_other_threads_allocate() {
    let traced = sites();
    let (holding, seen) = (Barrier::new(3), Barrier::new(3));
    std::thread::scope(|threads| {
        for bytes in [1000, 2000] {
            let (alloc, holding, seen) = (Alloc::new(&traced), &holding, &seen);
            threads.spawn(move || {
                let held = read(bytes, alloc);
                holding.wait();
                seen.wait();
                for _ in 0..100 {
                    drop(index(bytes, alloc));
                }
                drop(held);
            });
        }
        holding.wait();
        let live = traced.profile().expect("sites are kept");
        assert_eq!((live.end.bytes.get(), live.end.blocks), (3000, 2));
        seen.wait();
        for _ in 0..100 {
            let profile = traced.profile().expect("sites are kept");
            assert_eq!(sum(&profile), profile.peak.bytes.get(), "at any moment, on any thread");
        }
    });
    assert_eq!(traced.profile().expect("sites are kept").end.bytes, Bytes::ZERO);
}

#[test]
fn a_stamped_port_has_no_profile_and_one_with_sites_counts_its_tables_apart() {
    let stamped = Traced::new(System::new(), Trace::stamped());
    assert!(stamped.profile().is_none());
    let traced = sites();
    let held: std::vec::Vec<_> = (0..100).map(|_| read(1, Alloc::new(&traced))).collect();
    let profile = traced.profile().expect("sites are kept");
    assert_eq!((profile.peak.bytes.get(), profile.peak.blocks), (100, 100));
    assert!(profile.own_bytes.get() > 100, "{profile:?}");
    drop(held);
}

#[test]
fn what_is_refused_is_named_with_its_place() {
    let traced = Traced::new(Budgeted::new(System::uncounted(), Bytes::new(100)), Trace::sites());
    let alloc = Alloc::new(&traced);
    let mut kept = read(60, alloc);
    assert!(traced.profile().expect("sites are kept").refused.is_none());
    kept.try_reserve_exact(2000).expect_err("the budget is 100 bytes");
    alloc.charge(Bytes::new(41)).expect_err("the budget is 100 bytes");
    let profile = traced.profile().expect("sites are kept");
    let refused = profile.refused.expect("it is the first");
    assert_eq!((refused.bytes.get(), refused.op), (2000, None));
    let text = profile.to_string();
    assert!(text.starts_with("failed: 2000 bytes, requested by "), "{text}");
    assert!(text.contains("\n60 bytes in 1 block held at the peak:\n"), "{text}");
}
