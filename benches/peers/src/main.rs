//! Our allocators compared with popular crates: time as ratios, instructions by callgrind.
//!
//! `cargo run --release -- PART` in this directory prints the tables and fails when a goal is
//! missed; `-- PART write` puts them into `docs/benchmarks.md`. `benches/README.md` says how to
//! read them.

mod arena;
mod callgrind;
mod intern;
mod report;
mod rounds;
mod slab;
mod small;

use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["arena"] => arena::run().print(),
        ["arena", "write"] => arena::run().write("arena"),
        ["count", "arena", subject, work, steps] => arena::child(subject, work, steps),
        ["slab"] => slab::run().print(),
        ["slab", "write"] => slab::run().write("slab"),
        ["count", "slab", subject, work, steps] => slab::child(subject, work, steps),
        ["small"] => small::run().print(),
        ["small", "write"] => small::run().write("small"),
        ["intern"] => intern::run().print(),
        ["intern", "write"] => intern::run().write("intern"),
        ["intern", what, subject] => intern::child(what, subject),
        ["count", "intern", subject, work, strings] => intern::count(subject, work, strings),
        _ => {
            println!("usage: peers arena|intern|slab|small [write]");
            ExitCode::from(2)
        }
    }
}
