//! `git-mind fixture make`.

use super::args::{Args, FixtureCommand, MakeArgs};
use super::count::counted;
use super::failure::{Exit, Failure};
use super::output::Output;
use super::progress::Bar;
use super::repository::start_directory;
use super::telemetry::Session;
use crate::fixture::{Recipe, make};
use serde::Serialize;
use std::io::Write;

pub(super) fn run(
    args: &Args,
    command: &FixtureCommand,
    session: &Session<'_>,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let FixtureCommand::Make(MakeArgs { edges, seed, batch, json, directory }) = command;
    let recipe = Recipe { edges: *edges, seed: *seed, batch: *batch };
    let bar = Bar::stderr(session.memory);
    let made = make(recipe, &start_directory(args).join(directory), &bar);
    bar.clear();
    let made = made?;
    if *json {
        output.json(&MadeDocument {
            schema: 1,
            edges: *edges,
            seed: *seed,
            batch: *batch,
            commits: made.commits,
            journal_tip: made.journal_tip.to_string(),
            bytes_written: made.size.get(),
        })?;
    } else {
        writeln!(
            output,
            "Made {} in {}, {}; journal tip {}",
            counted(*edges, "edge"),
            counted(made.commits, "commit"),
            made.size,
            made.journal_tip
        )?;
    }
    Ok(Exit::Success)
}

/// What `--json` prints.
#[derive(Serialize)]
struct MadeDocument {
    schema: u32,
    edges: u32,
    seed: u64,
    batch: u32,
    commits: u32,
    journal_tip: String,
    bytes_written: u64,
}
