//! The report of the sweeps: a table for people, a JSON document for programs.

use gitmind_memory::testing::{Outcome, Repeat, SweepReport};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io;
use std::path::Path;

/// The sweep of an operation on a kind of sandbox.
pub(crate) struct Swept {
    pub(crate) operation: &'static str,
    pub(crate) sandbox: &'static str,
    pub(crate) report: SweepReport,
}

/// The outcomes, which are the columns of the table.
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
        outcome => panic!("{outcome} has no name here"),
    };
    OUTCOMES[index]
}

fn counts_of(report: &SweepReport) -> [usize; OUTCOMES.len()] {
    let count = |wanted| report.cases.iter().filter(|case| name(&case.outcome) == wanted).count();
    OUTCOMES.map(count)
}

impl Swept {
    /// The number of injected failures with each outcome.
    pub(crate) fn counts(&self) -> [(&'static str, usize); OUTCOMES.len()] {
        let counts = counts_of(&self.report);
        std::array::from_fn(|index| (OUTCOMES[index], counts[index]))
    }

    fn document(&self) -> Value {
        let cases = self.report.cases.iter().map(|case| {
            json!({
                "site": case.site.to_string(),
                "request": case.request,
                "requests": case.requests,
                "refused": if case.repeat == Repeat::Once { "once" } else { "persistently" },
                "outcome": case.outcome.to_string(),
            })
        });
        json!({
            "operation": self.operation,
            "repository": self.sandbox,
            "call_sites": self.report.call_sites(),
            "call_stacks": self.report.call_stacks(),
            "runs": self.report.runs,
            "requests": self.report.requests,
            "requests_tried": self.report.requests_tried,
            "outcomes": self.counts().into_iter().collect::<std::collections::BTreeMap<_, _>>(),
            "cases": cases.collect::<Vec<_>>(),
        })
    }
}

/// Prints a line for each sweep, and the sums.
pub(crate) fn print(swept: &[Swept], unreached: &[String]) {
    let shown = OUTCOMES.map(|outcome| format!(" {outcome:>width$}", width = outcome.len()));
    println!("{:33} {:6} sites stacks failures  runs{}", "operation", "in", shown.concat());
    let mut totals = [0; OUTCOMES.len()];
    for Swept { operation, sandbox, report } in swept {
        print!("{operation:33} {sandbox:6} {:5}", report.call_sites());
        print!(" {:6} {:8} {:5}", report.call_stacks(), report.cases.len(), report.runs);
        println!("{}", row(&counts_of(report)));
        totals.iter_mut().zip(counts_of(report)).for_each(|(sum, count)| *sum += count);
    }
    let cases = || swept.iter().flat_map(|swept| &swept.report.cases);
    let sites: BTreeSet<_> = cases().map(|case| &case.site).collect();
    let stacks: BTreeSet<_> = cases().map(|case| case.stack.id()).collect();
    let runs: u64 = swept.iter().map(|swept| swept.report.runs).sum();
    print!("{:33} {:6} {:5} {:6}", "all, each once", "", sites.len(), stacks.len());
    println!(" {:8} {runs:5}{}", cases().count(), row(&totals));
    println!("no failure reached {} lines that may allocate", unreached.len());
    unreached.iter().for_each(|line| println!("  {line}"));
}

fn row(counts: &[usize; OUTCOMES.len()]) -> String {
    let cell = |(outcome, count): (&&str, _)| format!(" {count:width$}", width = outcome.len());
    OUTCOMES.iter().zip(counts).map(cell).collect()
}

/// Writes every case to `file`, as one JSON document.
pub(crate) fn write(swept: &[Swept], unreached: &[String], file: &Path) -> io::Result<()> {
    let operations: Vec<_> = swept.iter().map(Swept::document).collect();
    let document = json!({ "schema": 1, "operations": operations, "unreached": unreached });
    std::fs::write(file, format!("{document:#}\n"))
}
