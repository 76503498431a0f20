//! The command line, the only layer that prints, reads the environment or knows colours. Answers go
//! to stdout; errors, warnings, notes and progress go to stderr.

#[expect(dead_code, reason = "`query` uses it once older contents are marked")]
mod ages;
mod append;
mod args;
mod budget;
mod complete;
mod diff;
mod dispatch;
mod env;
mod errors;
mod escape;
mod export;
mod failure;
mod fixture;
mod habits;
mod hooks;
mod import;
mod import_line;
mod import_skip;
mod journals;
mod link;
mod list;
mod list_filter;
mod list_json;
mod list_line;
mod live;
mod malformed;
mod memory;
mod merge;
mod nearest;
mod object;
mod output;
mod path_filter;
mod progress;
mod query;
mod rebuild;
mod relation;
mod repository;
mod revision;
mod shown;
mod stats;
mod status;
mod sync;
mod telemetry;
mod time;
mod unlink;

pub use args::Args;
pub use failure::{Exit, Failure};
use output::Output;

use crate::{env::Environment, memory::ProcessAllocator};
use clap::Parser;
use gitmind_system::{file_size_limit, status_signal};
use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

/// Runs the program with these arguments; the first is the name of the program.
pub fn run(
    arguments: impl IntoIterator<Item = OsString>,
    env: &dyn Environment,
    allocator: &'static ProcessAllocator,
) -> ExitCode {
    file_size_limit::report_as_error();
    status_signal::ignore();
    let args = match Args::try_parse_from(arguments) {
        Ok(args) => args,
        Err(error) => return failure::usage(&error),
    };
    let mut output = Output::new();
    let outcome = dispatch::run(&args, env, allocator, &mut output).and_then(|exit| {
        output.flush()?;
        Ok(exit)
    });
    outcome.unwrap_or_else(|failure| failure.report(&mut output)).into()
}
