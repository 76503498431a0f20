//! The arena: what it hands out, what it takes, and what a cap, a reset and a switch do to it.

use super::operation;
use std::alloc::Layout;

use gitmind_memory::units::Bytes;
use gitmind_memory::{
    Alloc, Arena, Budgeted, DEDICATED_BYTES_MIN, ErrorKind, OpStats, OpTag, Pooling, Port, System,
    Trace, Traced, Zeroing,
};

const KIB: u64 = 1 << 10;

/// Takes objects of `size` bytes until one fails; returns how many did not.
fn fill(arena: &Arena<'_>, size: usize) -> usize {
    let layout = Layout::from_size_align(size, 1).expect("a small size");
    let mut taken = 0;
    loop {
        match arena.try_alloc_layout(layout) {
            Ok(_) => taken += 1,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::OverCap);
                return taken;
            }
        }
    }
}

/// Has one meaning for what stays on its thread and more for what is `Send` or `Sync`: the calls in
/// the next test do not compile for a type that is either.
trait StaysOnItsThread<Meaning> {
    fn stays() -> bool {
        true
    }
}

struct Moves;
struct IsShared;

impl<T: ?Sized> StaysOnItsThread<()> for T {}
impl<T: ?Sized + Send> StaysOnItsThread<Moves> for T {}
impl<T: ?Sized + Sync> StaysOnItsThread<IsShared> for T {}

#[test]
fn an_arena_and_its_containers_stay_on_their_thread() {
    assert!(<Arena<'_> as StaysOnItsThread<_>>::stays());
    assert!(<&Arena<'_> as StaysOnItsThread<_>>::stays());
    assert!(<allocator_api2::vec::Vec<u8, &Arena<'_>> as StaysOnItsThread<_>>::stays());
}

#[test]
fn values_slices_and_strings_keep_what_was_put_in() {
    let traced = Traced::new(System::new(), Trace::sites());
    let alloc = Alloc::new(&traced);
    let arena = Arena::begin(alloc, Bytes::new(500), Bytes::from_mib(1));
    let number = arena.try_alloc(7_u64).expect("it fits");
    let copied = arena.try_alloc_slice_copy(&[1_u16, 2, 3]).expect("it fits");
    let filled = arena.try_alloc_slice_with(5, |index| index * 2).expect("it fits");
    let text = arena.try_alloc_str("größer").expect("it fits");
    let zeros = arena.try_alloc_zeroed(100, 256).expect("it fits");
    *number += 1;
    copied[0] = 9;
    assert_eq!((*number, &*copied, &*text), (8, &[9, 2, 3][..], "größer"));
    assert_eq!(filled, [0, 2, 4, 6, 8]);
    assert_eq!((&*zeros, zeros.as_ptr().addr() % 256), (&[0; 100][..], 0));
}

#[test]
fn every_object_is_aligned_to_16_bytes_and_to_what_was_asked() {
    let system = System::new();
    for pooling in [Pooling::On, Pooling::Off] {
        let cap = Bytes::from_mib(64);
        let arena = Arena::with(Alloc::new(&system), Bytes::new(600), cap, pooling, Zeroing::Off);
        for size in [0, 1, 15, 16, 17, 1000, DEDICATED_BYTES_MIN - 1, DEDICATED_BYTES_MIN, 70_000] {
            for align in (0..=14).map(|power| 1_usize << power) {
                let layout = Layout::from_size_align(size, align).expect("valid");
                let object = arena.try_alloc_layout(layout).expect("it fits");
                let least = if size == 0 { align } else { align.max(16) };
                assert_eq!(object.addr().get() % least, 0, "{pooling:?} {layout:?}");
            }
        }
    }
}

#[test]
fn nothing_is_taken_before_it_is_asked_for_nor_for_empty_objects() {
    let system = System::new();
    let arena = Arena::begin(Alloc::new(&system), Bytes::from_mib(8), Bytes::from_mib(256));
    arena.try_alloc(()).expect("nothing always fits");
    arena.try_alloc_str("").expect("nothing always fits");
    arena.try_alloc_zeroed(0, 4096).expect("nothing always fits");
    assert_eq!(system.diagnostics().allocations_total, 0);
    assert_eq!(arena.stats().held_bytes, Bytes::ZERO);
}

#[test]
fn a_cap_of_64_kib_holds_16_objects_of_4_kib_and_not_one_byte_more() {
    for hint in [0, 512, 4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB] {
        let budget = Budgeted::new(System::new(), Bytes::from_mib(1));
        let cap = Bytes::new(64 * KIB);
        let mut arena = Arena::begin(Alloc::new(&budget), Bytes::new(hint), cap);
        for _ in 0..3 {
            assert_eq!(fill(&arena, 4096), 16, "all of the cap, hint {hint}");
            assert_eq!((budget.used(), budget.peak()), (cap, cap));
            assert_eq!(fill(&arena, 1), 0, "not one byte more");
            arena.reset();
            arena.try_alloc(1_u8).expect("the arena stays usable");
            arena.reset();
            // The block of the byte is kept, and counts.
            let kept = arena.stats().held_bytes;
            assert_eq!((arena.stats().blocks, budget.used()), (1, kept));
            drop(arena);
            assert_eq!(budget.used(), Bytes::ZERO);
            arena = Arena::begin(Alloc::new(&budget), Bytes::new(hint), cap);
        }
    }
}

#[test]
fn small_objects_use_99_percent_of_a_cap_of_64_kib() {
    for hint in [0, 512, 4 * KIB, 16 * KIB, 64 * KIB] {
        for size in [16, 48, 64, 240, 256] {
            let budget = Budgeted::new(System::new(), Bytes::from_mib(1));
            let cap = 64 * KIB;
            let arena = Arena::begin(Alloc::new(&budget), Bytes::new(hint), Bytes::new(cap));
            let user_bytes = (fill(&arena, size) * size) as u64;
            // What is left is smaller than the objects, so the smallest ones get it.
            let user_bytes = user_bytes + (fill(&arena, 16) * 16) as u64;
            let percent = user_bytes * 100 / cap;
            // Many small blocks have many ends that objects of a quarter of a KiB do not fill.
            let goal = if hint < 16 * KIB && size > 64 { 98 } else { 99 };
            assert!(percent >= goal, "{user_bytes} of {cap} with {hint} and {size}");
            assert!(budget.peak() <= Bytes::new(cap), "{hint}, {size}");
        }
    }
}

#[test]
fn large_objects_go_into_a_block_that_has_room() {
    let budget = Budgeted::new(System::new(), Bytes::from_mib(1));
    let cap = Bytes::new(64 * KIB);
    let arena = Arena::begin(Alloc::new(&budget), cap, cap);
    arena.try_alloc(1_u8).expect("it fits");
    assert_eq!(arena.stats().blocks, 1, "the hint has taken all of the cap");
    assert_eq!(fill(&arena, 4096), 15, "the footer takes the place of the last");
    assert_eq!(arena.stats().objects_dedicated, 0);
    arena.try_alloc([0_u8; 3000]).expect("the rest is usable");
}

#[test]
fn a_small_object_is_alone_when_the_cap_has_no_room_for_a_block_and_the_one_below() {
    let system = System::new();
    let cap = Bytes::new(4096 - 16 + 500);
    let arena = Arena::begin(Alloc::new(&system), Bytes::new(4096), cap);
    arena.try_alloc([1_u8; 4032]).expect("it is the first block");
    // A block of 496 bytes fits the cap and hands out 448, of which the block below needs 64.
    arena.try_alloc([1_u8; 440]).expect("the cap has room for it");
    assert_eq!((arena.stats().blocks, arena.stats().objects_dedicated), (1, 1));
    assert_eq!(arena.stats().held_bytes, Bytes::new(4096 - 16 + 440));
}

#[test]
fn blocks_double_up_to_a_mebibyte_and_a_page_and_are_clipped_to_the_cap() {
    let system = System::new();
    let cap = 5 * KIB * KIB;
    let arena = Arena::begin(Alloc::new(&system), Bytes::new(64 * KIB), Bytes::new(cap));
    let (mut held, mut steps) = (0, std::vec::Vec::new());
    while arena.try_alloc([0_u64; 8]).is_ok() {
        let now = arena.stats().held_bytes.get();
        if now != held {
            steps.push(now - held);
            held = now;
        }
    }
    // Each block is a round number less what bumpalo leaves to the heap's own header.
    let rounded: std::vec::Vec<_> = steps.iter().map(|step| (step + 16) / KIB).collect();
    assert_eq!(rounded[..6], [64, 128, 256, 512, 1024, 1028]);
    assert!(steps.iter().all(|step| *step <= 1028 * KIB), "{steps:?}");
    assert!(held <= cap && cap - held < 496, "no further block fits: {held} of {cap}");
    assert_eq!(Bytes::new(held), system.diagnostics().bytes_outstanding);
}

#[test]
fn waste_is_at_most_a_quarter_at_large_sizes() {
    for (size, objects) in [(64, 1 << 18), (1000, 1 << 15), (100_000, 400)] {
        let system = System::new();
        let arena = Arena::begin(Alloc::new(&system), Bytes::new(64 * KIB), Bytes::from_mib(256));
        let layout = Layout::from_size_align(size, 1).expect("valid");
        for _ in 0..objects {
            arena.try_alloc_layout(layout).expect("it fits");
        }
        let (held, user) = (arena.stats().held_bytes.get(), (size * objects) as u64);
        assert!(user >= 16 << 20 && held * 100 <= user * 125, "{held} for {user} in {size}");
    }
}

#[test]
fn reset_keeps_the_largest_block_and_gives_back_the_rest() {
    let system = System::new();
    let mut arena = Arena::begin(Alloc::new(&system), Bytes::new(4 * KIB), Bytes::new(40 * KIB));
    while arena.stats().blocks < 4 {
        arena.try_alloc([1_u8; 64]).expect("it fits");
    }
    arena.try_alloc_zeroed(1000, 1).expect("it fits");
    // The newest is clipped to what the cap leaves, so the largest is the one below it.
    let held = [4, 8, 16, 12].map(|round| round * KIB - 16).iter().sum();
    assert_eq!(arena.stats().held_bytes, Bytes::new(held));
    arena.reset();
    let stats = arena.stats();
    assert_eq!((stats.blocks, stats.used_bytes), (1, Bytes::ZERO));
    assert_eq!(stats.held_bytes, Bytes::new(16 * KIB - 16));
    assert_eq!(system.diagnostics().bytes_outstanding, stats.held_bytes);
    for _ in 0..200 {
        arena.try_alloc([1_u8; 64]).expect("it fits");
    }
    assert_eq!(arena.stats().grow_bytes, stats.grow_bytes, "the kept block served them");
}

#[test]
fn counters_say_what_was_taken_and_what_failed() {
    let system = System::new();
    let mut arena = Arena::begin(Alloc::new(&system), Bytes::new(4 * KIB), Bytes::new(20_000));
    arena.try_alloc([0_u8; 100]).expect("it fits");
    arena.try_alloc([0_u8; 5000]).expect("it fits");
    arena.try_alloc([0_u8; 16_000]).expect_err("the cap is 20 000 bytes");
    let stats = arena.stats();
    assert_eq!((stats.blocks, stats.objects_dedicated, stats.failures_total), (1, 1, 1));
    assert_eq!(stats.used_bytes, Bytes::new(112 + 5000));
    assert_eq!(stats.held_bytes, Bytes::new(4 * KIB - 16 + 5000));
    assert_eq!((stats.peak_bytes, stats.grow_bytes), (stats.held_bytes, stats.held_bytes));
    arena.reset();
    arena.try_alloc([0_u8; 5000]).expect("it fits");
    assert_eq!(arena.stats().grow_bytes, Bytes::new(4 * KIB - 16 + 2 * 5000));
    assert_eq!(arena.stats().peak_bytes, stats.peak_bytes);
    assert!(format!("{arena:?}").contains("grow_bytes"));
}

#[test]
fn a_spill_absorbs_the_failures_before_it_and_the_port_counts_its_own() {
    let budget = Budgeted::new(System::new(), Bytes::new(8 * KIB));
    let alloc = Alloc::new(&budget);
    let arena = Arena::begin(alloc, Bytes::new(4 * KIB), Bytes::new(16 * KIB));
    let counts = |arena: &Arena<'_>| {
        let stats = arena.stats();
        [stats.failures_total, stats.failures_above_port_total, stats.spills_total]
    };
    arena.try_alloc_zeroed(17 << 10, 1).expect_err("it is over the cap");
    arena.try_alloc_zeroed(9 << 10, 1).expect_err("it is over the budget");
    assert_eq!(counts(&arena), [2, 1, 0]);
    assert_eq!(budget.diagnostics().failures_total, 1, "each is counted above the port or by it");
    arena.note_spill();
    assert_eq!(counts(&arena), [0, 0, 1]);
    arena.try_alloc_zeroed(17 << 10, 1).expect_err("it is over the cap");
    assert_eq!(counts(&arena), [1, 1, 1]);
    arena.absorb_failures();
    assert_eq!(counts(&arena), [0, 0, 1]);
}

#[test]
fn a_failure_names_operation_size_and_cap() {
    let system = System::new();
    let stats = OpStats::new(operation::ATTR_QUERY, 1);
    let alloc = Alloc::new(&system).on_account_of(&stats);
    let arena = Arena::begin(alloc, Bytes::new(100), Bytes::new(KIB));
    let error = arena.try_alloc([0_u8; 2000]).expect_err("the cap is 1 KiB");
    assert_eq!((error.kind(), error.op()), (ErrorKind::OverCap, Some(operation::ATTR_QUERY)));
    assert_eq!((error.requested(), error.limit()), (Bytes::new(2000), Bytes::new(KIB)));
    let overflow = arena.try_alloc_slice_with(usize::MAX, |_| 0_u32).expect_err("too long");
    assert_eq!(overflow.kind(), ErrorKind::Overflow);
    let overflow = arena.try_alloc_zeroed(8, 3).expect_err("no power of two");
    assert_eq!(overflow.kind(), ErrorKind::Overflow);
}

#[test]
fn requests_near_the_address_space_are_errors() {
    let system = System::new();
    for pooling in [Pooling::On, Pooling::Off] {
        let (hint, cap) = (Bytes::new(u64::MAX), Bytes::new(u64::MAX));
        let arena = Arena::with(Alloc::new(&system), hint, cap, pooling, Zeroing::Off);
        for size in [isize::MAX.cast_unsigned() - 15, isize::MAX.cast_unsigned()] {
            let layout = Layout::from_size_align(size, 1).expect("valid");
            let error = arena.try_alloc_layout(layout).expect_err("no heap has that much");
            assert!(matches!(error.kind(), ErrorKind::Exhausted | ErrorKind::OverCap), "{error}");
        }
        assert_eq!(arena.stats().held_bytes, Bytes::ZERO);
    }
}

#[test]
fn a_hint_that_no_heap_has_is_exhausted_and_refunded() {
    let budget = Budgeted::new(System::new(), Bytes::new(u64::MAX));
    let (hint, cap) = (Bytes::new(1 << 62), Bytes::new(u64::MAX));
    let arena = Arena::begin(Alloc::new(&budget), hint, cap);
    let error = arena.try_alloc(1_u8).expect_err("no heap has 4 EiB");
    assert_eq!(error.kind(), ErrorKind::Exhausted);
    assert_eq!((budget.used(), arena.stats().held_bytes), (Bytes::ZERO, Bytes::ZERO));
}

#[test]
fn without_pooling_each_object_is_one_of_the_port() {
    let traced = Traced::new(System::uncounted(), Trace::sites());
    let (hint, cap) = (Bytes::from_mib(1), Bytes::from_mib(1));
    let mut arena = Arena::with(Alloc::new(&traced), hint, cap, Pooling::Off, Zeroing::Off);
    for size in 1..=16 {
        arena.try_alloc_zeroed(size, 1).expect("it fits");
    }
    let seen = traced.diagnostics();
    assert_eq!((seen.blocks_outstanding, seen.bytes_outstanding), (16, Bytes::new(136)));
    assert_eq!((arena.stats().blocks, arena.stats().objects_dedicated), (0, 16));
    arena.reset();
    assert_eq!(traced.diagnostics().bytes_outstanding, Bytes::ZERO);
    (0..100_u64).for_each(|n| assert_eq!(arena.try_alloc(n), Ok(&mut n.clone())));
    assert_eq!(arena.stats().objects_dedicated, 100);
    drop(arena);
    assert_eq!(traced.diagnostics().bytes_outstanding, Bytes::ZERO);
}

#[test]
fn what_the_port_has_admitted_is_what_the_arena_holds() {
    let budget = Budgeted::new(System::new(), Bytes::from_mib(64));
    let mut arena = Arena::begin(Alloc::new(&budget), Bytes::new(KIB), Bytes::from_mib(32));
    for round in 0..5_usize {
        for step in 0..500_usize {
            arena.try_alloc_zeroed((step * 37 + round) % 9000, 16).expect("it fits");
            assert_eq!(budget.used(), arena.stats().held_bytes);
        }
        arena.reset();
        assert_eq!(budget.used(), arena.stats().held_bytes);
    }
    drop(arena);
    assert_eq!(budget.used(), Bytes::ZERO);
    budget.charge(Bytes::new(1), OpTag::NONE).expect("nothing is left charged");
    budget.refund(Bytes::new(1), OpTag::NONE);
}

#[test]
fn the_first_block_is_what_is_expected_but_at_most_the_hint() {
    let system = System::new();
    for (hint, expected, first) in [(64, 16, 16), (64, 256, 64), (64, 0, 4), (0, 64, 4)] {
        let (hint, expected) = (Bytes::new(hint * KIB), Bytes::new(expected * KIB));
        let mut arena = Arena::begin(Alloc::new(&system), hint, Bytes::from_mib(1));
        arena.expect_bytes(expected);
        arena.try_alloc(1_u8).expect("it fits");
        assert_eq!(arena.stats().held_bytes, Bytes::new(first * KIB - 16), "{hint} {expected}");
    }
}

#[test]
fn large_objects_in_blocks_leave_the_newest_block_in_use() {
    let budget = Budgeted::new(System::new(), Bytes::from_mib(64));
    let cap = Bytes::from_mib(32);
    let arena = Arena::begin(Alloc::new(&budget), Bytes::ZERO, cap).with_large_objects_in_blocks();
    let mut large = std::vec::Vec::new();
    while arena.stats().blocks < 3 {
        arena.try_alloc([1_u8; 64]).expect("it fits");
    }
    let before = arena.stats();
    for round in 1..=4_u8 {
        let object = arena.try_alloc_slice_with(3 << 20, |_| round).expect("it fits");
        large.push((round, object));
        let small = arena.try_alloc([round; 16]).expect("it fits");
        assert_eq!(small, &[round; 16]);
    }
    let after = arena.stats();
    assert_eq!((after.objects_dedicated, after.blocks), (0, before.blocks + 4));
    let held = after.held_bytes.get() - before.held_bytes.get();
    assert!(held <= 4 * ((3 << 20) + 4096), "each has a block of its size: {held}");
    assert!(large.iter().all(|(round, object)| object.iter().all(|byte| byte == round)));
    assert_eq!(budget.used(), after.held_bytes);
    drop(arena);
    assert_eq!(budget.used(), Bytes::ZERO);
}
