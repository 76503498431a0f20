//! `git-mind completions` and `git-mind man`: what packagers install beside the program.

use super::args::Args;
use super::failure::{Exit, Failure};
use super::output::Output;
use clap::CommandFactory;
use std::io::Write;

pub(super) fn completions(
    shell: clap_complete::Shell,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "git-mind", &mut script);
    output.write_all(&script)?;
    Ok(Exit::Success)
}

pub(super) fn man(output: &mut Output) -> Result<Exit, Failure> {
    clap_mangen::Man::new(Args::command()).render(output)?;
    Ok(Exit::Success)
}
