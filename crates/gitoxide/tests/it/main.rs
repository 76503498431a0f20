//! Integration tests on repositories on disk: a module per concern.

mod bases;
mod finding;
mod follow;
mod inflate;
mod remove;
