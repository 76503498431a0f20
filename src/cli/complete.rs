//! `git-mind completions` and `git-mind man`: what packagers install beside the program.

use super::args::{Args, ManArgs};
use super::failure::{Exit, Failure};
use super::output::Output;
use super::repository::start_folder;
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

pub(super) fn man(args: &Args, options: &ManArgs, output: &mut Output) -> Result<Exit, Failure> {
    match &options.dir {
        None => clap_mangen::Man::new(Args::command()).render(output)?,
        Some(folder) => {
            let folder = start_folder(args).join(folder);
            clap_mangen::generate_to(Args::command(), &folder).map_err(|error| {
                let hint = "name a folder that exists and that you may write to";
                Failure::new(error).at(format_args!("{}", folder.display())).hint(hint)
            })?;
        }
    }
    Ok(Exit::Success)
}
