//! Warnings and diagnostics about malformed commits of a journal.

use super::output::Output;
use super::telemetry::Session;
use crate::journal::{Malformed, MalformedCounts};

/// Warns about the first malformed commits, with the counts of all.
pub(super) fn warn(counts: &MalformedCounts, output: &mut Output) {
    for malformed in counts.first() {
        output.warning(&malformed.to_string());
    }
    let MalformedCounts { skipped, truncated, .. } = counts;
    if *skipped > 0 || *truncated > 0 {
        output.warning(&format!(
            "malformed journal commits: {skipped} skipped, {truncated} cut short"
        ));
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
    };
    session.telemetry.diagnostic("journal", name, |event| {
        event.text("commit", commit.to_string().as_bytes())?;
        event.text("problem", problem.as_bytes())
    });
}
