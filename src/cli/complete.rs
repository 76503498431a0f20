//! `git-mind completions` and `git-mind man`: what packagers install beside the program.

use super::args::{Args, ManArgs};
use super::failure::{Exit, Failure};
use super::output::Output;
use super::repository::start_folder;
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
        Some(folder) => {
            let folder = start_folder(args).join(folder);
            write_pages(&command, &folder).map_err(|error| {
                let hint = "name a folder that exists and that you may write to";
                Failure::new(error).at(format_args!("{}", folder.display())).hint(hint)
            })?;
        }
    }
    Ok(Exit::Success)
}

/// The page of one command; its foot says what it belongs to.
fn page(command: &clap::Command) -> clap_mangen::Man {
    let program = concat!("git-mind ", env!("CARGO_PKG_VERSION"));
    clap_mangen::Man::new(command.clone()).source(program).manual("git-mind")
}

/// Writes the page of a command and those of the commands below it.
fn write_pages(command: &clap::Command, folder: &Path) -> io::Result<()> {
    command.get_subcommands().try_for_each(|below| write_pages(below, folder))?;
    page(command).generate_to(folder).map(drop)
}
