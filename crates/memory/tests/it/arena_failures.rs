//! Every way in which an arena's memory can fail, and what it leaves in memory that it frees.

use std::alloc::Layout;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use allocator_api2::vec::Vec as RawVec;
use gitmind_memory::units::Bytes;
use gitmind_memory::{Alloc, Arena, Budgeted, ErrorKind, Pooling, System, Zeroing};

use super::watched::{Watch, Watched};

#[test]
fn a_budget_below_the_cap_fails_first_and_is_never_passed() {
    let budget = Budgeted::new(System::new(), Bytes::new(10_000));
    let mut arena = Arena::begin(Alloc::new(&budget), Bytes::new(4096), Bytes::from_mib(1));
    let error = (0..1000).find_map(|_| arena.try_alloc([1_u8; 100]).err()).expect("it ends");
    assert_eq!((error.kind(), error.limit()), (ErrorKind::OverBudget, Bytes::new(10_000)));
    assert!(budget.peak() <= Bytes::new(10_000));
    assert_eq!(arena.stats().held_bytes, budget.used());
    arena.reset();
    arena.try_alloc([1_u8; 100]).expect("the arena stays usable");
}

/// Counts the bytes that come back, and those of them that are not zero.
#[derive(Default)]
struct Returned {
    all: AtomicU64,
    dirty: AtomicU64,
}

impl Watch for Returned {
    const LOOKS: bool = true;

    fn freed(&self, bytes: &[u8]) {
        let dirty = bytes.iter().filter(|byte| **byte != 0).count();
        self.dirty.fetch_add(dirty as u64, Relaxed);
        self.all.fetch_add(bytes.len() as u64, Relaxed);
    }
}

type Witness = Watched<System, Returned>;

#[test]
fn with_zeroing_what_goes_back_to_the_port_is_zero() {
    let witness = Witness::default();
    for pooling in [Pooling::On, Pooling::Off] {
        let cap = Bytes::from_mib(1);
        let mut arena =
            Arena::with(Alloc::new(&witness), Bytes::new(600), cap, pooling, Zeroing::On);
        arena.try_alloc([1_u8; 5000]).expect("it fits");
        arena.try_alloc([1_u8; 50]).expect("it fits");
        arena.reset();
        let mut grown: RawVec<u8, _> = RawVec::new_in(&arena);
        for _ in 0..10_000 {
            grown.try_reserve(1).expect("it fits");
            grown.push(7);
        }
        grown.truncate(6000);
        grown.shrink_to_fit();
        assert!(grown.len() == 6000 && grown.iter().all(|byte| *byte == 7));
        drop(grown);
        arena.try_alloc([1_u8; 6000]).expect("it fits");
    }
    assert!(witness.watch.all.load(Relaxed) > 50_000);
    assert_eq!(witness.watch.dirty.load(Relaxed), 0, "bytes that are not zero");
}

#[test]
fn without_zeroing_what_goes_back_is_as_it_was() {
    let witness = Witness::default();
    let arena = Arena::begin(Alloc::new(&witness), Bytes::ZERO, Bytes::from_mib(1));
    arena.try_alloc([1_u8; 5000]).expect("it fits");
    drop(arena);
    assert_eq!(witness.watch.dirty.load(Relaxed), 5000, "the witness sees bytes that are not zero");
}

#[test]
fn with_zeroing_a_kept_block_is_handed_out_again_without_old_bytes() {
    let system = System::new();
    let (hint, cap) = (Bytes::new(64 << 10), Bytes::from_mib(1));
    for zeroing in [Zeroing::Off, Zeroing::On] {
        let mut arena = Arena::with(Alloc::new(&system), hint, cap, Pooling::On, zeroing);
        let secret = arena.try_alloc([0x5E_u8; 1000]).expect("it fits").as_ptr().addr();
        // The last object, taken back and smaller than it was.
        let mut dropped: RawVec<u8, _> = RawVec::new_in(&arena);
        dropped.try_reserve_exact(1000).expect("it fits");
        dropped.extend_from_slice(&[0x5E; 1000]);
        drop(dropped);
        arena.reset();
        let layout = Layout::new::<[u8; 2016]>();
        let again = arena.try_alloc_layout(layout).expect("the block was kept");
        assert_eq!(again.addr().get() + 2016, secret + 1008, "the same bytes");
        // SAFETY: the object has 2016 bytes.
        let second = unsafe { again.add(1008) };
        let [first, second] = [again, second].map(|start| {
            // SAFETY: the first round has written the first 1000 of each 1008 bytes.
            unsafe { NonNull::slice_from_raw_parts(start, 1000).as_ref() }
        });
        let found = first.iter().chain(second).filter(|byte| **byte == 0x5E).count();
        assert_eq!(found > 0, zeroing == Zeroing::Off, "{found} secret bytes, {zeroing:?}");
    }
}
