//! The cost of the memory layer: time as a ratio to glibc.
//!
//! `cargo bench --bench memory` prints it. Instructions are counted by the package `instructions`.

#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

mod subjects;
mod time;
mod workload;

fn main() {
    time::run();
}
