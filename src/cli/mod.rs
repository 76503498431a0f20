//! The command line: arguments in, answers on stdout, the conversation on stderr.
//!
//! The only layer that prints, reads the environment or knows colours. A command returns what it
//! found; the last line of each decides how to say it.

mod args;
mod budget;
mod complete;
mod env;
mod escape;
mod failure;
mod fixture;
mod list;
mod list_filter;
mod list_json;
mod list_line;
mod malformed;
mod memory;
mod output;
mod progress;
mod rebuild;
mod repository;
mod telemetry;

pub use args::Args;
pub use failure::{Exit, Failure};
use output::Output;

use crate::clock::SystemClock;
use crate::env::Environment;
use crate::memory::ProcessAllocator;
use args::Command;
use clap::Parser;
use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

/// Runs the program with these arguments, the first of which is its name.
pub fn run(
    arguments: impl IntoIterator<Item = OsString>,
    env: &dyn Environment,
    allocator: &ProcessAllocator,
) -> ExitCode {
    let args = match Args::try_parse_from(arguments) {
        Ok(args) => args,
        Err(error) => return failure::usage(&error),
    };
    let mut output = Output::new();
    let outcome = dispatch(&args, env, allocator, &mut output).and_then(|exit| {
        output.flush()?;
        Ok(exit)
    });
    outcome.unwrap_or_else(|failure| failure.report(&mut output)).into()
}

fn dispatch(
    args: &Args,
    env: &dyn Environment,
    allocator: &ProcessAllocator,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let (toggles, settings) = (memory::toggles(env)?, telemetry::settings(env)?);
    let memory = memory::begin(&toggles, allocator);
    let clock = SystemClock::start();
    let session = telemetry::Session::begin(&settings, &memory, &clock);
    let outcome = match &args.command {
        Command::CacheRebuild(rebuild) => rebuild::run(args, rebuild, env, &session, output),
        Command::List(list) => list::run(args, list, env, &session, output),
        Command::Budget(budget) => budget::run(args, budget, env, allocator, &session, output),
        Command::Env(options) => self::env::run(options, &toggles, &settings, output),
        Command::Fixture(fixture) => fixture::run(args, fixture, output),
        Command::Completions { shell } => complete::completions(*shell, output),
        Command::Man => complete::man(output),
    };
    session.finish(output);
    // What a command kept is said also when the command failed, whose failure counts.
    let ended = memory::end(memory, &toggles, allocator, output);
    outcome.and_then(|exit| ended.map(|()| exit))
}
