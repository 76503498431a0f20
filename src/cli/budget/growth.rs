//! `--against FILE`: the peaks beside those of an earlier recording, by call site.

use crate::cli::args::BudgetArgs;
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::profile::{Baseline, Comparison, Recording};
use std::io::Write;
use std::path::Path;

/// Reads a recording or a baseline.
pub(super) fn read(path: &Path) -> Result<Baseline, Failure> {
    let name = path.display();
    let failed = |error: &dyn std::fmt::Display| {
        Failure::new(format!("cannot compare with `{name}`: {error}"))
            .hint("`git-mind budget --threads 1 --profile FILE.json` makes a recording")
    };
    let file = std::fs::read(path).map_err(|error| failed(&error))?;
    Baseline::read(&file).map_err(|error| failed(&error))
}

/// Prints the comparison, and says whether a peak grew by more than the tolerance.
///
/// # Errors
/// With exit code 2 when the two cannot be compared.
pub(super) fn compare(
    base: &Baseline,
    recording: &Recording,
    options: &BudgetArgs,
    output: &mut Output,
) -> Result<bool, Failure> {
    let comparison = Comparison::between(base, recording, options.tolerance)
        .map_err(|error| Failure::new(error).unknown())?;
    if options.markdown {
        write!(output, "{}", comparison.markdown())?;
    } else {
        write!(output, "\n{comparison}")?;
    }
    if comparison.exceeds() {
        let tolerance = options.tolerance;
        output.error(&format!("a peak grew by more than the tolerance of {tolerance}"), None);
    }
    Ok(comparison.exceeds())
}
