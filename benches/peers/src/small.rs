//! What is made of small objects, with them on the system's heap and pooled: how long each takes.
//!
//! The kill switch decides, as in the program. An event is one of a rebuild, from its fields to its
//! line. An edge of an import is what follows the parser: its paths are interned, then it is
//! encoded. Beside them, blocks of up to 4 KiB come and go on the process's heap, as in a service
//! at work.

use std::collections::VecDeque;
use std::io;

use gitmind_git::oid::Oid;
use gitmind_journal::{Batch, Edge, Edges, Relation};
use gitmind_memory::{Alloc, InternTable, Pooling, Slab, System, Zeroing};
use gitmind_system::clock::{FixedClock, Timestamp};
use gitmind_system::env::FixedEnvironment;
use gitmind_telemetry::{Level, Settings, Sink, Telemetry};
use quanta::Clock;
use rand_xoshiro::SplitMix64;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

use crate::report::Report;

type Subject = (&'static str, fn(&Clock) -> Vec<u64>);

/// Pairs: before, after.
const SUBJECTS: [Subject; 5] = [
    ("an event, kill switch (before)", |clock| events(clock, Pooling::Off)),
    ("an event, slab (after)", |clock| events(clock, Pooling::On)),
    ("an edge of an import, kill switch (before)", |clock| edges(clock, Pooling::Off)),
    ("an edge of an import, intern table (after)", |clock| edges(clock, Pooling::On)),
    ("the clock itself", |clock| times(clock, |_| ())),
];

/// Times that each subject has its turn.
const ROUNDS: usize = 15;
/// Objects of a turn.
const OBJECTS: usize = 100_000;
/// Other blocks that are live at once.
const OTHERS: usize = 200;
/// Edges of an import, after which the next one begins.
const EDGES: usize = 10_000;
/// Parts of a thousand, of which the percentiles are told.
const PERMILLES: [usize; 3] = [500, 990, 999];
const FITS: &str = "there is memory";

/// Measures everything.
pub(crate) fn run() -> Report {
    let clock = Clock::new();
    let mut all: Vec<Vec<u64>> = vec![Vec::new(); SUBJECTS.len()];
    for round in 0..ROUNDS {
        // Each round begins with another subject, so that none always follows the same one.
        for turn in 0..SUBJECTS.len() {
            let index = (round + turn) % SUBJECTS.len();
            all[index].extend(SUBJECTS[index].1(&clock));
        }
    }
    let percentiles = all.into_iter().map(percentiles).collect::<Vec<_>>();
    let rows = SUBJECTS.iter().zip(&percentiles).map(|((name, _), nanoseconds)| {
        let cells = nanoseconds.iter().map(u64::to_string);
        std::iter::once((*name).to_owned()).chain(cells).collect()
    });
    let mut report = Report::new();
    report.table(
        "Nanoseconds, with the clock's own",
        &["subject", "p50", "p99", "p99.9"],
        &rows.collect::<Vec<_>>(),
    );
    for pair in [0, 2] {
        let [before, after] = [&percentiles[pair], &percentiles[pair + 1]];
        let (name, _) = SUBJECTS[pair].0.split_once(',').expect("it says what");
        for (index, permille) in PERMILLES.into_iter().enumerate() {
            let ratio = after[index] as f64 / before[index].max(1) as f64;
            let what = format!("{name}, p{} after to before", permille as f64 / 10.0);
            report.goal(&what, ratio, 1.0);
        }
    }
    report
}

/// The time of each of [`OBJECTS`] calls of `work`, in nanoseconds.
fn times(clock: &Clock, mut work: impl FnMut(usize)) -> Vec<u64> {
    let mut random = SplitMix64::seed_from_u64(7);
    let mut others: VecDeque<Vec<u8>> = VecDeque::with_capacity(OTHERS);
    let time = |number| {
        let started = clock.raw();
        work(number);
        let taken = clock.delta_as_nanos(started, clock.raw());
        let dice = random.next_u64().to_le_bytes();
        others.push_back(vec![dice[1]; usize::from(dice[2]) * 16 + 1]);
        if others.len() == OTHERS {
            others.pop_front();
        }
        taken
    };
    (0..OBJECTS).map(time).collect()
}

/// Takes lines and loses them.
struct Nowhere;

impl Sink for Nowhere {
    fn line(&self, line: &[u8]) -> io::Result<()> {
        std::hint::black_box(line);
        Ok(())
    }
}

fn events(clock: &Clock, pooling: Pooling) -> Vec<u64> {
    let info = FixedEnvironment::from([("GITMIND_LOG_LEVEL", "INFO")]);
    let settings = Settings::read(&info).expect("a level");
    let date = FixedClock(Timestamp { seconds: 1_700_000_000, offset_seconds: 0 });
    let system = System::new();
    let alloc = Alloc::new(&system);
    let slab = Slab::with(alloc, pooling, Zeroing::Off);
    let telemetry = Telemetry::new(&settings, alloc, slab, &date, &Nowhere);
    let times = times(clock, |number| {
        telemetry.log(Level::Info, "cache", "rebuild_ok", |event| {
            event.text("branch", b"feature/of-a-usual-length")?;
            event.text("mode", b"incremental")?;
            event.number("edge_count", number as u64)?;
            event.number("duration_ms", 12)
        });
    });
    assert_eq!(telemetry.dropped(), 0, "{FITS}");
    times
}

fn edges(clock: &Clock, pooling: Pooling) -> Vec<u64> {
    let system = System::new();
    let alloc = Alloc::new(&system);
    let blank = Edges::new(&[0xa0]).next().expect("an edge").expect("a whole one");
    let paths: Vec<String> =
        (0..EDGES / 2).map(|number| format!("src/part-{number:05}/of/a/path.rs")).collect();
    let table = || InternTable::seeded(alloc, pooling, Zeroing::Off, 9);
    let (mut known, mut batch) = (table(), Batch::new(alloc));
    times(clock, |number| {
        if number % EDGES == 0 {
            (known, batch) = (table(), Batch::new(alloc));
        }
        let [source_path, target_path] =
            [0, 7].map(|step| paths[(number * 3 + step) % paths.len()].as_bytes());
        for path in [source_path, target_path] {
            known.unshared().acquire(path).expect(FITS);
        }
        let (source, target) = (Oid::new([1; 20]), Oid::new([2; 20]));
        let relation = Relation::REFERENCES;
        let edge = Edge { relation, source_path, target_path, source, target, ..blank };
        batch.push(&edge).expect(FITS);
    })
}

fn percentiles(mut times: Vec<u64>) -> Vec<u64> {
    times.sort_unstable();
    PERMILLES.into_iter().map(|permille| times[times.len() * permille / 1000]).collect()
}
