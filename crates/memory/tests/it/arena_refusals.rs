//! Every way in which an arena's memory can be refused, and what it leaves in memory it gives back.

use std::alloc::Layout;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use allocator_api2::alloc::Allocator as _;
use allocator_api2::vec::Vec as RawVec;
use gitmind_memory::testing::{Case, Sweep, sweep};
use gitmind_memory::units::Bytes;
use gitmind_memory::{
    ALONE_BYTES_MIN, Alloc, Arena, Budgeted, Diagnostics, ErrorKind, MemoryError, OpTag, Pooling,
    Port, PortId, System, Zeroing,
};

/// A function for each call of the port that an arena makes, so that a report names it.
mod calls {
    use super::*;

    const LAYOUT: Layout = Layout::new::<[u8; ALONE_BYTES_MIN]>();
    const LARGER: Layout = Layout::new::<[u8; 2 * ALONE_BYTES_MIN]>();

    #[inline(never)]
    pub(super) fn first_block(arena: &Arena<'_>) -> Result<usize, MemoryError> {
        Ok(*arena.try_alloc(1)?)
    }

    #[inline(never)]
    pub(super) fn further_blocks(arena: &Arena<'_>) -> Result<usize, MemoryError> {
        (0..100).map(|_| Ok(arena.try_alloc([1_u8; 100])?.len())).sum()
    }

    #[inline(never)]
    pub(super) fn alone(arena: &Arena<'_>) -> Result<usize, MemoryError> {
        Ok(arena.try_alloc_zeroed(ALONE_BYTES_MIN, 4096)?.len())
    }

    #[inline(never)]
    pub(super) fn pages_of_records(arena: &Arena<'_>) -> Result<usize, MemoryError> {
        (0..40).map(|_| Ok(arena.try_alloc_zeroed(ALONE_BYTES_MIN, 1)?.len())).sum()
    }

    #[inline(never)]
    pub(super) fn growing(arena: &Arena<'_>) -> Result<NonNull<u8>, MemoryError> {
        let object = arena.allocate(LAYOUT)?.cast();
        // SAFETY: the object was taken in the line above; the new size is larger.
        Ok(unsafe { arena.grow(object, LAYOUT, LARGER) }?.cast())
    }

    #[inline(never)]
    pub(super) fn shrinking(arena: &Arena<'_>, object: NonNull<u8>) -> Result<usize, MemoryError> {
        // SAFETY: `growing` has returned the object; the new size is smaller.
        Ok(unsafe { arena.shrink(object, LARGER, LAYOUT) }?.len())
    }
}

fn workload(alloc: Alloc<'_>, pooling: Pooling) -> Result<usize, MemoryError> {
    let (hint, cap) = (Bytes::new(4096), Bytes::from_mib(1));
    let mut arena = Arena::with(alloc, hint, cap, pooling, Zeroing::Off);
    let mut sum = 0;
    for _ in 0..2 {
        sum += calls::first_block(&arena)? + calls::further_blocks(&arena)?;
        sum += calls::alone(&arena)? + calls::pages_of_records(&arena)?;
        let object = calls::growing(&arena)?;
        sum += calls::shrinking(&arena, object)?;
        arena.reset();
    }
    Ok(sum)
}

#[test]
fn every_call_site_survives_failure_once_and_persistently() {
    for pooling in [Pooling::On, Pooling::Off] {
        let report = sweep(|alloc| workload(alloc, pooling));
        report.assert_propagated();
        let places =
            ["first_block", "further_blocks", "alone", "pages_of_records", "growing", "shrinking"];
        for place in places {
            let is_there = |case: &Case| case.site.function.contains(&format!("calls::{place}"));
            assert!(report.cases.iter().any(is_there), "{place} was not refused: {report}");
        }
    }
}

#[test]
fn after_a_refusal_the_arena_is_usable_and_nothing_was_lost() {
    for pooling in [Pooling::On, Pooling::Off] {
        let report = Sweep::new().run(|alloc: Alloc<'_>| {
            let cap = Bytes::from_mib(1);
            let arena = Arena::with(alloc, Bytes::new(600), cap, pooling, Zeroing::Off);
            let before = arena.try_alloc(1_u64)?;
            let refused = (0..100).find_map(|_| arena.try_alloc([2_u8; 500]).err());
            let refused = refused.or_else(|| arena.try_alloc([3_u8; 5000]).err());
            assert_eq!(*before, 1);
            assert_eq!(arena.stats().failures_total, u64::from(refused.is_some()));
            // Handed on, not tried again: the port may refuse for ever.
            refused.map_or(Ok(()), Err::<(), MemoryError>)
        });
        report.assert_propagated();
    }
}

#[test]
fn a_budget_below_the_cap_refuses_first_and_is_never_passed() {
    let budget = Budgeted::new(System::new(), Bytes::new(10_000));
    let mut arena = Arena::begin(Alloc::new(&budget), Bytes::new(4096), Bytes::from_mib(1));
    let error = (0..1000).find_map(|_| arena.try_alloc([1_u8; 100]).err()).expect("it ends");
    assert_eq!((error.kind, error.limit), (ErrorKind::OverBudget, Bytes::new(10_000)));
    assert!(budget.peak() <= Bytes::new(10_000));
    assert_eq!(arena.stats().held_bytes, budget.used());
    arena.reset();
    arena.try_alloc([1_u8; 100]).expect("the arena stays usable");
}

/// Counts the bytes that come back, and those of them that are not zero.
#[derive(Default)]
struct Witness {
    system: System,
    returned: AtomicU64,
    dirty: AtomicU64,
}

// SAFETY: blocks are the system's; the bytes that come back are only read.
unsafe impl Port for Witness {
    fn allocate(&self, layout: Layout, op: OpTag<'_>) -> Result<NonNull<u8>, MemoryError> {
        // Initialised, so that what nobody wrote can be read when it comes back.
        let block = self.system.allocate(layout, op)?;
        // SAFETY: a fresh block of this size.
        unsafe { block.write_bytes(0xA5, layout.size()) };
        Ok(block)
    }

    unsafe fn deallocate(&self, ptr: NonNull<u8>, layout: Layout, op: OpTag<'_>) {
        let bytes = NonNull::slice_from_raw_parts(ptr, layout.size());
        // SAFETY: the block is live, and every byte was written in `allocate`.
        let dirty = unsafe { bytes.as_ref() }.iter().filter(|byte| **byte != 0).count();
        self.dirty.fetch_add(dirty as u64, Relaxed);
        self.returned.fetch_add(layout.size() as u64, Relaxed);
        // SAFETY: the caller's promises are passed on unchanged.
        unsafe { self.system.deallocate(ptr, layout, op) };
    }

    unsafe fn grow(
        &self,
        _: NonNull<u8>,
        _: Layout,
        _: Layout,
        _: OpTag<'_>,
    ) -> Result<NonNull<u8>, MemoryError> {
        unreachable!("a port leaves bytes behind when it moves a block");
    }

    unsafe fn shrink(
        &self,
        _: NonNull<u8>,
        _: Layout,
        _: Layout,
        _: OpTag<'_>,
    ) -> Result<NonNull<u8>, MemoryError> {
        unreachable!("a port leaves bytes behind when it moves a block");
    }

    fn charge(&self, bytes: Bytes, op: OpTag<'_>) -> Result<(), MemoryError> {
        self.system.charge(bytes, op)
    }

    fn refund(&self, bytes: Bytes, op: OpTag<'_>) {
        self.system.refund(bytes, op);
    }

    fn id(&self) -> PortId {
        self.system.id()
    }

    fn diagnostics(&self) -> Diagnostics {
        self.system.diagnostics()
    }
}

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
    assert!(witness.returned.load(Relaxed) > 50_000);
    assert_eq!(witness.dirty.load(Relaxed), 0, "bytes that are not zero");
}

#[test]
fn without_zeroing_what_goes_back_is_as_it_was() {
    let witness = Witness::default();
    let arena = Arena::begin(Alloc::new(&witness), Bytes::ZERO, Bytes::from_mib(1));
    arena.try_alloc([1_u8; 5000]).expect("it fits");
    drop(arena);
    assert_eq!(witness.dirty.load(Relaxed), 5000, "the witness sees bytes that are not zero");
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
