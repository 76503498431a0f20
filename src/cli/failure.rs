//! How a command ends: exit codes, error lines, hints.

use super::escape::{Escaped, is_invisible};
use super::output::Output;
use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done, or within budget.
    Success,
    /// Failed, or over budget.
    Failure,
    /// Wrong usage, or could not tell.
    Unknown,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Success => 0,
            Exit::Failure => 1,
            Exit::Unknown => 2,
        })
    }
}

/// A command that failed: what to say and how to exit.
#[derive(Debug)]
pub struct Failure {
    exit: Exit,
    source: Box<dyn Error>,
    hint: Option<String>,
}

impl Failure {
    /// A failure with exit code 1.
    pub fn new(source: impl Into<Box<dyn Error>>) -> Self {
        Self { exit: Exit::Failure, source: source.into(), hint: None }
    }

    /// Adds what to type next.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// Adds what to type next, where there is something.
    #[must_use]
    pub(super) fn hint_if(self, hint: Option<String>) -> Self {
        Self { hint: hint.or(self.hint), ..self }
    }

    /// The same failure, where the question could not be answered: exit code 2.
    #[must_use]
    pub fn unknown(self) -> Self {
        Self { exit: Exit::Unknown, ..self }
    }

    /// The same failure, with where in the input it was.
    #[must_use]
    pub(super) fn at(self, place: std::fmt::Arguments<'_>) -> Self {
        let source = format!("{place}: {}", self.text()).into();
        Self { source, ..self }
    }

    /// An error and its causes in one line, for what is no failure.
    pub(super) fn text_of(error: &(dyn Error + 'static)) -> String {
        chain(error)
    }

    /// What failed and why, in one line.
    pub(super) fn text(&self) -> String {
        chain(&*self.source)
    }

    /// Says it on stderr. A reader that went away is no failure.
    pub(super) fn report(self, output: &mut Output) -> Exit {
        if is_broken_pipe(&*self.source) {
            return Exit::Success;
        }
        output.error(&self.text(), self.hint.as_deref());
        self.exit
    }
}

/// An error and its causes in one line. A transparent error says the same as its cause: once.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        next = cause.source();
    }
    text
}

fn is_broken_pipe(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        let io = error.downcast_ref::<io::Error>();
        if io.is_some_and(|io| io.kind() == io::ErrorKind::BrokenPipe) {
            return true;
        }
        next = error.source();
    }
    false
}

/// Prints what clap has to say: help and version are answers, the rest is wrong usage.
pub(super) fn usage(error: &clap::Error) -> ExitCode {
    // Its text repeats arguments, whoever they came from; its own has no controls but line ends.
    let plain = error.render().to_string();
    let is_raw = plain.chars().any(|c| is_invisible(c) && !matches!(c, '\n' | '\t'));
    // Nothing is left to be done when even this cannot be printed.
    let _ = if is_raw {
        let mut lines = plain.lines();
        lines.try_for_each(|line| writeln!(io::stderr(), "{}", Escaped::text(line)))
    } else {
        error.print()
    };
    if error.use_stderr() { Exit::Unknown.into() } else { Exit::Success.into() }
}
