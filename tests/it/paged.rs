//! Long answers in a terminal: colours and a pager, by git's rules.

use crate::terminal::{Shown, in_terminal};
use gitmind_test_support::{TempRepository, mind_command};
use std::io::Write;

const COLUMNS: u16 = 120;
/// A pager that shows that it ran, and what it was told.
const PAGER: &str = "sed 's/^/P /'";

/// Runs a command in a terminal, with these variables and this configuration.
fn shown(args: &[&str], variables: &[(&str, &str)], settings: &[(&str, &str)]) -> Shown {
    let repository = TempRepository::fixture("small");
    for (key, value) in settings {
        repository.git(&["config", key, value]);
    }
    shown_in(&repository, args, variables)
}

fn shown_in(repository: &TempRepository, args: &[&str], variables: &[(&str, &str)]) -> Shown {
    let mut command = mind_command(repository.path(), args);
    for name in ["PAGER", "LESS", "LV", "NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"] {
        command.env_remove(name);
    }
    in_terminal(command_with(command, variables), COLUMNS)
}

fn command_with(
    mut command: std::process::Command,
    variables: &[(&str, &str)],
) -> std::process::Command {
    command.envs(variables.iter().copied());
    command
}

fn is_paged(shown: &Shown) -> bool {
    assert!(shown.status.success(), "{}", shown.end());
    let lines: Vec<&str> = shown.end().lines().filter(|line| !line.is_empty()).collect();
    let paged = lines.iter().filter(|line| line.starts_with("P ")).count();
    assert!(!lines.is_empty() && (paged == 0 || paged == lines.len()), "{}", shown.end());
    paged > 0
}

#[test]
fn long_answers_go_to_the_pager_that_git_would_use() {
    let none: &[(&str, &str)] = &[];
    let list: &[&str] = &["list", "--limit", "3"];
    let other = "sed 's/^/Q /'";
    for (args, variables, settings, expected) in [
        (list, &[("GIT_PAGER", PAGER)][..], none, true),
        (list, &[("GIT_PAGER", PAGER), ("PAGER", other)], &[("core.pager", other)][..], true),
        (list, &[("PAGER", other)], &[("core.pager", PAGER)], true),
        (list, &[("PAGER", PAGER)], none, true),
        (list, none, &[("pager.mind", PAGER), ("core.pager", other)], true),
        (list, &[("GIT_PAGER", PAGER)], &[("pager.mind", other)], true),
        (list, &[("GIT_PAGER", PAGER)], &[("pager.mind", "false")], false),
        (list, &[("PAGER", PAGER)], &[("pager.mind", "true")], true),
        (list, &[("GIT_PAGER", "cat"), ("PAGER", PAGER)], none, false),
        (list, &[("GIT_PAGER", ""), ("PAGER", PAGER)], none, false),
        (&["list", "--limit", "3", "--no-pager"], &[("GIT_PAGER", PAGER)], none, false),
        (&["stats"], &[("GIT_PAGER", PAGER)], none, true),
        (&["query", "Makefile"], &[("GIT_PAGER", PAGER)], none, true),
        (&["diff", ".."], &[("GIT_PAGER", PAGER)], none, true),
        (&["status"], &[("GIT_PAGER", PAGER)], none, false),
    ] {
        let shown = shown(args, variables, settings);
        assert_eq!(is_paged(&shown), expected, "{args:?} {variables:?} {settings:?}");
    }
}

#[test]
fn a_repository_of_another_user_names_no_pager() {
    let repository = TempRepository::fixture("small");
    repository.git(&["config", "core.pager", PAGER]);
    if let Err(error) = std::os::unix::fs::chown(repository.path(), Some(1234), None) {
        assert!(!rustix::process::geteuid().is_root(), "{error}");
        // Written to stderr directly, since the harness captures the output of passed tests.
        let _ = writeln!(std::io::stderr(), "NOT RUN: only root can give a file to another user");
        return;
    }
    let other = &[("PAGER", "sed 's/^/Q /'")];
    let shown = shown_in(&repository, &["list", "--limit", "3"], other);
    assert!(!is_paged(&shown) && shown.end().contains("Q "), "{}", shown.end());
}

#[test]
fn the_pager_less_ends_by_itself_unless_the_user_says_otherwise() {
    let pager = [("GIT_PAGER", "echo \"LESS=$LESS LV=$LV\"; cat >/dev/null")];
    assert!(shown(&["list"], &pager, &[]).end().contains("LESS=FRX LV=-c"));
    let own = [pager[0], ("LESS", "S")];
    assert!(shown(&["list"], &own, &[]).end().contains("LESS=S LV=-c"));
}

#[test]
fn a_pager_that_ends_early_is_no_failure_and_one_that_is_missing_is() {
    let early = shown(&["list", "--json"], &[("GIT_PAGER", "head -n 1")], &[]);
    assert!(early.status.success() && early.end().trim() == "{", "{}", early.end());
    let missing = shown(&["list"], &[("GIT_PAGER", "no-such-pager")], &[]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(missing.end().contains("cannot run the pager `no-such-pager`"), "{}", missing.end());
}

#[test]
fn an_interrupt_from_the_keyboard_ends_neither_the_pager_nor_the_answer() {
    // The parent of the pager's shell is the program.
    let pager = [("GIT_PAGER", "sleep 0.5; kill -INT $PPID; sed 's/^/P /'")];
    assert!(is_paged(&shown(&["list", "--limit", "3"], &pager, &[])));
}

#[test]
fn messages_go_through_the_pager_where_they_would_disturb_it() {
    let shown = shown(&["query", "Makefile"], &[("GIT_PAGER", PAGER)], &[]);
    let warning = "\nP git-mind: warning: the cache was written by another tool";
    assert!(shown.end().contains(warning), "{}", shown.end());
}

#[test]
fn answers_have_colours_on_a_terminal_unless_they_are_switched_off() {
    let is_coloured = |args: &[&str], variables: &[(&str, &str)], settings: &[(&str, &str)]| {
        let shown = shown(args, variables, settings);
        assert!(shown.status.success(), "{}", shown.end());
        // A style begins and ends; nothing else of the answer changes.
        shown.raw.contains("\x1b[36m──") && shown.raw.contains("──>\x1b[0m")
    };
    let plain = [("GIT_PAGER", "cat")];
    let list: &[&str] = &["list"];
    assert!(is_coloured(list, &plain, &[]));
    assert!(is_coloured(list, &[("GIT_PAGER", "sed ''")], &[]), "a pager shows colours");
    assert!(is_coloured(&["query", "Makefile"], &plain, &[]));
    assert!(is_coloured(list, &plain, &[("color.ui", "auto")]));
    assert!(!is_coloured(list, &plain, &[("color.ui", "false")]));
    assert!(!is_coloured(list, &[plain[0], ("NO_COLOR", "1")], &[]));
    assert!(!is_coloured(list, &[plain[0], ("CLICOLOR", "0")], &[]));
    assert!(!is_coloured(list, &[plain[0], ("TERM", "dumb")], &[]));
    assert!(!is_coloured(list, &[plain[0], ("NO_COLOR", "1")], &[("color.ui", "always")]));
    assert!(is_coloured(&["list", "--color"], &[plain[0], ("NO_COLOR", "1")], &[]));
    assert!(!is_coloured(&["list", "--color=never"], &plain, &[("color.ui", "always")]));
}

#[test]
fn a_pipe_gets_no_pager_and_no_colours_unless_they_are_forced() {
    let repository = TempRepository::fixture("small");
    let run = |args: &[&str], variables: &[(&str, &str)]| {
        let mut command = mind_command(repository.path(), args);
        command.env("GIT_PAGER", PAGER).envs(variables.iter().copied());
        let output = command.output().expect("the program was built");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    let plain = run(&["list"], &[]);
    assert!(!plain.contains('\x1b') && !plain.contains("P "), "{plain}");
    for (args, variables) in [
        (&["list", "--color=always"][..], &[][..]),
        (&["list"], &[("CLICOLOR_FORCE", "1")]),
        // git has started the pager.
        (&["list"], &[("GIT_PAGER_IN_USE", "true"), ("COLUMNS", "200")]),
    ] {
        let coloured = run(args, variables);
        assert!(coloured.contains("\x1b["), "{args:?} {variables:?}");
        let stripped = strip(&coloured);
        assert_eq!(stripped.split_whitespace().next(), plain.split_whitespace().next());
    }
    repository.git(&["config", "color.ui", "always"]);
    assert_eq!(strip(&run(&["list"], &[])), plain, "colours change nothing else");
    assert_ne!(run(&["list"], &[]), plain);
    repository.git(&["config", "color.ui", "mauve"]);
    let error = repository.mind(&["list"]).error(1);
    assert!(error.contains("color.ui"), "{error}");
}

/// Text without the sequences that set a style.
fn strip(text: &str) -> String {
    let mut parts = text.split("\x1b[");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |all, part| all + part.split_once('m').map_or("", |(_, rest)| rest))
}
