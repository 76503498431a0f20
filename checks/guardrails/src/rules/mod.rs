//! The rules, a file for each family.

mod matrix;
mod orphans;
mod ownership;
mod sizes;
mod text;
mod walls;

use super::finding::{Finding, rule};
use super::tree::{self, Tree};

/// Everything that is wrong with what is to be checked.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let has_code = tree.checked().any(|(path, _)| tree::is_library(path));
    let api = if has_code { ownership::Api::of(tree) } else { ownership::Api::default() };
    let mut findings = Vec::new();
    for (path, text) in tree.checked() {
        findings.extend(text::check(path, text));
        if !path.ends_with(".rs") {
            continue;
        }
        match syn::parse_file(text) {
            Ok(file) => {
                findings.extend(sizes::check(path, text, &file));
                findings.extend(ownership::check(path, &file, &api));
            }
            Err(error) => {
                let line = error.span().start().line;
                findings.push(Finding::new(path, line, rule::SYNTAX, error.to_string()));
            }
        }
    }
    findings.extend(orphans::check(tree));
    findings.extend(matrix::check(tree));
    findings.extend(walls::check(tree));
    findings.sort();
    findings
}
