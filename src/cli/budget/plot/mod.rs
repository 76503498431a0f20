//! `--plot FILE.svg`: live bytes over time, with a band and the cap of each operation.

mod draw;
mod series;

use super::report::Report;
use crate::cli::failure::Failure;
use crate::cli::output::WholeFile;
use crate::profile::Recording;
use std::io::Write;

/// Draws the report into the file.
pub(super) fn draw(
    mut file: WholeFile,
    report: &Report,
    recording: &Recording,
) -> Result<(), Failure> {
    let svg =
        draw::svg(report, recording).map_err(|error| Failure::new(format!("no plot: {error}")))?;
    file.write_all(svg.as_bytes())?;
    file.finish()
}
