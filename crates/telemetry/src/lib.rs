//! Telemetry: events for people and programs, and metrics for a collector.
// Only rustdoc reads the page, so that an edit of README.md recompiles nothing.
#![cfg_attr(any(doc, doctest), doc = "")]
#![cfg_attr(any(doc, doctest), doc = include_str!("../README.md"))]

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
