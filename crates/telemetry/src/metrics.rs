//! The metrics port, and the adapter that writes to the log.

use std::io;
use std::path::PathBuf;

use super::level::Level;
use super::log::Telemetry;
use super::metric::Sample;
use super::tags::Tags;
use gitmind_memory::MemoryError;

/// Why metrics are not where they should be. It never fails the work they are about.
#[derive(Debug, thiserror::Error)]
pub enum MetricsError {
    /// There is no memory for them.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// Their file cannot be written.
    #[error("cannot write metrics to `{}`", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Where the numbers of a run go.
pub trait Metrics {
    /// Takes a number: a counter grows by it, anything else becomes it.
    ///
    /// # Errors
    /// [`MetricsError::Memory`]; earlier numbers stay.
    fn record(&mut self, sample: Sample) -> Result<(), MetricsError>;

    /// Publishes what was recorded, with the tags of the run.
    ///
    /// # Errors
    /// Every [`MetricsError`]; what was published before stays.
    fn publish(&mut self, tags: &Tags<'_>) -> Result<(), MetricsError>;
}

/// Logs each number as an event `metric`, at level DEBUG.
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

    fn publish(&mut self, tags: &Tags<'_>) -> Result<(), MetricsError> {
        self.0.try_log(Level::Debug, "metrics", "published", |event| {
            tags.iter().try_for_each(|tag| event.field(tag.key(), tag.value()))
        })?;
        Ok(())
    }
}
