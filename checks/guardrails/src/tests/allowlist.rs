//! Exceptions: what they cover, that their counts are exact, that they only shrink.

use crate::exceptions::Exceptions;
use crate::finding::{Finding, Kind, rule};
use crate::lower::lower;

const LIST: &str = r#"
[[allow]]
rule = "allocation"
path = "src/cli/"
reason = "prints what was done"
[[allow]]
rule = "allocation"
path = "crates/memory/src/slab/"
only = "written"
reason = "has a push of its own"
[legacy.7.allocation]
"src/git/a.rs" = { written = 2, resolved = 3 }
[legacy.8.ownership]
"src/cache/a.rs" = { written = 1 }
"#;

fn list(text: &str) -> Exceptions {
    Exceptions::parse(text).expect("a valid list")
}

fn findings(path: &str, rule: &'static str, count: usize) -> Vec<Finding> {
    (1..=count).map(|line| Finding::new(path, line, rule, "`x`: do y".to_owned())).collect()
}

/// What remains of so many findings in a file that has exceptions, the others being as listed.
fn remaining(path: &str, rule: &'static str, count: usize, kind: Kind) -> Vec<String> {
    let is_it = |other: &str| other == path;
    let left = list(LIST).apply(findings(path, rule, count), kind, &is_it);
    left.iter().map(ToString::to_string).collect()
}

#[test]
fn an_allowed_folder_is_allowed_the_rule_it_names_and_no_other() {
    assert_eq!(remaining("src/cli/a.rs", rule::ALLOCATION, 9, Kind::Written), [""; 0]);
    assert_eq!(remaining("src/cli/a.rs", rule::RAW, 1, Kind::Written).len(), 1);
    assert_eq!(remaining("src/client.rs", rule::ALLOCATION, 1, Kind::Written).len(), 1);
}

#[test]
fn an_exception_for_one_finder_leaves_the_other() {
    let path = "crates/memory/src/slab/a.rs";
    assert_eq!(remaining(path, rule::ALLOCATION, 2, Kind::Written), [""; 0]);
    assert_eq!(remaining(path, rule::ALLOCATION, 2, Kind::Resolved).len(), 2);
}

#[test]
fn a_new_violation_in_a_listed_file_shows_all_that_are_there() {
    let path = "src/git/a.rs";
    assert_eq!(remaining(path, rule::ALLOCATION, 2, Kind::Written), [""; 0]);
    assert_eq!(remaining(path, rule::ALLOCATION, 3, Kind::Resolved), [""; 0]);
    let more = remaining(path, rule::ALLOCATION, 3, Kind::Written);
    assert_eq!(more.len(), 3, "{more:#?}");
    let expected = "src/git/a.rs:1: allocation: `x`: do y (the file has 3, issue 7 knows 2)";
    assert_eq!(more[0], expected);
}

#[test]
fn a_count_that_fell_must_be_written_down() {
    let fewer = remaining("src/git/a.rs", rule::ALLOCATION, 1, Kind::Resolved);
    let [one] = &fewer[..] else { panic!("{fewer:#?}") };
    assert!(one.contains("has only 1 of the 3 `resolved` findings"), "{one}");
    assert!(one.contains("write resolved = 1"), "{one}");
}

#[test]
fn lowering_writes_what_is_found_and_raises_nothing() {
    let one = findings("src/git/a.rs", rule::ALLOCATION, 1);
    let lowered = lower(LIST, &one, Kind::Resolved);
    assert_eq!(lowered, LIST.replace("resolved = 3", "resolved = 1"));
    let many = findings("src/git/a.rs", rule::ALLOCATION, 9);
    assert_eq!(lower(LIST, &many, Kind::Resolved), LIST);
    // Of another rule; and what has no count left is gone.
    let other = findings("src/git/a.rs", rule::RAW, 9);
    let lowered = lower(&lower(LIST, &other, Kind::Resolved), &other, Kind::Written);
    assert!(!lowered.contains("src/git/a.rs") && !lowered.contains("src/cache/a.rs"), "{lowered}");
}

#[test]
fn the_legacy_counts_only_shrink() {
    let before = list(LIST);
    assert_eq!(list(LIST).growth_since(&before), None);
    assert_eq!(list(&LIST.replace("resolved = 3", "resolved = 1")).growth_since(&before), None);
    let grown = list(&LIST.replace("resolved = 3", "resolved = 4")).growth_since(&before);
    assert!(grown.expect("it grew").what.contains("count 7, and 6 before: they only shrink"));
}

#[test]
fn an_allowance_that_nothing_needs_is_found() {
    let (cli, slab) = ("src/cli/a.rs", "crates/memory/src/slab/a.rs");
    let list = list(LIST);
    let used = |written: &str, resolved: &str| {
        let [written, resolved] =
            [written, resolved].map(|path| findings(path, rule::ALLOCATION, 1));
        list.unused(&written, &resolved).iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(used(slab, cli), [""; 0]);
    // It is there for what is written alone.
    let why = "nothing in crates/memory/src/slab/ breaks `allocation`: drop its entry";
    let expected = format!("checks/guardrails/allowed.toml:8: allowlist: {why}");
    assert_eq!(used(cli, slab), [expected]);
}

#[test]
fn an_entry_of_a_file_that_is_gone_is_found() {
    let gone = list(LIST).stale(&|path| path != "src/git/a.rs");
    let [one] = &gone[..] else { panic!("{gone:#?}") };
    assert!(one.what.contains("src/git/a.rs is not there: drop its entry"), "{one}");
}

#[test]
fn an_entry_without_a_reason_an_issue_or_a_known_rule_is_refused() {
    let refused = |from: &str, to: &str, because: &str| {
        let error = Exceptions::parse(&LIST.replace(from, to)).expect_err("it is refused");
        assert!(error.contains(because), "{error}");
    };
    refused("prints what was done", "", "say why");
    refused("legacy.7", "legacy.later", "name the issue by its number");
    refused("\"allocation\"", "\"layers\"", "no exception to `layers`");
    refused("reason = \"prints what was done\"", "", "missing field `reason`");
}
