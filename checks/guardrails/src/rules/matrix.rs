//! The matrix and the faults that prove it agree.
//!
//! What pages name, and the tables that are made from the list, is held by the check `docs`.

use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

use crate::finding::{Finding, rule};
use crate::tree::Tree;

const MATRIX: &str = "checks/matrix.toml";
const FAULTS: &str = "checks/planted/faults.toml";

/// What one of them says and another does not.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = faults(tree);
    findings.extend(texts(tree));
    findings
}

/// Every check has a fault that it must catch, and every fault a check that exists.
fn faults(tree: &Tree) -> Vec<Finding> {
    let (Some(matrix), Some(faults)) = (tree.get(MATRIX), tree.get(FAULTS)) else {
        return Vec::new();
    };
    let checks: BTreeSet<&str> = values(matrix, "[check.", "]").map(|(_, name)| name).collect();
    let checks: BTreeSet<&str> = checks.into_iter().filter(|name| !name.contains('.')).collect();
    let mut proven = BTreeSet::new();
    let mut findings = Vec::new();
    for (line, name) in values(faults, "fails = \"", "\"") {
        proven.insert(name);
        let is_built = ["fixture-", "dependencies-"].iter().any(|kind| name.starts_with(kind));
        if !checks.contains(name) && !is_built && name != "git-mind" {
            let what = format!("no check is called `{name}`: name one of {MATRIX}");
            findings.push(Finding::new(FAULTS, line, rule::MATRIX, what));
        }
    }
    for (line, name) in values(matrix, "[check.", "]").filter(|(_, name)| checks.contains(name)) {
        if !proven.contains(name) {
            let what = format!("nothing shows that `{name}` can fail: add a fault to {FAULTS}");
            findings.push(Finding::new(MATRIX, line, rule::MATRIX, what));
        }
    }
    findings
}

/// What the faults replace, as far as this looks at it.
#[derive(Default, Deserialize)]
struct Faults {
    #[serde(default)]
    fault: BTreeMap<String, Fault>,
}

#[derive(Deserialize)]
struct Fault {
    #[serde(flatten)]
    edit: Edit,
    #[serde(default)]
    edits: Vec<Edit>,
}

#[derive(Deserialize)]
struct Edit {
    file: Option<String>,
    old: Option<String>,
    new: Option<String>,
}

/// Every fault that replaces a text finds it: one that does not is planted nowhere. In a copy that
/// has the fault, the new text is there instead, which is why it may not be empty. The check `docs`
/// looks at those of pages, which this one does not see everywhere.
fn texts(tree: &Tree) -> Vec<Finding> {
    let Some(text) = tree.get(FAULTS) else { return Vec::new() };
    let faults: Faults = match toml::from_str(text) {
        Ok(faults) => faults,
        Err(error) => return vec![Finding::new(FAULTS, 1, rule::SYNTAX, error.to_string())],
    };
    let mut findings = Vec::new();
    let edits = faults.fault.into_iter().flat_map(|(name, Fault { edit, edits })| {
        std::iter::once(edit).chain(edits).map(move |edit| (name.clone(), edit))
    });
    for (name, Edit { file, old, new }) in edits {
        let (Some(file), Some(old)) = (file, old) else { continue };
        if file.ends_with(".md") || file.starts_with("docs/") {
            continue;
        }
        let new = new.filter(|new| !new.is_empty());
        let is_there =
            |text: &str| text.contains(&old) || new.as_ref().is_some_and(|new| text.contains(new));
        if !tree.get(&file).is_some_and(is_there) {
            let mut lines = (1..).zip(text.lines());
            let line = lines.find(|(_, line)| *line == format!("[fault.{name}]"));
            let line = line.map_or(1, |(line, _)| line);
            let what = format!("{file} has no such text as `{name}` replaces: plant it elsewhere");
            findings.push(Finding::new(FAULTS, line, rule::MATRIX, what));
        }
    }
    findings
}

/// What stands between `before`, at the start of a line, and `after`, with the line's number.
fn values<'t>(
    text: &'t str,
    before: &'static str,
    after: &'static str,
) -> impl Iterator<Item = (usize, &'t str)> {
    (1..).zip(text.lines()).filter_map(move |(at, line)| {
        let (value, _) = line.strip_prefix(before)?.split_once(after)?;
        Some((at, value))
    })
}
