//! A progress bar on stderr: only on a terminal, and only for work that takes more than 1 s.

use crate::progress::{Progress, Step};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::cell::Cell;
use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};

/// How long work must have taken before the bar is shown.
const QUIET: Duration = Duration::from_secs(1);

/// Draws progress as a bar.
pub(super) struct Bar {
    bar: ProgressBar,
    is_terminal: bool,
    started: Instant,
    step: Cell<Option<Step>>,
}

impl Bar {
    /// A bar on stderr, if that is a terminal.
    pub(super) fn stderr() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        let is_terminal = stderr().is_terminal();
        Self { bar, is_terminal, started: Instant::now(), step: Cell::new(None) }
    }

    /// Removes the bar from the screen.
    pub(super) fn clear(&self) {
        self.bar.finish_and_clear();
    }

    /// Sets the text and the length of the bar for a step, and shows it.
    fn restyle(&self, step: Step, total: Option<u64>) {
        let verb = match step {
            Step::Reading => "reading journal",
            Step::Writing => "writing cache",
            Step::Generating => "making commits",
            Step::Importing => "reading edges",
        };
        let template = match total {
            Some(_) => "{msg} {wide_bar} {human_pos}/{human_len} ({eta})",
            None => "{msg} {spinner} {human_pos}",
        };
        let style = ProgressStyle::with_template(template);
        self.bar.set_style(style.expect("this holds because the templates are constants"));
        self.bar.set_message(verb);
        match total {
            Some(total) => self.bar.set_length(total),
            None => self.bar.unset_length(),
        }
        self.bar.set_draw_target(ProgressDrawTarget::stderr());
    }
}

impl Progress for Bar {
    fn report(&self, step: Step, done: u64, total: Option<u64>) {
        if !self.is_terminal || self.started.elapsed() < QUIET {
            return;
        }
        if self.step.replace(Some(step)) != Some(step) {
            self.restyle(step, total);
        }
        self.bar.set_position(done);
    }
}
