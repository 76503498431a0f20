//! `git-mind env`: lists the variables of memory and telemetry.

use super::args::EnvArgs;
use super::escape::Escaped;
use super::failure::{Exit, Failure};
use super::output::Output;
use crate::context::{Origin, Toggles};
use crate::telemetry::Settings;
use serde::Serialize;
use std::io::Write;

/// What `--json` prints.
#[derive(Serialize)]
struct EnvDocument<'a> {
    schema: u32,
    toggles: Vec<EnvToggle<'a>>,
}

#[derive(Serialize)]
struct EnvToggle<'a> {
    name: &'a str,
    value: &'a str,
    origin: &'a str,
    meaning: &'a str,
}

pub(super) fn run(
    options: &EnvArgs,
    toggles: &Toggles,
    settings: &Settings,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let (list, variables) = (toggles.list(), settings.list());
    let rows = list.iter().map(|toggle| EnvToggle {
        name: toggle.name,
        value: &toggle.value,
        origin: toggle.origin.name(),
        meaning: toggle.meaning,
    });
    let rows = rows.chain(variables.iter().map(|variable| EnvToggle {
        name: variable.name,
        value: &variable.value,
        origin: if variable.is_set { Origin::Environment } else { Origin::Default }.name(),
        meaning: variable.meaning,
    }));
    if options.json {
        output.json(&EnvDocument { schema: 1, toggles: rows.collect() })?;
        return Ok(Exit::Success);
    }
    for EnvToggle { name, value, origin, meaning } in rows {
        let value = Escaped::bytes(value.as_bytes()).to_string();
        writeln!(output, "{name:<30} {value:<10} {origin:<12} {meaning}")?;
    }
    Ok(Exit::Success)
}
