//! Malformed commits that a command met: counted, the first one named, all of them diagnosed.

use super::output::Output;
use super::telemetry::Session;
use crate::journal::Malformed;

/// Malformed commits that were met.
#[derive(Default)]
pub(super) struct MalformedMet {
    pub(super) skipped: u64,
    pub(super) truncated: u64,
    pub(super) first: Option<Malformed>,
}

impl MalformedMet {
    /// Counts one more.
    pub(super) fn note(&mut self, malformed: Malformed) {
        match malformed {
            Malformed::Skipped { .. } => self.skipped += 1,
            Malformed::Truncated { .. } => self.truncated += 1,
        }
        self.first.get_or_insert(malformed);
    }

    /// Says it, when there were any.
    pub(super) fn warn(&self, output: &mut Output) {
        let Some(first) = &self.first else { return };
        output.warning(&first.to_string());
        let (skipped, truncated) = (self.skipped, self.truncated);
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
