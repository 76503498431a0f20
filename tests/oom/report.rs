//! What a sweep found, for people and for programs.

use gitmind::memory::testing::{Outcome, Repeat, SweepReport};
use serde_json::{Value, json};
use std::io;
use std::path::Path;

/// One operation on one place.
pub(crate) struct Swept {
    pub(crate) operation: &'static str,
    pub(crate) place: &'static str,
    pub(crate) report: SweepReport,
}

/// The outcomes, as columns.
const OUTCOMES: [&str; 8] = [
    "propagated",
    "swallowed",
    "retried",
    "misreported",
    "nondeterministic",
    "panicked",
    "leaked",
    "broken",
];

fn name(outcome: &Outcome) -> &'static str {
    let index = match outcome {
        Outcome::Propagated => 0,
        Outcome::Swallowed => 1,
        Outcome::Retried(_) => 2,
        Outcome::Misreported(_) => 3,
        Outcome::Nondeterministic(_) => 4,
        Outcome::Panicked(_) => 5,
        Outcome::Leaked(_) => 6,
        Outcome::InvariantBroken(_) => 7,
    };
    OUTCOMES[index]
}

impl Swept {
    /// How many refusals had each outcome.
    pub(crate) fn counts(&self) -> [(&'static str, usize); OUTCOMES.len()] {
        let count =
            |wanted| self.report.cases.iter().filter(|case| name(&case.outcome) == wanted).count();
        OUTCOMES.map(|outcome| (outcome, count(outcome)))
    }

    fn document(&self) -> Value {
        let cases = self.report.cases.iter().map(|case| {
            json!({
                "site": case.site.to_string(),
                "refused": if case.repeat == Repeat::Once { "once" } else { "for ever" },
                "outcome": case.outcome.to_string(),
            })
        });
        json!({
            "operation": self.operation,
            "repository": self.place,
            "call_sites": self.report.call_sites(),
            "call_stacks": self.report.call_stacks(),
            "runs": self.report.runs,
            "outcomes": self.counts().into_iter().collect::<std::collections::BTreeMap<_, _>>(),
            "cases": cases.collect::<Vec<_>>(),
        })
    }
}

/// A line for each, and their sums.
pub(crate) fn print(swept: &[Swept]) {
    println!(
        "{:30} {:8} {:>6} {:>6} {:>8} {:>6}  not propagated",
        "operation", "in", "sites", "stacks", "refusals", "runs"
    );
    for Swept { operation, place, report } in swept {
        println!(
            "{operation:30} {place:8} {:6} {:6} {:8} {:6}  {}",
            report.call_sites(),
            report.call_stacks(),
            report.cases.len(),
            report.runs,
            report.unexpected().count()
        );
    }
    let sites: std::collections::BTreeSet<_> =
        swept.iter().flat_map(|swept| swept.report.cases.iter().map(|case| &case.site)).collect();
    println!("{} call sites in all", sites.len());
}

/// Writes every case to `file`, as one JSON document.
pub(crate) fn write(swept: &[Swept], file: &Path) -> io::Result<()> {
    let operations: Vec<_> = swept.iter().map(Swept::document).collect();
    let document = json!({ "schema": 1, "operations": operations });
    std::fs::write(file, format!("{document:#}\n"))
}
