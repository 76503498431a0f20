//! The histogram of sizes, which the feature `histogram` brings.

use gitmind_memory::{Alloc, System, Trace, Traced, Vec};

#[test]
fn the_histogram_counts_sizes_when_it_is_on() {
    let off = Traced::new(System::new(), Trace::stamped());
    assert_eq!(off.percentiles(), None);
    let traced = Traced::new(System::new(), Trace::stamped().histogram(true));
    let alloc = Alloc::new(&traced);
    for size in 1..=100_usize {
        drop(alloc.try_box([0_u8; 10]).expect("it is granted"));
        drop(Vec::<u8>::try_with_capacity(size * 10, alloc).expect("it is granted"));
    }
    let read = traced.percentiles().expect("it is on");
    assert_eq!((read.count, read.p50.get()), (200, 10));
    assert!((800..=900).contains(&read.p90.get()), "{read}");
    // What the check `lean` looks for in the shipped program.
    assert!(read.to_string().starts_with("gitmind allocation histogram, "), "{read}");
}
