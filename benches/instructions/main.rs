//! Guard against slow-downs: instruction counts by callgrind, compared with stored counts.
//!
//! `cargo run --release --package instructions` prints both tables and fails when a count is off by
//! more than the tolerance, or a goal on the handles is missed. The argument `write` stores counts.

#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

mod callgrind;
mod handles;
#[path = "../memory/subjects.rs"]
mod subjects;
mod works;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use crate::works::WORKS;

/// Steps of a count.
const STEPS: u64 = 10_000;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        [] => {
            let (is_kept, is_met) = (compare(), handles::run());
            if is_kept && is_met { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        ["write"] => {
            write();
            ExitCode::SUCCESS
        }
        ["count", name, steps] => {
            let steps = steps.parse().expect("a number");
            match WORKS.iter().find(|work| work.name == name) {
                Some(work) => work.count(steps),
                None => handles::count(name, steps),
            }
            ExitCode::SUCCESS
        }
        _ => {
            println!("usage: instructions [write]");
            ExitCode::from(2)
        }
    }
}

/// The stored counts.
#[derive(serde::Serialize, serde::Deserialize)]
struct Stored {
    /// Most that a count may be off, either way: a better one is stored as well.
    tolerance_percent: f64,
    /// Instructions of a step, by the name of the work.
    instructions: BTreeMap<String, f64>,
}

impl Stored {
    fn path() -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("counts.json")
    }

    fn read() -> Self {
        let file = std::fs::read(Self::path()).expect("counts.json is in the repository");
        serde_json::from_slice(&file).expect("counts.json is what this program writes")
    }
}

/// Prints the counts beside those that are stored; returns whether all are within the tolerance.
fn compare() -> bool {
    let stored = Stored::read();
    println!("instructions of a step, at most {} % off:", stored.tolerance_percent);
    let mut is_kept = stored.instructions.len() == WORKS.len();
    for work in &WORKS {
        let count = callgrind::per_step(work.name, STEPS);
        let before = stored.instructions.get(work.name).copied().unwrap_or(f64::NAN);
        let off_percent = (count / before - 1.0) * 100.0;
        // A work without a stored count has the deviation NaN, which is within no tolerance.
        let is_within = off_percent.abs() <= stored.tolerance_percent;
        let verdict = if is_within { "kept" } else { "MISSED" };
        println!("  {verdict}: {:<40} {before:7.1} {count:7.1} {off_percent:+6.1} %", work.name);
        is_kept &= is_within;
    }
    if !is_kept {
        println!(
            "  `cargo run --release --package instructions write` stores what is meant to change"
        );
    }
    is_kept
}

/// Stores the present counts.
fn write() {
    let count = |work: &works::Work| {
        let instructions = callgrind::per_step(work.name, STEPS);
        (work.name.to_string(), (instructions * 10.0).round() / 10.0)
    };
    let instructions = WORKS.iter().map(count).collect();
    let stored = Stored { tolerance_percent: Stored::read().tolerance_percent, instructions };
    let text = serde_json::to_string_pretty(&stored).expect("plain data");
    std::fs::write(Stored::path(), text + "\n").expect("counts.json is writable");
}
