//! The budget gate: what an operation holds of the heap at its peak stays below its cap.

use crate::heap;

/// A text of a mebibyte, with as many words as short words give.
fn text() -> String {
    "lorem ipsum dolor sit amet, a b c d ".chars().cycle().take(1 << 20).collect()
}

/// The operations, and the most that each may hold at its peak, in bytes. A cap is raised in a
/// commit that says what the memory is for.
const CAPS: [(&str, Operation, usize); 1] = [("words", |text| tally::words(text).is_ok(), 9 << 20)];

/// Whether the operation on this text was done.
type Operation = fn(&str) -> bool;

#[test]
fn no_operation_holds_more_than_its_cap() {
    let text = text();
    let mut over = Vec::new();
    println!("{:10} {:>12} {:>12} {:>7}  verdict", "operation", "peak bytes", "cap bytes", "share");
    for (name, operation, cap_bytes) in CAPS {
        let (is_done, heap::Use { peak_bytes, .. }) = heap::observe(0..0, || operation(&text));
        assert!(is_done, "{name} failed");
        let verdict = if peak_bytes <= cap_bytes { "within" } else { "over" };
        let percent = 100 * peak_bytes / cap_bytes;
        println!("{name:10} {peak_bytes:12} {cap_bytes:12} {percent:5} %  {verdict}");
        over.extend((peak_bytes > cap_bytes).then_some(name));
    }
    assert!(over.is_empty(), "over their caps: {over:?}");
}
