//! Blocks that pass between threads while the heap of one is observed.

use std::convert::Infallible;
use std::sync::mpsc;

use gitmind_memory::testing::MemoryTest;

/// The other thread frees, grows and keeps blocks of observations that are going on, are ending and
/// have ended. What is checked is that none of them is freed twice or by a port that is gone.
#[test]
fn blocks_that_another_thread_changes_while_a_test_ends_are_freed_once() {
    let (give, taken) = mpsc::channel::<Vec<u64>>();
    let other = std::thread::spawn(move || {
        let mut kept = Vec::new();
        let mut sum = 0;
        for (turn, mut block) in taken.iter().enumerate() {
            sum += block[0];
            match turn % 3 {
                0 => drop(block),
                1 => {
                    block.resize(block.len() * 5, 1);
                    kept.push(block);
                }
                _ => kept.push(block),
            }
            if kept.len() > 20 {
                kept.clear();
            }
        }
        sum
    });
    for round in 0..60 {
        // What the other thread still has is a leak of the run, as far as it is asked for.
        MemoryTest::<Infallible>::new().leaks_max(u64::MAX).run_heap(|| {
            let mut own: Vec<Vec<u64>> = (1..20).map(|len| vec![1; len * 7 % 50 + 1]).collect();
            for block in own.drain(..own.len() / 2) {
                give.send(block).expect("the other thread is there");
            }
            own.truncate(round % 7);
        });
    }
    drop(give);
    assert_eq!(other.join().expect("it has not panicked"), 60 * 2 * 9, "two runs of each body");
}

#[test]
fn tests_of_several_threads_are_observed_apart() {
    let peak = |len: usize| {
        MemoryTest::<Infallible>::new().run_heap(|| {
            for _ in 0..200 {
                drop(std::hint::black_box(vec![1_u8; len]));
            }
        })
    };
    std::thread::scope(|scope| {
        for len in [100, 200, 300, 400] {
            scope.spawn(move || assert_eq!(peak(len).get(), len as u64));
        }
    });
}
