//! The one integration-test binary: a module per concern.

mod accounts;
mod append;
mod budget;
mod cli;
mod diff;
mod export;
mod fixture_make;
mod fixtures;
mod hook_files;
mod hooks;
mod hostile;
mod list;
mod live;
mod metrics;
mod query_by_path;
mod query_command;
mod rebuild_command;
mod refusals;
mod repositories;
mod revision;
mod sharing;
mod stats;
mod telemetry;
mod temp_dirs;
mod toggles;
mod unlink;
