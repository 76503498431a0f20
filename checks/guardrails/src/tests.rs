//! Each rule finds its planted violation, and nothing where there is none.

mod layout;
mod ownership;
mod walls;

use crate::finding::{Finding, rule};
use crate::rules;
use crate::tree::Tree;

/// What the rules find in these files.
fn found(files: &[(&str, &str)]) -> Vec<Finding> {
    rules::check(&Tree::of(files))
}

/// What the rules find in one file, as it is printed; the file need not be declared.
fn found_in(path: &str, text: &str) -> Vec<String> {
    let findings = found(&[(path, text)]).into_iter();
    let counted = findings.filter(|finding| finding.rule != rule::ORPHAN);
    counted.map(|finding| finding.to_string()).collect()
}

/// Asserts that a rule finds just one thing in the file; `begins` is the line and the rule.
#[track_caller]
fn assert_found(path: &str, text: &str, begins: &str, says: &str) {
    let rule = begins.split(' ').next_back().unwrap_or_default();
    let mut found = found_in(path, text);
    found.retain(|line| line.split(": ").nth(1) == Some(rule));
    let is_it = |one: &String| one.starts_with(&format!("{path}:{begins}: ")) && one.contains(says);
    assert!(matches!(&found[..], [one] if is_it(one)), "{begins} .. {says}: {found:#?}");
}

/// Asserts that nothing is found in the file.
#[track_caller]
fn assert_fine(path: &str, text: &str) {
    assert_eq!(found_in(path, text), [""; 0]);
}
