//! The progress port: long operations report how far they are; the adapter decides what to show.

/// A phase of a long operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Reading the commits of a journal.
    Reading,
    /// Writing the objects of a cache.
    Writing,
    /// Making the commits of a fixture.
    Generating,
    /// Reading lines of edges.
    Importing,
}

/// A receiver of progress reports.
pub trait Progress {
    /// Reports that `done` of `total` units of `step` are done; `None` for an unknown total.
    fn report(&self, step: Step, done: u64, total: Option<u64>);
}

/// Ignores all reports.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn report(&self, _: Step, _: u64, _: Option<u64>) {}
}
