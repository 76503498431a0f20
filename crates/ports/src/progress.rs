//! The progress port: long work says how far it is; who listens decides what to show.

/// A part of an operation that takes time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Commits of a journal are read.
    Reading,
    /// Cache objects are written.
    Writing,
    /// Commits of a fixture are made.
    Generating,
    /// Lines of edges are read.
    Importing,
}

/// A listener.
pub trait Progress {
    /// `done` of `total` units of `step` are done; the total may be unknown.
    fn report(&self, step: Step, done: u64, total: Option<u64>);
}

/// Listens to nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn report(&self, _: Step, _: u64, _: Option<u64>) {}
}
