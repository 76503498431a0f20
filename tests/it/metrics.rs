//! What commands report of themselves: every metric, failures at a cap, the mode of a rebuild.

use gitmind::telemetry::Metric;
use gitmind_test_support::{TempRepository, message, mind_with};
use std::path::Path;

/// The metrics file of a run that ends with `code`: the samples by family and labels.
fn metrics(directory: &Path, args: &[&str], variables: &[(&str, &str)], code: i32) -> String {
    let file = directory.join("gitmind.prom");
    let to_file = ("GITMIND_METRICS_FILE", file.to_str().expect("UTF-8"));
    let ran = mind_with(directory, args, &[&[to_file], variables].concat());
    assert_eq!(ran.code, code, "{args:?}: {ran:?}");
    std::fs::read_to_string(&file).expect("it was written")
}

/// The value of the sample of `family`, which must have these labels.
fn sample(text: &str, family: &str, labels: &[&str]) -> u64 {
    let has_all = |line: &&str| labels.iter().all(|label| line.contains(label));
    let mut lines = text.lines().filter(|line| line.starts_with(&format!("{family}{{")));
    let line = lines.find(has_all).unwrap_or_else(|| panic!("{family} {labels:?}: {text}"));
    line.rsplit_once(' ').and_then(|(_, value)| value.parse().ok()).expect("a number")
}

/// An edge between two objects that need not be there.
fn line() -> String {
    let [source, target] = ["1", "2"].map(|digit| digit.repeat(40));
    format!(r#"{{"source_oid": "{source}", "target_oid": "{target}"}}"#)
}

#[test]
fn every_metric_is_recorded_by_some_command() {
    let repository = TempRepository::fixture("small");
    std::fs::write(repository.path().join("edges"), line()).expect("writable");
    let id = "1".repeat(40);
    let commands: [&[&str]; 5] = [
        &["import", "edges"],
        &["merge", "feature/x"],
        &["cache-rebuild"],
        &["list"],
        &["query", "--from", &id],
    ];
    let texts = commands.map(|args| metrics(repository.path(), args, &[], 0));
    for metric in Metric::ALL {
        let header = format!("# TYPE {} ", metric.family());
        let count = texts.iter().filter(|text| text.contains(&header)).count();
        assert!(count > 0, "no command records {}", metric.name());
    }
}

#[test]
fn a_rebuild_reports_its_mode_and_the_edges_that_it_indexed() {
    let repository = TempRepository::fixture("small");
    std::fs::write(repository.path().join("edges"), line()).expect("writable");
    let family = "gitmind_cache_edges_processed_total";
    let level = [("GITMIND_LOG_LEVEL", "INFO")];
    let rebuild = |mode: &str, edges: u64, args: &[&str]| {
        let args = [&["cache-rebuild"], args].concat();
        let text = metrics(repository.path(), &args, &[], 0);
        assert_eq!(sample(&text, family, &[&format!("mode=\"{mode}\"")]), edges);
        let other = text.lines().find(|line| line.contains("mode=") && !line.contains(mode));
        assert_eq!(other, None, "every sample has the mode");
    };
    rebuild("full", 50, &[]);
    rebuild("current", 0, &[]);
    mind_with(repository.path(), &["import", "edges"], &[]).ok();
    rebuild("incremental", 1, &[]);
    rebuild("full", 51, &["--force"]);
    mind_with(repository.path(), &["import", "edges"], &[]).ok();
    let events = mind_with(repository.path(), &["cache-rebuild"], &level).stderr;
    let of_line = |line: &str| {
        let (_, mode) = line.split_once("mode=").expect("an event has a mode");
        mode.split(' ').next().expect("a value").to_owned()
    };
    let modes: Vec<_> = events.lines().map(of_line).collect();
    assert_eq!(modes, ["auto", "incremental"], "{events}");
}

#[test]
fn a_failed_strict_rebuild_writes_the_diagnostics_of_a_tolerant_one() {
    let repository = TempRepository::empty();
    let root = repository.commit(&[], &message(&[(1, 2)]));
    let tip = repository.commit(&[&root], b"plain text");
    repository.git(&["update-ref", "refs/gitmind/edges/main", &tip]);
    let diagnostics = |args: &[&str]| {
        let ran = mind_with(repository.path(), args, &[("GITMIND_DEBUG_EVENTS", "yes")]);
        let lines = ran.stderr.lines().filter(|line| line.contains("journal_message_invalid"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let strict = diagnostics(&["cache-rebuild", "--strict"]);
    assert!(strict.len() == 1 && strict[0].contains(&tip), "{strict:?}");
    assert_eq!(strict, diagnostics(&["cache-rebuild"]));
}

#[test]
fn failures_at_the_cap_are_counted_once_and_a_spill_absorbs_them() {
    // The first byte of an id is its shard.
    let id = |number: u32| format!("{:02x}{number:038x}", number % 256);
    let lines = (1..3000).map(|number| {
        let (source, target) = (id(number), id(number + 1));
        format!("{{\"source_oid\": \"{source}\", \"target_oid\": \"{target}\"}}\n")
    });
    let lines: String = lines.collect();
    for trace in ["on", "off"] {
        let repository = TempRepository::fixture("small");
        std::fs::write(repository.path().join("edges"), &lines).expect("writable");
        repository.mind(&["cache-rebuild"]).ok();
        repository.mind(&["import", "edges"]).ok();
        let caps = ["HINT", "CAP"].map(|name| format!("GM_ARENA_{name}_CACHE_REBUILD"));
        let variables = [(&*caps[0], "4KiB"), (&*caps[1], "64KiB"), ("GM_ALLOC_TRACE", trace)];
        for (args, code, expected) in [
            (&["cache-rebuild", "--force", "--no-spill"][..], 1, (1, 0)),
            // The incremental rebuild fails at the cap, the full one that follows spills.
            (&["cache-rebuild"], 0, (0, 1)),
            (&["cache-rebuild", "--force"], 0, (0, 1)),
        ] {
            let text = metrics(repository.path(), args, &variables, code);
            let of = |family| sample(&text, family, &["alloc_op=\"cache.rebuild\""]);
            let found = (of("gitmind_alloc_failures_total"), of("gitmind_arena_spills_total"));
            assert_eq!(found, expected, "{args:?}: {text}");
        }
    }
}
