//! A progress bar on stderr: only on a terminal, and only for work that takes more than 1 s.

use crate::context::Memory;
use crate::memory::OpReading;
use crate::progress::{Progress, Step};
use crate::units::Bytes;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::cell::Cell;
use std::io::{IsTerminal, stderr};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// How long work must have taken before the bar is shown.
const QUIET: Duration = Duration::from_secs(1);
/// A terminal that is narrower than this shows numbers only.
const WIDE_COLUMNS_MIN: u16 = 72;

/// Whether a bar is on the screen, without the end of a line.
static IS_DRAWN: AtomicBool = AtomicBool::new(false);

/// What a message on stderr starts with, so that it replaces a bar that is on the screen.
pub(super) fn line_start() -> &'static str {
    if IS_DRAWN.load(Relaxed) { "\r\x1b[2K" } else { "" }
}

/// Draws progress as a bar, with the memory of the operation that runs.
pub(super) struct Bar<'m> {
    memory: &'m Memory,
    /// Only on a terminal.
    bar: Option<ProgressBar>,
    started: Instant,
    step: Cell<Option<Step>>,
}

impl<'m> Bar<'m> {
    /// A bar on stderr, if that is a terminal.
    pub(super) fn stderr(memory: &'m Memory) -> Self {
        let hidden = || ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        let bar = stderr().is_terminal().then(hidden);
        Self { memory, bar, started: Instant::now(), step: Cell::new(None) }
    }

    /// Removes the bar from the screen.
    pub(super) fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
            IS_DRAWN.store(false, Relaxed);
        }
    }

    /// Sets the text and the length of the bar for a step, and shows it.
    fn restyle(&self, bar: &ProgressBar, step: Step, total: Option<u64>) {
        let verb = match step {
            Step::Reading => "reading",
            Step::Writing => "writing",
            Step::Generating => "making commits",
            Step::Importing => "reading edges",
        };
        let columns = terminal_size::terminal_size_of(stderr()).map(|(width, _)| width.0);
        let is_wide = columns.is_none_or(|columns| columns >= WIDE_COLUMNS_MIN);
        // A line that is wider than the terminal would be drawn as two.
        let template = match (total, is_wide) {
            (Some(_), true) => {
                "{prefix} {percent} %  {msg}  {wide_bar} {human_pos}/{human_len} ({eta})"
            }
            (None, true) => "{prefix} {human_pos}  {msg}  {spinner}",
            (Some(_), false) => "{percent} %  {wide_msg}",
            (None, false) => "{human_pos}  {wide_msg}",
        };
        let style = ProgressStyle::with_template(template);
        bar.set_style(style.expect("this holds because the templates are constants"));
        let op = self.memory.live().next().map_or("", |live| live.op.name());
        bar.set_prefix(format!("{op}  {verb}").trim_start().to_owned());
        match total {
            Some(total) => bar.set_length(total),
            None => bar.unset_length(),
        }
        // Another target would not know of the line that is there.
        if bar.is_hidden() {
            bar.set_draw_target(ProgressDrawTarget::stderr());
            IS_DRAWN.store(true, Relaxed);
        }
    }
}

impl Progress for Bar<'_> {
    fn report(&self, step: Step, done: u64, total: Option<u64>) {
        let Some(bar) = self.bar.as_ref().filter(|_| self.started.elapsed() >= QUIET) else {
            return;
        };
        bar.set_position(done);
        if self.step.replace(Some(step)) != Some(step) {
            self.restyle(bar, step, total);
        }
        bar.set_message(self.memory.live().next().map(usage).unwrap_or_default());
    }
}

/// The memory of an operation and its limit, in whole units.
fn usage(live: OpReading) -> String {
    let used = live.diagnostics.bytes_outstanding;
    let mib = |bytes: Bytes| bytes.get() >> 20;
    match live.limit {
        Some(limit) if mib(limit) > 0 => format!("{} of {} MiB", mib(used), mib(limit)),
        Some(limit) => format!("{used} of {limit}"),
        None => used.to_string(),
    }
}
