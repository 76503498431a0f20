//! Containers in an arena: what they leave behind when they grow, shrink and end.

use allocator_api2::vec::Vec as RawVec;
use gitmind_memory::units::Bytes;
use gitmind_memory::{
    Alloc, Arena, Budgeted, ErrorKind, MemoryError, Pooling, Port, System, Zeroing,
};

const CAP: Bytes = Bytes::from_mib(4);

fn push<'v>(
    numbers: &mut RawVec<u64, &'v Arena<'v>>,
    values: std::ops::Range<u64>,
) -> Result<(), MemoryError> {
    for value in values {
        numbers.try_reserve(1)?;
        numbers.push(value);
    }
    Ok(())
}

#[test]
fn a_container_that_grows_at_the_end_of_a_block_leaves_nothing_behind() {
    let system = System::new();
    let arena = Arena::begin(Alloc::new(&system), Bytes::new(8192), CAP);
    let mut numbers = RawVec::new_in(&arena);
    push(&mut numbers, 0..500).expect("it fits");
    assert!(numbers.iter().copied().eq(0..500));
    let bytes = numbers.capacity() * size_of::<u64>();
    assert_eq!(arena.stats().used_bytes, Bytes::from(bytes));
    drop(numbers);
    assert_eq!(arena.stats().used_bytes, Bytes::ZERO);
}

#[test]
fn a_large_container_grows_in_the_port_and_is_given_back_at_once() {
    let system = System::new();
    let arena = Arena::begin(Alloc::new(&system), Bytes::new(8192), CAP);
    let [mut even, mut odd] = [RawVec::new_in(&arena), RawVec::new_in(&arena)];
    for value in 0..50_000 {
        push(if value % 2 == 0 { &mut even } else { &mut odd }, value..value + 1).expect("it fits");
    }
    assert!(even.iter().copied().eq((0..50_000).step_by(2)));
    assert!(odd.iter().copied().eq((1..50_000).step_by(2)));
    let bytes = (even.capacity() + odd.capacity()) * size_of::<u64>();
    let stats = arena.stats();
    assert_eq!(stats.objects_dedicated, 2);
    // The halves of less than a page are left in blocks.
    assert!(stats.used_bytes <= Bytes::from(bytes + 2 * 8192), "{stats:?}");
    even.shrink_to_fit();
    assert!(even.iter().copied().eq((0..50_000).step_by(2)));
    assert!(arena.stats().held_bytes < stats.held_bytes);
    drop(even);
    drop(odd);
    assert_eq!(arena.stats().objects_dedicated, 0);
}

#[test]
fn a_hash_table_lives_in_an_arena() {
    let system = System::new();
    let arena = Arena::begin(Alloc::new(&system), Bytes::new(8192), CAP);
    let hasher = foldhash::fast::FixedState::default();
    let mut lengths = hashbrown::HashMap::with_hasher_in(hasher, &arena);
    for length in 0..10_000_usize {
        lengths.try_reserve(1).map_err(MemoryError::from).expect("it fits");
        lengths.insert(length * 7, arena.try_alloc(length).expect("it fits"));
    }
    assert!((0..10_000).all(|length| lengths.get(&(length * 7)).is_some_and(|n| **n == length)));
    drop(lengths);
    assert_eq!(arena.stats().objects_dedicated, 0, "the table was freed");
}

#[test]
fn without_pooling_what_a_container_gives_up_goes_back_to_the_port() {
    let system = System::new();
    let arena = Arena::with(Alloc::new(&system), CAP, CAP, Pooling::Off, Zeroing::Off);
    let kept = arena.try_alloc(7_u64).expect("it fits");
    let mut numbers = RawVec::new_in(&arena);
    push(&mut numbers, 0..1000).expect("it fits");
    let bytes = numbers.capacity() * size_of::<u64>() + size_of::<u64>();
    assert_eq!(system.diagnostics().bytes_outstanding, Bytes::from(bytes));
    drop(numbers);
    assert_eq!(system.diagnostics().bytes_outstanding, Bytes::new(8));
    assert_eq!(*kept, 7);
}

#[test]
fn a_container_that_does_not_fit_has_the_reason_and_keeps_its_values() {
    let system = System::new();
    for pooling in [Pooling::On, Pooling::Off] {
        let cap = Bytes::new(10_000);
        let arena = Arena::with(Alloc::new(&system), cap, cap, pooling, Zeroing::Off);
        let mut numbers = RawVec::new_in(&arena);
        let error = push(&mut numbers, 0..10_000).expect_err("the cap is 10 000 bytes");
        assert_eq!((error.kind(), error.limit()), (ErrorKind::OverCap, cap));
        assert!(numbers.iter().copied().eq(0..numbers.len() as u64));
        assert!(numbers.len() * size_of::<u64>() >= 4096, "{}", numbers.len());
    }
}

#[test]
fn records_beyond_the_first_sixteen_are_counted_and_given_back() {
    let budget = Budgeted::new(System::new(), Bytes::from_mib(4));
    let arena = Arena::begin(Alloc::new(&budget), Bytes::ZERO, CAP);
    let mut pages: std::vec::Vec<RawVec<u8, &Arena<'_>>> = std::vec::Vec::new();
    for count in 1..=100_u64 {
        let mut page = RawVec::new_in(&arena);
        page.try_reserve_exact(4096).expect("it fits");
        pages.push(page);
        let records = (count - 1) / 16 * 400;
        assert_eq!(budget.used(), Bytes::new(count * 4096 + records), "{count} pages");
    }
    // The newest first, as a stack unwinds.
    while let Some(page) = pages.pop() {
        drop(page);
    }
    assert_eq!((arena.stats().objects_dedicated, budget.used()), (0, Bytes::ZERO));
}
