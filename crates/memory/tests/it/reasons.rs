//! An error names the reason of the handle that failed, whatever else fails in its thread.

use std::alloc::Layout;
use std::ptr::NonNull;

use allocator_api2::alloc::{AllocError, Allocator};
use allocator_api2::collections::TryReserveError;
use allocator_api2::vec::Vec as ForeignVec;
use gitmind_memory::units::Bytes;
use gitmind_memory::{
    Alloc, Arena, Budgeted, ErrorKind, Faulty, Map, MemoryError, Schedule, Slab, String, System,
    Vec, VecIn,
};

/// Runs `test` with a handle that is over its budget and one that fails as a test asks.
fn with_handles(test: impl FnOnce(Alloc<'_>, Alloc<'_>)) {
    let budget = Budgeted::new(System::new(), Bytes::ZERO);
    let faulty = Faulty::new(System::new(), Schedule::forever(1));
    test(Alloc::new(&budget), Alloc::new(&faulty));
}

/// A request of a container of another crate, which fails.
fn fail<A: Allocator>(alloc: A, bytes: usize) -> TryReserveError {
    ForeignVec::<u8, A>::new_in(alloc).try_reserve_exact(bytes).expect_err("it fails")
}

fn kind<T>(result: Result<T, impl Into<MemoryError>>) -> ErrorKind {
    match result {
        Ok(_) => panic!("it succeeds"),
        Err(error) => error.into().kind(),
    }
}

#[test]
fn each_container_names_the_reason_of_its_own_handle_in_any_order() {
    type Request = fn(Alloc<'_>) -> Result<(), MemoryError>;
    const REQUESTS: [Request; 7] = [
        |alloc| Vec::<u8>::new(alloc).try_push(1),
        |alloc| Vec::<u8>::try_with_capacity(8, alloc).map(drop),
        |alloc| Map::new(alloc).try_insert(1, 1).map(drop),
        |alloc| String::new(alloc).try_push_str("a"),
        |alloc| alloc.try_box([1_u8; 8]).map(drop),
        |alloc| Slab::new(alloc).try_box([1_u8; 8]).map(drop),
        |alloc| Arena::begin(alloc, Bytes::ZERO, Bytes::from_mib(1)).try_alloc(1_u8).map(drop),
    ];
    with_handles(|over, injected| {
        for first in REQUESTS {
            for second in REQUESTS {
                // Earlier failures of foreign containers that are not converted.
                let _ = (fail(over, 8), fail(injected, 8));
                let (one, two) = (first(over), second(injected));
                assert_eq!((kind(two), kind(one)), (ErrorKind::Injected, ErrorKind::OverBudget));
            }
        }
    });
}

#[test]
fn errors_of_other_crates_name_their_own_reason_in_any_order() {
    with_handles(|over, injected| {
        for is_reversed in [false, true] {
            let (one, two) = (fail(over, 10), fail(injected, 20));
            let (one, two) = if is_reversed {
                let two = kind::<()>(Err(two));
                (kind::<()>(Err(one)), two)
            } else {
                (kind::<()>(Err(one)), kind::<()>(Err(two)))
            };
            assert_eq!((one, two), (ErrorKind::OverBudget, ErrorKind::Injected));
        }
    });
}

#[test]
fn errors_that_cannot_be_told_apart_name_no_reason() {
    with_handles(|over, injected| {
        for error in [fail(over, 30), fail(injected, 30)] {
            let error = MemoryError::from(error);
            assert_eq!(error, MemoryError::new(ErrorKind::Exhausted, None, Bytes::new(30)));
        }
    });
}

#[test]
fn errors_of_two_arenas_on_one_port_are_told_apart_or_name_no_cap() {
    let system = System::new();
    let arena = |mib| Arena::begin(Alloc::new(&system), Bytes::ZERO, Bytes::from_mib(mib));
    let (small, large) = (arena(1), arena(2));
    for error in [fail(&small, 3 << 20), fail(&large, 3 << 20)] {
        assert_eq!(MemoryError::from(error).limit(), Bytes::ZERO);
    }
    let (first, second) = (fail(&small, 4 << 20), fail(&large, 5 << 20));
    assert_eq!(MemoryError::from(second).limit(), Bytes::from_mib(2));
    assert_eq!(MemoryError::from(first).limit(), Bytes::from_mib(1));
}

#[test]
fn a_handle_names_its_newest_reason_whatever_it_failed_for_before() {
    let budget = Budgeted::new(System::new(), Bytes::ZERO);
    let faulty = Faulty::new(&budget, Schedule::NEVER);
    let alloc = Alloc::new(&faulty);
    let _ignored = fail(alloc, 50);
    faulty.reset(Schedule::forever(1));
    assert_eq!(kind::<()>(Err(fail(alloc, 50))), ErrorKind::Injected);
}

#[test]
fn a_reason_is_named_once() {
    with_handles(|over, _| {
        let errors = [fail(over, 40), fail(over, 40)];
        for error in errors.clone() {
            assert_eq!(kind::<()>(Err(error)), ErrorKind::OverBudget);
        }
        assert_eq!(kind::<()>(Err(errors[0].clone())), ErrorKind::Exhausted);
    });
}

/// Another crate's allocator, which leaves no reason.
#[derive(Clone, Copy)]
struct Never;

// SAFETY: it hands out nothing.
unsafe impl Allocator for Never {
    fn allocate(&self, _: Layout) -> Result<NonNull<[u8]>, AllocError> {
        Err(AllocError)
    }

    unsafe fn deallocate(&self, _: NonNull<u8>, _: Layout) {
        unreachable!("it hands out nothing")
    }
}

#[test]
fn the_failure_of_another_crates_allocator_is_given_no_reason_of_a_handle() {
    with_handles(|over, _| {
        let _left = fail(over, 8);
        assert_eq!(kind(VecIn::<u8, Never>::new(Never).try_push(1)), ErrorKind::Exhausted);
        assert_eq!(kind::<()>(Err(fail(Never, 9))), ErrorKind::Exhausted);
        assert_eq!(kind(VecIn::<u8, _>::new(over).try_push(1)), ErrorKind::OverBudget);
    });
}
