//! The telemetry of a command: events while it runs, metrics at its end.

use super::failure::Failure;
use super::output::Output;
use crate::clock::{Clock, SystemClock, Zone};
use crate::context::Memory;
use crate::context::operation;
use crate::env::Environment;
use crate::memory::Op;
use crate::telemetry::{
    Level, LogMetrics, Metric, Metrics, OpenMetricsFile, Sample, Settings, Sink, Tags, Telemetry,
};
use std::cell::{Cell, RefCell};
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

/// Reads the variables; an invalid value is a usage error.
pub(super) fn settings(env: &dyn Environment) -> Result<Settings, Failure> {
    Ok(Settings::read(env)?)
}

/// A clock that starts now, in the zone of the environment.
pub(super) fn clock(env: &dyn Environment) -> SystemClock {
    SystemClock::start(Zone::from_environment(env))
}

/// Lines on stderr.
pub(super) struct StderrSink;

impl Sink for StderrSink {
    fn line(&self, line: &[u8]) -> io::Result<()> {
        io::stderr().lock().write_all(line)
    }
}

/// Values of the tags of a run.
#[derive(Default)]
struct About {
    branch: Option<String>,
    mode: Option<&'static str>,
    repository: Option<PathBuf>,
}

/// The telemetry of one command.
pub(super) struct Session<'a> {
    pub(super) telemetry: Telemetry<'a>,
    pub(super) memory: &'a Memory,
    file: Option<RefCell<OpenMetricsFile<'a>>>,
    about: RefCell<About>,
    dropped: Cell<u64>,
}

impl<'a> Session<'a> {
    pub(super) fn begin(settings: &'a Settings, memory: &'a Memory, clock: &'a dyn Clock) -> Self {
        let alloc = memory.alloc();
        let slab = memory.slab(alloc);
        let path = settings.metrics_file.as_deref().filter(|_| settings.metrics_enabled);
        Self {
            telemetry: Telemetry::new(settings, alloc, slab, clock, &StderrSink),
            memory,
            file: path.map(|path| RefCell::new(OpenMetricsFile::new(path, alloc))),
            about: RefCell::default(),
            dropped: Cell::new(0),
        }
    }

    /// Sets the tags of this run.
    pub(super) fn about(&self, branch: &str, mode: &'static str, repository: PathBuf) {
        let branch = Some(branch.to_owned());
        let about = About { branch, mode: Some(mode), repository: Some(repository) };
        self.about.replace(about);
    }

    /// Replaces the mode of this run, once it is known.
    pub(super) fn mode(&self, mode: &'static str) {
        self.about.borrow_mut().mode = Some(mode);
    }

    /// Records a value of a metric.
    pub(super) fn record(&self, metric: Metric, op: Option<Op>, value: u64) {
        let sample = Sample { metric, op, value };
        if let Some(file) = &self.file {
            self.count(file.borrow_mut().record(sample).is_ok());
        }
        if self.telemetry.settings().metrics_enabled {
            self.count(LogMetrics(&self.telemetry).record(sample).is_ok());
        }
    }

    /// Records a duration in whole milliseconds.
    pub(super) fn record_duration(&self, metric: Metric, duration: Duration) {
        self.record(metric, None, milliseconds(duration));
    }

    /// Ends the run: logs the warning of the budget, then publishes the metrics. A failure is a
    /// warning.
    pub(super) fn finish(self, output: &mut Output) {
        if let Some(warning) = self.memory.warning() {
            self.telemetry.log(Level::Warn, "memory", "budget_soft_limit", |event| {
                event.text("message", warning.to_string().as_bytes())?;
                event.number("used_bytes", warning.used.get())?;
                event.number("hard_limit_bytes", warning.hard_limit.get())
            });
        }
        if !self.telemetry.settings().metrics_enabled {
            return;
        }
        for op in operation::ALL {
            if let Some((peak, failures)) = self.memory.usage_of(op) {
                let arenas = self.memory.arena_totals(op);
                self.record(Metric::AllocPeak, Some(op), peak.get());
                self.record(Metric::AllocFailures, Some(op), failures);
                self.record(Metric::ArenaGrow, Some(op), arenas.grow_bytes.get());
                self.record(Metric::ArenaSpills, Some(op), arenas.spills_total);
            }
        }
        if let Err(error) = self.publish() {
            output.warning(&Failure::text_of(&error));
        }
    }

    fn publish(&self) -> Result<(), crate::telemetry::MetricsError> {
        let settings = self.telemetry.settings();
        let About { branch, mode, repository } = &*self.about.borrow();
        let branch = branch.as_deref().map(str::as_bytes);
        let tags = Tags::build(settings, branch, *mode, repository.as_deref());
        if tags.dropped() > 0 {
            self.telemetry.log(Level::Warn, "telemetry", "tags_dropped", |event| {
                event.number("dropped", tags.dropped())
            });
        }
        let dropped = tags.dropped() + self.telemetry.dropped() + self.dropped.get();
        self.record(Metric::TelemetryDropped, None, dropped);
        LogMetrics(&self.telemetry).publish(&tags)?;
        match &self.file {
            Some(file) => file.borrow_mut().publish(&tags),
            None => Ok(()),
        }
    }

    fn count(&self, is_recorded: bool) {
        self.dropped.set(self.dropped.get() + u64::from(!is_recorded));
    }
}

/// Whole milliseconds of a duration.
pub(super) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
