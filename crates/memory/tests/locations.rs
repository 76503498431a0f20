//! A panic that the caller has caused names the caller's line. Alone, because it replaces the hook.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, set_hook, take_hook};

use gitmind_memory::{Alloc, Op, System, Vec, VecDeque};

thread_local! {
    static PLACE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Asserts that `body` panics in the line of the call.
#[track_caller]
fn assert_panics_here<T>(body: impl FnOnce() -> T) {
    let here = Location::caller();
    set_hook(Box::new(|info| {
        let place = info.location().map(|place| format!("{}:{}", place.file(), place.line()));
        PLACE.replace(place.unwrap_or_default());
    }));
    let result = catch_unwind(AssertUnwindSafe(body));
    drop(take_hook());
    assert!(result.is_err(), "it panics");
    assert_eq!(PLACE.take(), format!("{}:{}", here.file(), here.line()));
}

#[test]
fn a_panic_names_the_line_that_passed_what_is_out_of_range() {
    let system = System::new();
    let mut vec = Vec::new(Alloc::new(&system));
    vec.try_push(1).expect("there is memory");
    assert_panics_here(|| vec.swap_remove(1));
    assert_panics_here(|| vec.remove(1));
    assert_panics_here(|| vec.try_insert(2, 1));
    assert_panics_here(|| vec.drain(..2));
    assert_panics_here(|| vec[1]);
    assert_panics_here(|| Op::new(16, "one too many"));
    let mut deque = VecDeque::new(Alloc::new(&system));
    deque.try_push_back(1).expect("there is memory");
    assert_panics_here(|| deque[1]);
    assert_panics_here(|| deque.drain(..2).len());
    assert_eq!((vec.len(), deque.len()), (1, 1), "nothing was taken off");
}
