//! `git-mind completions` and `git-mind man`: files that packagers install beside the program.

use super::args::{Args, ManArgs};
use super::failure::{Exit, Failure};
use super::output::Output;
use super::repository::start_directory;
use clap::CommandFactory;
use std::io::{self, Write};
use std::path::Path;

pub(super) fn completions(
    shell: clap_complete::Shell,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "git-mind", &mut script);
    output.write_all(&script)?;
    Ok(Exit::Success)
}

pub(super) fn man(args: &Args, options: &ManArgs, output: &mut Output) -> Result<Exit, Failure> {
    let mut command = Args::command().disable_help_subcommand(true);
    command.build();
    match &options.dir {
        None => page(&command).render(output)?,
        Some(directory) => {
            let directory = start_directory(args).join(directory);
            write_pages(&command, &directory).map_err(|error| {
                let hint = "name an existing directory that you can write to";
                Failure::new(error).at(format_args!("{}", directory.display())).hint(hint)
            })?;
        }
    }
    Ok(Exit::Success)
}

/// The man page of one command.
fn page(command: &clap::Command) -> clap_mangen::Man {
    let program = concat!("git-mind ", env!("CARGO_PKG_VERSION"));
    clap_mangen::Man::new(command.clone()).source(program).manual("git-mind")
}

/// Writes the pages of a command and of its subcommands.
fn write_pages(command: &clap::Command, directory: &Path) -> io::Result<()> {
    command.get_subcommands().try_for_each(|below| write_pages(below, directory))?;
    page(command).generate_to(directory).map(drop)
}
