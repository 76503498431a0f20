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
    /// Usage error, or no verdict.
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

/// Why a command failed: the message, the hint and the exit code.
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

    /// Sets the hint: what to type next.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// Sets the hint if there is one, and keeps the present one otherwise.
    #[must_use]
    pub(super) fn hint_if(self, hint: Option<String>) -> Self {
        Self { hint: hint.or(self.hint), ..self }
    }

    /// The same failure with exit code 2.
    #[must_use]
    pub fn unknown(self) -> Self {
        Self { exit: Exit::Unknown, ..self }
    }

    /// The same failure, preceded by its position in the input.
    #[must_use]
    pub(super) fn at(self, place: std::fmt::Arguments<'_>) -> Self {
        let source = format!("{place}: {}", self.text()).into();
        Self { source, ..self }
    }

    /// An error and its causes in one line, for warnings.
    pub(super) fn text_of(error: &(dyn Error + 'static)) -> String {
        chain(error)
    }

    /// What failed and why, in one line.
    pub(super) fn text(&self) -> String {
        chain(&*self.source)
    }

    /// Prints the failure on stderr. A broken pipe is not a failure.
    pub(super) fn report(self, output: &mut Output) -> Exit {
        if is_broken_pipe(&*self.source) {
            return Exit::Success;
        }
        output.error(&self.text(), self.hint.as_deref());
        self.exit
    }
}

/// An error and its causes in one line; a cause that the text ends with already is not repeated.
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

/// Prints clap's message: help and version are answers, everything else is a usage error.
pub(super) fn usage(error: &clap::Error) -> ExitCode {
    // The message quotes arguments, which are untrusted; the rest has no control characters but
    // line ends.
    let plain = error.render().to_string();
    let is_raw = plain.chars().any(|c| is_invisible(c) && !matches!(c, '\n' | '\t'));
    // A failure to print this cannot be reported anywhere.
    let _ = if is_raw {
        let mut lines = plain.lines();
        lines.try_for_each(|line| writeln!(io::stderr(), "{}", Escaped::text(line)))
    } else {
        error.print()
    };
    if error.use_stderr() { Exit::Unknown.into() } else { Exit::Success.into() }
}
