//! `budget`: a measurement of the pinned work, or exit code 2.

use crate::support::{fixtures_folder, mind, temp_folder};
use std::path::Path;

fn copy_fixtures(target: &Path, names: &[&str]) {
    for name in names {
        std::fs::copy(fixtures_folder().join(name), target.join(name)).expect("a copy");
    }
}

#[test]
fn the_history_fixture_is_within_budget_and_the_report_is_complete() {
    let measured = mind(Path::new(env!("CARGO_MANIFEST_DIR")), &["budget", "--json"]).json();
    assert_eq!(measured["schema"], 1);
    assert_eq!(measured["fixture"], "history");
    assert_eq!((&measured["edges"], &measured["commits"]), (&17_345.into(), &12_469.into()));
    assert_eq!(measured["cap_bytes"], 256 << 20);
    assert_eq!(measured["within_budget"], true);
    assert_eq!(measured["fixture_sha256"].as_str().map(str::len), Some(64));
    let peak = measured["peak_bytes"].as_u64().expect("a number");
    let least = 17_345 * 8 + 12_469 * 20;
    assert!((least..64 << 20).contains(&peak), "{peak} bytes cannot be the truth");
}

#[test]
fn people_read_peak_cap_share_and_hash() {
    let folder = fixtures_folder();
    let report = mind(&folder, &["budget", "--fixture", "small"]).ok();
    for word in ["heap peak", "256.0 MiB", " % used", "50 edges", "SHA-256 ", "within budget"] {
        assert!(report.contains(word), "{word}: {report}");
    }
}

#[test]
fn a_fixture_with_another_hash_is_named_with_both_and_exits_2() {
    let folder = temp_folder();
    copy_fixtures(folder.path(), &["fixtures.toml", "small.tar"]);
    let archive = folder.path().join("small.tar");
    let mut bytes = std::fs::read(&archive).expect("readable");
    bytes[9_000] ^= 1;
    std::fs::write(&archive, bytes).expect("writable");
    let args = ["budget", "--fixture", "small", "--fixtures-dir", "."];
    let error = mind(folder.path(), &args).error(2);
    let list = std::fs::read_to_string(folder.path().join("fixtures.toml")).expect("readable");
    let expected = list.split("file = \"small.tar\"\nsha256 = \"").nth(1).expect("listed");
    assert!(error.contains("small.tar") && error.contains(&expected[..64]), "{error}");
    assert!(error.contains("hint: "), "{error}");
}

#[test]
fn a_list_that_expects_something_else_exits_2() {
    let folder = temp_folder();
    copy_fixtures(folder.path(), &["fixtures.toml", "small.tar"]);
    let list = folder.path().join("fixtures.toml");
    let text = std::fs::read_to_string(&list).expect("readable");
    std::fs::write(&list, text.replace("edges = 50\n", "edges = 51\n")).expect("writable");
    let args = ["budget", "--fixture", "small", "--fixtures-dir", "."];
    let error = mind(folder.path(), &args).error(2);
    assert!(error.contains("gave edges 50, the list says 51"), "{error}");
}

#[test]
fn what_cannot_be_told_exits_2() {
    let error = mind(&fixtures_folder(), &["budget", "--fixture", "nope"]).error(2);
    assert!(error.contains("no fixture is called `nope`"), "{error}");
    assert!(error.contains("hint: there are history, medium, small"), "{error}");
    let empty = temp_folder();
    let error = mind(empty.path(), &["budget", "--fixtures-dir", "."]).error(2);
    assert!(error.contains("fixtures.toml"), "{error}");
}
