//! Integration tests on repositories on disk: a module per concern.

mod finding;
mod follow;
mod inflate;
