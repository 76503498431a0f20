//! What recordings promise to those who read them.

mod comparison;
mod hostile;
mod json;
mod lines;
mod model;
#[cfg(feature = "flamegraph")]
mod picture;
mod profiles;
mod reports;
