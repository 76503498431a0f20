//! Time, as ratios within one run: rounds of all subjects in turn, and the median of each.

use allocator_api2::alloc::{Allocator, Global};
use std::hint::black_box;
use std::time::Instant;

use crate::subjects::{self, CONTEXT_OFF, CONTEXT_TRACED, GLIBC, TRACE};
use crate::workload;

const ROUNDS: usize = 15;
const REPLACEMENTS: u64 = 1_000_000;

pub(crate) fn run() {
    let subjects = subjects::all();
    let (off, traced) = (subjects::context(None), subjects::context(Some(TRACE)));
    for threads in [1, 2] {
        let expected = workload::churn(Global, 1, REPLACEMENTS);
        let mut rounds: Vec<(&str, Vec<f64>)> = Vec::new();
        let mut record = |name, seconds| match rounds.iter_mut().find(|(known, _)| *known == name) {
            Some((_, list)) => list.push(seconds),
            None => rounds.push((name, vec![seconds])),
        };
        for _ in 0..ROUNDS {
            record(GLIBC, seconds(Global, threads, expected));
            for subject in &subjects {
                record(subject.name, seconds(subject.alloc(), threads, expected));
            }
            record(CONTEXT_OFF, seconds(off.alloc(), threads, expected));
            record(CONTEXT_TRACED, seconds(traced.alloc(), threads, expected));
        }
        println!("churn of 24..256 B, 10 000 live, {threads} thread(s):");
        let yardstick = rounds[0].1.clone();
        for (name, list) in &rounds {
            // A ratio per round, because a neighbour slows a whole round down.
            let mut ratios: Vec<f64> =
                list.iter().zip(&yardstick).map(|(subject, glibc)| subject / glibc).collect();
            ratios.sort_by(f64::total_cmp);
            let nanoseconds = median(list) / REPLACEMENTS as f64 * 1e9;
            println!("  {name:<24} {nanoseconds:7.1} ns {:6.3} x glibc", median(&ratios));
        }
    }
}

fn median(list: &[f64]) -> f64 {
    let mut sorted = list.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

/// The wall time of one churn per thread. The result is checked before the time counts.
fn seconds<A: Allocator + Copy + Send>(alloc: A, threads: u64, expected: u64) -> f64 {
    let started = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(move || {
                let sum = workload::churn(alloc, 1, REPLACEMENTS);
                assert_eq!(black_box(sum), expected, "the work was done");
            });
        }
    });
    started.elapsed().as_secs_f64()
}
