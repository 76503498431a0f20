//! Our allocators beside the ones people would pick: time as ratios, instructions by callgrind.
//!
//! `cargo run --release -- slab` in this folder prints the tables and fails when a goal is missed;
//! `-- slab write` puts them into `docs/benchmarks.md`. `benches/README.md` says how to read them.

mod callgrind;
mod report;
mod rounds;
mod slab;

use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["slab"] => slab::run().print(),
        ["slab", "write"] => slab::run().write("slab"),
        ["count", "slab", subject, work, steps] => slab::child(subject, work, steps),
        _ => {
            println!("usage: peers slab [write]");
            ExitCode::from(2)
        }
    }
}
