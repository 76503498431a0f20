//! The section ENVIRONMENT of a manual page: the variables that concern a command.

use super::roff::{escaped, paragraphs, section};
use crate::context::Toggles;
use crate::env::FixedEnvironment;
use crate::telemetry::Settings;
use clap::Command;
use std::io::{self, Write};

/// Variables of the command line: names, meaning, and the commands that they concern; none: all.
const VARIABLES: [(&str, &str, &[&str]); 6] = [
    (
        "GIT_MIND_SOURCE",
        "Kind of the author of new edges: human (the default), claude, gpt, ai, system or import. \
         Another word is recorded as unknown, with a warning.",
        &["link", "unlink", "import"],
    ),
    (
        "GIT_MIND_AUTHOR",
        "Name of the author of new edges, at most 63 bytes. The default for a person is the \
         address or the name of git's identity.",
        &["link", "unlink", "import"],
    ),
    (
        "GIT_MIND_SESSION",
        "Session of the author of new edges, at most 31 bytes.",
        &["link", "unlink", "import"],
    ),
    (
        "GIT_PAGER, PAGER",
        "Program that shows an answer longer than the terminal, as for git; GIT_PAGER comes before \
         core.pager, PAGER after it.",
        &["list", "query", "stats", "diff"],
    ),
    (
        "NO_COLOR, CLICOLOR_FORCE",
        "Print no colours; print colours even where standard output is no terminal.",
        &[],
    ),
    (
        "GIT_DIR, GIT_WORK_TREE, GIT_CONFIG_COUNT and others",
        "Repository and configuration to use, as for git.",
        &[],
    ),
];
/// Commands that run in no repository.
const OUTSIDE: [&str; 5] = ["budget", "env", "fixture-make", "completions", "man"];

/// Writes the section of the page of a command; that of the program lists all variables.
pub(super) fn write(command: &Command, out: &mut impl Write) -> io::Result<()> {
    section("ENVIRONMENT", out)?;
    let own = super::name(command).strip_prefix("git-mind-");
    for (names, meaning, commands) in VARIABLES {
        let concerns = |own| match commands {
            [] => !names.starts_with("GIT_") || !OUTSIDE.contains(&own),
            commands => commands.contains(&own),
        };
        if own.is_none_or(concerns) {
            variable(names, meaning, out)?;
        }
    }
    if own.is_some() {
        writeln!(out, ".PP")?;
        return paragraphs("git-mind(1) lists the variables of memory, logs and metrics.", out);
    }
    let nothing = FixedEnvironment::default();
    let (toggles, settings) = (Toggles::read(&nothing), Settings::read(&nothing));
    let toggles = toggles.expect("this holds because nothing is set").list();
    let settings = settings.expect("this holds because nothing is set").list();
    let toggles = toggles.iter().map(|one| (one.name, one.meaning));
    for (name, meaning) in toggles.chain(settings.iter().map(|one| (one.name, one.meaning))) {
        let mut letters = meaning.chars();
        let first = letters.next().into_iter().flat_map(char::to_uppercase);
        variable(name, &format!("{}{}.", first.collect::<String>(), letters.as_str()), out)?;
    }
    Ok(())
}

fn variable(names: &str, meaning: &str, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, ".TP\n\\fB{}\\fR\n{}", escaped(names), escaped(meaning))
}
