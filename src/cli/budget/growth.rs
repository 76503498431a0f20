//! `--against FILE`: the peaks beside those of an earlier recording, by call site.

use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::profile::{Baseline, Comparison};
use std::error::Error;
use std::io::{self, Write};
use std::path::Path;

/// Reads a recording or a baseline.
pub(super) fn read(path: &Path) -> Result<Baseline, Failure> {
    let name = path.display();
    let failed = |error: &(dyn Error + 'static)| {
        Failure::new(format!("cannot compare with `{name}`: {}", Failure::text_of(error)))
            .hint("`git-mind budget --threads 1 --profile FILE.json` makes a recording")
    };
    let file = std::fs::read(path).map_err(|error| failed(&error))?;
    Baseline::read(&file).map_err(|error| failed(&error))
}

/// Prints the comparison, and an error when a peak grew by more than the tolerance.
pub(super) fn print(
    comparison: &Comparison,
    is_markdown: bool,
    output: &mut Output,
) -> io::Result<()> {
    if is_markdown {
        write!(output, "{}", comparison.markdown())?;
    } else {
        write!(output, "\n{comparison}")?;
    }
    if comparison.exceeds() {
        let tolerance = comparison.tolerance;
        output.error(&format!("a peak grew by more than the tolerance of {tolerance}"), None);
    }
    Ok(())
}
