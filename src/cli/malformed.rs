//! Malformed commits that a list met: counted, the first one named.

use super::output::Output;
use crate::journal::Malformed;

/// Malformed commits that were met.
#[derive(Default)]
pub(super) struct MalformedMet {
    pub(super) skipped: u64,
    pub(super) truncated: u64,
    pub(super) first: Option<Malformed>,
}

impl MalformedMet {
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
