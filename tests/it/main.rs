//! The one integration-test binary: a module per concern.

mod accounts;
mod append;
mod budget;
mod cli;
mod commit_index;
mod edges;
mod faults;
mod filesystem;
mod fixture_make;
mod fixtures;
mod follow;
mod hostile;
mod incremental;
mod inflate;
mod injection;
mod isolated;
mod list;
mod malformed;
mod merges;
mod parity;
mod query;
mod query_command;
mod query_damage;
mod rebuild;
mod refusals;
mod repositories;
mod sharing;
mod spill;
mod support;

mod telemetry;
mod temp_dirs;
mod toggles;
mod vectors;
