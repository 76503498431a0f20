//! Integration tests on repositories on disk: a module per concern.

mod follow;
mod inflate;
