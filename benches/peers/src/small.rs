//! Small objects before and after the slab: how long an allocation takes, and the worst of them.
//!
//! The objects are those of events: keys and values of 8 to 200 bytes, a window of them live, and
//! beside them blocks of up to 4 KiB come and go on the process's heap, as in a service at work.

use std::alloc::Layout;
use std::collections::VecDeque;
use std::ptr::NonNull;

use allocator_api2::alloc::Allocator;
use gitmind_memory::{Alloc, Slab, System};
use quanta::Clock;
use rand_xoshiro::SplitMix64;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

use crate::report::Report;
use crate::slab::Process;

/// The port's handle on the system's heap: where small objects were.
const BEFORE: &str = "handle on the heap (before)";
const AFTER: &str = "slab (after)";
const CLOCK: &str = "the clock itself";
const SUBJECTS: [&str; 5] = [BEFORE, AFTER, "mimalloc", "jemalloc", CLOCK];

/// Times that each subject has its turn.
const ROUNDS: usize = 15;
/// Allocations of a turn.
const OBJECTS: usize = 200_000;
/// Small objects that live at once.
const WINDOW: usize = 2_000;
/// Parts of a thousand, of which the percentiles are told.
const PERMILLES: [usize; 3] = [500, 990, 999];

/// Measures everything.
pub(crate) fn run() -> Report {
    let clock = Clock::new();
    let mut all: Vec<Vec<u64>> = vec![Vec::new(); SUBJECTS.len()];
    for round in 0..ROUNDS {
        // Each round begins with another subject, so that none always follows the same one.
        for turn in 0..SUBJECTS.len() {
            let index = (round + turn) % SUBJECTS.len();
            let system = System::new();
            let handle = Alloc::new(&system);
            let times = match SUBJECTS[index] {
                BEFORE => latencies(&clock, handle),
                AFTER => latencies(&clock, &Slab::new(handle)),
                "mimalloc" => latencies(&clock, Process(mimalloc::MiMalloc)),
                "jemalloc" => latencies(&clock, Process(tikv_jemallocator::Jemalloc)),
                _ => own_cost(&clock),
            };
            all[index].extend(times);
        }
    }
    let percentiles = all.into_iter().map(percentiles).collect::<Vec<_>>();
    let rows = SUBJECTS.iter().zip(&percentiles).map(|(name, nanoseconds)| {
        let cells = nanoseconds.iter().map(u64::to_string);
        std::iter::once((*name).to_owned()).chain(cells).collect()
    });
    let mut report = Report::new();
    report.table(
        "Nanoseconds of an allocation of 8 to 200 bytes, 2 000 live, with the clock's own",
        &["subject", "p50", "p99", "p99.9"],
        &rows.collect::<Vec<_>>(),
    );
    let [before, after] = [0, 1].map(|index: usize| &percentiles[index]);
    for (index, permille) in PERMILLES.into_iter().enumerate() {
        let ratio = after[index] as f64 / before[index].max(1) as f64;
        let what = format!("small objects, p{} after to before", permille as f64 / 10.0);
        report.goal(&what, ratio, 1.0);
    }
    report
}

/// The time of each allocation of one turn, in nanoseconds.
fn latencies(clock: &Clock, allocator: impl Allocator) -> Vec<u64> {
    let mut random = SplitMix64::seed_from_u64(7);
    let mut times = Vec::with_capacity(OBJECTS);
    let mut window: VecDeque<(NonNull<u8>, Layout)> = VecDeque::with_capacity(WINDOW);
    let mut others: VecDeque<Vec<u8>> = VecDeque::with_capacity(WINDOW);
    for _ in 0..OBJECTS {
        let dice = random.next_u64().to_le_bytes();
        let layout = Layout::array::<u8>(8 + usize::from(dice[0]) % 193).expect("a small size");
        let started = clock.raw();
        let block = allocator.allocate(layout);
        let ended = clock.raw();
        times.push(clock.delta_as_nanos(started, ended));
        window.push_back((block.expect("there is memory").cast(), layout));
        if window.len() == WINDOW {
            let (block, layout) = window.pop_front().expect("it is full");
            // SAFETY: the block is this allocator's, of this layout, and was handed out once above.
            unsafe { allocator.deallocate(block, layout) };
        }
        others.push_back(vec![dice[1]; usize::from(dice[2]) * 16 + 1]);
        if others.len() == WINDOW / 10 {
            others.pop_front();
        }
    }
    for (block, layout) in window {
        // SAFETY: as above; what is still in the window has not been given back.
        unsafe { allocator.deallocate(block, layout) };
    }
    times
}

/// The time of nothing at all.
fn own_cost(clock: &Clock) -> Vec<u64> {
    let time = |_| {
        let started = clock.raw();
        clock.delta_as_nanos(started, clock.raw())
    };
    (0..OBJECTS).map(time).collect()
}

fn percentiles(mut times: Vec<u64>) -> Vec<u64> {
    times.sort_unstable();
    PERMILLES.into_iter().map(|permille| times[times.len() * permille / 1000]).collect()
}
