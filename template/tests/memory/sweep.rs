//! Every allocation of the service fails, once and then persistently: an error, and no leak.

use crate::heap;

const TEXT: &str = "to be or not to be that is the question whether tis nobler";

#[test]
fn a_failed_allocation_is_an_error_and_leaks_nothing() {
    let (expected, whole) = heap::observe(0..0, || tally::words(TEXT).map(drop));
    assert!(expected.is_ok() && whole.requests > 0);
    for request in 1..=whole.requests {
        for last in [request + 1, usize::MAX] {
            let (outcome, used) = heap::observe(request..last, || tally::words(TEXT).map(drop));
            assert!(outcome.is_err(), "request {request} failed, and the service did not notice");
            assert_eq!(used.left_bytes, 0, "leaked after request {request} failed");
        }
    }
}
