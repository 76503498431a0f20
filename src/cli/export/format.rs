//! What a format does with a journal: a start, each edge, an end.

use crate::branch::BranchName;
use crate::cli::failure::Failure;
use crate::cli::shown::Shown;
use std::io::{self, Write};

/// A format of an export.
pub(super) trait Format {
    /// Writes what is before the edges of `branch`.
    fn begin(&mut self, branch: &BranchName, out: &mut dyn Write) -> io::Result<()>;

    /// Writes an edge.
    fn edge(&mut self, shown: &Shown<'_>, out: &mut dyn Write) -> Result<(), Failure>;

    /// Writes what is after the edges.
    fn end(&mut self, out: &mut dyn Write) -> Result<(), Failure>;
}
