//! What the memory layer costs: instructions under callgrind, time as a ratio to glibc.
//!
//! `cargo bench --bench memory` prints both and fails when a goal on instructions is missed.
//! `-- instructions` and `-- time` do one of them.

#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

mod instructions;
mod subjects;
mod time;
mod workload;

use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<String> =
        std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        [] => {
            time::run();
            instructions::run()
        }
        ["time"] => {
            time::run();
            ExitCode::SUCCESS
        }
        ["instructions"] => instructions::run(),
        ["count", subject, pairs] => instructions::child(subject, pairs),
        _ => {
            println!("usage: memory [time | instructions]");
            ExitCode::from(2)
        }
    }
}
