//! The slab beside glibc, mimalloc, jemalloc and sharded-slab.

mod store;
mod work;

use std::process::ExitCode;

use allocator_api2::alloc::Global;
use gitmind_memory::{Alloc, Pooling, Port, Slab, System, Zeroing};

use self::store::{Nothing, OnAllocator, Process, Sharded};
use self::work::Work;
use crate::report::Report;
use crate::{callgrind, rounds};

/// The yardstick.
const GLIBC: &str = "glibc";
const SLAB: &str = "slab";
const ZEROING: &str = "slab, zeroing";
const KILLED: &str = "slab, kill switch";
const SHARDED: &str = "sharded-slab";
/// Not an allocator: the work by itself.
const NOTHING: &str = "no allocator";

const SUBJECTS: [&str; 8] =
    [GLIBC, SLAB, ZEROING, KILLED, "mimalloc", "jemalloc", SHARDED, NOTHING];

/// Steps of a timed run, and of a counted one.
const TIMED_STEPS: u64 = 1_000_000;
const COUNTED_STEPS: u64 = 100_000;

/// Does `work` on a fresh subject.
fn run_on(subject: &str, work: Work, steps: u64) -> u64 {
    let system = System::uncounted();
    let slab = |pooling, zeroing| Slab::with(Alloc::new(&system), pooling, zeroing);
    match subject {
        GLIBC => work.run(OnAllocator(Global), steps),
        SLAB => work.run(OnAllocator(&slab(Pooling::On, Zeroing::Off)), steps),
        ZEROING => work.run(OnAllocator(&slab(Pooling::On, Zeroing::On)), steps),
        KILLED => work.run(OnAllocator(&slab(Pooling::Off, Zeroing::Off)), steps),
        "mimalloc" => work.run(OnAllocator(Process(mimalloc::MiMalloc)), steps),
        "jemalloc" => work.run(OnAllocator(Process(tikv_jemallocator::Jemalloc)), steps),
        SHARDED => work.run(Sharded::default(), steps),
        NOTHING => work.run(Nothing::new(), steps),
        _ => panic!("no such subject: {subject}"),
    }
}

/// The work of one count.
pub(crate) fn child(subject: &str, work: &str, steps: &str) -> ExitCode {
    let work = Work::ALL.into_iter().find(|known| known.name() == work).expect("a known work");
    let steps = steps.parse().expect("a number");
    assert!(run_on(subject, work, steps) > 0, "the work was done");
    ExitCode::SUCCESS
}

/// Measures everything.
pub(crate) fn run() -> Report {
    let mut report = Report::new();
    for (work, title) in [
        (Work::Churn, "1 000 000 replacements of blocks of 24 to 256 B, 10 000 live"),
        (Work::Bulk, "1 000 000 blocks of 64 B, then all freed in order"),
        (Work::MixedBulk, "1 000 000 blocks of 24 to 256 B, then all freed in order"),
    ] {
        let subjects: Vec<&str> = match work {
            Work::Churn => SUBJECTS.to_vec(),
            // It would have no room for a million blocks.
            _ => SUBJECTS.into_iter().filter(|name| *name != NOTHING).collect(),
        };
        time(&mut report, work, title, &subjects);
    }
    count(&mut report);
    footprint(&mut report);
    report
}

fn time(report: &mut Report, work: Work, title: &str, subjects: &[&'static str]) {
    let expected = run_on(GLIBC, work, TIMED_STEPS);
    let timed = rounds::time(subjects, expected, |name| run_on(name, work, TIMED_STEPS));
    let row = |timed: &rounds::Timed| {
        let nanoseconds = timed.seconds / TIMED_STEPS as f64 * 1e9;
        vec![timed.name.into(), format!("{nanoseconds:.1}"), format!("{:.3}", timed.ratio)]
    };
    let rows: Vec<_> = timed.iter().map(row).collect();
    report.table(title, &["subject", "ns per block", "x glibc"], &rows);
    let ratio = |name| {
        let found = timed.iter().find(|timed| timed.name == name);
        found.expect("it is a subject").ratio
    };
    match work {
        Work::Churn => {
            report.goal("slab, churn, x glibc", ratio(SLAB), 0.25);
            report.goal("slab with zeroing, churn, x glibc", ratio(ZEROING), 0.50);
        }
        Work::Bulk => report.goal("slab, a million blocks of 64 B, x glibc", ratio(SLAB), 1.2),
        _ => report.goal("slab, a million mixed blocks, x glibc", ratio(SLAB), 1.2),
    }
}

fn count(report: &mut Report) {
    let per_step =
        |name: &str, work: Work| callgrind::per_step("slab", name, work.name(), COUNTED_STEPS);
    let own = [Work::Churn, Work::Pair].map(|work| per_step(NOTHING, work));
    let mut rows = Vec::new();
    for name in SUBJECTS.into_iter().filter(|name| *name != NOTHING) {
        let [churn, pair] = [Work::Churn, Work::Pair].map(|work| per_step(name, work));
        let [churn, pair] = [churn - own[0], pair - own[1]];
        if name == SLAB {
            report.goal("slab, instructions of free and allocation in churn", churn, 60.0);
            report.goal("slab, instructions of free and allocation of 64 B", pair, 60.0);
        }
        rows.push(vec![name.into(), format!("{churn:.1}"), format!("{pair:.1}")]);
    }
    let title = "Instructions of one free and one allocation, those of the work itself taken off";
    report.table(title, &["subject", "in churn", "64 B, none else live"], &rows);
}

/// What a slab takes and keeps; a count, so it is the same on every run.
fn footprint(report: &mut Report) {
    let mut rows = Vec::new();
    for work in [Work::Bulk, Work::MixedBulk] {
        let system = System::new();
        let slab = Slab::new(Alloc::new(&system));
        work.run(OnAllocator(&slab), TIMED_STEPS);
        let (stats, taken) = (slab.stats(), system.diagnostics().peak_bytes.get());
        let share = taken as f64 / work.user_bytes(TIMED_STEPS) as f64;
        if work == Work::Bulk {
            report.goal("slab, bytes at peak per byte of 64 B blocks", share, 1.25);
        }
        report.goal("slab, superblocks kept when idle", stats.superblocks as f64, 4.0);
        report.goal("slab, KiB kept when idle", stats.held.get() as f64 / 1024.0, 256.0);
        rows.push(vec![work.name().into(), format!("{share:.3}"), stats.held.to_string()]);
    }
    report.table(
        "A million blocks on a slab",
        &["work", "bytes taken per user byte at peak", "kept after all are freed"],
        &rows,
    );
}
