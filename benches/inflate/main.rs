//! How close a rebuild is to its limit: inflating the same commits, and nothing else.
//!
//! `cargo bench --bench inflate [-- EDGES]` makes a journal and prints both, in turn, as wall times
//! and as instructions counted by callgrind.

#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

mod pack;

use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Instant;

use crate::pack::inflate_all;

/// Rounds of both.
const ROUNDS: usize = 15;
/// Commits unless the arguments say otherwise.
const EDGES: &str = "100000";
/// Most wall time of a rebuild, as a ratio to inflating.
const WALL_RATIO_MAX: f64 = 1.5;
/// Most instructions of a rebuild of a commit besides inflating it.
const OTHER_INSTRUCTIONS_MAX: f64 = 9_000.0;

const MIND: &str = env!("CARGO_BIN_EXE_git-mind");

fn main() -> ExitCode {
    let words: Vec<String> =
        std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["inflate", directory, commits] => {
            let commits: usize = commits.parse().expect("a number");
            assert_eq!(inflate_all(Path::new(directory)), commits, "the work was done");
            ExitCode::SUCCESS
        }
        [] => compare(EDGES),
        [edges] => compare(edges),
        _ => {
            println!("usage: inflate [EDGES]");
            ExitCode::from(2)
        }
    }
}

/// Prints both beside each other; returns whether the goals are met.
fn compare(edges: &str) -> ExitCode {
    let directory = tempfile::tempdir().expect("a directory");
    let journal = directory.path().to_str().expect("a name of ASCII");
    let own = std::env::current_exe().expect("a running program has a file");
    let own = own.to_str().expect("a path of UTF-8");
    let make = ["fixture", "make", "--edges", edges, "--seed", "1", journal];
    run(&[&[MIND], &make[..]].concat());
    let inflate = [own, "inflate", journal, edges];
    let rebuild = [MIND, "-C", journal, "cache-rebuild", "--force"];
    // What is read and written is in the page cache from here on.
    run(&rebuild);
    let rounds: Vec<[f64; 2]> =
        (0..ROUNDS).map(|_| [seconds(&inflate), seconds(&rebuild)]).collect();
    let ratio = median(rounds.iter().map(|[inflate, rebuild]| rebuild / inflate));
    let [inflate_ms, rebuild_ms] =
        [0, 1].map(|of| 1e3 * median(rounds.iter().map(|both| both[of])));
    println!("{edges} commits, {ROUNDS} rounds:");
    println!("  wall: inflating {inflate_ms:.1} ms, a rebuild {rebuild_ms:.1} ms");
    let counts = [instructions(&inflate), instructions(&rebuild)];
    let commits: f64 = edges.parse().expect("a number");
    let [of_inflate, of_rebuild] = counts.map(|count| count / commits);
    println!("  instructions of a commit: inflating {of_inflate:.0}, a rebuild {of_rebuild:.0}");
    let goals = [
        ("wall of a rebuild to inflating", ratio, WALL_RATIO_MAX),
        ("instructions besides inflating", of_rebuild - of_inflate, OTHER_INSTRUCTIONS_MAX),
    ];
    for (goal, value, most) in goals {
        let verdict = if value <= most { "met" } else { "MISSED" };
        println!("  {verdict}: {goal}: {value:.2}, at most {most:.2}");
    }
    let is_met = goals.iter().all(|(_, value, most)| value <= most);
    if is_met { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs a command, which must succeed; returns what it says on stderr.
fn run(command: &[&str]) -> String {
    let output = Command::new(command[0]).args(&command[1..]).output().expect("it is installed");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{command:?}: {text}");
    text
}

/// The wall time of a command.
fn seconds(command: &[&str]) -> f64 {
    let started = Instant::now();
    run(command);
    started.elapsed().as_secs_f64()
}

/// The instructions of a command and all of its threads, the kernel's not included.
fn instructions(command: &[&str]) -> f64 {
    let callgrind = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"];
    let text = run(&[&callgrind[..], command].concat());
    let collected = text.lines().find_map(|line| line.split("Collected : ").nth(1));
    collected.and_then(|count| count.trim().parse().ok()).expect("callgrind counts")
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}
