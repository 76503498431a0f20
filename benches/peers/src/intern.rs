//! The intern table beside string-interner, lasso, internment, ustr and string_cache.
//!
//! Several of the peers keep their strings in a static until the process ends, so each run is a
//! separate process, which times itself after its input is made.

mod input;
mod subject;

use std::process::{Command, ExitCode};

use self::subject::{NAMES, OURS, SHARED_NAMES};
use crate::callgrind;
use crate::report::Report;
use crate::rounds;

/// Strings in a pass, and how many of them differ.
const STRINGS: u64 = 1_000_000;
const DISTINCT: u64 = 100_000;

/// Passes in which every string is one that is known.
const COUNTED_STRINGS: u64 = 200_000;

pub(crate) fn run() -> Report {
    let mut report = Report::new();
    let mut goals = Vec::new();
    first_pass(&mut report, &mut goals);
    two_threads(&mut report, &mut goals);
    memory(&mut report, &mut goals);
    for (what, seen, most) in goals {
        report.goal(what, seen, most);
    }
    report
}

type Goals = Vec<(&'static str, f64, f64)>;

fn first_pass(report: &mut Report, goals: &mut Goals) {
    let timed = rounds::time_by(&NAMES, |name| said("time", name).seconds);
    let mut rows = Vec::new();
    for seen in &timed {
        let hit = callgrind::per_step("intern", seen.name, "hit", COUNTED_STRINGS);
        rows.push(vec![
            seen.name.to_owned(),
            format!("{:.0}", seen.seconds * 1e9 / STRINGS as f64),
            format!("{:.2}", seen.ratio),
            format!("{hit:.0}"),
        ]);
        if seen.name == OURS {
            goals.push(("first pass, to string-interner", seen.ratio, 1.0));
            goals.push(("instructions of a hit", hit, 256.0));
        }
    }
    let columns = ["interner", "ns a string", "ratio", "instructions of a hit"];
    report.table("A million paths of 40 to 80 bytes, 100 000 of them distinct", &columns, &rows);
}

fn two_threads(report: &mut Report, goals: &mut Goals) {
    let timed = rounds::time_by(&SHARED_NAMES, |name| said("share", name).seconds);
    let mut rows = Vec::new();
    for seen in &timed {
        let nanoseconds = seen.seconds * 1e9 / STRINGS as f64;
        let row = [seen.name, &format!("{nanoseconds:.0}"), &format!("{:.2}", seen.ratio)];
        rows.push(row.map(str::to_owned).to_vec());
        if seen.name == OURS {
            goals.push(("two threads, to a mutexed string-interner", seen.ratio, 0.6));
        }
    }
    let columns = ["interner", "ns a string", "ratio"];
    report.table("The same, half of them by each of two threads", &columns, &rows);
}

fn memory(report: &mut Report, goals: &mut Goals) {
    let mut rows = Vec::new();
    for name in NAMES {
        let Said { held_bytes, left_bytes, .. } = said("memory", name);
        rows.push(vec![name.to_owned(), mb(held_bytes), mb(left_bytes)]);
        if name == OURS {
            goals.push(("MB for that set", held_bytes as f64 / 1e6, 7.0));
            goals.push((
                "KiB after all are released, and a trim",
                left_bytes as f64 / 1024.0,
                64.0,
            ));
        }
    }
    let columns = ["interner", "MB held for the set", "MB when all are released"];
    report.table("Memory, as the C library counts it", &columns, &rows);
}

fn mb(bytes: u64) -> String {
    format!("{:.2}", bytes as f64 / 1e6)
}

/// What a run says of itself.
struct Said {
    seconds: f64,
    held_bytes: u64,
    left_bytes: u64,
}

/// Runs `what` with the subject `name` in a process of its own.
fn said(what: &str, name: &str) -> Said {
    let own = std::env::current_exe().expect("a running program has a file");
    let mut run = Command::new(own);
    if what == "memory" {
        // A freed block that a thread keeps for reuse would count as held.
        run.env("GLIBC_TUNABLES", "glibc.malloc.tcache_count=0");
    }
    let output = run.args(["intern", what, name]).output().expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    let mut numbers = text.split_whitespace();
    let mut next = || numbers.next().expect("three numbers");
    let seconds = next().parse().expect("a number");
    let [held_bytes, left_bytes] = [next(), next()].map(|bytes| bytes.parse().expect("a number"));
    Said { seconds, held_bytes, left_bytes }
}

/// One run; prints seconds, bytes held and bytes left.
pub(crate) fn child(what: &str, name: &str) -> ExitCode {
    let paths = input::paths(DISTINCT);
    let order = input::order(STRINGS, DISTINCT);
    let [seconds, held, left] = match what {
        "share" => [subject::share(name, &paths, &order), 0.0, 0.0],
        _ => subject::pass(name, &paths, &order),
    };
    println!("{seconds} {held} {left}");
    ExitCode::SUCCESS
}

/// Interns known strings; see `callgrind`.
pub(crate) fn count(name: &str, _work: &str, strings: &str) -> ExitCode {
    let strings: u64 = strings.parse().expect("a number");
    let paths = input::paths(1000);
    // The first thousand are new, in any number of strings.
    let order: Vec<u32> = (0..1000).chain(input::order(strings, 1000)).collect();
    subject::count(name, &paths, &order)
}
