//! `git-mind man`: the manual pages, which packagers install beside the program.
//!
//! clap_mangen writes the name, the options and the commands; synopsis, exit status, environment,
//! examples and references are written here.

mod environment;
mod roff;

use self::roff::{code, escaped, paragraphs, section};
use super::args::{Args, ManArgs};
use super::failure::{Exit, Failure};
use super::output::Output;
use super::repository::start_directory;
use clap::{Arg, ArgAction, Command, CommandFactory};
use std::io::{self, Write};
use std::path::Path;

const EXIT_STATUS: &str = "0 when it is done, 1 when it failed, 2 after a usage error.";
/// Commands that a reader of the page of one of them may look for.
const RELATED: [&[&str]; 5] = [
    &["list", "query", "stats", "diff", "export", "status"],
    &["link", "unlink", "import", "hooks"],
    &["merge", "sync", "status"],
    &["cache-rebuild", "query", "status"],
    &["budget", "env", "fixture-make"],
];

pub(super) fn run(args: &Args, options: &ManArgs, output: &mut Output) -> Result<Exit, Failure> {
    let mut command = Args::command().disable_help_subcommand(true);
    command.build();
    match &options.dir {
        None => write_page(&command, output)?,
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

/// Writes the pages of a command and of its subcommands.
fn write_pages(command: &Command, directory: &Path) -> io::Result<()> {
    command.get_subcommands().try_for_each(|below| write_pages(below, directory))?;
    let mut page = Vec::new();
    write_page(command, &mut page)?;
    std::fs::write(directory.join(format!("{}.1", name(command))), page)
}

/// The name of a command's page, such as git-mind-list.
fn name(command: &Command) -> &str {
    command.get_display_name().unwrap_or_else(|| command.get_name())
}

/// Writes the page of one command.
fn write_page(command: &Command, out: &mut impl Write) -> io::Result<()> {
    let man = clap_mangen::Man::new(command.clone());
    let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let parts: Vec<&str> = help.split("\n\n").collect();
    let titled = |title: &str| parts.iter().find_map(|part| part.strip_prefix(title));
    let is_plain = |part: &&&str| {
        let titles = ["Example:", "Examples:", "Exit status:", "Signals:"];
        !titles.iter().any(|title| part.starts_with(title))
    };
    // clap_mangen leaves out the quotes of the date, which is empty.
    let program = concat!("git-mind ", env!("CARGO_PKG_VERSION"));
    let title = escaped(&name(command).to_uppercase());
    writeln!(out, ".TH \"{title}\" 1 \"\" \"{program}\" \"git-mind Manual\"")?;
    // Options are neither divided nor stretched at the end of a line.
    writeln!(out, ".nh\n.ad l")?;
    man.render_name_section(out)?;
    synopsis(command, out)?;
    man.render_description_section(out)?;
    for part in parts.iter().filter(is_plain) {
        writeln!(out, ".PP")?;
        paragraphs(part, out)?;
    }
    man.render_options_section(out)?;
    if command.has_subcommands() {
        section("COMMANDS", out)?;
        for below in command.get_subcommands() {
            let about = below.get_about().map(ToString::to_string).unwrap_or_default();
            writeln!(out, ".TP\n\\fB{}\\fR(1)\n{}", escaped(name(below)), escaped(&about))?;
        }
    }
    section("EXIT STATUS", out)?;
    paragraphs(titled("Exit status:").unwrap_or(EXIT_STATUS).trim(), out)?;
    if let Some(signals) = titled("Signals:") {
        section("SIGNALS", out)?;
        paragraphs(signals.trim(), out)?;
    }
    environment::write(command, out)?;
    if let Some(examples) = titled("Examples:").or_else(|| titled("Example:")) {
        section("EXAMPLES", out)?;
        code(examples.trim_matches('\n'), out)?;
    }
    see_also(command, out)
}

/// Writes the synopsis, with the values of options.
fn synopsis(command: &Command, out: &mut impl Write) -> io::Result<()> {
    section("SYNOPSIS", out)?;
    let program = command.get_bin_name().unwrap_or_else(|| command.get_name());
    writeln!(out, ".in +4n\n.ti -4n\n\\fB{}\\fR", escaped(program))?;
    let is_shown = |argument: &&Arg| {
        let is_help = matches!(argument.get_action(), ArgAction::Help | ArgAction::Version);
        !argument.is_hide_set() && !is_help
    };
    let group = command.get_groups().find(|group| group.is_required_set());
    let is_of_group = |argument: &&Arg| {
        group.is_some_and(|group| group.get_args().any(|id| id == argument.get_id()))
    };
    let (options, positionals): (Vec<&Arg>, Vec<&Arg>) = command
        .get_arguments()
        .filter(is_shown)
        .filter(|one| !is_of_group(one))
        .partition(|one| !one.is_positional());
    for argument in options.into_iter().chain(positionals) {
        let word = word(argument);
        let many = if matches!(argument.get_action(), ArgAction::Append) { "...\\&" } else { "" };
        match argument.is_required_set() {
            true => writeln!(out, "{word}{many}")?,
            false => writeln!(out, "[{word}]{many}")?,
        }
    }
    if group.is_some() {
        let words: Vec<String> = command.get_arguments().filter(is_of_group).map(word).collect();
        writeln!(out, "({})", words.join(" | "))?;
    }
    if command.has_subcommands() {
        writeln!(out, "\\fICOMMAND\\fR ...")?;
    }
    writeln!(out, ".in")
}

/// An argument with its value, on one line.
fn word(argument: &Arg) -> String {
    let takes_value = argument.get_action().takes_values();
    let value = argument
        .get_value_names()
        .filter(|_| takes_value)
        .map(|names| format!("\\fI{}\\fR", escaped(&names.join(" "))));
    let name = match (argument.get_long(), argument.get_short()) {
        (Some(long), _) => Some(format!("\\fB\\-\\-{}\\fR", escaped(long))),
        (None, Some(short)) => Some(format!("\\fB\\-{short}\\fR")),
        (None, None) => None,
    };
    let is_optional = argument.get_num_args().is_some_and(|count| count.min_values() == 0);
    match (name, value) {
        (Some(name), Some(value)) if is_optional => format!("{name}[={value}]"),
        (Some(name), Some(value)) => format!("{name}\\~{value}"),
        (name, value) => name.or(value).unwrap_or_default(),
    }
}

fn see_also(command: &Command, out: &mut impl Write) -> io::Result<()> {
    section("SEE ALSO", out)?;
    let own = name(command).strip_prefix("git-mind-").unwrap_or_default();
    let mut pages: Vec<String> = Vec::new();
    for group in RELATED.iter().filter(|group| group.contains(&own)) {
        pages.extend(
            group.iter().filter(|page| **page != own).map(|page| format!("git-mind-{page}")),
        );
    }
    pages.sort();
    pages.dedup();
    let first = ["git", "git-mind"].into_iter().filter(|page| *page != name(command));
    let all = first.chain(pages.iter().map(String::as_str));
    let all: Vec<String> = all.map(|page| format!("\\fB{}\\fR(1)", escaped(page))).collect();
    writeln!(out, "{}", all.join(", "))
}
