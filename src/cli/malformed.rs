//! Warnings and diagnostics about malformed commits of a journal.

use super::count::number;
use super::output::Output;
use super::telemetry::Session;
use crate::journal::{Malformed, MalformedCounts};

/// Warns about the first malformed commits, with the counts of all.
pub(super) fn warn(counts: &MalformedCounts, output: &mut Output) {
    for malformed in counts.first() {
        output.warning(&malformed.to_string());
    }
    let MalformedCounts { skipped, truncated, old_format, .. } = counts;
    let malformed = truncated - old_format;
    if *skipped > 0 || malformed > 0 {
        let (skipped, malformed) = (number(*skipped), number(malformed));
        output.warning(&format!(
            "malformed journal commits: {skipped} skipped, {malformed} cut short"
        ));
    }
    if *old_format > 0 {
        let count = number(*old_format);
        output.warning(&format!("journal commits in the old format of June 2025: {count}"));
    }
}

/// Writes the diagnostics of a malformed commit.
pub(super) fn diagnose(session: &Session<'_>, malformed: &Malformed) {
    let (name, commit, problem) = match malformed {
        Malformed::Skipped { commit, problem } => {
            ("journal_message_invalid", commit, problem.to_string())
        }
        Malformed::Truncated { commit, problem, .. } => {
            ("journal_cbor_invalid", commit, problem.to_string())
        }
        Malformed::OldFormat { commit, edges_read } => {
            ("journal_old_format", commit, format!("{edges_read} edges can be read"))
        }
    };
    session.telemetry.diagnostic("journal", name, |event| {
        event.text("commit", commit.to_string().as_bytes())?;
        event.text("problem", problem.as_bytes())
    });
}
