//! Options of the C tool, which stand anywhere on its command line: they do what they did, or one
//! line says what does.

use super::args::Command;
use super::escape::Escaped;
use super::failure::Failure;
use super::output::Output;
use crate::journal::Edge;
use crate::telemetry::{Level, Settings};
use std::fmt::Display;
use std::io::{self, Write};

/// The C tool's options for every command. `--help` does not list them: `--json` is also an option
/// of each command that has a document, and the others are for scripts that have them already.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct Habits {
    #[arg(long, global = true, hide = true)]
    verbose: bool,
    #[arg(long, global = true, hide = true)]
    pub(super) porcelain: bool,
    // A command's own option has the same name, and is set with this one.
    #[arg(long, global = true, hide = true)]
    json: bool,
}

impl Habits {
    /// Fails when the command cannot do what the options ask for. `--verbose` logs events.
    pub(super) fn apply(self, command: &Command, settings: &mut Settings) -> Result<(), Failure> {
        if self.verbose {
            settings.log_level = settings.log_level.min(Level::Info);
        }
        let has_lines =
            matches!(command, Command::Link(_) | Command::List(_) | Command::CacheRebuild(_));
        let has_no_document = matches!(command, Command::Completions { .. } | Command::Man(_));
        if self.porcelain && !has_lines {
            let error = "--porcelain works with link, list and cache-rebuild";
            return Err(Failure::new(error).unknown().hint("--json prints a document"));
        }
        if self.json && has_no_document {
            return Err(Failure::new("--json works with commands that have a document").unknown());
        }
        Ok(())
    }
}

/// The C tool's options of `list`.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub(super) struct ListHabits {
    #[arg(long, hide = true)]
    show_augments: bool,
    #[arg(long, hide = true)]
    show_attribution: bool,
}

impl ListHabits {
    /// Says what does what the options did.
    pub(super) fn explain(self, output: &mut Output) {
        if self.show_augments {
            output.note("augments edges are always shown; --type augments shows nothing else");
        }
        if self.show_attribution {
            output.note("authors are always shown where there is room; --json shows all of them");
        }
    }
}

/// Prints a line `key=value`, as `--porcelain` does.
pub(super) fn pair(key: &str, value: impl Display, output: &mut Output) -> io::Result<()> {
    writeln!(output, "{key}={value}")
}

/// Prints the lines of an edge.
pub(super) fn edge(edge: &Edge<'_>, output: &mut Output) -> io::Result<()> {
    let Edge { source_path, target_path, relation, confidence, ulid, .. } = *edge;
    pair("source", Escaped::bytes(source_path), output)?;
    pair("target", Escaped::bytes(target_path), output)?;
    pair("type", relation.0, output)?;
    pair("confidence", format_args!("{:.3}", confidence.fraction()), output)?;
    pair("ulid", Escaped::bytes(ulid), output)
}
