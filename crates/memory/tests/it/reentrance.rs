//! A gate is safe code: it may use what it is asked for, and it may unwind.

mod callbacks;
mod subjects;
mod table;

use std::alloc::Layout;
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;

use allocator_api2::alloc::Allocator;
use gitmind_memory::units::Bytes;
use gitmind_memory::{
    Alloc, Arena, ArenaVec, Budgeted, ErrorKind, Gated, InternTable, Map, OpTag, Pooling, Port,
    Slab, System, Trace, Traced, VecIn, Zeroing,
};

use self::callbacks::{Callback, Calls};
use self::subjects::leak;

/// A port below a traced one, which finds blocks that are freed twice or not at all.
type Listed = Traced<Gated<System, Calls>>;

/// Runs `test` with a port, which has nothing left to report when it is over.
fn with_port(test: impl FnOnce(&'static Listed)) {
    let (port, end) = leak(Traced::new(Gated::with_gate(System::new(), Calls), Trace::sites()));
    test(port);
    let report = port.report();
    assert!(report.is_clean(), "{report}");
    end();
}

/// Has the next request run `callback`, once.
fn on_request(callback: impl FnOnce() + 'static) {
    callbacks::arm(Callback::Admit, 0, callback);
}

#[test]
fn an_arena_serves_or_refuses_what_a_gate_asks_of_it() {
    for callback_size in [16, 5000] {
        for records in 0..18 {
            for resized in [20_000, 4096, 100] {
                with_port(|port| resize_while_a_gate_asks(port, callback_size, records, resized));
            }
        }
    }
}

fn resize_while_a_gate_asks(
    port: &'static Listed,
    callback_size: usize,
    records: usize,
    resized: usize,
) {
    let arena = Rc::new(Arena::begin(Alloc::new(port), Bytes::ZERO, Bytes::from_mib(4)));
    let mut object: ArenaVec<'_, u8> = VecIn::new(&arena);
    object.try_reserve_exact(8192).expect("there is room");
    object.try_extend_from_slice(&[9; 50]).expect("there is room");
    let fill = |_| arena.try_alloc_slice_copy(&[1_u8; 6000]).expect("there is room");
    let others: Vec<&mut [u8]> = (0..records).map(fill).collect();
    let again = Rc::clone(&arena);
    on_request(move || {
        if let Ok(taken) = again.try_alloc_slice_copy(&vec![7_u8; callback_size]) {
            assert!(taken.iter().all(|byte| *byte == 7));
        }
    });
    let _ = object.try_reserve_exact(resized);
    let _ = arena.try_alloc_slice_copy(&[3_u8; 100]).map(|bytes| bytes.fill(4));
    callbacks::disarm();
    assert_eq!(object.as_slice(), [9; 50]);
    assert!(others.iter().all(|other| other.iter().all(|byte| *byte == 1)));
    assert!(arena.held_bytes() <= arena.cap_bytes());
}

#[test]
fn what_needs_a_new_block_inside_a_request_is_reentrant() {
    with_port(|port| {
        let arena = Rc::new(Arena::begin(Alloc::new(port), Bytes::ZERO, Bytes::from_mib(4)));
        let (again, seen) = (Rc::clone(&arena), Rc::new(Cell::new(None)));
        let kept = Rc::clone(&seen);
        on_request(move || kept.set(again.try_alloc(1_u8).err().map(|error| error.kind())));
        assert!(arena.try_alloc([1_u8; 5000]).is_ok());
        assert_eq!(seen.get(), Some(ErrorKind::Reentrant));
        assert!(arena.try_alloc(1_u8).is_ok(), "it serves again");
    });
}

#[test]
fn no_two_boxes_of_a_slab_that_a_gate_uses_share_a_slot() {
    for kept in [0, 1, 33] {
        with_port(|port| {
            let (slab, end) = leak(Slab::new(Alloc::new(port)));
            let left = Rc::new(RefCell::new(Vec::new()));
            let leaves = Rc::clone(&left);
            on_request(move || {
                let mut taken: Vec<_> =
                    (0..33).filter_map(|_| slab.try_box([0_u64; 4]).ok()).collect();
                taken.truncate(kept);
                leaves.borrow_mut().append(&mut taken);
            });
            let boxes: Vec<_> =
                (0..200_u64).map(|n| (n, slab.try_box([n; 4]).expect("there is memory"))).collect();
            let places: BTreeSet<_> =
                boxes.iter().map(|(_, one)| std::ptr::from_ref(&**one)).collect();
            assert_eq!(places.len(), boxes.len());
            assert!(boxes.iter().all(|(n, one)| **one == [*n; 4]));
            drop(boxes);
            left.borrow_mut().clear();
            assert_eq!(slab.stats().blocks_outstanding, 0);
            end();
        });
    }
}

#[test]
fn an_intern_table_refuses_what_a_gate_asks_of_the_shard_in_change() {
    with_port(|port| {
        let (table, end) = leak(InternTable::new(Alloc::new(port), Pooling::On, Zeroing::Off));
        let seen = Rc::new(Cell::new(None));
        let kept = Rc::clone(&seen);
        on_request(move || kept.set(table.acquire(b"a").err().map(|error| error.kind())));
        let symbol = table.acquire(b"a").expect("there is memory");
        assert_eq!(seen.get(), Some(ErrorKind::Reentrant));
        assert_eq!(table.resolve(symbol, <[u8]>::to_vec), Ok(b"a".to_vec()));
        assert_eq!(table.release(symbol), Ok(()));
        end();
    });
}

#[test]
fn a_callback_counts_an_intern_table_as_it_was_before_the_call() {
    with_port(|port| {
        let (table, end) = leak(InternTable::new(Alloc::new(port), Pooling::On, Zeroing::Off));
        let first = table.acquire(b"first").expect("there is memory");
        let seen = Rc::new(Cell::new(None));
        let kept = Rc::clone(&seen);
        // The first of the strings below that needs memory of the port.
        on_request(move || kept.set(Some((table.len(), table.held()))));
        let texts = (0..99_u8).map(|text| [text; 99]);
        let mut before = (table.len(), table.held());
        let others: Vec<_> = texts
            .map(|text| {
                before = if seen.get().is_none() { (table.len(), table.held()) } else { before };
                table.acquire(&text).expect("there is memory")
            })
            .collect();
        assert_eq!(seen.get(), Some(before));
        assert_eq!(table.held(), (100, Bytes::new(5 + 99 * 99)));
        assert_eq!(table.resolve(first, |_| table.len()), Ok(100));
        for symbol in others.into_iter().chain([first]) {
            assert_eq!(table.release(symbol), Ok(()));
        }
        assert_eq!((table.len(), table.held()), (0, (0, Bytes::ZERO)));
        end();
    });
}

#[test]
fn a_gate_that_unwinds_leaves_no_charge_and_no_half_change() {
    let budget = Budgeted::new(Gated::with_gate(System::new(), Calls), Bytes::from_mib(4));
    let arena = Arena::begin(Alloc::new(&budget), Bytes::ZERO, Bytes::from_mib(1));
    for size in [16, 5000] {
        on_request(|| panic!("the gate unwinds"));
        let used = budget.used();
        let take = || arena.try_alloc_zeroed(size, 1).is_ok();
        assert!(catch_unwind(AssertUnwindSafe(take)).is_err());
        assert_eq!(budget.used(), used);
        assert!(take(), "the arena serves again");
    }
    drop(arena);
    assert_eq!(budget.used(), Bytes::ZERO);
}

#[test]
fn a_box_whose_value_unwinds_in_its_destructor_gives_its_block_back() {
    struct Loud([u8; 100]);
    impl Drop for Loud {
        fn drop(&mut self) {
            assert_eq!(self.0[0], 0, "the destructor unwinds");
        }
    }
    let system = System::new();
    let one = Alloc::new(&system).try_box(Loud([1; 100])).expect("there is memory");
    assert!(catch_unwind(AssertUnwindSafe(|| drop(one))).is_err());
    assert_eq!(system.diagnostics().blocks_outstanding, 0);
}

/// Nothing is allocated for it, so what swallows it leaks nothing.
fn unwind() {
    resume_unwind(Box::new(()))
}

/// Has one free or refund of `run` unwind, after the `passing` ones before it.
fn unwinding(passing: u32, run: impl FnOnce()) {
    callbacks::arm(Callback::Release, passing, unwind);
    // It may end before.
    let _ = catch_unwind(AssertUnwindSafe(run));
    callbacks::disarm();
}

/// Allocates by a handle, frees arbitrary blocks while a free unwinds, and ends.
type Ending = fn(Alloc<'_>, u32);

const ENDINGS: [Ending; 4] = [
    |alloc, passing| unwinding(passing, || drop(full_arena(alloc))),
    |alloc, passing| {
        let mut arena = full_arena(alloc);
        unwinding(passing, || arena.reset());
        assert!(arena.try_alloc([1_u8; 2000]).is_ok(), "it serves again");
    },
    |alloc, passing| {
        let slab = Slab::new(alloc);
        for _ in 0..5000 {
            assert!(slab.try_box([1_u64; 30]).map(std::mem::forget).is_ok());
        }
        unwinding(passing, || drop(slab));
    },
    |alloc, passing| {
        let slab = Slab::new(alloc);
        let boxes: Vec<_> = (0..5000).map(|_| slab.try_box([1_u64; 30])).collect();
        std::thread::scope(|scope| scope.spawn(|| drop(boxes)).join().expect("no panic in it"));
        unwinding(passing, || slab.trim());
        slab.trim();
        assert_eq!(slab.stats().held, Bytes::ZERO);
    },
];

fn full_arena(alloc: Alloc<'_>) -> Arena<'_> {
    let arena = Arena::begin(alloc, Bytes::ZERO, Bytes::from_mib(4));
    for size in [5000, 100, 2000].repeat(20) {
        assert!(arena.try_alloc_zeroed(size, 1).is_ok());
    }
    arena
}

#[test]
fn everything_else_is_given_back_when_one_free_unwinds() {
    for ending in ENDINGS {
        for passing in 0..30 {
            let budget = Budgeted::new(System::new(), Bytes::from_mib(64));
            ending(Alloc::new(&Gated::with_gate(&budget, Calls)), passing);
            assert_eq!(budget.used(), Bytes::ZERO, "free {passing} unwinds");
        }
    }
}

#[test]
fn a_gate_cannot_unwind_out_of_a_shrink() {
    let system = System::new();
    let port = Gated::with_gate(&system, Calls);
    let arena = Arena::begin(Alloc::new(&port), Bytes::ZERO, Bytes::from_mib(1));
    let (old, new) = (Layout::new::<[u8; 20_000]>(), Layout::new::<[u8; 5000]>());
    let object = (&arena).allocate(old).expect("there is memory");
    callbacks::arm(Callback::Release, 0, unwind);
    // SAFETY: the object is live with the old layout, and the new size is smaller.
    let shrunk = unsafe { (&arena).shrink(object.cast(), old, new) };
    assert!(!callbacks::disarm(), "it unwinds");
    assert_eq!(shrunk.map(|block| block.len()), Ok(5000));
    drop(arena);
    assert_eq!(system.diagnostics().bytes_outstanding, Bytes::ZERO);
}

#[test]
fn charges_and_refunds_of_everything_wrap_nothing() {
    let (budget, most) = (Budgeted::new(System::new(), Bytes::new(100)), Bytes::new(u64::MAX));
    for port in [&budget as &dyn Port, &Traced::new(System::new(), Trace::stamped())] {
        for _ in 0..3 {
            let _ = port.charge(most, OpTag::NONE).map(|()| port.refund(most, OpTag::NONE));
        }
        assert_eq!(port.diagnostics().bytes_outstanding, Bytes::ZERO);
    }
    let failures = budget.diagnostics().failures_total;
    budget.refund(most, OpTag::NONE);
    assert_eq!(budget.diagnostics().failures_total, failures + 1, "the misuse is counted");
    assert!(budget.charge(Bytes::new(100), OpTag::NONE).is_ok(), "it serves again");
    assert_eq!(budget.used(), Bytes::new(100));
}

#[test]
fn a_container_gives_its_block_back_when_an_element_unwinds_in_its_destructor() {
    struct Loud(u64);
    impl Drop for Loud {
        fn drop(&mut self) {
            assert_ne!(self.0, 3, "the destructor unwinds");
        }
    }
    let system = System::new();
    let array = || {
        let mut array = VecIn::new(Alloc::new(&system));
        assert!(array.try_extend((0..9).map(Loud)).is_ok());
        array
    };
    let ends: [&dyn Fn(); 5] = [
        &|| drop(array()),
        &|| array().clear(),
        &|| array().truncate(2),
        &|| drop(array().into_iter()),
        &|| {
            let mut map = Map::new(Alloc::new(&system));
            (0..9).for_each(|key| assert!(map.try_insert(key, Loud(key)).is_ok()));
        },
    ];
    for end in ends {
        assert!(catch_unwind(AssertUnwindSafe(end)).is_err());
        assert_eq!(system.diagnostics().blocks_outstanding, 0);
    }
}

#[test]
fn a_hint_and_a_cap_of_everything_are_an_error_and_wrap_nothing() {
    let system = System::new();
    let most = Bytes::new(u64::MAX);
    let arena = Arena::begin(Alloc::new(&system), most, most);
    assert!(arena.try_alloc(1_u8).is_err());
    assert_eq!(arena.held_bytes(), Bytes::ZERO);
    assert!(arena.try_alloc([1_u8; 5000]).is_ok());
}
