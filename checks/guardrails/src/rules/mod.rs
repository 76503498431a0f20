//! The rules, a file for each family.

pub(crate) mod allocation;
pub(crate) mod layers;
pub(crate) mod matrix;
pub(crate) mod orphans;
pub(crate) mod ownership;
pub(crate) mod sizes;
pub(crate) mod text;
pub(crate) mod unsafe_code;

use super::finding::{Finding, rule};
use super::source::Source;
use super::tree::{self, Tree};

/// Everything that is wrong with what is to be checked, before exceptions.
pub(crate) fn check(tree: &Tree) -> Result<Vec<Finding>, String> {
    let banned = allocation::Banned::parse(&tree.read(allocation::LISTS)?)?;
    let has_code = tree.checked().any(|(path, _)| tree::is_library(path));
    let api = if has_code { ownership::Api::of(tree) } else { ownership::Api::default() };
    let mut findings = Vec::new();
    for (path, text) in tree.checked() {
        findings.extend(text::check(path, text));
        if !path.ends_with(".rs") {
            continue;
        }
        match Source::parse(path, text) {
            Ok(source) => {
                findings.extend(sizes::check(&source));
                findings.extend(layers::check(&source));
                findings.extend(unsafe_code::check(&source));
                findings.extend(allocation::check(&source, &banned));
                findings.extend(ownership::check(&source, &api));
            }
            Err((line, reason)) => findings.push(Finding::new(path, line, rule::SYNTAX, reason)),
        }
    }
    findings.extend(orphans::check(tree));
    findings.extend(matrix::check(tree));
    findings.sort();
    findings.dedup();
    Ok(findings)
}
