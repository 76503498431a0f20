//! `git-mind hooks`: git hooks that append edges from old contents to new ones, so that a linked
//! file stays linked when a commit changes or renames it.

mod arguments;
mod changes;
mod directory;
mod install;
mod recorded;
mod renames;
mod rewrite;
mod run;
mod script;

pub(super) use arguments::HooksCommand;

use super::args::Args;
use super::failure::{Exit, Failure};
use super::output::Output;
use super::telemetry::Session;
use crate::env::Environment;
use arguments::Hook;

pub(super) fn run(
    args: &Args,
    command: &HooksCommand,
    env: &dyn Environment,
    session: &Session<'_>,
    output: &mut Output,
) -> Result<Exit, Failure> {
    match command {
        HooksCommand::Install(options) => install::install(args, options.json, env, output),
        HooksCommand::Uninstall(options) => install::uninstall(args, options.json, env, output),
        HooksCommand::Status(options) => install::status(args, options.json, env, output),
        HooksCommand::Run(options) => run::run(args, options.hook, env, session, output),
    }
}
