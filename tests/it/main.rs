//! The one integration-test binary: a module per concern.

mod accounts;
mod append;
mod budget;
mod cli;
mod fixture_make;
mod fixtures;
mod hostile;
mod list;
mod live;
mod merge;
mod metrics;
mod query_by_path;
mod query_command;
mod rebuild_command;
mod refusals;
mod repositories;
mod sharing;
mod sharing_support;
mod stats;
mod sync;
mod telemetry;
mod temp_dirs;
mod toggles;
