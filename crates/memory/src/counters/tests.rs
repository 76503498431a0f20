//! Levels and peaks against sums that the tests keep themselves.

use super::*;

#[test]
fn the_peak_of_one_thread_is_exact_across_publications() {
    let counters = Counters::new();
    let (mut live, mut peak) = (0_usize, 0);
    for step in 0..10_000_usize {
        let size = step * 7919 % 5000;
        counters.allocated(size);
        live += size;
        peak = peak.max(live);
        if step % 3 != 0 {
            counters.freed(size);
            live -= size;
        }
    }
    let read = counters.read();
    assert_eq!(read.bytes_outstanding, Bytes::from(live));
    assert_eq!(read.peak_bytes, Bytes::from(peak));
}

#[test]
fn threads_lose_nothing_and_the_peak_is_never_too_low() {
    let counters = Counters::new();
    let threads = SLOTS + 4;
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| (0..1000).for_each(|_| counters.allocated(100)));
        }
    });
    let total = threads as u64 * 1000 * 100;
    let read = counters.read();
    assert_eq!(read.bytes_outstanding.get(), total);
    assert_eq!(read.allocations_total, threads as u64 * 1000);
    assert!(read.peak_bytes.get() >= total);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| (0..1000).for_each(|_| counters.freed(100)));
        }
    });
    assert_eq!(counters.read().bytes_outstanding, Bytes::ZERO);
    assert_eq!(counters.read().blocks_outstanding, 0);
}

#[test]
fn blocks_from_before_are_not_counted_where_there_is_a_floor() {
    for old in [10 << 20, 16 << 10] {
        let counters = Counters::floored();
        counters.freed(old);
        counters.allocated(1 << 20);
        assert_eq!(counters.read().peak_bytes.get(), 1 << 20, "after {old} bytes");
        counters.freed(1 << 20);
        counters.freed(old);
        counters.allocated(2 << 20);
        assert_eq!(counters.read().peak_bytes.get(), 2 << 20, "after {old} bytes");
        assert_eq!(counters.read().bytes_outstanding.get(), 2 << 20);
    }
}

#[test]
fn a_floor_loses_nothing_of_what_one_thread_takes_and_another_frees() {
    let counters = Counters::floored();
    for step in 0..1000 {
        counters.allocated(10_000);
        if step == 0 {
            continue; // One block is always live.
        }
        std::thread::scope(|scope| scope.spawn(|| counters.freed(10_000)).join())
            .expect("the thread has no panic");
    }
    assert_eq!(counters.read().bytes_outstanding.get(), 10_000);
}

#[test]
fn a_large_block_counts_once_in_the_peak() {
    let counters = Counters::new();
    counters.allocated(100);
    counters.allocated(64 << 20);
    counters.freed(64 << 20);
    counters.allocated(1 << 20);
    assert_eq!(counters.read().peak_bytes.get(), 100 + (64 << 20));
}
