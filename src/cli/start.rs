//! From the arguments of the process to its exit code.

use super::args::Args;
use super::output::Output;
use super::{complete, dispatch, failure};
use crate::env::Environment;
use crate::memory::ProcessAllocator;
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
    let mut output = Output::new();
    if let Some(shell) = env.var(complete::VARIABLE) {
        let answered = complete::answer(&shell, arguments, &mut output);
        return answered.unwrap_or_else(|failure| failure.report(&mut output)).into();
    }
    let args = match Args::try_parse_from(arguments) {
        Ok(args) => args,
        Err(error) => return failure::usage(&error),
    };
    let outcome = dispatch::run(&args, env, allocator, &mut output).and_then(|exit| {
        output.flush()?;
        Ok(exit)
    });
    let exit = outcome.unwrap_or_else(|failure| failure.report(&mut output));
    let shown = output.end_pager().map(|()| exit);
    shown.unwrap_or_else(|failure| failure.report(&mut output)).into()
}
