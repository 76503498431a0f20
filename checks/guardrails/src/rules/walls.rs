//! What makes the compiler hold the borders between crates is there: `no_std`, and lints.

use crate::finding::{Finding, rule};
use crate::tree::Tree;

/// Sources without std and `alloc`: they allocate through the port alone.
const WITHOUT_STD: [&str; 2] = ["crates/cache/src/", "crates/journal/src/"];
/// Crates with `unsafe` code. They repeat the lints, since Cargo cannot override a `forbid`.
const WITH_UNSAFE: [&str; 2] = ["crates/memory", "crates/system"];

/// Every crate whose border is open.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = lints(tree).unwrap_or_default();
    let is_inside = |path: &&str| WITHOUT_STD.iter().any(|member| path.starts_with(member));
    for path in tree.paths().filter(|path| path.ends_with(".rs")).filter(is_inside) {
        let text = tree.get(path).unwrap_or_default();
        let is_marked = text.contains("\n#![cfg_attr(not(test), no_std)]\n");
        if path.ends_with("/src/lib.rs") && !is_marked {
            let what = "this crate has no std: write `#![cfg_attr(not(test), no_std)]`";
            findings.push(Finding::new(path, 1, rule::WALLS, what.to_owned()));
        }
        for (line, _) in (1..).zip(text.lines()).filter(|(_, line)| line.contains("extern crate")) {
            let what = "`extern crate` brings std or `alloc` back: allocate through the port, and \
                        the rest from the ports of crates/system";
            findings.push(Finding::new(path, line, rule::WALLS, what.to_owned()));
        }
    }
    findings
}

/// Every member whose lints are not the workspace's; nothing where there is no such table.
fn lints(tree: &Tree) -> Option<Vec<Finding>> {
    let parsed = |path: &str| toml::from_str::<toml::Table>(tree.get(path)?).ok();
    let workspace = parsed("Cargo.toml")?.remove("workspace")?;
    let mut findings = Vec::new();
    let mut lints = workspace.get("lints")?.clone();
    let forbidden = lints.get_mut("rust")?.as_table_mut()?.remove("unsafe_code");
    if forbidden.is_none_or(|level| level.as_str() != Some("forbid")) {
        let what = "write `unsafe_code = \"forbid\"` into [workspace.lints.rust]";
        findings.push(Finding::new("Cargo.toml", 1, rule::WALLS, what.to_owned()));
    }
    let inherited = toml::Table::from_iter([("workspace".to_owned(), true.into())]).into();
    for member in workspace.get("members")?.as_array()?.iter().filter_map(toml::Value::as_str) {
        let path = format!("{member}/Cargo.toml");
        let has_unsafe = WITH_UNSAFE.contains(&member);
        let (wanted, is_written) = if has_unsafe {
            (&lints, "[workspace.lints] without `unsafe_code`")
        } else {
            (&inherited, "`workspace = true`")
        };
        if parsed(&path).is_none_or(|manifest| manifest.get("lints") != Some(wanted)) {
            let what = format!("other lints than the workspace's: write {is_written} into [lints]");
            findings.push(Finding::new(&path, 1, rule::WALLS, what));
        }
    }
    Some(findings)
}
