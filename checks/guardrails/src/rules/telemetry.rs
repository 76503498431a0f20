//! The page on telemetry and the program agree: variables, metrics, events.
//!
//! Names are string literals of the program, first cells of the page's tables (an event's second).

use std::collections::BTreeMap;

use crate::finding::{Finding, rule};
use crate::tree::Tree;

const PAGE: &str = "docs/telemetry.md";
const METRICS: &str = "src/telemetry/metric.rs";
/// What every variable of telemetry begins with.
const VARIABLE: &str = "GITMIND_";

/// Names with the file and line of the first one.
type Names<'t> = BTreeMap<&'t str, (&'t str, usize)>;

/// What one of them says and the other does not.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let Some(page) = tree.get(PAGE) else { return Vec::new() };
    let literals = |wanted: &dyn Fn(&str, &str) -> bool| {
        let mut names = Names::new();
        let is_source = |path: &&str| path.starts_with("src/") && path.ends_with(".rs");
        for path in tree.paths().filter(is_source) {
            let literals = tree.get(path).into_iter().flat_map(quoted);
            for (name, line) in literals.filter(|(name, _)| wanted(path, name)) {
                names.entry(name).or_insert((path, line));
            }
        }
        names
    };
    let variables = literals(&|_, name| name.len() > VARIABLE.len() && name.starts_with(VARIABLE));
    let metrics = literals(&|path, name| path == METRICS && name.contains('.'));
    let all = literals(&|_, _| true);
    [
        compare("variable", &cells(page, "## Variables", 1), &variables, &variables),
        compare("metric", &cells(page, "## Metrics", 1), &metrics, &metrics),
        compare("event", &cells(page, "## Events", 2), &Names::new(), &all),
    ]
    .concat()
}

/// `required` must be on the page, and what is on the page among `known`.
fn compare(kind: &str, page: &Names<'_>, required: &Names<'_>, known: &Names<'_>) -> Vec<Finding> {
    let missing = required.iter().filter(|(name, _)| !page.contains_key(*name));
    let missing = missing.map(|(name, (path, line))| {
        let what = format!("the {kind} `{name}` is not documented: add it to {PAGE}");
        Finding::new(path, *line, rule::MATRIX, what)
    });
    let gone = page.iter().filter(|(name, _)| !known.contains_key(*name));
    let gone = gone.map(|(name, (_, line))| {
        let what = format!("the program has no {kind} `{name}`: name what took its place");
        Finding::new(PAGE, *line, rule::MATRIX, what)
    });
    missing.chain(gone).collect()
}

/// What is in code style in cell number `cell` of the tables under a heading.
fn cells<'t>(page: &'t str, heading: &str, cell: usize) -> Names<'t> {
    let lines = (1..).zip(page.lines()).skip_while(|(_, line)| *line != heading).skip(1);
    let section = lines.take_while(|(_, line)| !line.starts_with("## "));
    let cells = section.filter_map(|(at, line)| Some((at, line.split('|').nth(cell)?.trim())));
    let names = cells.filter_map(|(at, cell)| {
        let name = cell.strip_prefix('`')?.strip_suffix('`')?;
        Some((name, (PAGE, at)))
    });
    names.collect()
}

/// The string literals of a line that have no escapes, with the number of the line.
fn quoted(text: &str) -> impl Iterator<Item = (&str, usize)> {
    (1..)
        .zip(text.lines())
        .flat_map(|(at, line)| line.split('"').skip(1).step_by(2).map(move |literal| (literal, at)))
}
