//! The metrics port, and the adapter that writes to the log.

use std::io;
use std::path::PathBuf;

use super::level::Level;
use super::log::Telemetry;
use super::metric::Sample;
use super::tags::Tags;
use gitmind_memory::MemoryError;

/// Why metrics could not be recorded or published. It never fails the command.
#[derive(Debug, thiserror::Error)]
pub enum MetricsError {
    /// An allocation failed.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// The file cannot be written.
    #[error("cannot write metrics to `{}`", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
}

/// Receives the metrics of a run.
pub trait Metrics {
    /// Records a sample: a counter is increased by it, any other metric is set to it.
    ///
    /// # Errors
    /// [`MetricsError::Memory`]; earlier samples stay.
    fn record(&mut self, sample: Sample) -> Result<(), MetricsError>;

    /// Publishes what was recorded, with the tags of the run.
    ///
    /// # Errors
    /// Every [`MetricsError`]; earlier publications stay.
    fn publish(&mut self, tags: &Tags) -> Result<(), MetricsError>;
}

/// Logs each sample as an event `metric`, at level DEBUG.
#[derive(Debug)]
pub struct LogMetrics<'t, 'a>(pub &'t Telemetry<'a>);

impl Metrics for LogMetrics<'_, '_> {
    fn record(&mut self, sample: Sample) -> Result<(), MetricsError> {
        let Sample { metric, op, value } = sample;
        self.0.try_log(Level::Debug, "metrics", "metric", |event| {
            event.text("name", metric.name().as_bytes())?;
            event.text("kind", metric.kind().name().as_bytes())?;
            event.number("value", value)?;
            match op {
                Some(op) => event.text("alloc.op", op.name().as_bytes()),
                None => Ok(()),
            }
        })?;
        Ok(())
    }

    fn publish(&mut self, tags: &Tags) -> Result<(), MetricsError> {
        self.0.try_log(Level::Debug, "metrics", "published", |event| {
            tags.iter().try_for_each(|tag| event.field(tag.key(), tag.value()))
        })?;
        Ok(())
    }
}
