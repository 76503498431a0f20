//! Telemetry: events for people and programs, and metrics for a collector.
//!
//! An [`Event`] is a name with keys and values, stored in a slab, rendered as text or JSON and
//! written to a [`Sink`]. A metric is one of the closed list [`Metric`]; [`OpenMetricsFile`] and
//! [`LogMetrics`] record its samples. Telemetry never fails the command: events and tags that
//! cannot be allocated or written are dropped and counted. `docs/telemetry.md` lists events,
//! metrics and variables.

mod collected;
mod event;
mod level;
mod log;
mod metric;
mod metrics;
mod openmetrics;
mod render;
mod settings;
mod tags;

pub use self::collected::CollectedLines;
pub use self::event::{Event, VALUE_BYTES_MAX};
pub use self::level::{Level, LogFormat};
pub use self::log::{Sink, Telemetry};
pub use self::metric::{Kind, Metric, Sample};
pub use self::metrics::{LogMetrics, Metrics, MetricsError};
pub use self::openmetrics::OpenMetricsFile;
pub use self::settings::{RepoHash, RepoTag, Settings, SettingsError, Variable};
pub use self::tags::{TAGS_BYTES_MAX, TAGS_MAX, Tag, Tags};
